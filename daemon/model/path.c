#include "model/path.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

#include "model/limits.h"
#include "model/text.h"

int path_check_local_name(const char *s, const char **ret_reason)
{
        size_t units;

        if (s[0] != '/') {
                *ret_reason = "must be an absolute path";
                return -EINVAL;
        }
        if (strlen(s) > LIMIT_LOCAL_NAME) {
                *ret_reason = "is longer than 4095 bytes";
                return -EINVAL;
        }
        if (str_has_control(s, strlen(s)) || text_utf16_length(s, strlen(s), &units) < 0) {
                *ret_reason = "must be UTF-8 text without control characters";
                return -EINVAL;
        }
        while (*s) {
                size_t part = strcspn(++s, "/");

                if (part == 0) {
                        *ret_reason = s[0] == '\0' ? "must name a file, not a directory"
                                                   : "must not hold empty parts";
                        return -EINVAL;
                }
                if (part > LIMIT_FILE_NAME) {
                        *ret_reason = "has a part longer than 255 bytes";
                        return -EINVAL;
                }
                if ((part == 1 && s[0] == '.') || (part == 2 && s[0] == '.' && s[1] == '.')) {
                        *ret_reason = "must not hold . or .. parts";
                        return -EINVAL;
                }
                s += part;
        }
        return 0;
}
