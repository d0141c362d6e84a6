#include "ctl/proxy-environment.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *environment_get(const char *name, const char *other, const char *last)
{
        const char *const names[] = { name, other, last };

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                const char *value = names[i] ? getenv(names[i]) : NULL;

                if (value && *value)
                        return value;
        }
        return NULL;
}

static int hex_digit(char c)
{
        if (isdigit((unsigned char) c))
                return c - '0';
        return isxdigit((unsigned char) c) ? tolower((unsigned char) c) - 'a' + 10 : -1;
}

/* A copy of size bytes of text with %XX decoded; NULL without memory. */
static char *decode(const char *text, size_t size)
{
        char *copy = strndup(text, size), *to = copy;

        if (!copy)
                return NULL;
        for (const char *from = copy; *from; from++) {
                int high = *from == '%' ? hex_digit(from[1]) : -1;
                int low = high >= 0 ? hex_digit(from[2]) : -1;

                if (low >= 0) {
                        *to++ = (char) (high * 16 + low);
                        from += 2;
                } else {
                        *to++ = *from;
                }
        }
        *to = '\0';
        return copy;
}

static int take_login(ProxyEnvironment *environment, const char *info, size_t size)
{
        const char *colon = memchr(info, ':', size);
        size_t name_size = colon ? (size_t) (colon - info) : size;

        if (environment->user_name)
                return 0;
        environment->user_name = decode(info, name_size);
        environment->password = colon ? decode(colon + 1, size - name_size - 1) : strdup("");
        return environment->user_name && environment->password ? 0 : -ENOMEM;
}

/* "SCHEME=URL" without user info and path, which goes to *ret. */
static int
make_proxy(ProxyEnvironment *environment, const char *for_scheme, const char *url, char **ret)
{
        const char *separator = strstr(url, "://");
        const char *authority = separator ? separator + 3 : url, *at;
        size_t size = strcspn(authority, "/?#");

        at = memrchr(authority, '@', size);
        if (at) {
                int r = take_login(environment, authority, (size_t) (at - authority));

                if (r < 0)
                        return r;
                size -= (size_t) (at + 1 - authority);
        }
        if (asprintf(ret,
                     "%s=%.*s%.*s",
                     for_scheme,
                     separator ? (int) (authority - url) : 0,
                     url,
                     (int) size,
                     at ? at + 1 : authority) < 0)
                return -ENOMEM;
        return 0;
}

static int add_host(ProxyEnvironment *environment, size_t *n, const char *prefix, const char *host)
{
        if (*n == PROXY_ENVIRONMENT_MAX)
                return -EINVAL;
        if (asprintf(&environment->bypass[*n], "%s%s", prefix, host) < 0) {
                environment->bypass[*n] = NULL;
                return -ENOMEM;
        }
        (*n)++;
        return 0;
}

/* A name stands for its subdomains too, as with curl; *ret_all: no host is reached by a proxy. */
static int read_no_proxy(ProxyEnvironment *environment, const char *value, bool *ret_all)
{
        char *copy = strdup(value), *rest = NULL;
        size_t n = 0;
        int r = copy ? 0 : -ENOMEM;

        for (char *host = copy ? strtok_r(copy, ", \t", &rest) : NULL; host && r >= 0;
             host = strtok_r(NULL, ", \t", &rest)) {
                bool is_name = strspn(host, "0123456789.:/[]") != strlen(host);

                if (strcmp(host, "*") == 0) {
                        *ret_all = true;
                        break;
                }
                host += strspn(host, ".");
                r = add_host(environment, &n, "", host);
                if (r >= 0 && is_name && !strchr(host, ':') && !strchr(host, '*'))
                        r = add_host(environment, &n, "*.", host);
        }
        free(copy);
        return r;
}

int proxy_environment_read(ProxyEnvironment *ret)
{
        const char *const urls[] = {
                environment_get("http_proxy", "all_proxy", "ALL_PROXY"),
                environment_get("https_proxy", "HTTPS_PROXY", NULL),
        };
        const char *const schemes[] = { "http", "https" };
        const char *all = environment_get("all_proxy", "ALL_PROXY", NULL);
        const char *no_proxy = environment_get("no_proxy", "NO_PROXY", NULL);
        bool none = false;
        size_t n = 0;
        int r = 0;

        *ret = (ProxyEnvironment){ 0 };
        if (no_proxy && (urls[0] || urls[1] || all))
                r = read_no_proxy(ret, no_proxy, &none);
        for (size_t i = 0; r >= 0 && !none && i < 2; i++) {
                const char *url = urls[i] ? urls[i] : all;

                if (url)
                        r = make_proxy(ret, schemes[i], url, &ret->proxies[n++]);
        }
        if (r < 0)
                proxy_environment_done(ret);
        return r;
}

void proxy_environment_done(ProxyEnvironment *environment)
{
        for (char **proxy = environment->proxies; *proxy; proxy++)
                free(*proxy);
        for (char **host = environment->bypass; *host; host++)
                free(*host);
        free(environment->user_name);
        if (environment->password)
                explicit_bzero(environment->password, strlen(environment->password));
        free(environment->password);
        *environment = (ProxyEnvironment){ 0 };
}
