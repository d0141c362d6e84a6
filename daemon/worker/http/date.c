#include "worker/http/date.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

#include "base/macro.h"

int date_parse(const char *s, int64_t *ret_sec)
{
        static const char *const forms[] = {
                "%a, %d %b %Y %H:%M:%S GMT",
                "%A, %d-%b-%y %H:%M:%S GMT",
                "%a %b %e %H:%M:%S %Y",
        };

        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
                struct tm tm = { 0 };
                const char *end = strptime(s, forms[i], &tm);
                time_t t;

                if (!end || *end)
                        continue;
                t = timegm(&tm);
                if (t < 0)
                        return -EINVAL;
                *ret_sec = t;
                return 0;
        }
        return -EINVAL;
}
