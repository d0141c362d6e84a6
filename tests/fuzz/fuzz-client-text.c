/*
 * Text that clients choose: URLs, paths, proxies, names, passwords. Whatever is accepted keeps
 * the promises of the headers in model/.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#include "model/bypass.h"
#include "model/enums.h"
#include "model/limits.h"
#include "model/path.h"
#include "model/secret-rules.h"
#include "model/text.h"
#include "model/url.h"

static void check_remote_name(const char *s)
{
        char *url = NULL, *user = NULL, *password = NULL;
        const char *reason = NULL;

        if (url_parse_remote_name(s, &url, &user, &password, &reason) < 0) {
                assert(reason);
                return;
        }
        assert(strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0);
        assert(strlen(url) <= LIMIT_REMOTE_NAME);
        assert(!strpbrk(url, " \r\n\t#"));
        assert(url_same_origin(url, url));
        free(url);
        free(user);
        free(password);
}

static void check_names(const char *s)
{
        const char *reason = NULL;
        size_t units;

        if (path_check_local_name(s, &reason) == 0) {
                assert(s[0] == '/' && s[strlen(s) - 1] != '/');
                assert(!strstr(s, "/../") && strlen(s) <= LIMIT_LOCAL_NAME);
        } else
                assert(reason);
        for (AuthScheme scheme = 0; scheme < AUTH_SCHEMES_MAX; scheme++)
                if (secret_rules_check_user_name(scheme, s, &reason) == 0) {
                        assert(text_utf16_length(s, strlen(s), &units) == 0);
                        assert(units <= LIMIT_USER_NAME);
                        assert(scheme != AUTH_SCHEME_BASIC || !strchr(s, ':'));
                }
        (void) text_check_label(s, LIMIT_DISPLAY_NAME, &reason);
}

static void check_proxy(const char *s)
{
        const char *reason = NULL;
        char *url = NULL, *again = NULL;

        if (url_parse_proxy(s, &url, &reason) < 0)
                return;
        assert(!strchr(url, '@'));
        assert(url_parse_proxy(url, &again, &reason) == 0 && strcmp(url, again) == 0);
        free(url);
        free(again);
}

static void check_rule(const char *rule, const char *host)
{
        const char *reason = NULL;

        if (bypass_check(rule, &reason) < 0) {
                assert(reason);
                assert(!bypass_matches(rule, host));
        } else
                (void) bypass_matches(rule, host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *reason = NULL;
        char *text = strndup((const char *) data, size), *second;

        if (!text)
                return 0;
        for (AuthScheme scheme = 0; scheme < AUTH_SCHEMES_MAX; scheme++)
                (void) secret_rules_check_password(scheme, (const char *) data, size, &reason);
        check_remote_name(text);
        check_names(text);
        check_proxy(text);
        second = strchr(text, '\n');
        if (second) {
                *second++ = 0;
                check_rule(text, second);
                assert(url_same_origin(text, second) == url_same_origin(second, text));
        }
        free(text);
        return 0;
}
