/*
 * Negotiate against a KDC of the test's own: the owner's tickets where the owner's programs keep
 * them, tickets for a user and password, and a name for each reason why there is none. Implicit
 * credentials are sent only when they were asked for (spec section 1.6).
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/file-hash.h"
#include "tests/lib/http-server.h"
#include "tests/lib/realm.h"
#include "tests/lib/servers.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define WAIT_MSEC 40000

#define CODE_401 0x80190191U
#define CODE_407 0x80190197U

/* A cache that nobody finds by himself. */
#define ELSEWHERE "FILE:/tmp/elsewhere"

static char *job, *local;

static void start(void)
{
        fixture_start();
        servers_forget_requests();
        job = client_create(fixture.alice, "tickets");
        local = fixture_alice_file("file");
        (void) unlink(local);
}

static void start_user(void)
{
        fixture_start_user();
        servers_forget_requests();
        job = client_create(fixture.alice, "tickets");
        local = fixture_alice_file("file");
        (void) unlink(local);
}

/* What a test changed of the realm is seen by the next. */
static void restore(void)
{
        realm_configure(REALM_KDC_ANSWERS, NULL);
        realm_forget(USERS_ALICE_UID, NULL);
        realm_forget(USERS_BOB_UID, NULL);
        realm_forget(USERS_ALICE_UID, ELSEWHERE);
        realm_forget(USERS_BOB_UID, ELSEWHERE);
}

static void get_ticket(uint32_t uid, const char *cache, const char *who, const char *password)
{
        ck_assert_int_eq(realm_ticket(&(RealmTicket){ .uid = uid,
                                                      .cache = cache,
                                                      .principal = who,
                                                      .password = password }),
                         0);
}

static void get_alices(void)
{
        get_ticket(USERS_ALICE_UID, NULL, "alice", REALM_ALICE_PASSWORD);
}

static void add(Site site)
{
        _cleanup_free_ char *url = servers_url(site, "small");

        client_add_file(fixture.alice, job, url, local);
}

static void add_at(Site site, const char *host)
{
        _cleanup_free_ char *url = servers_url_at(site, host, "small");

        client_add_file(fixture.alice, job, url, local);
}

static void use(ServersProxy proxy)
{
        _cleanup_free_ char *url = servers_proxy(proxy);

        client_set_proxy(fixture.alice, job, url);
}

static void set_implicit(const char *target, const char *scheme)
{
        ck_assert_pstr_eq(
                client_try_credential(fixture.alice, job, target, scheme, &(ClientCredential){ 0 }),
                NULL);
}

static void set(const char *user, const char *password)
{
        client_set_password(fixture.alice, job, "server", "negotiate", user, password);
}

static void set_cache(const char *name)
{
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     job,
                                     "org.freedesktop.DBus.Properties",
                                     "Set",
                                     "ssv",
                                     DOSVC_JOB_INTERFACE,
                                     "TicketCache",
                                     "s",
                                     name),
                          NULL);
}

static void fetch(void)
{
        _cleanup_free_ char *expected = servers_file("small");

        client_fetch(fixture.alice, job, WAIT_MSEC);
        file_hash_assert_same(local, expected);
}

/* The job's error says why, in these words. */
static void expect_error(uint32_t code, const char *words)
{
        ClientError error;

        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "error", WAIT_MSEC);
        error = client_error(fixture.alice, job);
        ck_assert_uint_eq(error.code, code);
        ck_assert_msg(strstr(error.description, words), "%s", error.description);
        ck_assert_int_lt(access(local, F_OK), 0);
}

/* Who got the file. */
static void assert_user(Site site, const char *user)
{
        _cleanup_free_ char *expected = NULL;

        ck_assert_int_ge(asprintf(&expected, " 200 Negotiate %s\n", user), 0);
        ck_assert_ptr_nonnull(strstr(servers_logons(site, 2), expected));
}

static void assert_nothing_sent(Site site)
{
        ck_assert_ptr_null(strstr(servers_requests(site, 1), "Negotiate"));
}

/* Implicit ------------------------------------------------------------------------------------- */

static const Site negotiating[] = {
        SITE_NEGOTIATE,
        SITE_NEGOTIATE_BOUND,
        SITE_TLS_NEGOTIATE,
        SITE_TLS_NEGOTIATE_BOUND,
};

START_TEST(the_owners_ticket_is_used)
{
        get_alices();
        add(negotiating[_i]);
        set_implicit("server", "negotiate");
        fetch();
        assert_user(negotiating[_i], "alice@" REALM_NAME);
}
END_TEST

START_TEST(a_ticket_is_not_sent_unless_that_was_asked_for)
{
        get_alices();
        add(SITE_NEGOTIATE);
        expect_error(CODE_401, "401");
        assert_nothing_sent(SITE_NEGOTIATE);
}
END_TEST

START_TEST(another_users_ticket_is_not_used)
{
        get_ticket(USERS_BOB_UID, NULL, "bob", REALM_BOB_PASSWORD);
        add(SITE_NEGOTIATE);
        set_implicit("server", "negotiate");
        expect_error(CODE_401, "there is no ticket");
        assert_nothing_sent(SITE_NEGOTIATE);
}
END_TEST

START_TEST(the_ticket_is_found_where_krb5_conf_says)
{
        static const char *const caches[] = {
                "FILE:/tmp/tickets-of-%{uid}",
                "DIR:/tmp/tickets-of-%{uid}.d",
        };

        realm_configure(REALM_KDC_ANSWERS, caches[_i]);
        /* kinit of the owner reads the same file. */
        get_ticket(USERS_ALICE_UID,
                   _i == 0 ? "FILE:/tmp/tickets-of-7101" : "DIR:/tmp/tickets-of-7101.d",
                   "alice",
                   REALM_ALICE_PASSWORD);
        add(SITE_NEGOTIATE);
        set_implicit("server", "negotiate");
        fetch();
        assert_user(SITE_NEGOTIATE, "alice@" REALM_NAME);
}
END_TEST

/* The default cache is empty, and TicketCache is what mends it; a path alone is a file's. */
START_TEST(the_job_may_name_the_cache)
{
        static const char *const names[] = { ELSEWHERE, "/tmp/elsewhere" };

        get_ticket(USERS_ALICE_UID, ELSEWHERE, "alice", REALM_ALICE_PASSWORD);
        add(SITE_NEGOTIATE);
        set_implicit("server", "negotiate");
        expect_error(CODE_401, "there is no ticket");
        assert_nothing_sent(SITE_NEGOTIATE);
        set_cache(names[_i]);
        fetch();
        assert_user(SITE_NEGOTIATE, "alice@" REALM_NAME);
}
END_TEST

/* Nor is her own ticket taken in its place. */
START_TEST(a_cache_that_is_not_there_is_told)
{
        get_alices();
        add(SITE_NEGOTIATE);
        set_implicit("server", "negotiate");
        set_cache(ELSEWHERE);
        expect_error(CODE_401, ELSEWHERE);
        ck_assert_ptr_nonnull(
                strstr(client_error(fixture.alice, job).description, "there is no ticket"));
        assert_nothing_sent(SITE_NEGOTIATE);
        set_cache("");
        fetch();
}
END_TEST

START_TEST(another_users_cache_is_not_read)
{
        get_alices();
        get_ticket(USERS_BOB_UID, ELSEWHERE, "bob", REALM_BOB_PASSWORD);
        add(SITE_NEGOTIATE);
        set_implicit("server", "negotiate");
        set_cache(ELSEWHERE);
        expect_error(CODE_401, ELSEWHERE);
        ck_assert_ptr_nonnull(
                strstr(client_error(fixture.alice, job).description, "may not read the cache"));
        assert_nothing_sent(SITE_NEGOTIATE);
}
END_TEST

/* Some containers keep the kernel's keyrings from everybody. */
START_TEST(the_ticket_is_found_in_a_keyring)
{
        realm_configure(REALM_KDC_ANSWERS, "KEYRING:persistent:%{uid}");
        if (realm_ticket(&(RealmTicket){ .uid = USERS_ALICE_UID,
                                         .cache = "KEYRING:persistent:7101",
                                         .principal = "alice",
                                         .password = REALM_ALICE_PASSWORD }) != 0) {
                (void) fprintf(stderr, "skipped: tickets in a keyring, which kinit cannot use\n");
                return;
        }
        add(SITE_NEGOTIATE);
        set_implicit("server", "negotiate");
        fetch();
        assert_user(SITE_NEGOTIATE, "alice@" REALM_NAME);
        realm_forget(USERS_ALICE_UID, "KEYRING:persistent:7101");
}
END_TEST

START_TEST(no_ticket_is_told_apart_from_a_refusal_and_a_new_one_mends_it)
{
        add(SITE_NEGOTIATE);
        set_implicit("server", "negotiate");
        expect_error(CODE_401, "there is no ticket");
        assert_nothing_sent(SITE_NEGOTIATE);
        get_alices();
        fetch();
}
END_TEST

START_TEST(an_expired_ticket_is_told)
{
        ck_assert_int_eq(realm_expired_ticket(&(RealmTicket){ .uid = USERS_ALICE_UID,
                                                              .principal = "alice",
                                                              .password = REALM_ALICE_PASSWORD }),
                         0);
        add(SITE_NEGOTIATE);
        set_implicit("server", "negotiate");
        expect_error(CODE_401, "the ticket has expired");
        assert_nothing_sent(SITE_NEGOTIATE);
}
END_TEST

START_TEST(many_files_share_one_ticket)
{
        get_alices();
        for (int i = 0; i < 20; i++) {
                _cleanup_free_ char *url = servers_url(SITE_NEGOTIATE, "small"), *name = NULL;
                _cleanup_free_ char *path = NULL;

                ck_assert_int_ge(asprintf(&name, "file-%d", i), 0);
                path = fixture_alice_file(name);
                (void) unlink(path);
                client_add_file(fixture.alice, job, url, path);
        }
        set_implicit("server", "negotiate");
        client_fetch(fixture.alice, job, WAIT_MSEC);
}
END_TEST

/* Implicit for the proxy serves the server, and not the other way round. */
START_TEST(a_proxys_implicit_credentials_serve_the_server)
{
        get_alices();
        add(SITE_TLS_NEGOTIATE);
        use(SERVERS_PROXY_NEGOTIATE);
        set_implicit("proxy", "negotiate");
        fetch();
        assert_user(SITE_TLS_NEGOTIATE, "alice@" REALM_NAME);
}
END_TEST

START_TEST(an_explicit_server_credential_ends_the_inheritance)
{
        get_alices();
        add(SITE_TLS_NEGOTIATE);
        use(SERVERS_PROXY_NEGOTIATE);
        set_implicit("proxy", "negotiate");
        client_set_password(fixture.alice, job, "server", "basic", SERVERS_USER, SERVERS_PASSWORD);
        expect_error(CODE_401, "401");
        assert_nothing_sent(SITE_TLS_NEGOTIATE);
}
END_TEST

START_TEST(a_servers_implicit_credentials_do_not_serve_the_proxy)
{
        get_alices();
        add(SITE_OPEN);
        use(SERVERS_PROXY_NEGOTIATE);
        set_implicit("server", "negotiate");
        expect_error(CODE_407, "407");
        ck_assert_ptr_null(strstr(servers_proxy_requests(SERVERS_PROXY_NEGOTIATE, 1), "Negotiate"));
}
END_TEST

/* Explicit ------------------------------------------------------------------------------------- */

START_TEST(a_user_may_be_named_in_each_form)
{
        static const char *const forms[] = {
                SERVERS_USER,
                (SERVERS_USER "@" REALM_NAME),
                (REALM_NAME "\\" SERVERS_USER),
                ("example.test\\" SERVERS_USER),
        };

        get_alices(); /* hers is not taken */
        add(SITE_NEGOTIATE);
        set(forms[_i], SERVERS_PASSWORD);
        fetch();
        assert_user(SITE_NEGOTIATE, SERVERS_USER "@" REALM_NAME);
}
END_TEST

/* Each reason has words of its own, and no header was sent. */
static const struct {
        const char *host, *user, *password;
        RealmKdc kdc;
        const char *words;
} reasons[] = {
        { NULL, SERVERS_USER, "wrong", REALM_KDC_ANSWERS, "the KDC refused the password" },
        { NULL, "nobody", "wrong", REALM_KDC_ANSWERS, "the KDC does not know the user" },
        { NULL, SERVERS_USER "@" REALM_NOWHERE, "x", REALM_KDC_ANSWERS, "no KDC" },
        { NULL, SERVERS_USER "@NEVER.HEARD.OF", "x", REALM_KDC_ANSWERS, "no KDC" },
        { NULL, SERVERS_USER, SERVERS_PASSWORD, REALM_KDC_REFUSES, "no KDC of the realm answers" },
        { NULL, SERVERS_USER, SERVERS_PASSWORD, REALM_KDC_HANGS, "the KDC does not answer" },
        { NULL,
          SERVERS_USER,
          SERVERS_PASSWORD,
          REALM_KDC_AHEAD,
          "this clock and the KDC's differ" },
        { REALM_HOST_UNKNOWN,
          SERVERS_USER,
          SERVERS_PASSWORD,
          REALM_KDC_ANSWERS,
          "the KDC does not know the service" },
};

START_TEST(each_reason_has_a_name)
{
        const char *host = reasons[_i].host;

        realm_configure(reasons[_i].kdc, NULL);
        if (host)
                add_at(SITE_NEGOTIATE, host);
        else
                add(SITE_NEGOTIATE);
        set(reasons[_i].user, reasons[_i].password);
        expect_error(CODE_401, reasons[_i].words);
        assert_nothing_sent(SITE_NEGOTIATE);
}
END_TEST

/* The job does not hang with the KDC: it can be cancelled meanwhile. */
START_TEST(a_silent_kdc_does_not_hold_the_job)
{
        realm_configure(REALM_KDC_HANGS, NULL);
        add(SITE_NEGOTIATE);
        set(SERVERS_USER, SERVERS_PASSWORD);
        client_call(fixture.alice, job, "Resume");
        ck_assert_ptr_nonnull(strstr(servers_requests(SITE_NEGOTIATE, 1), " 401 "));
        client_call(fixture.alice, job, "Suspend");
        client_wait_state(fixture.alice, job, "suspended", 3000);
        realm_configure(REALM_KDC_ANSWERS, NULL);
        fetch();
}
END_TEST

START_TEST(without_a_ticket_the_weaker_scheme_is_used)
{
        add(SITE_NEGOTIATE_BASIC);
        set_implicit("server", "negotiate");
        client_set_password(fixture.alice, job, "server", "basic", SERVERS_USER, SERVERS_PASSWORD);
        fetch();
        assert_nothing_sent(SITE_NEGOTIATE_BASIC);
}
END_TEST

START_TEST(after_a_refused_password_no_weaker_scheme_is_used)
{
        add(SITE_NEGOTIATE_BASIC);
        set(SERVERS_USER, "wrong");
        client_set_password(fixture.alice, job, "server", "basic", SERVERS_USER, SERVERS_PASSWORD);
        expect_error(CODE_401, "the KDC refused the password");
        ck_assert_ptr_null(strstr(servers_requests(SITE_NEGOTIATE_BASIC, 1), "Basic"));
}
END_TEST

START_TEST(two_identities_in_one_job_are_not_mixed)
{
        add(SITE_TLS_NEGOTIATE);
        use(SERVERS_PROXY_NEGOTIATE);
        client_set_password(fixture.alice,
                            job,
                            "proxy",
                            "negotiate",
                            "alice",
                            REALM_ALICE_PASSWORD);
        set(SERVERS_USER, SERVERS_PASSWORD);
        expect_error(CODE_401, "one identity");
        assert_nothing_sent(SITE_TLS_NEGOTIATE);
}
END_TEST

/* Never elsewhere ------------------------------------------------------------------------------ */

/* Two jobs of one user at a server that authenticates connections. */
START_TEST(identities_of_two_jobs_do_not_meet_on_a_connection)
{
        _cleanup_free_ char *url = servers_url(SITE_NEGOTIATE_BOUND, "medium");
        _cleanup_free_ char *second_file = fixture_alice_file("second");
        _cleanup_free_ char *second = NULL;

        get_alices();
        client_add_file(fixture.alice, job, url, local);
        set_implicit("server", "negotiate");
        second = client_create_for(fixture.alice, url, second_file);
        client_set_password(fixture.alice,
                            second,
                            "server",
                            "negotiate",
                            SERVERS_USER,
                            SERVERS_PASSWORD);
        client_call(fixture.alice, job, "Resume");
        client_call(fixture.alice, second, "Resume");
        client_wait_state(fixture.alice, job, "transferred", WAIT_MSEC);
        client_wait_state(fixture.alice, second, "transferred", WAIT_MSEC);
        assert_user(SITE_NEGOTIATE_BOUND, "alice@" REALM_NAME);
        assert_user(SITE_NEGOTIATE_BOUND, SERVERS_USER "@" REALM_NAME);
}
END_TEST

START_TEST(a_job_without_credentials_after_one_with_is_nobody)
{
        _cleanup_free_ char *url = servers_url(SITE_NEGOTIATE_BOUND, "small");
        _cleanup_free_ char *second_file = fixture_alice_file("second");

        get_alices();
        add(SITE_NEGOTIATE_BOUND);
        set_implicit("server", "negotiate");
        fetch();
        servers_forget_requests();
        free(job);
        job = client_create_for(fixture.alice, url, second_file);
        (void) unlink(local);
        expect_error(CODE_401, "401");
        assert_nothing_sent(SITE_NEGOTIATE_BOUND);
}
END_TEST

static char *away; /* where on_away() sends to */

static void on_away(HttpRequest *request)
{
        dprintf(request->fd,
                "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                away);
}

START_TEST(a_redirect_to_another_origin_takes_no_ticket_along)
{
        _cleanup_free_ char *url = NULL;
        HttpServer server;

        get_alices();
        away = servers_url(SITE_NEGOTIATE, "small");
        http_server_start(&server, on_away, fixture.dir);
        url = http_server_url(&server, "/file");
        client_add_file(fixture.alice, job, url, local);
        set_implicit("server", "negotiate");
        expect_error(CODE_401, "401");
        assert_nothing_sent(SITE_NEGOTIATE);
        http_server_stop(&server);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name, void (*begin)(void))
{
        TCase *tcase = fixture_case(suite, name, begin);

        tcase_add_checked_fixture(tcase, restore, restore);
        return tcase;
}

int main(void)
{
        const unsigned needed = SERVERS_NGINX | SERVERS_APACHE | SERVERS_SQUID | SERVERS_REALM;
        unsigned available = servers_available(needed);
        Suite *suite = suite_create("tickets");
        TCase *tcase;

        tcase = add_case(suite, "implicit", start);
        tcase_add_loop_test(tcase, the_owners_ticket_is_used, 0, ARRAY_SIZE(negotiating));
        tcase_add_test(tcase, a_ticket_is_not_sent_unless_that_was_asked_for);
        tcase_add_test(tcase, another_users_ticket_is_not_used);
        tcase_add_loop_test(tcase, the_ticket_is_found_where_krb5_conf_says, 0, 2);
        tcase_add_loop_test(tcase, the_job_may_name_the_cache, 0, 2);
        tcase_add_test(tcase, a_cache_that_is_not_there_is_told);
        tcase_add_test(tcase, another_users_cache_is_not_read);
        tcase_add_test(tcase, the_ticket_is_found_in_a_keyring);
        tcase_add_test(tcase, no_ticket_is_told_apart_from_a_refusal_and_a_new_one_mends_it);
        tcase_add_test(tcase, an_expired_ticket_is_told);
        tcase_add_test(tcase, many_files_share_one_ticket);
        tcase_add_test(tcase, a_proxys_implicit_credentials_serve_the_server);
        tcase_add_test(tcase, an_explicit_server_credential_ends_the_inheritance);
        tcase_add_test(tcase, a_servers_implicit_credentials_do_not_serve_the_proxy);
        tcase = add_case(suite, "user instance", start_user);
        tcase_add_loop_test(tcase, the_owners_ticket_is_used, 0, 1);

        tcase = add_case(suite, "explicit", start);
        tcase_add_loop_test(tcase, a_user_may_be_named_in_each_form, 0, 4);
        tcase_add_loop_test(tcase, each_reason_has_a_name, 0, ARRAY_SIZE(reasons));
        tcase_add_test(tcase, a_silent_kdc_does_not_hold_the_job);
        tcase_add_test(tcase, without_a_ticket_the_weaker_scheme_is_used);
        tcase_add_test(tcase, after_a_refused_password_no_weaker_scheme_is_used);
        tcase_add_test(tcase, two_identities_in_one_job_are_not_mixed);

        tcase = add_case(suite, "elsewhere", start);
        tcase_add_test(tcase, identities_of_two_jobs_do_not_meet_on_a_connection);
        tcase_add_test(tcase, a_job_without_credentials_after_one_with_is_nobody);
        tcase_add_test(tcase, a_redirect_to_another_origin_takes_no_ticket_along);
        return fixture_play(suite, available);
}
