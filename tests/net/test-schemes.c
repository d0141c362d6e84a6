/*
 * The matrix of spec section 1: each scheme at a server and at a proxy, over http, https and
 * CONNECT, with right, wrong, no and replaced credentials. What was sent, and as whom, is read
 * in the servers' own logs. Basic and Digest have test-auth and test-proxy for more.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/domain.h"
#include "tests/lib/file-hash.h"
#include "tests/lib/realm.h"
#include "tests/lib/servers.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/users.h"

#define WAIT_MSEC 30000

#define CODE_401 0x80190191U
#define CODE_407 0x80190197U

static char *job, *local;

static void start(void)
{
        fixture_start();
        servers_forget_requests();
        job = client_create(fixture.alice, "schemes");
        local = fixture_alice_file("file");
        (void) unlink(local);
}

/* One way to get at a file through one login. */
typedef struct Way {
        unsigned needs;
        Site site;
        int proxy; /* ServersProxy, -1: the login is the server's */
        const char *scheme, *user;
        const char *password; /* NULL: SERVERS_PASSWORD */
        const char *word;     /* in the log */
        const char *logged;   /* the user there */
} Way;

#define READER SERVERS_USER
#define TICKET SERVERS_USER "@" REALM_NAME
#define DOMAIN DOMAIN_NAME "\\" SERVERS_USER
#define ACCENT DOMAIN_NAME "\\" DOMAIN_ACCENT_USER

/* clang-format off */
static const Way ways[] = {
        { 0, SITE_BASIC, -1, "basic", READER, NULL, "Basic", READER },
        { 0, SITE_TLS_BASIC, -1, "basic", READER, NULL, "Basic", READER },
        { SERVERS_APACHE, SITE_DIGEST_MD5, -1, "digest", READER, NULL, "Digest", READER },
        { SERVERS_LIGHTTPD, SITE_DIGEST_SHA256, -1, "digest", READER, NULL, "Digest", READER },
        { 0, SITE_BEARER, -1, "bearer", NULL, SERVERS_TOKEN, "Bearer", "" },
        { 0, SITE_TLS_BEARER, -1, "bearer", NULL, SERVERS_TOKEN, "Bearer", "" },
        { SERVERS_REALM, SITE_NEGOTIATE, -1, "negotiate", READER, NULL, "Negotiate", TICKET },
        { SERVERS_REALM, SITE_NEGOTIATE_BOUND, -1, "negotiate", READER, NULL, "Negotiate", TICKET },
        { SERVERS_REALM, SITE_TLS_NEGOTIATE, -1, "negotiate", READER, NULL, "Negotiate", TICKET },
        { SERVERS_REALM, SITE_TLS_NEGOTIATE_BOUND, -1, "negotiate", READER, NULL, "Negotiate", TICKET },
        { SERVERS_DOMAIN, SITE_NTLM, -1, "ntlm", DOMAIN, NULL, "NTLM", READER },
        { SERVERS_DOMAIN, SITE_TLS_NTLM, -1, "ntlm", DOMAIN, NULL, "NTLM", READER },
        { SERVERS_DOMAIN, SITE_NTLM, -1, "ntlm", ACCENT, DOMAIN_ACCENT_PASSWORD, "NTLM", DOMAIN_ACCENT_USER },

        { SERVERS_SQUID, SITE_OPEN, SERVERS_PROXY_BASIC, "basic", READER, NULL, "Basic", READER },
        { SERVERS_SQUID, SITE_TLS_OPEN, SERVERS_PROXY_BASIC, "basic", READER, NULL, "Basic", READER },
        { SERVERS_SQUID, SITE_OPEN, SERVERS_PROXY_DIGEST, "digest", READER, NULL, "Digest", READER },
        { SERVERS_SQUID, SITE_TLS_OPEN, SERVERS_PROXY_DIGEST, "digest", READER, NULL, "Digest", READER },
        { SERVERS_SQUID, SITE_OPEN, SERVERS_PROXY_TLS_BASIC, "basic", READER, NULL, "Basic", READER },
        { SERVERS_SQUID, SITE_TLS_OPEN, SERVERS_PROXY_TLS_DIGEST, "digest", READER, NULL, "Digest", READER },
        { SERVERS_REALM, SITE_OPEN, SERVERS_PROXY_NEGOTIATE, "negotiate", READER, NULL, "Negotiate", TICKET },
        { SERVERS_REALM, SITE_TLS_OPEN, SERVERS_PROXY_NEGOTIATE, "negotiate", READER, NULL, "Negotiate", TICKET },
        { SERVERS_DOMAIN, SITE_OPEN, SERVERS_PROXY_NTLM, "ntlm", DOMAIN, NULL, "NTLM", READER },
        { SERVERS_DOMAIN, SITE_TLS_OPEN, SERVERS_PROXY_NTLM, "ntlm", DOMAIN, NULL, "NTLM", READER },
};
/* clang-format on */

static void prepare(const Way *way)
{
        _cleanup_free_ char *url = servers_url(way->site, "small"), *proxy = NULL;

        client_add_file(fixture.alice, job, url, local);
        if (way->proxy < 0)
                return;
        proxy = servers_proxy((ServersProxy) way->proxy);
        client_set_proxy(fixture.alice, job, proxy);
}

static void set_with(const Way *way, const char *password)
{
        const char *target = way->proxy < 0 ? "server" : "proxy";
        ClientCredential credential = { .user_name = way->user };

        if (way->user)
                credential.password = password;
        else
                credential.token = password;
        ck_assert_pstr_eq(
                client_try_credential(fixture.alice, job, target, way->scheme, &credential),
                NULL);
}

static const char *right(const Way *way)
{
        return way->password ? way->password : SERVERS_PASSWORD;
}

static void fetch(void)
{
        _cleanup_free_ char *expected = servers_file("small");

        client_fetch(fixture.alice, job, WAIT_MSEC);
        file_hash_assert_same(local, expected);
}

static void expect_refusal(const Way *way)
{
        ClientError error;

        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "error", WAIT_MSEC);
        error = client_error(fixture.alice, job);
        ck_assert_uint_eq(error.code, way->proxy < 0 ? CODE_401 : CODE_407);
        ck_assert_str_eq(error.name, way->proxy < 0 ? "http-401" : "http-407");
        ck_assert_ptr_nonnull(strstr(error.description, way->proxy < 0 ? "server" : "proxy"));
        ck_assert_ptr_null(strstr(error.description, right(way)));
        ck_assert_int_lt(access(local, F_OK), 0);
}

/* "METHOD path STATUS SCHEME USER" a line: the side that asked for the login. */
static char *log_of(const Way *way, size_t expected)
{
        return way->proxy < 0 ? servers_logons(way->site, expected)
                              : servers_proxy_logons((ServersProxy) way->proxy, expected);
}

/* No header before the challenge, one scheme after it, and the user whom the server saw. */
static void assert_logged(const Way *way)
{
        char *text = log_of(way, 2), *rest = NULL;
        bool first = true, passed = false;

        for (const char *line = strtok_r(text, "\n", &rest); line;
             line = strtok_r(NULL, "\n", &rest)) {
                char scheme[32], user[256] = "";
                unsigned status;

                ck_assert_msg(sscanf(line, "%*s %*s %u %31s %255s", &status, scheme, user) >= 2,
                              "%s",
                              line);
                if (first)
                        ck_assert_msg(status == (way->proxy < 0 ? 401 : 407) &&
                                              strcmp(scheme, "-") == 0,
                                      "%s",
                                      line);
                else
                        ck_assert_msg(strcmp(scheme, "-") == 0 || strcmp(scheme, way->word) == 0,
                                      "%s",
                                      line);
                if (status == 200) {
                        passed = true;
                        ck_assert_msg(!way->logged[0] || strcmp(user, way->logged) == 0,
                                      "%s",
                                      line);
                }
                first = false;
        }
        ck_assert(passed);
}

START_TEST(right_credentials_get_the_file)
{
        const Way *way = &ways[_i];

        prepare(way);
        set_with(way, right(way));
        fetch();
        assert_logged(way);
}
END_TEST

START_TEST(no_credentials_are_an_error_that_names_the_side)
{
        const Way *way = &ways[_i];

        prepare(way);
        expect_refusal(way);
        ck_assert_ptr_null(strstr(log_of(way, 1), " 200 "));
}
END_TEST

/* And the right ones after it, with Resume, mend it: spec section 9, statement 24. */
START_TEST(wrong_credentials_are_an_error_until_they_are_replaced)
{
        const Way *way = &ways[_i];

        prepare(way);
        set_with(way, "wrong");
        expect_refusal(way);
        set_with(way, right(way));
        fetch();
}
END_TEST

/* Several at once ------------------------------------------------------------------------------ */

static void add(Site site)
{
        _cleanup_free_ char *url = servers_url(site, "small");

        client_add_file(fixture.alice, job, url, local);
}

static void use(ServersProxy proxy)
{
        _cleanup_free_ char *url = servers_proxy(proxy);

        client_set_proxy(fixture.alice, job, url);
}

static void set(const char *target, const char *scheme, const char *user, const char *password)
{
        client_set_password(fixture.alice, job, target, scheme, user, password);
}

/* Strongest first; each case sets those from its own on. */
static const struct {
        const char *scheme, *user, *word;
} by_strength[] = {
        { "negotiate", SERVERS_USER, "Negotiate" },
        { "digest", SERVERS_USER, "Digest" },
        { "ntlm", DOMAIN_NAME "\\" SERVERS_USER, "NTLM" },
        { "basic", SERVERS_USER, "Basic" },
};

static void set_from(const char *target, size_t strongest)
{
        for (size_t i = strongest; i < ARRAY_SIZE(by_strength); i++)
                set(target, by_strength[i].scheme, by_strength[i].user, SERVERS_PASSWORD);
}

/* Nothing but that scheme was sent. */
static void assert_only(char *text, const char *word)
{
        char *rest = NULL;
        bool seen = false;

        for (const char *line = strtok_r(text, "\n", &rest); line;
             line = strtok_r(NULL, "\n", &rest)) {
                char scheme[32];

                ck_assert_int_eq(sscanf(line, "%*s %*s %*u %31s", scheme), 1);
                ck_assert_msg(strcmp(scheme, "-") == 0 || strcmp(scheme, word) == 0, "%s", line);
                seen |= strcmp(scheme, word) == 0;
        }
        ck_assert(seen);
}

START_TEST(of_many_offered_the_strongest_set_is_used_alone)
{
        add(SITE_MANY);
        set_from("server", (size_t) _i);
        fetch();
        assert_only(servers_requests(SITE_MANY, 2), by_strength[_i].word);
}
END_TEST

START_TEST(of_many_offered_by_a_proxy_the_strongest_set_is_used_alone)
{
        add(SITE_TLS_OPEN);
        use(SERVERS_PROXY_MANY);
        set_from("proxy", (size_t) _i);
        fetch();
        assert_only(servers_proxy_requests(SERVERS_PROXY_MANY, 2), by_strength[_i].word);
}
END_TEST

START_TEST(after_a_rejection_no_weaker_scheme_is_tried)
{
        add(SITE_MANY);
        set("server", "digest", SERVERS_USER, "wrong");
        set("server", "ntlm", DOMAIN_NAME "\\" SERVERS_USER, SERVERS_PASSWORD);
        set("server", "basic", SERVERS_USER, SERVERS_PASSWORD);
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "error", WAIT_MSEC);
        ck_assert_uint_eq(client_error(fixture.alice, job).code, CODE_401);
        assert_only(servers_requests(SITE_MANY, 2), "Digest");
}
END_TEST

START_TEST(bearer_goes_before_basic)
{
        ClientCredential token = { .token = SERVERS_TOKEN };

        add(SITE_BEARER_BASIC);
        set("server", "basic", SERVERS_USER, SERVERS_PASSWORD);
        ck_assert_pstr_eq(client_try_credential(fixture.alice, job, "server", "bearer", &token),
                          NULL);
        fetch();
        assert_only(servers_requests(SITE_BEARER_BASIC, 2), "Bearer");
}
END_TEST

/* Both sides ----------------------------------------------------------------------------------- */

typedef struct Side {
        const char *scheme, *user;
} Side;

static const struct {
        ServersProxy proxy;
        Side login;
} proxies[] = {
        { SERVERS_PROXY_BASIC, { "basic", SERVERS_USER } },
        { SERVERS_PROXY_DIGEST, { "digest", SERVERS_USER } },
        { SERVERS_PROXY_TLS_BASIC, { "basic", SERVERS_USER } },
        { SERVERS_PROXY_NEGOTIATE, { "negotiate", SERVERS_USER } },
        { SERVERS_PROXY_NTLM, { "ntlm", DOMAIN_NAME "\\" SERVERS_USER } },
};

static const struct {
        Site site;
        Side login;
} sites[] = {
        { SITE_BASIC, { "basic", SERVERS_USER } },
        { SITE_TLS_BASIC, { "basic", SERVERS_USER } },
        { SITE_DIGEST_MD5, { "digest", SERVERS_USER } },
        { SITE_NEGOTIATE, { "negotiate", SERVERS_USER } },
        { SITE_TLS_NEGOTIATE, { "negotiate", SERVERS_USER } },
        { SITE_NTLM, { "ntlm", DOMAIN_NAME "\\" SERVERS_USER } },
        { SITE_TLS_NTLM, { "ntlm", DOMAIN_NAME "\\" SERVERS_USER } },
};

START_TEST(proxy_and_server_each_get_their_own)
{
        const Side *proxy = &proxies[_i % (int) ARRAY_SIZE(proxies)].login;
        const Side *site = &sites[_i / (int) ARRAY_SIZE(proxies)].login;

        add(sites[_i / (int) ARRAY_SIZE(proxies)].site);
        use(proxies[_i % (int) ARRAY_SIZE(proxies)].proxy);
        set("proxy", proxy->scheme, proxy->user, SERVERS_PASSWORD);
        set("server", site->scheme, site->user, SERVERS_PASSWORD);
        fetch();
}
END_TEST

START_TEST(the_error_says_which_side_refused)
{
        static const struct {
                const char *proxy, *server;
                uint32_t code;
        } cases[] = {
                { "wrong", SERVERS_PASSWORD, CODE_407 },
                { SERVERS_PASSWORD, "wrong", CODE_401 },
                { "wrong", "wrong", CODE_407 },
        };

        add(SITE_TLS_BASIC);
        use(SERVERS_PROXY_NTLM);
        set("proxy", "ntlm", DOMAIN_NAME "\\" SERVERS_USER, cases[_i].proxy);
        set("server", "basic", SERVERS_USER, cases[_i].server);
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "error", WAIT_MSEC);
        ck_assert_uint_eq(client_error(fixture.alice, job).code, cases[_i].code);
}
END_TEST

/* NTLM is of connections: over HTTP/2 it falls back to HTTP/1.1. */
START_TEST(ntlm_leaves_http_2)
{
        add(SITE_H2_NTLM);
        set("server", "ntlm", DOMAIN_NAME "\\" SERVERS_USER, SERVERS_PASSWORD);
        fetch();
        ck_assert_ptr_nonnull(
                strstr(servers_logons(SITE_TLS_NTLM, 2), " 200 NTLM " SERVERS_USER "\n"));
}
END_TEST

/* What NTLM cannot ----------------------------------------------------------------------------- */

START_TEST(implicit_ntlm_says_that_there_is_none)
{
        add(SITE_NTLM);
        ck_assert_pstr_eq(client_try_credential(fixture.alice,
                                                job,
                                                "server",
                                                "ntlm",
                                                &(ClientCredential){ 0 }),
                          NULL);
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "error", WAIT_MSEC);
        ck_assert_uint_eq(client_error(fixture.alice, job).code, CODE_401);
        ck_assert_ptr_nonnull(strstr(client_error(fixture.alice, job).description, "NTLM"));
        ck_assert_ptr_null(strstr(servers_requests(SITE_NTLM, 1), "NTLM"));
}
END_TEST

START_TEST(what_ntlm_cannot_carry_is_refused_at_once)
{
        static const ClientCredential cases[] = {
                { .user_name = "\xc5\x81ukasz", .password = "x" },
                { .user_name = "x", .password = "\xe2\x82\xac" },
        };

        ck_assert_pstr_eq(client_try_credential(fixture.alice, job, "server", "ntlm", &cases[_i]),
                          "org.dosvc1.Error.InvalidCredentials");
        ck_assert_ptr_nonnull(strstr(client_last_message(), "8859-1"));
}
END_TEST

static void add_matrix(Suite *suite, unsigned available)
{
        TCase *matrix = fixture_case(suite, "matrix", start);

        for (int i = 0; i < (int) ARRAY_SIZE(ways); i++) {
                if ((ways[i].needs & available) != ways[i].needs)
                        continue;
                tcase_add_loop_test(matrix, right_credentials_get_the_file, i, i + 1);
                tcase_add_loop_test(matrix,
                                    no_credentials_are_an_error_that_names_the_side,
                                    i,
                                    i + 1);
                tcase_add_loop_test(matrix,
                                    wrong_credentials_are_an_error_until_they_are_replaced,
                                    i,
                                    i + 1);
        }
}

int main(void)
{
        const unsigned both = SERVERS_REALM | SERVERS_DOMAIN;
        unsigned available = servers_available(SERVERS_ALL);
        Suite *suite = suite_create("schemes");
        TCase *several;

        add_matrix(suite, available);
        several = fixture_case(suite, "several", start);
        tcase_add_test(several, bearer_goes_before_basic);
        tcase_add_loop_test(several, what_ntlm_cannot_carry_is_refused_at_once, 0, 2);
        if (available & SERVERS_DOMAIN) {
                tcase_add_test(several, ntlm_leaves_http_2);
                tcase_add_test(several, implicit_ntlm_says_that_there_is_none);
                tcase_add_loop_test(several, the_error_says_which_side_refused, 0, 3);
        }
        if ((available & both) == both) {
                tcase_add_loop_test(several,
                                    of_many_offered_the_strongest_set_is_used_alone,
                                    0,
                                    ARRAY_SIZE(by_strength));
                tcase_add_loop_test(several,
                                    of_many_offered_by_a_proxy_the_strongest_set_is_used_alone,
                                    0,
                                    ARRAY_SIZE(by_strength));
                tcase_add_test(several, after_a_rejection_no_weaker_scheme_is_tried);
                tcase_add_loop_test(several,
                                    proxy_and_server_each_get_their_own,
                                    0,
                                    ARRAY_SIZE(proxies) * ARRAY_SIZE(sites));
        }
        return fixture_play(suite, available);
}
