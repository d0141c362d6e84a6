/*
 * Which proxy a file comes through: lists and rules of the job, of the configuration, of the
 * session of a user instance, PAC files and WPAD. The proxies are the test's own and know no
 * passwords; which one was asked is read from their logs.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/http-server.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"

#define WAIT_MSEC 20000

#define NOBODY "http://127.0.0.1:1" /* nothing listens there */

#define CODE_DETECTION 0x80072F94U

static HttpServer origin, first, second;
static char *dir, *job, *local;

/* Origin and proxy in one: a proxy gets whole URLs, and answers for every origin itself. */
static void serve(HttpRequest *request)
{
        static const char content[] = "the file\n";
        const char *away = strstr(request->path, "/away-to/");

        if (strcmp(request->method, "CONNECT") == 0 || strstr(request->path, "/broken"))
                http_printf(request, "HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n");
        else if (away)
                http_printf(request,
                            "HTTP/1.1 302 Away\r\nLocation: http://%s\r\nContent-Length: 0\r\n\r\n",
                            away + strlen("/away-to/"));
        else
                http_serve(request,
                           &(HttpContent){ .data = content, .size_bytes = sizeof(content) - 1 });
}

static void start_servers(void)
{
        dir = temp_dir_new();
        http_server_start(&origin, serve, dir);
        http_server_start(&first, serve, dir);
        http_server_start(&second, serve, dir);
}

static void start_job(void)
{
        job = client_create(fixture.alice, "proxies");
        local = fixture_alice_file("file");
        (void) unlink(local);
}

static void start(void)
{
        start_servers();
        fixture_start();
        start_job();
}

/* A user instance whose session has these settings. */
static void start_session(const char *name, const char *format, ...) _printf_(2, 3);
static void start_session(const char *name, const char *format, ...)
{
        _cleanup_free_ char *value = NULL;
        va_list args;

        va_start(args, format);
        ck_assert_int_ge(vasprintf(&value, format, args), 0);
        va_end(args);
        ck_assert_int_eq(setenv(name, value, 1), 0);
}

static void start_user(void)
{
        fixture_start_user();
        start_job();
}

static void start_with_http_proxy(void)
{
        start_servers();
        start_session("http_proxy", "http://alice:secret@127.0.0.1:%u/", first.port);
        start_session("no_proxy", "localhost");
        start_user();
}

static void start_with_all_proxy(void)
{
        start_servers();
        start_session("http_proxy", "%s", "");
        start_session("ALL_PROXY", "127.0.0.1:%u", first.port);
        start_user();
}

static void start_with_star(void)
{
        start_servers();
        start_session("http_proxy", "http://127.0.0.1:%u", first.port);
        start_session("no_proxy", "*");
        start_user();
}

static void start_with_pac_text(const char *text)
{
        _cleanup_free_ char *path = temp_dir_path(dir, "proxy.pac");

        temp_dir_write(path, text);
        ck_assert_int_eq(chmod(dir, 0755), 0);
        start_session("http_proxy", "pac+file://%s", path);
        start_user();
}

static void start_with_pac(void)
{
        _cleanup_free_ char *text = NULL;

        start_servers();
        ck_assert_int_gt(asprintf(&text,
                                  "function FindProxyForURL(url, host) {\n"
                                  "  if (host == 'localhost') return 'DIRECT';\n"
                                  "  if (url != 'http://127.0.0.1:%u/') return 'PROXY x';\n"
                                  "  return 'PROXY 127.0.0.1:1; PROXY 127.0.0.1:%u';\n"
                                  "}\n",
                                  origin.port,
                                  first.port),
                         0);
        start_with_pac_text(text);
}

static void start_with_broken_pac(void)
{
        start_servers();
        start_with_pac_text("function FindProxyForURL(url, host) { return nothing.at.all; }\n");
}

static void start_with_nonsense_pac(void)
{
        start_servers();
        start_with_pac_text("<html>Not Found</html>\n");
}

static void start_without_pac(void)
{
        start_servers();
        start_session("http_proxy", "pac+file:///nonexistent/proxy.pac");
        start_user();
}

static void stop(void)
{
        fixture_stop();
        http_server_stop(&second);
        http_server_stop(&first);
        http_server_stop(&origin);
        dir = temp_dir_remove(dir);
}

/* "http://HOST:port/PATH" of the origin. */
static char *at_origin(const char *host, const char *path)
{
        char *url = NULL;

        ck_assert_int_gt(asprintf(&url, "http://%s:%u/%s", host, origin.port, path), 0);
        return url;
}

static void add(const char *host, const char *path)
{
        _cleanup_free_ char *url = at_origin(host, path);

        client_add_file(fixture.alice, job, url, local);
}

/* Space-separated, NULL: none. */
static int append_words(sd_bus_message *m, const char *text)
{
        _cleanup_free_ char *copy = strdup(text ? text : "");
        char *rest = NULL;
        int r = sd_bus_message_open_container(m, 'a', "s");

        for (char *word = strtok_r(copy, " ", &rest); r >= 0 && word;
             word = strtok_r(NULL, " ", &rest))
                r = sd_bus_message_append(m, "s", word);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void set(const char *usage, const char *proxies, const char *bypass)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *m = NULL;
        int r;

        ck_assert_int_ge(sd_bus_message_new_method_call(fixture.alice,
                                                        &m,
                                                        DOSVC_BUS_NAME,
                                                        job,
                                                        "org.freedesktop.DBus.Properties",
                                                        "Set"),
                         0);
        ck_assert_int_ge(sd_bus_message_append(m, "ss", DOSVC_JOB_INTERFACE, "ProxySettings"), 0);
        ck_assert_int_ge(sd_bus_message_open_container(m, 'v', "(sasas)"), 0);
        ck_assert_int_ge(sd_bus_message_open_container(m, 'r', "sasas"), 0);
        ck_assert_int_ge(sd_bus_message_append(m, "s", usage), 0);
        ck_assert_int_ge(append_words(m, proxies), 0);
        ck_assert_int_ge(append_words(m, bypass), 0);
        ck_assert_int_ge(sd_bus_message_close_container(m), 0);
        ck_assert_int_ge(sd_bus_message_close_container(m), 0);
        r = sd_bus_call(fixture.alice, m, 0, &error, NULL);
        ck_assert_msg(r >= 0, "%s", error.message);
        sd_bus_message_unref(m);
}

static void override(const char *bypass, const char *format, ...) _printf_(2, 3);
static void override(const char *bypass, const char *format, ...)
{
        _cleanup_free_ char *text = NULL;
        va_list args;

        va_start(args, format);
        ck_assert_int_gt(vasprintf(&text, format, args), 0);
        va_end(args);
        set("override", text, bypass);
}

/* How often each was asked. */
static void assert_asked(size_t n_origin, size_t n_first, size_t n_second)
{
        ck_assert_uint_eq(http_server_count(&origin), n_origin);
        ck_assert_uint_eq(http_server_count(&first), n_first);
        ck_assert_uint_eq(http_server_count(&second), n_second);
}

static void fetch(void)
{
        client_fetch(fixture.alice, job, WAIT_MSEC);
        ck_assert_str_eq(temp_dir_read(local, NULL), "the file\n");
}

static void expect_transient(uint32_t code, const char *context, const char *words)
{
        ClientError error;

        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "transient-error", WAIT_MSEC);
        error = client_error(fixture.alice, job);
        ck_assert_uint_eq(error.code, code);
        ck_assert_str_eq(error.context, context);
        ck_assert_msg(strstr(error.description, words) != NULL, "%s", error.description);
}

/* ---- the job's list -------------------------------------------------------------------------- */

START_TEST(a_proxy_that_is_not_there_is_passed_over)
{
        add("127.0.0.1", "file");
        override(NULL, NOBODY " http://127.0.0.1:%u http://127.0.0.1:%u", first.port, second.port);
        fetch();
        assert_asked(0, 1, 0);
}
END_TEST

START_TEST(when_no_proxy_is_there_the_last_is_named)
{
        add("127.0.0.1", "file");
        set("override", NOBODY " http://no-such-proxy.invalid:3128 " NOBODY, NULL);
        expect_transient(0x8020002DU, "transport", "No connection to the proxy");
        assert_asked(0, 0, 0);
}
END_TEST

START_TEST(a_proxy_that_answers_is_not_passed_over)
{
        add("127.0.0.1", "broken");
        override(NULL, "http://127.0.0.1:%u http://127.0.0.1:%u", first.port, second.port);
        expect_transient(0x801901F6U, "remote-file", "502");
        assert_asked(0, 1, 0);
}
END_TEST

START_TEST(the_protocol_of_the_url_chooses)
{
        _cleanup_free_ char *log = NULL;

        add("127.0.0.1", "file");
        override(NULL,
                 "https=http://127.0.0.1:%u http=http://127.0.0.1:%u",
                 first.port,
                 second.port);
        fetch();
        assert_asked(0, 0, 1);

        start_job();
        client_add_file(fixture.alice, job, "https://host.example/file", local);
        override(NULL,
                 "https=http://127.0.0.1:%u http=http://127.0.0.1:%u",
                 first.port,
                 second.port);
        expect_transient(0x801901F6U, "remote-file", "502");
        assert_asked(0, 1, 1);
        log = http_server_log(&first);
        ck_assert_int_eq(strncmp(log, "CONNECT host.example:443\n", 25), 0);
}
END_TEST

START_TEST(a_protocol_that_no_entry_names_has_no_proxy)
{
        add("127.0.0.1", "file");
        override(NULL, "https=http://127.0.0.1:%u", first.port);
        fetch();
        assert_asked(1, 0, 0);
}
END_TEST

/* ---- rules ----------------------------------------------------------------------------------- */

static const struct {
        const char *host, *rules;
        bool matches;
} rules[] = {
        { "127.0.0.1", "127.0.0.1", true },
        { "127.0.0.1", "other 127.0.0.0/8", true },
        { "127.0.0.1", "*", true },
        { "127.0.0.1", "<local> localhost 127.0.0.2 10.0.0.0/8 *.example.com", false },
        { "localhost", "<local>", true },
        { "localhost", "localhost", true },
        { "localhost", "*host", true },
        { "localhost", "127.0.0.1 *.localhost local", false },
        { "www.example.com", "example.com <local>", false },
};

START_TEST(rules_say_who_needs_no_proxy)
{
        bool direct = rules[_i].matches;

        add(rules[_i].host, "file");
        override(rules[_i].rules, "http://127.0.0.1:%u", first.port);
        fetch();
        assert_asked(direct, !direct, 0);
}
END_TEST

START_TEST(each_hop_of_a_redirect_is_decided_anew)
{
        const char *from = _i ? "127.0.0.1" : "localhost", *to = _i ? "localhost" : "127.0.0.1";
        _cleanup_free_ char *path = NULL;

        ck_assert_int_gt(asprintf(&path, "away-to/%s:%u/file", to, origin.port), 0);
        add(from, path);
        override("localhost", "http://127.0.0.1:%u", first.port);
        fetch();
        assert_asked(1, 1, 0);
}
END_TEST

/* ---- the configuration ----------------------------------------------------------------------- */

START_TEST(the_configuration_has_the_same_rules)
{
        _cleanup_free_ char *text = NULL;

        ck_assert_int_gt(asprintf(&text,
                                  "[Proxy]\nProxy=" NOBODY "\nProxy=http=http://127.0.0.1:%u\n"
                                  "Proxy=http=http://127.0.0.1:%u\nProxyBypass=<local>\n",
                                  first.port,
                                  second.port),
                         0);
        temp_dir_write(fixture.daemon.config, text);
        fixture_restart();
        add("127.0.0.1", "file");
        fetch();
        assert_asked(0, 1, 0);

        start_job();
        add("localhost", "file");
        fetch();
        assert_asked(1, 1, 0);
}
END_TEST

START_TEST(the_configuration_counts_before_the_session)
{
        _cleanup_free_ char *text = NULL;

        ck_assert_int_gt(asprintf(&text, "[Proxy]\nProxy=127.0.0.1:%u\n", second.port), 0);
        temp_dir_write(fixture.daemon.config, text);
        fixture_restart();
        add("127.0.0.1", "file");
        fetch();
        assert_asked(0, 0, 1);
}
END_TEST

/* ---- what is searched for -------------------------------------------------------------------- */

/* No machine of the tests' has the name wpad. */
START_TEST(without_wpad_detection_fails_for_a_while)
{
        add("127.0.0.1", "file");
        set("autodetect", NULL, NULL);
        expect_transient(CODE_DETECTION, "transport", "The network offers no proxy");
        ck_assert_str_eq(client_error(fixture.alice, job).name, "proxy-detection-failed");
        assert_asked(0, 0, 0);
}
END_TEST

START_TEST(the_sessions_proxy_is_used_and_its_password_is_not)
{
        _cleanup_free_ char *log = NULL;

        add("127.0.0.1", "file");
        fetch();
        assert_asked(0, 1, 0);
        log = http_server_log(&first);
        ck_assert_ptr_null(strcasestr(log, "authorization"));
}
END_TEST

START_TEST(the_sessions_exceptions_are_reached_directly)
{
        add("localhost", "file");
        fetch();
        assert_asked(1, 0, 0);
}
END_TEST

START_TEST(usage_none_asks_no_session)
{
        add("127.0.0.1", "file");
        set("none", NULL, NULL);
        fetch();
        assert_asked(1, 0, 0);
}
END_TEST

START_TEST(many_files_of_one_origin_ask_once)
{
        for (int i = 0; i < 20; i++) {
                _cleanup_free_ char *url = at_origin("127.0.0.1", "file"), *name = NULL, *at = NULL;

                ck_assert_int_gt(asprintf(&name, "file-%d", i), 0);
                at = fixture_alice_file(name);
                (void) unlink(at);
                client_add_file(fixture.alice, job, url, at);
        }
        client_fetch(fixture.alice, job, WAIT_MSEC);
        assert_asked(0, 20, 0);
}
END_TEST

START_TEST(all_proxy_stands_for_what_is_empty)
{
        add("127.0.0.1", "file");
        fetch();
        assert_asked(0, 1, 0);
}
END_TEST

START_TEST(a_star_means_no_proxy)
{
        add("127.0.0.1", "file");
        fetch();
        assert_asked(1, 0, 0);
}
END_TEST

/* The PAC file is shown the origin only, and its list is tried in order. */
START_TEST(a_pac_file_decides)
{
        add("127.0.0.1", "file?secret");
        fetch();
        assert_asked(0, 1, 0);
}
END_TEST

START_TEST(a_pac_file_decides_anew_for_each_hop)
{
        _cleanup_free_ char *path = NULL;

        ck_assert_int_gt(asprintf(&path, "away-to/localhost:%u/file", origin.port), 0);
        add("127.0.0.1", path);
        fetch();
        assert_asked(1, 1, 0);
}
END_TEST

START_TEST(a_broken_pac_file_is_no_word_for_direct)
{
        add("127.0.0.1", "file");
        expect_transient(CODE_DETECTION, "transport", "(PAC) is broken");
        assert_asked(0, 0, 0);
}
END_TEST

START_TEST(a_missing_pac_file_is_no_word_for_direct)
{
        add("127.0.0.1", "file");
        expect_transient(CODE_DETECTION, "transport", "(PAC) cannot be fetched");
        assert_asked(0, 0, 0);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name, void (*begin)(void))
{
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, begin, stop);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        return tcase;
}

static Suite *make_suite(void)
{
        Suite *suite = suite_create("proxy-choice");
        TCase *lists = add_case(suite, "lists", start);
        TCase *session = add_case(suite, "session", start_with_http_proxy);
        TCase *pac = add_case(suite, "pac", start_with_pac);

        tcase_add_test(lists, a_proxy_that_is_not_there_is_passed_over);
        tcase_add_test(lists, when_no_proxy_is_there_the_last_is_named);
        tcase_add_test(lists, a_proxy_that_answers_is_not_passed_over);
        tcase_add_test(lists, the_protocol_of_the_url_chooses);
        tcase_add_test(lists, a_protocol_that_no_entry_names_has_no_proxy);
        tcase_add_loop_test(lists, rules_say_who_needs_no_proxy, 0, ARRAY_SIZE(rules));
        tcase_add_loop_test(lists, each_hop_of_a_redirect_is_decided_anew, 0, 2);
        tcase_add_test(lists, the_configuration_has_the_same_rules);
        tcase_add_test(lists, without_wpad_detection_fails_for_a_while);

        tcase_add_test(session, the_sessions_proxy_is_used_and_its_password_is_not);
        tcase_add_test(session, the_sessions_exceptions_are_reached_directly);
        tcase_add_test(session, usage_none_asks_no_session);
        tcase_add_test(session, many_files_of_one_origin_ask_once);
        tcase_add_test(session, the_configuration_counts_before_the_session);
        tcase_add_test(session, without_wpad_detection_fails_for_a_while);
        tcase_add_test(add_case(suite, "all-proxy", start_with_all_proxy),
                       all_proxy_stands_for_what_is_empty);
        tcase_add_test(add_case(suite, "star", start_with_star), a_star_means_no_proxy);

        tcase_add_test(pac, a_pac_file_decides);
        tcase_add_test(pac, a_pac_file_decides_anew_for_each_hop);
        tcase_add_test(add_case(suite, "broken", start_with_broken_pac),
                       a_broken_pac_file_is_no_word_for_direct);
        tcase_add_test(add_case(suite, "nonsense", start_with_nonsense_pac),
                       a_broken_pac_file_is_no_word_for_direct);
        tcase_add_test(add_case(suite, "missing", start_without_pac),
                       a_missing_pac_file_is_no_word_for_direct);
        return suite;
}

int main(void)
{
        return fixture_play(make_suite(), 0);
}
