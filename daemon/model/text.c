#include "model/text.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

/* Decodes one character of UTF-8 (RFC 3629); returns its length in bytes or -EILSEQ. */
static int utf8_decode(const unsigned char *s, size_t size_bytes, uint32_t *ret)
{
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
        uint32_t c;

        if (length == 0 || length > size_bytes || s[0] > 0xf4)
                return -EILSEQ;
        c = length == 1 ? s[0] : s[0] & (0xffu >> (length + 1));
        for (size_t i = 1; i < length; i++) {
                if ((s[i] & 0xc0) != 0x80)
                        return -EILSEQ;
                c = c << 6 | (s[i] & 0x3fu);
        }
        if (c < smallest[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return -EILSEQ;
        *ret = c;
        return (int) length;
}

int text_utf16_length(const char *s, size_t size_bytes, size_t *ret_units)
{
        size_t units = 0, at = 0;

        while (at < size_bytes) {
                uint32_t c;
                int length = utf8_decode((const unsigned char *) s + at, size_bytes - at, &c);

                if (length < 0)
                        return length;
                units += c > 0xffff ? 2 : 1;
                at += (size_t) length;
        }
        *ret_units = units;
        return 0;
}

int text_to_latin1(const char *s, size_t size_bytes, char *ret, size_t *ret_size)
{
        size_t size = 0, at = 0;

        while (at < size_bytes) {
                uint32_t c;
                int length = utf8_decode((const unsigned char *) s + at, size_bytes - at, &c);

                if (length < 0 || c > 0xff)
                        return -EILSEQ;
                if (ret)
                        ret[size] = (char) c;
                size++;
                at += (size_t) length;
        }
        *ret_size = size;
        return 0;
}

int text_check_label(const char *s, size_t limit_units, const char **ret_reason)
{
        size_t units;

        if (text_utf16_length(s, strlen(s), &units) < 0 || str_has_control(s, strlen(s))) {
                *ret_reason = "must be UTF-8 text without control characters";
                return -EINVAL;
        }
        if (units > limit_units) {
                *ret_reason = "is too long";
                return -E2BIG;
        }
        return 0;
}
