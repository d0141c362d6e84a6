/*
 * manager/answers with a store, a vault and a job of its own. The spawner is the test's, and so
 * is the dosvc-proxy that it starts.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "dbus/spawn-wire.h"

#include "manager/answers.h"

/* ---- the spawner ----------------------------------------------------------------------------- */

static int proxy_fd = -EBADF; /* the end of the dosvc-proxy */
static uint32_t proxy_uid;
static int start_result;

int spawner_start(Spawner *spawner,
                  uint32_t program,
                  uint32_t uid,
                  const char *user,
                  int link_fd,
                  spawner_event_t callback,
                  void *userdata,
                  uint64_t *ret_id)
{
        ck_assert_uint_eq(program, SPAWN_PROGRAM_PROXY);
        ck_assert_str_eq(user, "alice");
        if (start_result < 0)
                return start_result;
        proxy_uid = uid;
        proxy_fd = fcntl(link_fd, F_DUPFD_CLOEXEC, 3);
        *ret_id = 1;
        return 0;
}

void spawner_kill(Spawner *spawner, uint64_t id)
{
}

void spawner_forget(Spawner *spawner, uint64_t id)
{
}

/* ---- the job --------------------------------------------------------------------------------- */

static sd_event *event; /* owned by the fixture, as are the next */
static Store *store;
static Vault *vault;
static Owners owners;
static Job *job;
static ManagerParts parts;
static Answers *answers;

static void on_ready(void *userdata, int result)
{
        *(int *) userdata = result;
}

static void make_job(void)
{
        Owner *owner;

        ck_assert_int_eq(owners_acquire(&owners, 1000, "alice", &owner), 0);
        ck_assert_int_eq(job_new((sd_id128_t){ .bytes = { 1 } }, owner, &job), 0);
        ck_assert_int_eq(job_add_file(job, "http://host/a", "/dir/a"), 0);
        ck_assert_int_eq(job_add_file(job, "http://host/b", "/dir/b"), 1);
        ck_assert_int_eq(store_put_job(store, job), 0);
}

static void setup(void)
{
        int ready = 1;

        owners = (Owners){ 0 };
        start_result = 0;
        (void) unsetenv("CREDENTIALS_DIRECTORY");
        ck_assert_int_eq(sd_event_new(&event), 0);
        ck_assert_int_eq(store_open(":memory:", &store), 0);
        ck_assert_int_eq(vault_new(event, VAULT_SYSTEM, -EBADF, on_ready, &ready, &vault), 0);
        while (ready == 1)
                ck_assert_int_ge(sd_event_run(event, 100000), 0);
        ck_assert_int_eq(ready, 0);
        make_job();
        parts = (ManagerParts){ .event = event, .store = store, .vault = vault };
}

static void teardown(void)
{
        Owner *owner = job->owner;

        answers = answers_free(answers);
        job = job_free(job);
        owners_release(&owners, owner);
        proxy_fd = macro_close(proxy_fd);
        store = store_free(store);
        vault = vault_free(vault);
        event = sd_event_unref(event);
}

static void start(ProxySource source)
{
        ck_assert_int_eq(answers_new(&parts, job, source, &answers), 0);
}

/* ---- credentials ----------------------------------------------------------------------------- */

#define BASIC  (1U << AUTH_SCHEME_BASIC)
#define DIGEST (1U << AUTH_SCHEME_DIGEST)

static void set(AuthTarget target, AuthScheme scheme)
{
        _cleanup_(secret_freep) Secret *secret = NULL;

        ck_assert_int_eq(secret_new_copy("pass", 4, &secret), 0);
        ck_assert_int_eq(credentials_set(store, vault, job, target, scheme, "user", secret), 0);
}

/* The scheme that is given, or a negative errno. */
static int ask(uint32_t file, AuthTarget target, unsigned offered)
{
        Credential credential = { 0 };
        int r = answers_authenticate(answers, file, target, offered, &credential);

        if (r >= 0)
                r = (int) credential.scheme;
        credential_done(&credential);
        return r;
}

START_TEST(a_refused_credential_is_not_given_again)
{
        set(AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC);
        set(AUTH_TARGET_SERVER, AUTH_SCHEME_DIGEST);
        start(PROXY_SOURCE_LIST);
        ck_assert_int_eq(ask(0, AUTH_TARGET_SERVER, BASIC | DIGEST), AUTH_SCHEME_DIGEST);
        ck_assert_int_eq(ask(0, AUTH_TARGET_SERVER, BASIC | DIGEST), -ENOENT);
        ck_assert_int_eq(ask(0, AUTH_TARGET_SERVER, BASIC), AUTH_SCHEME_BASIC); /* no ticket */
        ck_assert_int_eq(ask(0, AUTH_TARGET_SERVER, BASIC), -ENOENT);
        ck_assert_int_eq(ask(1, AUTH_TARGET_SERVER, BASIC | DIGEST), AUTH_SCHEME_DIGEST);
}
END_TEST

START_TEST(a_stranger_gets_no_credential)
{
        Owner bob = { .uid = 1001 }, *alice = job->owner;

        list_init(&bob.jobs);
        set(AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC);
        start(PROXY_SOURCE_LIST);
        ck_assert_int_eq(ask(2, AUTH_TARGET_SERVER, BASIC), -ENOENT); /* added after the start */
        ck_assert_int_eq(ask(0, AUTH_TARGET_PROXY, BASIC), -ENOENT);
        job_set_owner(job, &bob);
        ck_assert_int_eq(ask(0, AUTH_TARGET_SERVER, BASIC), -ENOENT);
        job_set_owner(job, alice);
        ck_assert_int_eq(ask(0, AUTH_TARGET_SERVER, BASIC), AUTH_SCHEME_BASIC);
        answers_stop(answers);
        ck_assert_int_eq(ask(1, AUTH_TARGET_SERVER, BASIC), -ENOENT);
}
END_TEST

/* ---- proxies --------------------------------------------------------------------------------- */

static char found[256]; /* the first proxy, or the reason why there is none */

static void on_found(void *userdata, char **proxies, const char *reason)
{
        ck_assert_ptr_eq(userdata, found);
        (void) strncpy(found, proxies ? proxies[0] : reason, sizeof(found) - 1);
}

static int search(const char *origin)
{
        found[0] = '\0';
        return answers_find_proxies(answers, origin, on_found, found);
}

static void reply(const char *bytes, size_t size)
{
        ck_assert_int_eq(send(proxy_fd, bytes, size, 0), (ssize_t) size);
        while (sd_event_run(event, 20000) > 0)
                ;
}

START_TEST(proxies_are_searched_for_as_the_owner)
{
        static const char one[] = "\0http://p:1", none[] = "There are none.";

        start(_i ? PROXY_SOURCE_SESSION : PROXY_SOURCE_AUTODETECT);
        ck_assert_int_eq(search("http://host:80/"), 0);
        ck_assert_uint_eq(proxy_uid, 1000);
        ck_assert_int_eq(search("http://other:80/"), -EBUSY);
        reply(one, sizeof(one));
        ck_assert_str_eq(found, "http://p:1");
        ck_assert_int_eq(search("http://other:80/"), 0);
        reply(none, sizeof(none));
        ck_assert_str_eq(found, "There are none.");
}
END_TEST

START_TEST(a_worker_that_has_its_list_may_not_search)
{
        start(PROXY_SOURCE_LIST);
        ck_assert_int_eq(search("http://host:80/"), -EPERM);
        ck_assert_int_lt(proxy_fd, 0);
}
END_TEST

START_TEST(a_search_that_cannot_start_has_an_answer)
{
        start(PROXY_SOURCE_AUTODETECT);
        start_result = -ENOENT;
        ck_assert_int_eq(search("http://host:80/"), 0);
        ck_assert_ptr_nonnull(strstr(found, "could not be started"));
}
END_TEST

START_TEST(a_stop_ends_the_search_without_an_answer)
{
        start(PROXY_SOURCE_AUTODETECT);
        ck_assert_int_eq(search("http://host:80/"), 0);
        answers_stop(answers);
        ck_assert_int_lt(send(proxy_fd, "", 1, MSG_NOSIGNAL), 0);
        ck_assert_str_eq(found, "");
}
END_TEST

/* ---- changes --------------------------------------------------------------------------------- */

START_TEST(the_new_proxy_may_have_the_credential_again)
{
        set(AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC);
        set(AUTH_TARGET_PROXY, AUTH_SCHEME_BASIC);
        start(PROXY_SOURCE_LIST);
        ck_assert_int_eq(ask(0, AUTH_TARGET_SERVER, BASIC), AUTH_SCHEME_BASIC);
        ck_assert_int_eq(ask(0, AUTH_TARGET_PROXY, BASIC), AUTH_SCHEME_BASIC);
        ck_assert_int_eq(ask(0, AUTH_TARGET_PROXY, BASIC), -ENOENT);
        answers_change_proxies(answers, PROXY_SOURCE_LIST);
        ck_assert_int_eq(ask(0, AUTH_TARGET_PROXY, BASIC), AUTH_SCHEME_BASIC);
        ck_assert_int_eq(ask(0, AUTH_TARGET_SERVER, BASIC), -ENOENT);
}
END_TEST

START_TEST(a_change_ends_the_search_with_an_answer)
{
        start(PROXY_SOURCE_AUTODETECT);
        ck_assert_int_eq(search("http://host:80/"), 0);
        answers_change_proxies(answers, _i ? PROXY_SOURCE_SESSION : PROXY_SOURCE_LIST);
        ck_assert_ptr_nonnull(strstr(found, "have changed"));
        ck_assert_int_lt(send(proxy_fd, "", 1, MSG_NOSIGNAL), 0);
        ck_assert_int_eq(search("http://host:80/"), _i ? 0 : -EPERM);
}
END_TEST

static Suite *answers_suite(void)
{
        Suite *suite = suite_create("answers");
        TCase *credentials = tcase_create("credentials"), *proxies = tcase_create("proxies"),
              *changes = tcase_create("changes");

        tcase_add_checked_fixture(credentials, setup, teardown);
        tcase_add_test(credentials, a_refused_credential_is_not_given_again);
        tcase_add_test(credentials, a_stranger_gets_no_credential);
        suite_add_tcase(suite, credentials);

        tcase_add_checked_fixture(proxies, setup, teardown);
        tcase_add_loop_test(proxies, proxies_are_searched_for_as_the_owner, 0, 2);
        tcase_add_test(proxies, a_worker_that_has_its_list_may_not_search);
        tcase_add_test(proxies, a_search_that_cannot_start_has_an_answer);
        tcase_add_test(proxies, a_stop_ends_the_search_without_an_answer);
        suite_add_tcase(suite, proxies);

        tcase_add_checked_fixture(changes, setup, teardown);
        tcase_add_test(changes, the_new_proxy_may_have_the_credential_again);
        tcase_add_loop_test(changes, a_change_ends_the_search_with_an_answer, 0, 2);
        suite_add_tcase(suite, changes);
        return suite;
}

int main(void)
{
        SRunner *runner = srunner_create(answers_suite());
        int n_failures;

        srunner_run_all(runner, CK_ENV);
        n_failures = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
