#include "model/error-code.h"

#include <stdio.h>

#include "base/macro.h"

static const struct {
        uint32_t code;
        const char *name;
} error_codes[] = {
#define ERROR_CODE_ENTRY(name, number, text, class) { (number), (text) },
        DOSVC_JOB_ERRORS(ERROR_CODE_ENTRY)
};

const char *error_code_name(uint32_t code, char buffer[static ERROR_CODE_NAME_MAX])
{
        for (size_t i = 0; i < ARRAY_SIZE(error_codes); i++)
                if (error_codes[i].code == code) {
                        (void) snprintf(buffer, ERROR_CODE_NAME_MAX, "%s", error_codes[i].name);
                        return buffer;
                }

        if ((code & 0xFFFF0000u) == ERROR_CODE_HTTP(0))
                (void) snprintf(buffer, ERROR_CODE_NAME_MAX, "http-%u", code & 0xFFFFu);
        else
                (void) snprintf(buffer, ERROR_CODE_NAME_MAX, "0x%08x", code);
        return buffer;
}
