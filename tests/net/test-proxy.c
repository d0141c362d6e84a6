/*
 * Credentials of a proxy against real squids: Basic, Digest and both, for http and, through
 * CONNECT, for https; and settings that change while a job is under way. "9.n" is statement n of
 * spec section 9.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/file-hash.h"
#include "tests/lib/process.h"
#include "tests/lib/servers.h"
#include "tests/lib/service-fixture.h"

#define WAIT_MSEC 20000

#define CODE_401 0x80190191U
#define CODE_407 0x80190197U

#define CODE_TRUST_FAILURE 0x8020003CU

static char *job, *local;

static void start(void)
{
        fixture_start();
        servers_forget_requests();
        job = client_create(fixture.alice, "proxy");
        local = fixture_alice_file("file");
        (void) unlink(local);
}

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

static void set(const char *target, const char *scheme, const char *password)
{
        client_set_password(fixture.alice, job, target, scheme, SERVERS_USER, password);
}

static void fetch(void)
{
        _cleanup_free_ char *expected = servers_file("small");

        client_fetch(fixture.alice, job, WAIT_MSEC);
        file_hash_assert_same(local, expected);
}

static void expect_error(uint32_t code, const char *name)
{
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "error", WAIT_MSEC);
        ck_assert_uint_eq(client_error(fixture.alice, job).code, code);
        ck_assert_str_eq(client_error(fixture.alice, job).name, name);
        ck_assert_int_lt(access(local, F_OK), 0);
}

typedef struct Way {
        ServersProxy proxy;
        Site site;
        const char *scheme, *method, *word; /* word in the header */
} Way;

static const Way ways[] = {
        { SERVERS_PROXY_BASIC, SITE_OPEN, "basic", "GET ", "Basic" },
        { SERVERS_PROXY_BASIC, SITE_TLS_OPEN, "basic", "CONNECT ", "Basic" },
        { SERVERS_PROXY_DIGEST, SITE_OPEN, "digest", "GET ", "Digest" },
        { SERVERS_PROXY_DIGEST, SITE_TLS_OPEN, "digest", "CONNECT ", "Digest" },
};

/* Asked without credentials first, and for Digest once more for its nonce; then that scheme. */
static void assert_asked_first(ServersProxy proxy, const char *method, const char *scheme)
{
        char *text = servers_proxy_requests(proxy, 2), *rest = NULL;
        size_t refused = strcmp(scheme, "Digest") == 0 ? 2 : 1, n = 0;

        for (const char *line = strtok_r(text, "\n", &rest); line;
             line = strtok_r(NULL, "\n", &rest), n++) {
                ck_assert_int_eq(strncmp(line, method, strlen(method)), 0);
                if (n < refused) {
                        ck_assert_pstr_eq(strstr(line, " 407 "), " 407 -");
                        continue;
                }
                ck_assert_ptr_nonnull(strstr(line, " 200 "));
                ck_assert_str_eq(strrchr(line, ' ') + 1, scheme);
        }
        ck_assert_uint_eq(n, refused + 1);
}

/* 9.1, 9.11: as with servers, only when the proxy asks, and only to the proxy. */
START_TEST(right_credentials_are_given_when_asked_for)
{
        const Way *way = &ways[_i];

        add(way->site);
        use(way->proxy);
        set("proxy", way->scheme, SERVERS_PASSWORD);
        fetch();
        assert_asked_first(way->proxy, way->method, way->word);
        ck_assert_str_eq(servers_requests(way->site, 1), "GET /open/small 200 -\n");
}
END_TEST

/* 9.22: 407 is the proxy's side, on CONNECT too. */
START_TEST(without_credentials_the_job_is_in_error)
{
        add(ways[_i].site);
        use(ways[_i].proxy);
        expect_error(CODE_407, "http-407");
}
END_TEST

START_TEST(wrong_credentials_are_an_error)
{
        add(ways[_i].site);
        use(ways[_i].proxy);
        set("proxy", ways[_i].scheme, "wrong");
        expect_error(CODE_407, "http-407");
}
END_TEST

/* Spec section 1.6: explicit credentials of the server are not the proxy's. */
START_TEST(the_servers_credentials_are_not_the_proxys)
{
        ClientError error;
        char text[128];

        add(ways[_i].site);
        use(ways[_i].proxy);
        set("server", ways[_i].scheme, SERVERS_PASSWORD);
        expect_error(CODE_407, "http-407");
        (void) snprintf(text,
                        sizeof(text),
                        " It offers: %s. Set for target proxy: none.",
                        ways[_i].scheme);
        error = client_error(fixture.alice, job);
        ck_assert_msg(strstr(error.description, text), "%s", error.description);
        ck_assert_ptr_null(strstr(servers_proxy_requests(ways[_i].proxy, 1), ways[_i].word));
}
END_TEST

/* 9.13, 9.14: two calls, both kept; of both offered the stronger is used. */
START_TEST(of_both_schemes_the_stronger_is_used)
{
        add(_i ? SITE_TLS_OPEN : SITE_OPEN);
        use(SERVERS_PROXY_BOTH);
        set("proxy", "basic", SERVERS_PASSWORD);
        set("proxy", "digest", SERVERS_PASSWORD);
        fetch();
        assert_asked_first(SERVERS_PROXY_BOTH, _i ? "CONNECT " : "GET ", "Digest");
}
END_TEST

START_TEST(after_a_rejection_no_weaker_scheme_is_tried)
{
        add(SITE_OPEN);
        use(SERVERS_PROXY_BOTH);
        set("proxy", "basic", SERVERS_PASSWORD);
        set("proxy", "digest", "wrong");
        expect_error(CODE_407, "http-407");
        ck_assert_ptr_null(strstr(servers_proxy_requests(SERVERS_PROXY_BOTH, 2), "Basic"));
}
END_TEST

START_TEST(the_scheme_that_is_set_is_used)
{
        add(SITE_OPEN);
        use(SERVERS_PROXY_BOTH);
        set("proxy", "basic", SERVERS_PASSWORD);
        fetch();
        assert_asked_first(SERVERS_PROXY_BOTH, "GET ", "Basic");
}
END_TEST

/* Both sides ask: each gets its own. */
START_TEST(proxy_and_server_are_answered_each_with_its_own)
{
        add(_i ? SITE_TLS_BASIC : SITE_BASIC);
        use(SERVERS_PROXY_DIGEST);
        set("proxy", "digest", SERVERS_PASSWORD);
        set("server", "basic", SERVERS_PASSWORD);
        fetch();
        ck_assert_str_eq(servers_requests(_i ? SITE_TLS_BASIC : SITE_BASIC, 2),
                         "GET /basic/small 401 -\nGET /basic/small 200 Basic\n");
}
END_TEST

START_TEST(with_a_proxy_the_servers_refusal_is_401)
{
        add(_i ? SITE_TLS_BASIC : SITE_BASIC);
        use(SERVERS_PROXY_BASIC);
        set("proxy", "basic", SERVERS_PASSWORD);
        expect_error(CODE_401, "http-401");
}
END_TEST

/* 9.24 */
START_TEST(after_new_credentials_and_resume_it_works)
{
        add(_i ? SITE_TLS_OPEN : SITE_OPEN);
        use(SERVERS_PROXY_BASIC);
        expect_error(CODE_407, "http-407");
        set("proxy", "basic", SERVERS_PASSWORD);
        fetch();
}
END_TEST

START_TEST(a_bypassed_host_is_reached_directly)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *proxy = servers_proxy(SERVERS_PROXY_BASIC);

        add(SITE_OPEN);
        ck_assert_int_ge(sd_bus_set_property(fixture.alice,
                                             DOSVC_BUS_NAME,
                                             job,
                                             DOSVC_JOB_INTERFACE,
                                             "ProxySettings",
                                             &error,
                                             "(sasas)",
                                             "override",
                                             1,
                                             proxy,
                                             1,
                                             "127.0.0.1"),
                         0);
        fetch();
        ck_assert_str_eq(servers_proxy_requests(SERVERS_PROXY_BASIC, 0), "");
}
END_TEST

/* nginx takes the URL that a proxy gets for one of its own, so that it will do for a proxy. */
static void use_tls(Site site)
{
        _cleanup_free_ char *url = servers_url(site, "small");

        *strchr(url + strlen("https://"), '/') = '\0';
        client_set_proxy(fixture.alice, job, url);
}

START_TEST(a_proxy_may_be_spoken_to_over_tls)
{
        add(SITE_OPEN);
        use_tls(SITE_TLS_OPEN);
        fetch();
        ck_assert_str_eq(servers_requests(SITE_TLS_OPEN, 1), "GET /open/small 200 -\n");
        ck_assert_str_eq(servers_requests(SITE_OPEN, 0), "");
}
END_TEST

START_TEST(a_proxy_without_a_trusted_certificate_is_told_nothing)
{
        add(SITE_OPEN);
        use_tls(SITE_UNTRUSTED);
        expect_error(CODE_TRUST_FAILURE, "trust-failure");
        ck_assert_ptr_nonnull(strstr(client_error(fixture.alice, job).description, "The proxy's"));
        ck_assert_str_eq(servers_requests(SITE_UNTRUSTED, 0), "");
}
END_TEST

/* Nothing of a proxy is taken from the environment of the service. */
START_TEST(usage_none_is_direct)
{
        add(SITE_OPEN);
        use(SERVERS_PROXY_BASIC);
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     job,
                                     "org.freedesktop.DBus.Properties",
                                     "Set",
                                     "ssv",
                                     DOSVC_JOB_INTERFACE,
                                     "ProxySettings",
                                     "(sasas)",
                                     "none",
                                     0,
                                     0),
                          NULL);
        fetch();
        ck_assert_str_eq(servers_proxy_requests(SERVERS_PROXY_BASIC, 0), "");
}
END_TEST

/* ---- a change while a job is under way ------------------------------------------------------- */

#define MIB (1024U * 1024U)

/* At SLOW_MIB a second the first files end while the long one still runs. */
#define SLOW_MIB  "2"
#define LONG_MIB  20U
#define LONG_WAIT 60000

/* As many as a worker receives at a time. */
#define FILES_AT_ONCE 8U

static char *new_local(unsigned i)
{
        char name[16], *path;

        (void) snprintf(name, sizeof(name), "file-%u", i);
        path = fixture_alice_file(name);
        (void) unlink(path);
        return path;
}

static void add_file(Site site, const char *name, unsigned i)
{
        _cleanup_free_ char *url = servers_url(site, name), *path = new_local(i);

        client_add_file(fixture.alice, job, url, path);
}

/* The number of lines of text that have both words. */
static size_t count_lines(const char *text, const char *one, const char *other)
{
        _cleanup_free_ char *copy = strdup(text);
        char *rest = NULL;
        size_t n = 0;

        for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
                n += strstr(line, one) && strstr(line, other);
        return n;
}

static pid_t worker_pid(void)
{
        return daemon_find(&fixture.daemon, "dosvc-worker", 0);
}

/*
 * One file more than a worker receives at a time waits until another one has come. The proxy
 * changes before that, so this file comes through the new one, and the others are not disturbed.
 */
START_TEST(a_new_proxy_is_for_the_requests_that_come_next)
{
        const char *log;
        pid_t worker;

        servers_add_file("long", LONG_MIB * MIB);
        add_file(SITE_SLOW, "long", 0);
        for (unsigned i = 1; i < FILES_AT_ONCE; i++)
                add_file(SITE_SLOW, "medium", i);
        add_file(SITE_OPEN, "small", FILES_AT_ONCE);
        set("server", "basic", SERVERS_PASSWORD);
        set("proxy", "basic", SERVERS_PASSWORD);
        set("proxy", "digest", SERVERS_PASSWORD);
        use(SERVERS_PROXY_BASIC);
        client_call(fixture.alice, job, "Resume");
        client_wait_bytes(fixture.alice, job, MIB, WAIT_MSEC);
        worker = worker_pid();
        ck_assert_int_gt(worker, 0);

        use(SERVERS_PROXY_DIGEST);
        log = servers_proxy_requests(SERVERS_PROXY_DIGEST, 3);
        ck_assert_uint_eq(count_lines(log, "/open/small", " 407 -"), 2); /* and for a nonce */
        ck_assert_uint_eq(count_lines(log, "/open/small", " 200 Digest"), 1);
        ck_assert_uint_eq(count_lines(log, "Basic", ""), 0); /* the old proxy's login */
        ck_assert_int_eq(worker_pid(), worker);
        ck_assert_str_eq(client_state(fixture.alice, job), "transferring");

        client_wait_state(fixture.alice, job, "transferred", LONG_WAIT);
        log = servers_proxy_requests(SERVERS_PROXY_BASIC, FILES_AT_ONCE * 3);
        ck_assert_uint_eq(count_lines(log, "/slow/long", " 200 Basic"), 1);
        ck_assert_uint_eq(count_lines(log, "/slow/medium", " 200 Basic"), FILES_AT_ONCE - 1);
        ck_assert_uint_eq(count_lines(log, "/open/small", ""), 0);
        log = servers_proxy_requests(SERVERS_PROXY_DIGEST, 3);
        ck_assert_uint_eq(count_lines(log, "/slow/", ""), 0);
        ck_assert_int_eq(client_complete(fixture.alice, job), 0);
}
END_TEST

static void start_parts(void)
{
        _cleanup_free_ char *url = servers_url(SITE_SLOW, "medium"), *path = new_local(0);

        ck_assert_pstr_eq(client_try(fixture.alice,
                                     job,
                                     DOSVC_JOB_INTERFACE,
                                     "AddFile",
                                     "ssa{sv}",
                                     url,
                                     path,
                                     1,
                                     "ranges",
                                     "a(tt)",
                                     2,
                                     UINT64_C(0),
                                     UINT64_C(2) * MIB,
                                     UINT64_C(3) * MIB,
                                     UINT64_C(1) * MIB),
                          NULL);
        set("server", "basic", SERVERS_PASSWORD);
        set("proxy", "basic", SERVERS_PASSWORD);
        use(SERVERS_PROXY_BASIC);
        client_call(fixture.alice, job, "Resume");
        client_wait_bytes(fixture.alice, job, 1, WAIT_MSEC);
}

/* The new proxy wants the same credential for the same file, but has to ask for it itself. */
START_TEST(a_new_proxy_gets_the_credential_when_it_asks)
{
        const char *log;

        start_parts();
        use(SERVERS_PROXY_BOTH);
        client_wait_state(fixture.alice, job, "transferred", WAIT_MSEC);
        log = servers_proxy_requests(SERVERS_PROXY_BASIC, 3);
        ck_assert_uint_eq(count_lines(log, "/slow/medium", " 206 Basic"), 1);
        log = servers_proxy_requests(SERVERS_PROXY_BOTH, 2);
        ck_assert_uint_eq(count_lines(log, "/slow/medium", " 407 -"), 1);
        ck_assert_uint_eq(count_lines(log, "/slow/medium", " 206 Basic"), 1);
        ck_assert_uint_eq(count_lines(log, "GET ", ""), 2);
}
END_TEST

/* Nothing is left of the time before the change, not even at the same proxy. */
START_TEST(a_proxy_that_comes_back_has_to_ask_again)
{
        const char *log;

        start_parts();
        use(SERVERS_PROXY_BOTH);
        use(SERVERS_PROXY_BASIC);
        client_wait_state(fixture.alice, job, "transferred", WAIT_MSEC);
        log = servers_proxy_requests(SERVERS_PROXY_BASIC, 5);
        ck_assert_uint_eq(count_lines(log, "/slow/medium", " 407 -"), 2);
        ck_assert_uint_eq(count_lines(log, "/slow/medium", " 206 Basic"), 2);
        ck_assert_str_eq(servers_proxy_requests(SERVERS_PROXY_BOTH, 0), "");
}
END_TEST

/* The same way without a proxy: the file that waits is redirected after the change. */
START_TEST(a_new_redirect_policy_is_for_the_next_redirect)
{
        pid_t worker;

        for (unsigned i = 0; i < FILES_AT_ONCE; i++)
                add_file(SITE_SLOW, "medium", i);
        add_file(SITE_HERE, "small", FILES_AT_ONCE);
        set("server", "basic", SERVERS_PASSWORD);
        client_call(fixture.alice, job, "Resume");
        client_wait_bytes(fixture.alice, job, MIB, WAIT_MSEC);
        worker = worker_pid();
        client_set_text(fixture.alice, job, "RedirectPolicy", "disallow");
        ck_assert_str_eq(client_state(fixture.alice, job), "transferring");
        ck_assert_int_eq(worker_pid(), worker);
        client_wait_state(fixture.alice, job, "error", WAIT_MSEC);
        ck_assert_str_eq(client_error(fixture.alice, job).name, "http-302");
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("proxy");
        TCase *schemes = fixture_case(suite, "schemes", start);
        TCase *choice = fixture_case(suite, "choice", start);
        TCase *sides = fixture_case(suite, "sides", start);
        TCase *settings = fixture_case(suite, "settings", start);

        tcase_add_loop_test(schemes,
                            right_credentials_are_given_when_asked_for,
                            0,
                            ARRAY_SIZE(ways));
        tcase_add_loop_test(schemes, without_credentials_the_job_is_in_error, 0, ARRAY_SIZE(ways));
        tcase_add_loop_test(schemes, wrong_credentials_are_an_error, 0, ARRAY_SIZE(ways));

        tcase_add_loop_test(choice, of_both_schemes_the_stronger_is_used, 0, 2);
        tcase_add_test(choice, after_a_rejection_no_weaker_scheme_is_tried);
        tcase_add_test(choice, the_scheme_that_is_set_is_used);

        tcase_add_loop_test(sides, the_servers_credentials_are_not_the_proxys, 0, ARRAY_SIZE(ways));
        tcase_add_loop_test(sides, proxy_and_server_are_answered_each_with_its_own, 0, 2);
        tcase_add_loop_test(sides, with_a_proxy_the_servers_refusal_is_401, 0, 2);
        tcase_add_loop_test(sides, after_new_credentials_and_resume_it_works, 0, 2);

        tcase_add_test(settings, a_bypassed_host_is_reached_directly);
        tcase_add_test(settings, a_proxy_may_be_spoken_to_over_tls);
        tcase_add_test(settings, a_proxy_without_a_trusted_certificate_is_told_nothing);
        tcase_add_test(settings, usage_none_is_direct);
        tcase_add_test(settings, a_new_proxy_is_for_the_requests_that_come_next);
        tcase_add_test(settings, a_new_proxy_gets_the_credential_when_it_asks);
        tcase_add_test(settings, a_proxy_that_comes_back_has_to_ask_again);
        tcase_add_test(settings, a_new_redirect_policy_is_for_the_next_redirect);
        return suite;
}

int main(void)
{
        (void) setenv("DOSVC_SLOW_MIB", SLOW_MIB, 1);
        return fixture_play(make_suite(), SERVERS_NGINX | SERVERS_SQUID);
}
