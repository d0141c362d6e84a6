/*
 * Servers whose mind changes: a login that was good is over in the middle of a job, a nonce is
 * stale, challenges never end. A server of the test's own, so that each answer is known.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/http-server.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"

#define WAIT_MSEC 20000
#define CODE_401  0x80190191U
#define CODE_407  0x80190197U

#define USER     "reader"
#define PASSWORD "open-sesame"
#define TOKEN    "abc.def"

/* Counters of the server. */
enum {
        N_REQUESTS,
        N_ACCEPTED,
};

static HttpServer server;
static char *job, *local;

static void begin_empty(http_handler_t handler)
{
        http_server_start(&server, handler, fixture.dir);
        job = client_create(fixture.alice, "sessions");
        local = fixture_alice_file("file");
        (void) unlink(local);
}

static void begin(http_handler_t handler)
{
        _cleanup_free_ char *url = NULL;

        begin_empty(handler);
        url = http_server_url(&server, "/file");
        client_add_file(fixture.alice, job, url, local);
}

static void set(const char *scheme)
{
        client_set_password(fixture.alice, job, "server", scheme, USER, PASSWORD);
}

static void expect_error(uint32_t code)
{
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "error", WAIT_MSEC);
        ck_assert_uint_eq(client_error(fixture.alice, job).code, code);
}

static bool has(const HttpRequest *request, const char *text)
{
        return strstr(request->fields, text) != NULL;
}

static void demand(HttpRequest *request, const char *challenge)
{
        dprintf(request->fd,
                "HTTP/1.1 401 No\r\nContent-Length: 0\r\nWWW-Authenticate: %s\r\n\r\n",
                challenge);
        request->keep = true;
}

/* 20 bytes in parts of 5, of one version; each part after the first wants a new login first. */
static void on_short_session(HttpRequest *request)
{
        static const char body[] = "abcdefghijklmnopqrst";
        unsigned from = 0, n;
        char *range = strstr(request->fields, "Range: bytes=");

        if (range)
                (void) sscanf(range, "Range: bytes=%u-", &from);
        n = __atomic_fetch_add(&request->counters[N_REQUESTS], 1, __ATOMIC_SEQ_CST);
        if (!has(request, "Authorization: Basic") || n % 3 == 2) {
                demand(request, "Basic realm=\"r\"");
                return;
        }
        /* Breaks off, so that the next request asks for the rest. */
        dprintf(request->fd,
                "HTTP/1.1 %s\r\nETag: \"one\"\r\nContent-Length: %u\r\n",
                from ? "206 Partial" : "200 OK",
                20 - from);
        if (from)
                dprintf(request->fd, "Content-Range: bytes %u-19/20\r\n", from);
        dprintf(request->fd, "\r\n%s", body + from);
}

START_TEST(parts_that_each_want_a_login_again_are_fetched)
{
        _cleanup_free_ char *url = NULL, *text = NULL;
        size_t size;

        begin_empty(on_short_session);
        url = http_server_url(&server, "/parts");
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     job,
                                     DOSVC_JOB_INTERFACE,
                                     "AddFile",
                                     "ssa{sv}",
                                     url,
                                     local,
                                     1,
                                     "ranges",
                                     "a(tt)",
                                     3,
                                     (uint64_t) 0,
                                     (uint64_t) 5,
                                     (uint64_t) 10,
                                     (uint64_t) 5,
                                     (uint64_t) 16,
                                     (uint64_t) 4),
                          NULL);
        set("basic");
        client_fetch(fixture.alice, job, WAIT_MSEC);
        text = temp_dir_read(local, &size);
        ck_assert_uint_eq(size, 14);
        ck_assert_int_eq(memcmp(text, "abcdeklmnoqrst", 14), 0);
        http_server_stop(&server);
}
END_TEST

/* RFC 7616 section 3.3: another nonce, not another password. */
static void on_stale_nonce(HttpRequest *request)
{
        uint32_t n = request->counters[N_REQUESTS]++;
        char challenge[128];

        if (has(request, "Authorization: Digest") && n >= 4) {
                dprintf(request->fd, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
                return;
        }
        (void) snprintf(challenge,
                        sizeof(challenge),
                        "Digest realm=\"r\", qop=\"auth\", nonce=\"n%u\"%s",
                        n,
                        has(request, "Authorization: Digest") ? ", stale=true" : "");
        demand(request, challenge);
}

START_TEST(a_stale_nonce_is_no_failure)
{
        begin(on_stale_nonce);
        set("digest");
        client_fetch(fixture.alice, job, WAIT_MSEC);
        ck_assert_uint_eq(client_number(fixture.alice,
                                        DOSVC_MANAGER_PATH,
                                        DOSVC_MANAGER_INTERFACE,
                                        "JobsTotal",
                                        'u'),
                          0);
        http_server_stop(&server);
}
END_TEST

/* Always stale: no way to make us ask for ever. */
static void on_always_stale(HttpRequest *request)
{
        char challenge[128];

        (void) snprintf(challenge,
                        sizeof(challenge),
                        "Digest realm=\"r\", qop=\"auth\", nonce=\"n%u\", stale=true",
                        __atomic_fetch_add(&request->counters[N_REQUESTS], 1, __ATOMIC_SEQ_CST));
        demand(request, challenge);
}

START_TEST(a_loop_of_challenges_ends)
{
        begin(on_always_stale);
        set("digest");
        expect_error(CODE_401);
        ck_assert_uint_lt(server.counters[N_REQUESTS], 20);
        http_server_stop(&server);
}
END_TEST

/* Good, and from then on never again. */
static void on_change_of_mind(HttpRequest *request)
{
        uint32_t n = __atomic_fetch_add(&request->counters[N_REQUESTS], 1, __ATOMIC_SEQ_CST);

        if (has(request, "Authorization: Basic") && n == 1)
                dprintf(request->fd,
                        "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n");
        else
                demand(request, "Basic realm=\"r\"");
}

START_TEST(a_login_that_is_good_no_more_is_tried_once_and_refused)
{
        begin(on_change_of_mind);
        set("basic");
        expect_error(CODE_401);
        ck_assert_uint_eq(server.counters[N_REQUESTS], 4);
        http_server_stop(&server);
}
END_TEST

/* Bearer at a proxy: libcurl has none, so the header is ours; and the origin never sees it. */
static void on_proxy(HttpRequest *request)
{
        if (has(request, "Proxy-Authorization: Bearer " TOKEN "\n"))
                dprintf(request->fd, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
        else
                dprintf(request->fd,
                        "HTTP/1.1 407 No\r\nContent-Length: 0\r\n"
                        "Proxy-Authenticate: Bearer realm=\"r\"\r\n\r\n");
}

START_TEST(a_proxy_gets_a_token)
{
        _cleanup_free_ char *proxy = NULL, *log = NULL;
        char *at;

        begin(on_proxy);
        proxy = http_server_url(&server, "");
        client_set_proxy(fixture.alice, job, proxy);
        expect_error(CODE_407);
        client_set_password(fixture.alice, job, "proxy", "bearer", NULL, "wrong");
        expect_error(CODE_407);
        client_set_password(fixture.alice, job, "proxy", "bearer", NULL, TOKEN);
        http_server_forget(&server);
        client_fetch(fixture.alice, job, WAIT_MSEC);
        log = http_server_log(&server);
        at = strstr(log, "\n\n");
        ck_assert_ptr_nonnull(at);
        *at = '\0'; /* the first request */
        ck_assert_ptr_null(strstr(log, "Proxy-Authorization"));
        ck_assert_ptr_null(strstr(at + 1, "\nAuthorization"));
        http_server_stop(&server);
}
END_TEST

static void on_passport(HttpRequest *request)
{
        demand(request, "Passport1.4 ct=1");
}

START_TEST(passport_answers_nothing_and_says_so)
{
        begin(on_passport);
        set("basic");
        expect_error(CODE_401);
        ck_assert_ptr_null(strstr(client_error(fixture.alice, job).description, "Passport"));
        set("passport");
        expect_error(CODE_401);
        ck_assert_ptr_nonnull(strstr(client_error(fixture.alice, job).description, "Passport"));
        ck_assert_ptr_null(strstr(http_server_log(&server), "Authorization"));
        http_server_stop(&server);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("sessions");
        TCase *tcase = fixture_case(suite, "sessions", fixture_start);

        tcase_add_test(tcase, parts_that_each_want_a_login_again_are_fetched);
        tcase_add_test(tcase, a_stale_nonce_is_no_failure);
        tcase_add_test(tcase, a_loop_of_challenges_ends);
        tcase_add_test(tcase, a_login_that_is_good_no_more_is_tried_once_and_refused);
        tcase_add_test(tcase, a_proxy_gets_a_token);
        tcase_add_test(tcase, passport_answers_nothing_and_says_so);
        return fixture_play(suite, 0);
}
