#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/enums.h"
#include "tests/lib/fake-questions.h"
#include "tests/lib/fake-tickets.h"
#include "worker/http/logins.h"

#define BIT(scheme) (1U << AUTH_SCHEME_##scheme)

static const char server[] = "https://web.example:8443/a", proxy[] = "http://proxy.example:3128";

static Logins *logins;
/* Events: "ready;", "refused proxy text;", "failed 12;". */
static char events[1024];

static void on_ready(void *userdata)
{
        (void) strncat(events, "ready;", sizeof(events) - strlen(events) - 1);
}

static void on_refused(void *userdata, AuthTarget target, unsigned offered, const char *text)
{
        size_t at = strlen(events);

        (void) snprintf(events + at,
                        sizeof(events) - at,
                        "refused %s %s;",
                        auth_target_to_string(target),
                        text ? text : "-");
}

static void on_failed(void *userdata, int error)
{
        size_t at = strlen(events);

        (void) snprintf(events + at, sizeof(events) - at, "failed %d;", -error);
}

static const LoginsEvents login_events = {
        .ready = on_ready,
        .refused = on_refused,
        .failed = on_failed,
};

static void setup(void)
{
        ck_assert_int_eq(logins_new(0, NULL, NULL, &login_events, NULL, &logins), 0);
        events[0] = '\0';
}

static void teardown(void)
{
        logins = logins_free(logins);
        ck_assert_str_eq(fake_tickets_requested(), "");
        ck_assert_str_eq(fake_questions_asked(), "");
}

/* The events since the last check, and the question that the manager is asked now. */
static void check_state(const char *expected_events, const char *expected_question)
{
        ck_assert_str_eq(events, expected_events);
        ck_assert_str_eq(fake_questions_asked(), expected_question);
        events[0] = '\0';
}

/* Answers the question; without a password the credential is an implicit one. */
static void give(AuthScheme scheme, const char *user, const char *password)
{
        Credential credential = {
                .scheme = scheme,
                .implicit = password == NULL,
                .user_name = user ? user : "",
        };
        const char *text = password ? password : "";

        ck_assert_int_eq(secret_new_copy(text, strlen(text), &credential.secret), 0);
        fake_questions_give_credential(0, &credential);
        secret_free(credential.secret);
}

static void give_none(int result)
{
        fake_questions_give_credential(result, NULL);
}

static const Login *server_login(void)
{
        return logins_get(logins, AUTH_TARGET_SERVER, server);
}

static const Login *proxy_login(void)
{
        return logins_get(logins, AUTH_TARGET_PROXY, proxy);
}

/* A login at the server with that scheme, held. */
static void hold(AuthScheme scheme)
{
        logins_challenge(logins, AUTH_TARGET_SERVER, 1U << scheme, server);
        give(scheme, "al", "pass");
        events[0] = '\0';
}

START_TEST(a_challenge_asks_and_the_answer_is_held)
{
        const Login *login;

        ck_assert_ptr_null(server_login());
        logins_challenge(logins, AUTH_TARGET_SERVER, BIT(BASIC) | BIT(DIGEST), server);
        check_state("", "authenticate server 3");
        give(AUTH_SCHEME_DIGEST, "al", "pass");
        check_state("ready;", "");
        login = server_login();
        ck_assert_ptr_nonnull(login);
        ck_assert_uint_eq(login->scheme, AUTH_SCHEME_DIGEST);
        ck_assert_str_eq(login->user_name, "al");
        ck_assert_str_eq(secret_data(login->secret), "pass");
        ck_assert_ptr_null(proxy_login());
}
END_TEST

START_TEST(server_and_proxy_have_one_each)
{
        logins_challenge(logins, AUTH_TARGET_PROXY, BIT(BASIC), proxy);
        give(AUTH_SCHEME_BASIC, "p", "x");
        logins_accepted(logins, AUTH_TARGET_PROXY);
        logins_challenge(logins, AUTH_TARGET_SERVER, BIT(NTLM), server);
        give(AUTH_SCHEME_NTLM, "s", "y");
        check_state("ready;ready;", "");
        ck_assert_str_eq(proxy_login()->user_name, "p");
        ck_assert_str_eq(server_login()->user_name, "s");
}
END_TEST

/* The peer may be another proxy of the list, or of the next hop. */
START_TEST(a_credential_is_for_one_peer_only)
{
        static const char other[] = "http://other.example:3128";

        logins_challenge(logins, AUTH_TARGET_PROXY, BIT(BASIC), proxy);
        give(AUTH_SCHEME_BASIC, "p", "x");
        logins_accepted(logins, AUTH_TARGET_PROXY);
        ck_assert_ptr_nonnull(proxy_login());
        ck_assert_ptr_null(logins_get(logins, AUTH_TARGET_PROXY, other));
        ck_assert_ptr_null(logins_get(logins, AUTH_TARGET_PROXY, ""));
        logins_challenge(logins, AUTH_TARGET_PROXY, BIT(BASIC), other);
        check_state("ready;", "authenticate proxy 1");
        ck_assert_ptr_null(proxy_login());
}
END_TEST

START_TEST(one_login_can_be_forgotten_alone)
{
        hold(AUTH_SCHEME_BASIC);
        logins_challenge(logins, AUTH_TARGET_PROXY, BIT(BASIC), proxy);
        give(AUTH_SCHEME_BASIC, "p", "x");
        logins_forget_peer(logins, AUTH_TARGET_PROXY);
        ck_assert_ptr_null(proxy_login());
        ck_assert_ptr_nonnull(server_login());
        check_state("ready;", "");
        logins_challenge(logins, AUTH_TARGET_PROXY, BIT(BASIC), proxy);
        check_state("", "authenticate proxy 1");
        give(AUTH_SCHEME_BASIC, "p", "x");
}
END_TEST

START_TEST(what_is_refused_is_the_end)
{
        hold(AUTH_SCHEME_DIGEST);
        logins_challenge(logins, AUTH_TARGET_SERVER, BIT(BASIC) | BIT(DIGEST), server);
        check_state("refused server -;", "");
}
END_TEST

START_TEST(what_was_good_before_is_tried_once_more)
{
        hold(AUTH_SCHEME_DIGEST);
        logins_accepted(logins, AUTH_TARGET_SERVER);
        logins_challenge(logins, AUTH_TARGET_SERVER, BIT(DIGEST), server);
        check_state("ready;", "");
        logins_challenge(logins, AUTH_TARGET_SERVER, BIT(DIGEST), server);
        check_state("refused server -;", "");
}
END_TEST

START_TEST(nothing_offered_or_nothing_set_is_a_refusal)
{
        logins_challenge(logins, AUTH_TARGET_SERVER, 0, server);
        check_state("refused server -;", "");
        logins_challenge(logins, AUTH_TARGET_PROXY, BIT(BASIC), server);
        give_none(-ENOENT);
        check_state("refused proxy -;", "");
}
END_TEST

START_TEST(what_is_forgotten_is_not_asked_any_more)
{
        logins_challenge(logins, AUTH_TARGET_SERVER, BIT(BASIC), server);
        check_state("", "authenticate server 1");
        logins_forget(logins);
        check_state("", "");
        ck_assert_ptr_null(server_login());
}
END_TEST

START_TEST(an_answer_that_does_not_fit_the_question_is_an_error)
{
        logins_challenge(logins, AUTH_TARGET_SERVER, BIT(DIGEST), server);
        give(AUTH_SCHEME_BASIC, "al", "pass");
        check_state("failed 74;", "");
        ck_assert_ptr_null(server_login());
        logins_challenge(logins, AUTH_TARGET_SERVER, BIT(DIGEST), server);
        give_none(-EREMOTEIO);
        check_state("failed 121;", "");
}
END_TEST

START_TEST(negotiate_waits_for_its_ticket)
{
        logins_challenge(logins, AUTH_TARGET_SERVER, BIT(NEGOTIATE), server);
        check_state("", "authenticate server 8");
        give(AUTH_SCHEME_NEGOTIATE, "al", "pass");
        check_state("", "");
        ck_assert_str_eq(fake_tickets_requested(), "web.example al pass");
        ck_assert_ptr_null(server_login());
        fake_tickets_finish(0, NULL);
        check_state("ready;", "");
        ck_assert_uint_eq(server_login()->scheme, AUTH_SCHEME_NEGOTIATE);
}
END_TEST

START_TEST(implicit_negotiate_uses_the_owners_ticket)
{
        logins_challenge(logins, AUTH_TARGET_PROXY, BIT(NEGOTIATE), proxy);
        give(AUTH_SCHEME_NEGOTIATE, NULL, NULL);
        ck_assert_str_eq(fake_tickets_requested(), "proxy.example implicit");
        fake_tickets_finish(0, NULL);
        check_state("ready;", "");
}
END_TEST

START_TEST(an_identity_that_the_kdc_refuses_is_the_end)
{
        logins_challenge(logins, AUTH_TARGET_SERVER, BIT(NEGOTIATE) | BIT(BASIC), server);
        give(AUTH_SCHEME_NEGOTIATE, "al", "pass");
        fake_tickets_finish(-EACCES, "Wrong.");
        check_state("refused server Wrong.;", "");
}
END_TEST

START_TEST(without_a_ticket_the_next_scheme_is_asked_for)
{
        logins_challenge(logins, AUTH_TARGET_SERVER, BIT(NEGOTIATE) | BIT(BASIC), server);
        give(AUTH_SCHEME_NEGOTIATE, NULL, NULL);
        fake_tickets_finish(-ENOKEY, "No ticket.");
        check_state("", "authenticate server 1");
        give(AUTH_SCHEME_BASIC, "al", "pass");
        check_state("ready;", "");
        /* Refused now: nothing else is tried. */
        logins_challenge(logins, AUTH_TARGET_SERVER, BIT(NEGOTIATE) | BIT(BASIC), server);
        check_state("refused server -;", "");
}
END_TEST

START_TEST(without_a_ticket_and_another_scheme_there_is_a_reason)
{
        logins_challenge(logins, AUTH_TARGET_SERVER, BIT(NEGOTIATE), server);
        give(AUTH_SCHEME_NEGOTIATE, NULL, NULL);
        fake_tickets_finish(-ENOKEY, "No ticket.");
        give_none(-ENOENT);
        check_state("refused server No ticket.;", "");
}
END_TEST

START_TEST(what_cannot_be_tried_here_says_why)
{
        logins_challenge(logins, AUTH_TARGET_SERVER, BIT(NTLM) | BIT(PASSPORT), server);
        give(AUTH_SCHEME_NTLM, NULL, NULL);
        check_state("", "authenticate server 16");
        give(AUTH_SCHEME_PASSPORT, "al", "pass");
        check_state("", "authenticate server 0");
        give_none(-ENOENT);
        ck_assert_ptr_nonnull(strstr(events, "Passport"));
}
END_TEST

START_TEST(what_could_not_be_tried_is_not_taken_again)
{
        logins_challenge(logins, AUTH_TARGET_SERVER, BIT(NTLM) | BIT(BASIC), server);
        give(AUTH_SCHEME_NTLM, NULL, NULL);
        give(AUTH_SCHEME_NTLM, "al", "pass");
        check_state("failed 74;", "");
}
END_TEST

START_TEST(what_is_forgotten_gets_no_ticket)
{
        logins_challenge(logins, AUTH_TARGET_SERVER, BIT(NEGOTIATE), server);
        give(AUTH_SCHEME_NEGOTIATE, NULL, NULL);
        logins_forget(logins);
        ck_assert_str_eq(fake_tickets_requested(), "");
        hold(AUTH_SCHEME_BASIC);
        logins_forget(logins);
        ck_assert_ptr_null(server_login());
}
END_TEST

START_TEST(a_peer_cannot_make_it_loop)
{
        unsigned n = 0;

        while (!strstr(events, "refused") && n++ < 100) {
                events[0] = '\0';
                logins_challenge(logins, AUTH_TARGET_SERVER, BIT(BASIC), server);
                if (fake_questions_asked()[0])
                        give_none(-ECANCELED);
        }
        ck_assert_uint_lt(n, 10);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("logins");
        TCase *tcase = tcase_create("logins");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, a_challenge_asks_and_the_answer_is_held);
        tcase_add_test(tcase, server_and_proxy_have_one_each);
        tcase_add_test(tcase, a_credential_is_for_one_peer_only);
        tcase_add_test(tcase, one_login_can_be_forgotten_alone);
        tcase_add_test(tcase, what_is_refused_is_the_end);
        tcase_add_test(tcase, what_was_good_before_is_tried_once_more);
        tcase_add_test(tcase, nothing_offered_or_nothing_set_is_a_refusal);
        tcase_add_test(tcase, what_is_forgotten_is_not_asked_any_more);
        tcase_add_test(tcase, an_answer_that_does_not_fit_the_question_is_an_error);
        tcase_add_test(tcase, negotiate_waits_for_its_ticket);
        tcase_add_test(tcase, implicit_negotiate_uses_the_owners_ticket);
        tcase_add_test(tcase, an_identity_that_the_kdc_refuses_is_the_end);
        tcase_add_test(tcase, without_a_ticket_the_next_scheme_is_asked_for);
        tcase_add_test(tcase, without_a_ticket_and_another_scheme_there_is_a_reason);
        tcase_add_test(tcase, what_cannot_be_tried_here_says_why);
        tcase_add_test(tcase, what_could_not_be_tried_is_not_taken_again);
        tcase_add_test(tcase, what_is_forgotten_gets_no_ticket);
        tcase_add_test(tcase, a_peer_cannot_make_it_loop);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
