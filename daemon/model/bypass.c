#include "model/bypass.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

#define LOCAL "<local>"

typedef struct Address {
        int family;
        unsigned n_bits; /* that count */
        unsigned char bytes[16];
} Address;

/* The address in s[0..length), with or without brackets. */
static bool parse_plain(const char *s, size_t length, Address *ret)
{
        char text[INET6_ADDRSTRLEN];
        Address address = { .family = AF_INET };

        if (length >= 2 && s[0] == '[' && s[length - 1] == ']') {
                address.family = AF_INET6;
                s++;
                length -= 2;
        }
        if (length >= sizeof(text))
                return false;
        memcpy(text, s, length);
        text[length] = '\0';
        if (strchr(text, ':'))
                address.family = AF_INET6;
        if (inet_pton(address.family, text, address.bytes) != 1)
                return false;
        address.n_bits = address.family == AF_INET ? 32 : 128;
        *ret = address;
        return true;
}

/* An address, or address/bits. */
static bool parse_address(const char *s, Address *ret)
{
        const char *slash = strchr(s, '/');
        Address address;
        uint64_t n_bits;

        if (!parse_plain(s, slash ? (size_t) (slash - s) : strlen(s), &address))
                return false;
        if (slash) {
                if (str_parse_u64(slash + 1, address.n_bits, &n_bits) < 0)
                        return false;
                address.n_bits = (unsigned) n_bits;
        }
        *ret = address;
        return true;
}

static bool begins_with(const Address *address, const Address *network)
{
        size_t n_bytes = network->n_bits / 8;
        unsigned rest = network->n_bits % 8;
        unsigned mask = rest ? 0xffU << (8 - rest) & 0xffU : 0;

        if (address->family != network->family ||
            memcmp(address->bytes, network->bytes, n_bytes) != 0)
                return false;
        return rest == 0 || ((address->bytes[n_bytes] ^ network->bytes[n_bytes]) & mask) == 0;
}

static bool is_name(const char *s)
{
        if (s[strspn(s, ".")] == '\0')
                return false;
        for (; *s; s++)
                if (!isalnum((unsigned char) *s) && !strchr("-_.", *s) && (unsigned char) *s < 0x80)
                        return false;
        return true;
}

int bypass_check(const char *rule, const char **ret_reason)
{
        Address address;

        if (str_equal(rule, LOCAL) || str_equal(rule, "*") || parse_address(rule, &address) ||
            is_name(rule[0] == '*' ? rule + 1 : rule))
                return 0;
        if (rule[0] != '\0' && strchr(rule + 1, '*'))
                *ret_reason = "may have a * only at its beginning";
        else if (strchr(rule, '/'))
                *ret_reason = "must have an address before its / and a number of bits after it";
        else if (strchr(rule, ':'))
                *ret_reason = "must have no port";
        else
                *ret_reason = "must be a host name, *.domain, an address or <local>";
        return -EINVAL;
}

/* Without the dot that says that a name is complete. */
static size_t name_length(const char *name)
{
        size_t length = strlen(name);

        return length > 1 && name[length - 1] == '.' ? length - 1 : length;
}

static bool names_equal(const char *a, size_t a_length, const char *b, size_t b_length)
{
        return a_length == b_length && strncasecmp(a, b, a_length) == 0;
}

static bool name_matches(const char *rule, const char *host)
{
        size_t rule_length = name_length(rule), host_length = name_length(host);
        bool wild = rule[0] == '*', domain = rule[0] == '.';

        if (wild) {
                rule++;
                rule_length--;
        }
        if ((wild || domain) && host_length > rule_length &&
            strncasecmp(host + host_length - rule_length, rule, rule_length) == 0)
                return true;
        if (domain)
                return names_equal(rule + 1, rule_length - 1, host, host_length);
        return !wild && names_equal(rule, rule_length, host, host_length);
}

bool bypass_matches(const char *rule, const char *host)
{
        Address address, network;
        const char *ignored;

        if (bypass_check(rule, &ignored) < 0)
                return false;
        if (str_equal(rule, "*"))
                return true;
        if (parse_plain(host, strlen(host), &address))
                return parse_address(rule, &network) && begins_with(&address, &network);
        if (str_equal(rule, LOCAL))
                return !memchr(host, '.', name_length(host));
        return name_matches(rule, host);
}
