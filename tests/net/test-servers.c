/*
 * The servers of tests/lib themselves, seen by curl(1) as alice: each area opens to the right
 * credentials, to no wrong ones, and says what it wants. What fails here is not the product.
 */
#include <check.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"

#include "tests/lib/domain.h"
#include "tests/lib/file-hash.h"
#include "tests/lib/process.h"
#include "tests/lib/realm.h"
#include "tests/lib/servers.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define LOGIN       SERVERS_USER ":" SERVERS_PASSWORD
#define WRONG_LOGIN SERVERS_USER ":wrong"
#define TICKET      ":" /* Negotiate with what is in the cache */
#define MAX_ARGS    32
#define TEST_SEC    30

static char *dir, *body, *head; /* owned by each test */

static void start(void)
{
        dir = temp_dir_new();
        temp_dir_make(dir, 0777, 0);
        body = temp_dir_path(dir, "body");
        head = temp_dir_path(dir, "head");
        servers_forget_requests();
}

static void stop(void)
{
        free(head);
        free(body);
        dir = temp_dir_remove(dir);
}

/* What came of it: "STATUS" of the server, "connect STATUS" of a tunnel, "error N" of curl. */
static char *curl(const char *url, const char *const *options)
{
        static const char form[] = "%{exitcode} %{http_connect} %{http_code}\n";
        const char *argv[MAX_ARGS] = { "env", "-i", "curl", "-q", "-s", "--max-time", "20",
                                       "-o",  body, "-D",   head, "-w", form,         url };
        _cleanup_free_ char *output = temp_dir_path(dir, "said"), *text = NULL;
        unsigned error, connect, status;
        char *result;
        size_t n = 14;

        for (size_t i = 0; options && options[i] && n < ARRAY_SIZE(argv) - 1; i++)
                argv[n++] = options[i];
        (void) unlink(output);
        (void) unlink(body);
        (void) unlink(head);
        (void) process_run(
                &(ProcessSpec){ .argv = argv, .output = output, .uid = USERS_ALICE_UID });
        text = temp_dir_read(output, NULL);
        ck_assert_msg(sscanf(text, "%u %u %u", &error, &connect, &status) == 3, "%s", text);
        ck_assert_int_ge(connect >= 400 ? asprintf(&result, "connect %u", connect)
                         : error        ? asprintf(&result, "error %u", error)
                                        : asprintf(&result, "%u", status),
                         0);
        return result;
}

#define CURL(url, ...) curl(url, PROCESS_ARGV(__VA_ARGS__))

static void assert_small(void)
{
        _cleanup_free_ char *original = servers_file("small");

        file_hash_assert_same(body, original);
}

/* The schemes that the last answer asks for, in its order. */
static char *asked_for(void)
{
        _cleanup_free_ char *text = temp_dir_read(head, NULL);
        char *result = NULL, *rest = NULL;
        size_t size;
        FILE *out = open_memstream(&result, &size);

        for (char *line = strtok_r(text, "\r\n", &rest); line;
             line = strtok_r(NULL, "\r\n", &rest)) {
                char name[32], scheme[32];

                if (sscanf(line, "%31[^:]: %31[A-Za-z]", name, scheme) == 2 &&
                    (strcasecmp(name, "WWW-Authenticate") == 0 ||
                     strcasecmp(name, "Proxy-Authenticate") == 0))
                        (void) fprintf(out, "%s%s", ftell(out) > 0 ? " " : "", scheme);
        }
        (void) fclose(out);
        return result;
}

static void get_ticket(const char *principal, const char *password)
{
        ck_assert_int_eq(realm_ticket(&(RealmTicket){ .uid = USERS_ALICE_UID,
                                                      .principal = principal,
                                                      .password = password }),
                         0);
}

static void start_with_ticket(void)
{
        start();
        get_ticket("alice", REALM_ALICE_PASSWORD);
}

static void stop_with_ticket(void)
{
        realm_configure(REALM_KDC_ANSWERS, NULL);
        realm_forget(USERS_ALICE_UID, NULL);
        stop();
}

typedef struct Area {
        unsigned needs;
        Site site;
        const char *path, *offers;
        const char *option, *login, *wrong;
        const char *scheme, *user; /* as logged */
} Area;

/* What is wrong is then that there is no ticket. */
#define NEGOTIATE "--negotiate", TICKET, TICKET, "Negotiate", "alice@" REALM_NAME

/* clang-format off */
static const Area areas[] = {
        { SERVERS_NGINX, SITE_BASIC, "/basic/", "Basic",
          "--basic", LOGIN, WRONG_LOGIN, "Basic", SERVERS_USER },
        { SERVERS_NGINX, SITE_TLS_BASIC, "/basic/", "Basic",
          "--basic", LOGIN, WRONG_LOGIN, "Basic", SERVERS_USER },
        { SERVERS_NGINX, SITE_BEARER_BASIC, "/bearer-basic/", "Basic Bearer",
          "--basic", LOGIN, WRONG_LOGIN, "Basic", SERVERS_USER },
        { SERVERS_APACHE, SITE_DIGEST_MD5, "/digest/", "Digest",
          "--digest", LOGIN, WRONG_LOGIN, "Digest", SERVERS_USER },
        { SERVERS_REALM, SITE_NEGOTIATE, "/nego/", "Negotiate", NEGOTIATE },
        { SERVERS_REALM, SITE_NEGOTIATE_BOUND, "/nego-conn/", "Negotiate NTLM", NEGOTIATE },
        { SERVERS_REALM, SITE_NEGOTIATE_BASIC, "/nego-basic/", "Negotiate Basic", NEGOTIATE },
        { SERVERS_REALM, SITE_NEGOTIATE_BOUND_BASIC, "/nego-conn-basic/",
          "Negotiate NTLM Basic",
          NEGOTIATE },
        { SERVERS_REALM, SITE_NEGOTIATE_BASIC, "/nego-basic/", "Negotiate Basic",
          "--basic", LOGIN, WRONG_LOGIN, "Basic", SERVERS_USER "@" REALM_NAME },
        { SERVERS_REALM, SITE_TLS_NEGOTIATE, "/nego/", "Negotiate", NEGOTIATE },
        { SERVERS_REALM, SITE_TLS_NEGOTIATE_BOUND, "/nego-conn/", "Negotiate NTLM", NEGOTIATE },
        { SERVERS_REALM, SITE_TLS_NEGOTIATE_BASIC, "/nego-basic/", "Negotiate Basic", NEGOTIATE },
        { SERVERS_DOMAIN, SITE_NTLM, "/open/", "NTLM",
          "--ntlm", LOGIN, WRONG_LOGIN, "NTLM", SERVERS_USER },
        { SERVERS_DOMAIN, SITE_NTLM, "/open/", "NTLM",
          "--ntlm", DOMAIN_NAME "\\" LOGIN, DOMAIN_NAME "\\" WRONG_LOGIN, "NTLM",
          SERVERS_USER },
        { SERVERS_DOMAIN, SITE_TLS_NTLM, "/open/", "NTLM",
          "--ntlm", LOGIN, WRONG_LOGIN, "NTLM", SERVERS_USER },
        { SERVERS_REALM | SERVERS_DOMAIN, SITE_MANY, "/open/", "Negotiate NTLM Digest Basic",
          NEGOTIATE },
        { SERVERS_REALM | SERVERS_DOMAIN, SITE_MANY, "/open/", "Negotiate NTLM Digest Basic",
          "--ntlm", LOGIN, WRONG_LOGIN, "NTLM", SERVERS_USER },
        { SERVERS_REALM | SERVERS_DOMAIN, SITE_MANY, "/open/", "Negotiate NTLM Digest Basic",
          "--digest", LOGIN, WRONG_LOGIN, "Digest", SERVERS_USER },
        { SERVERS_REALM | SERVERS_DOMAIN, SITE_MANY, "/open/", "Negotiate NTLM Digest Basic",
          "--basic", LOGIN, WRONG_LOGIN, "Basic", SERVERS_USER },
};
/* clang-format on */

static bool uses_ticket(const char *login)
{
        return strcmp(login, TICKET) == 0;
}

/* The last line of a log is that of the request that was let in. */
static void assert_last_line(const char *log, const char *format, ...)
        __attribute__((__format__(__printf__, 2, 3)));

static void assert_last_line(const char *log, const char *format, ...)
{
        size_t length = strlen(log);
        const char *last = log;
        char expected[256];
        va_list args;

        va_start(args, format);
        (void) vsnprintf(expected, sizeof(expected), format, args);
        va_end(args);
        for (size_t i = 0; i + 1 < length; i++)
                if (log[i] == '\n')
                        last = &log[i + 1];
        ck_assert_str_eq(last, expected);
}

static void have_ticket(const char *login, bool wanted)
{
        if (!uses_ticket(login))
                return;
        if (wanted)
                get_ticket("alice", REALM_ALICE_PASSWORD);
        else
                realm_forget(USERS_ALICE_UID, NULL);
}

START_TEST(an_area_opens_to_the_right_credentials_alone)
{
        const Area *area = &areas[_i];
        _cleanup_free_ char *url = servers_url(area->site, "small"), *offers = NULL, *log = NULL;
        _cleanup_free_ char *without = NULL, *wrong = NULL, *right = NULL;

        without = curl(url, NULL);
        offers = asked_for();
        ck_assert_str_eq(without, "401");
        ck_assert_str_eq(offers, area->offers);

        wrong = CURL(url, area->option, "-u", area->wrong);
        ck_assert_str_eq(wrong, "401");

        have_ticket(area->login, true);
        right = CURL(url, area->option, "-u", area->login);
        have_ticket(area->login, false);
        ck_assert_str_eq(right, "200");
        assert_small();

        log = servers_logons(area->site, 3);
        assert_last_line(log, "GET %ssmall 200 %s %s\n", area->path, area->scheme, area->user);
        ck_assert_msg(!strstr(strstr(log, " 200 ") + 1, " 200 "), "%s", log);
}
END_TEST

typedef struct Way {
        unsigned needs;
        ServersProxy proxy;
        const char *offers, *option, *login, *wrong, *scheme, *user;
} Way;

#define PROXY_NEGOTIATE "--proxy-negotiate", TICKET, TICKET, "Negotiate", "alice@" REALM_NAME

/* clang-format off */
static const Way ways[] = {
        { SERVERS_SQUID, SERVERS_PROXY_BASIC, "Basic",
          "--proxy-basic", LOGIN, WRONG_LOGIN, "Basic", SERVERS_USER },
        { SERVERS_SQUID, SERVERS_PROXY_DIGEST, "Digest",
          "--proxy-digest", LOGIN, WRONG_LOGIN, "Digest", SERVERS_USER },
        { SERVERS_SQUID, SERVERS_PROXY_BOTH, "Digest Basic",
          "--proxy-digest", LOGIN, WRONG_LOGIN, "Digest", SERVERS_USER },
        { SERVERS_SQUID, SERVERS_PROXY_TLS_BASIC, "Basic",
          "--proxy-basic", LOGIN, WRONG_LOGIN, "Basic", SERVERS_USER },
        { SERVERS_SQUID, SERVERS_PROXY_TLS_DIGEST, "Digest",
          "--proxy-digest", LOGIN, WRONG_LOGIN, "Digest", SERVERS_USER },
        { SERVERS_REALM, SERVERS_PROXY_NEGOTIATE, "Negotiate", PROXY_NEGOTIATE },
        { SERVERS_DOMAIN, SERVERS_PROXY_NTLM, "NTLM",
          "--proxy-ntlm", LOGIN, WRONG_LOGIN, "NTLM", SERVERS_USER },
        { SERVERS_REALM | SERVERS_DOMAIN, SERVERS_PROXY_MANY, "Negotiate NTLM Digest Basic",
          PROXY_NEGOTIATE },
        { SERVERS_REALM | SERVERS_DOMAIN, SERVERS_PROXY_MANY, "Negotiate NTLM Digest Basic",
          "--proxy-ntlm", LOGIN, WRONG_LOGIN, "NTLM", SERVERS_USER },
        { SERVERS_REALM | SERVERS_DOMAIN, SERVERS_PROXY_MANY, "Negotiate NTLM Digest Basic",
          "--proxy-digest", LOGIN, WRONG_LOGIN, "Digest", SERVERS_USER },
        { SERVERS_REALM | SERVERS_DOMAIN, SERVERS_PROXY_MANY, "Negotiate NTLM Digest Basic",
          "--proxy-basic", LOGIN, WRONG_LOGIN, "Basic", SERVERS_USER },
};
/* clang-format on */

/* Each way is gone twice: to http, and through a tunnel to https. */
static const struct {
        Site site;
        const char *refusal;
} ends[] = {
        { SITE_OPEN, "407" },
        { SITE_TLS_OPEN, "connect 407" },
};

/* Of the requests that begin like that one has passed, that with the right credentials. */
static void assert_passed(const char *log, const char *begin, const Way *way)
{
        _cleanup_free_ char *copy = strdup(log), *end = NULL;
        unsigned passed = 0;
        char *rest = NULL;

        ck_assert_int_gt(asprintf(&end, " 200 %s %s", way->scheme, way->user), 0);
        for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
                if (strncmp(line, begin, strlen(begin)) != 0 || !strstr(line, " 200 "))
                        continue;
                ck_assert_str_eq(strstr(line, " 200 "), end);
                passed++;
        }
        ck_assert_msg(passed == 1, "%s", log);
}

START_TEST(a_proxy_lets_the_right_credentials_pass_alone)
{
        const Way *way = &ways[_i];
        _cleanup_free_ char *proxy = servers_proxy(way->proxy), *log = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
                _cleanup_free_ char *url = servers_url(ends[i].site, "small"), *offers = NULL;
                _cleanup_free_ char *without = NULL, *wrong = NULL, *right = NULL;

                without = CURL(url, "-x", proxy);
                offers = asked_for();
                ck_assert_str_eq(without, ends[i].refusal);
                ck_assert_str_eq(offers, way->offers);

                wrong = CURL(url, "-x", proxy, way->option, "--proxy-user", way->wrong);
                ck_assert_str_eq(wrong, ends[i].refusal);

                have_ticket(way->login, true);
                right = CURL(url, "-x", proxy, way->option, "--proxy-user", way->login);
                have_ticket(way->login, false);
                ck_assert_str_eq(right, "200");
                assert_small();
        }
        log = servers_proxy_logons(way->proxy, 6);
        assert_passed(log, "GET http:", way);
        assert_passed(log, "CONNECT 127.0.0.1:", way);
}
END_TEST

static const struct {
        Site site;
        const char *path, *offers;
} bearers[] = {
        { SITE_BEARER, "/bearer/", "Bearer" },
        { SITE_TLS_BEARER, "/bearer/", "Bearer" },
        { SITE_BEARER_BASIC, "/bearer-basic/", "Basic Bearer" },
};

START_TEST(a_bearer_area_opens_to_the_token_alone)
{
        static const char *const wrong[] = { "wrong", SERVERS_TOKEN "x", "EYJHBGCIOIJUB25LIN0" };
        _cleanup_free_ char *url = servers_url(bearers[_i].site, "small"), *log = NULL;
        _cleanup_free_ char *right = CURL(url, "--oauth2-bearer", SERVERS_TOKEN), *offers = NULL;

        ck_assert_str_eq(right, "200");
        assert_small();
        log = servers_logons(bearers[_i].site, 1);
        assert_last_line(log, "GET %ssmall 200 Bearer " SERVERS_USER "\n", bearers[_i].path);
        for (size_t i = 0; i <= ARRAY_SIZE(wrong); i++) {
                _cleanup_free_ char *result = i < ARRAY_SIZE(wrong)
                                                      ? CURL(url, "--oauth2-bearer", wrong[i])
                                                      : curl(url, NULL);

                ck_assert_str_eq(result, "401");
        }
        offers = asked_for();
        ck_assert_str_eq(offers, bearers[_i].offers);
}
END_TEST

/* 60: "peer certificate cannot be authenticated with known CA certificates". */
static const Site bad_certificates[] = {
        SITE_EXPIRED, SITE_WRONG_NAME, SITE_UNKNOWN, SITE_WRONG_USE, SITE_UNTRUSTED,
};

START_TEST(a_bad_certificate_is_refused)
{
        _cleanup_free_ char *url = servers_url(bad_certificates[_i], "small");
        _cleanup_free_ char *result = curl(url, NULL), *trusting = CURL(url, "-k");

        ck_assert_str_eq(result, "error 60");
        ck_assert_str_eq(trusting, "200");
}
END_TEST

START_TEST(a_revoked_certificate_is_refused_by_the_list)
{
        _cleanup_free_ char *list = servers_revocations();
        _cleanup_free_ char *revoked = servers_url(SITE_REVOKED, "small");
        _cleanup_free_ char *good = servers_url(SITE_TLS_OPEN, "small");
        _cleanup_free_ char *without = curl(revoked, NULL);
        _cleanup_free_ char *with = CURL(revoked, "--crlfile", list);
        _cleanup_free_ char *other = CURL(good, "--crlfile", list);

        ck_assert_str_eq(without, "200");
        ck_assert_str_eq(with, "error 60");
        ck_assert_str_eq(other, "200");
}
END_TEST

/* 58: "problem with the local client certificate". */
static const struct {
        const char *certificate, *key, *result;
} clients[] = {
        { SERVERS_CLIENT_CERTIFICATE, SERVERS_CLIENT_KEY, "200" },
        { SERVERS_CLIENT_CERTIFICATE ":" SERVERS_KEY_PASSWORD, SERVERS_CLIENT_LOCKED_KEY, "200" },
        { SERVERS_CLIENT_CERTIFICATE ":wrong", SERVERS_CLIENT_LOCKED_KEY, "error 58" },
        { SERVERS_CLIENT_CERTIFICATE, SERVERS_IMPOSTOR_KEY, "error 58" },
        { SERVERS_IMPOSTOR_CERTIFICATE, SERVERS_IMPOSTOR_KEY, "400" },
        { NULL, NULL, "400" },
};

START_TEST(a_client_is_known_by_its_certificate)
{
        _cleanup_free_ char *url = servers_url(SITE_CLIENT, "small"), *log = NULL;
        _cleanup_free_ char *result =
                clients[_i].certificate
                        ? CURL(url, "-E", clients[_i].certificate, "--key", clients[_i].key)
                        : curl(url, NULL);

        ck_assert_str_eq(result, clients[_i].result);
        log = servers_logons(SITE_CLIENT, strncmp(result, "error", 5) == 0 ? 0 : 1);
        if (strcmp(result, "200") == 0)
                ck_assert_str_eq(log, "GET /open/small 200 Certificate alice\n");
        else
                ck_assert_ptr_null(strstr(log, "alice"));
}
END_TEST

START_TEST(a_bound_connection_stays_alices)
{
        bool bound = _i;
        Site site = bound ? SITE_NEGOTIATE_BOUND : SITE_NEGOTIATE;
        _cleanup_free_ char *url = servers_url(site, "small"), *log = NULL;
        _cleanup_free_ char *result = CURL(url, "--negotiate", "-u", TICKET, "--next", "-s", url);

        ck_assert_ptr_nonnull(result);
        log = servers_logons(site, 2);
        assert_last_line(log,
                         bound ? "GET /nego-conn/small 200 - alice@" REALM_NAME "\n"
                               : "GET /nego/small 401 - -\n");
}
END_TEST

static const struct {
        const char *host, *result;
} hosts[] = {
        { "127.0.0.1", "200" },        { "localhost", "200" },        { REALM_HOST_KNOWN, "200" },
        { REALM_HOST_UNKNOWN, "401" }, { REALM_HOST_NOWHERE, "401" },
};

START_TEST(a_service_is_known_by_its_host)
{
        _cleanup_free_ char *url = servers_url_at(SITE_NEGOTIATE, hosts[_i].host, "small");
        _cleanup_free_ char *result = CURL(url, "--negotiate", "-u", TICKET);

        ck_assert_str_eq(result, hosts[_i].result);
}
END_TEST

START_TEST(a_silent_kdc_is_waited_for)
{
        _cleanup_free_ char *url = servers_url_at(SITE_NEGOTIATE, REALM_HOST_SILENT, "small");
        _cleanup_free_ char *log = NULL;
        pid_t pid = process_start(&(ProcessSpec){
                .argv = PROCESS_ARGV("env",
                                     "-i",
                                     "curl",
                                     "-q",
                                     "-s",
                                     "-o",
                                     body,
                                     "--negotiate",
                                     "-u",
                                     TICKET,
                                     url),
                .uid = USERS_ALICE_UID,
        });

        ck_assert(!process_wait(pid, 1500, NULL));
        process_kill(&pid);
        log = servers_logons(SITE_NEGOTIATE, 0);
        ck_assert_str_eq(log, "");
}
END_TEST

START_TEST(without_a_valid_ticket_nobody_is_known)
{
        _cleanup_free_ char *url = servers_url(SITE_NEGOTIATE, "small"), *log = NULL;
        _cleanup_free_ char *result = NULL;

        if (_i == 0)
                ck_assert_int_eq(
                        realm_expired_ticket(&(RealmTicket){ .uid = USERS_ALICE_UID,
                                                             .principal = "alice",
                                                             .password = REALM_ALICE_PASSWORD }),
                        0);
        else
                realm_forget(USERS_ALICE_UID, NULL);
        result = CURL(url, "--negotiate", "-u", TICKET);
        ck_assert_str_eq(result, "401");
        log = servers_logons(SITE_NEGOTIATE, 1);
        ck_assert_str_eq(log, "GET /nego/small 401 - -\n");
}
END_TEST

START_TEST(a_ticket_needs_the_password_and_a_kdc)
{
        RealmTicket ticket = { .uid = USERS_ALICE_UID, .principal = "alice", .password = "wrong" };

        ck_assert_int_ne(realm_ticket(&ticket), 0);
        ticket.password = REALM_ALICE_PASSWORD;
        realm_configure(REALM_KDC_REFUSES, NULL);
        ck_assert_int_ne(realm_ticket(&ticket), 0);
        ticket.principal = "alice@" REALM_NOWHERE;
        ck_assert_int_ne(realm_ticket(&ticket), 0);
        realm_configure(REALM_KDC_ANSWERS, NULL);
        ticket.principal = "alice@" REALM_NAME;
        ck_assert_int_eq(realm_ticket(&ticket), 0);
}
END_TEST

START_TEST(a_ticket_can_be_in_another_cache)
{
        static const char cache[] = "DIR:/tmp/dosvc-tickets";
        _cleanup_free_ char *url = servers_url(SITE_NEGOTIATE, "small"), *log = NULL;
        _cleanup_free_ char *result = NULL;

        realm_forget(USERS_ALICE_UID, NULL);
        realm_configure(REALM_KDC_ANSWERS, cache);
        ck_assert_int_eq(realm_ticket(&(RealmTicket){ .uid = USERS_ALICE_UID,
                                                      .cache = cache,
                                                      .principal = "bob",
                                                      .password = REALM_BOB_PASSWORD }),
                         0);
        result = CURL(url, "--negotiate", "-u", TICKET);
        ck_assert_str_eq(result, "200");
        log = servers_logons(SITE_NEGOTIATE, 1);
        assert_last_line(log, "GET /nego/small 200 Negotiate bob@" REALM_NAME "\n");
        realm_forget(USERS_ALICE_UID, cache);
}
END_TEST

static const struct {
        const char *login, *result;
} accents[] = {
        { DOMAIN_ACCENT_USER ":" DOMAIN_ACCENT_LATIN1, "200" },
        { DOMAIN_NAME "\\" DOMAIN_ACCENT_USER ":" DOMAIN_ACCENT_LATIN1, "200" },
        { DOMAIN_ACCENT_USER ":" DOMAIN_ACCENT_PASSWORD, "401" }, /* libcurl widens bytes */
};

START_TEST(a_password_of_the_domain_is_not_ascii)
{
        _cleanup_free_ char *url = servers_url(SITE_NTLM, "small");
        _cleanup_free_ char *result = CURL(url, "--ntlm", "-u", accents[_i].login);

        ck_assert_str_eq(result, accents[_i].result);
}
END_TEST

START_TEST(ntlm_falls_back_to_http_1_1)
{
        _cleanup_free_ char *url = servers_url(SITE_H2_NTLM, "small"), *refused = NULL;
        _cleanup_free_ char *let_in = NULL, *result = NULL;

        result = CURL(url, "--http2", "--anyauth", "-u", LOGIN);
        ck_assert_str_eq(result, "200");
        assert_small();
        refused = servers_logons(SITE_H2_NTLM, 1);
        ck_assert_str_eq(refused, "GET /open/small 401 - -\n");
        let_in = servers_logons(SITE_TLS_NTLM, 1);
        assert_last_line(let_in, "GET /open/small 200 NTLM " SERVERS_USER "\n");
}
END_TEST

static TCase *add_case(Suite *suite, const char *name, bool with_ticket)
{
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase,
                                  with_ticket ? start_with_ticket : start,
                                  with_ticket ? stop_with_ticket : stop);
        tcase_set_timeout(tcase, TEST_SEC);
        suite_add_tcase(suite, tcase);
        return tcase;
}

static void add_areas(Suite *suite, unsigned available)
{
        TCase *tcase = add_case(suite, "areas", false);

        for (int i = 0; i < (int) ARRAY_SIZE(areas); i++) {
                if ((areas[i].needs & available) != areas[i].needs)
                        continue;
                tcase_add_loop_test(tcase, an_area_opens_to_the_right_credentials_alone, i, i + 1);
        }
        tcase = add_case(suite, "bearer", false);
        tcase_add_loop_test(tcase, a_bearer_area_opens_to_the_token_alone, 0, ARRAY_SIZE(bearers));
}

static void add_proxies(Suite *suite, unsigned available)
{
        TCase *tcase = add_case(suite, "proxies", false);

        for (int i = 0; i < (int) ARRAY_SIZE(ways); i++) {
                if ((ways[i].needs & available) != ways[i].needs)
                        continue;
                tcase_add_loop_test(tcase, a_proxy_lets_the_right_credentials_pass_alone, i, i + 1);
        }
}

static void add_certificates(Suite *suite)
{
        TCase *tcase = add_case(suite, "certificates", false);

        tcase_add_loop_test(tcase, a_bad_certificate_is_refused, 0, ARRAY_SIZE(bad_certificates));
        tcase_add_test(tcase, a_revoked_certificate_is_refused_by_the_list);
        tcase_add_loop_test(tcase, a_client_is_known_by_its_certificate, 0, ARRAY_SIZE(clients));
}

static void add_realm(Suite *suite)
{
        TCase *tcase = add_case(suite, "realm", true);

        tcase_add_loop_test(tcase, a_bound_connection_stays_alices, 0, 2);
        tcase_add_loop_test(tcase, a_service_is_known_by_its_host, 0, ARRAY_SIZE(hosts));
        tcase_add_test(tcase, a_silent_kdc_is_waited_for);
        tcase_add_loop_test(tcase, without_a_valid_ticket_nobody_is_known, 0, 2);
        tcase_add_test(tcase, a_ticket_needs_the_password_and_a_kdc);
        tcase_add_test(tcase, a_ticket_can_be_in_another_cache);
}

static void add_domain(Suite *suite)
{
        TCase *tcase = add_case(suite, "domain", false);

        tcase_add_loop_test(tcase, a_password_of_the_domain_is_not_ascii, 0, ARRAY_SIZE(accents));
        tcase_add_test(tcase, ntlm_falls_back_to_http_1_1);
}

int main(void)
{
        /* Without lighttpd, whose log is slow to come; test-auth.c sees enough of it. */
        unsigned available = servers_available(SERVERS_ALL & ~SERVERS_LIGHTTPD);
        Suite *suite = suite_create("servers");

        add_areas(suite, available);
        add_proxies(suite, available);
        add_certificates(suite);
        if (available & SERVERS_REALM)
                add_realm(suite);
        if (available & SERVERS_DOMAIN)
                add_domain(suite);
        return fixture_play(suite, available);
}
