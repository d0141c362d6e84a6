#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "manager/credentials.h"
#include "model/limits.h"

static sd_event *event; /* owned by the fixture, as are the next */
static Store *store;
static Vault *vault;
static Owners owners;
static Job *job;

static void on_ready(void *userdata, int result)
{
        *(int *) userdata = result;
}

static Job *make_job(uint8_t id)
{
        Owner *owner;
        Job *new;

        ck_assert_int_eq(owners_acquire(&owners, 1000, "alice", &owner), 0);
        ck_assert_int_eq(job_new((sd_id128_t){ .bytes = { id } }, owner, &new), 0);
        ck_assert_int_eq(store_put_job(store, new), 0);
        return new;
}

static void setup(void)
{
        int ready = 1;

        owners = (Owners){ 0 };
        (void) unsetenv("CREDENTIALS_DIRECTORY");
        ck_assert_int_eq(sd_event_new(&event), 0);
        ck_assert_int_eq(store_open(":memory:", &store), 0);
        ck_assert_int_eq(vault_new(event, VAULT_SYSTEM, -EBADF, on_ready, &ready, &vault), 0);
        while (ready == 1)
                ck_assert_int_ge(sd_event_run(event, 100000), 0);
        ck_assert_int_eq(ready, 0);
        job = make_job(1);
}

static void teardown(void)
{
        Owner *owner = job->owner;

        job = job_free(job);
        owners_release(&owners, owner);
        ck_assert_ptr_null(owners.by_uid);
        store = store_free(store);
        vault = vault_free(vault);
        event = sd_event_unref(event);
}

static int
set(Job *of, AuthTarget target, AuthScheme scheme, const char *user, const char *password)
{
        _cleanup_(secret_freep) Secret *secret = NULL;

        if (password)
                ck_assert_int_eq(secret_new_copy(password, strlen(password), &secret), 0);
        return credentials_set(store, vault, of, target, scheme, user, secret);
}

#define BIT(scheme) (1U << AUTH_SCHEME_##scheme)
#define ALL         ((1U << AUTH_SCHEMES_MAX) - 1)

static int choose(const Job *of, AuthTarget target, unsigned offered, Credential *ret)
{
        *ret = (Credential){ 0 };
        return credentials_choose(store, vault, of, target, offered, ret);
}

static void check_sums(void)
{
        uint64_t bytes = 4711;

        ck_assert_int_eq(store_slot_bytes(store, job, &bytes), 0);
        ck_assert_uint_eq(job->vault_bytes, bytes);
        ck_assert_uint_eq(job->owner->vault_bytes, bytes);
}

START_TEST(what_was_set_is_chosen)
{
        Credential credential;

        ck_assert_int_eq(set(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "al", "pass"), 0);
        ck_assert_int_eq(choose(job, AUTH_TARGET_SERVER, ALL, &credential), 0);
        ck_assert_uint_eq(credential.scheme, AUTH_SCHEME_BASIC);
        ck_assert(!credential.implicit);
        ck_assert_str_eq(credential.user_name, "al");
        ck_assert_uint_eq(secret_size(credential.secret), 4);
        ck_assert_str_eq(secret_data(credential.secret), "pass");
        credential_done(&credential);
        ck_assert_ptr_null(credential.secret);
        credential_done(&credential);
}
END_TEST

START_TEST(an_empty_password_is_a_password)
{
        Credential credential;

        ck_assert_int_eq(set(job, AUTH_TARGET_SERVER, AUTH_SCHEME_DIGEST, "al", ""), 0);
        ck_assert_int_eq(choose(job, AUTH_TARGET_SERVER, ALL, &credential), 0);
        ck_assert(!credential.implicit);
        ck_assert_uint_eq(secret_size(credential.secret), 0);
        credential_done(&credential);
}
END_TEST

START_TEST(the_strongest_of_both_sides_is_chosen)
{
        static const struct {
                unsigned set, offered;
                int scheme; /* -1: nothing fits */
        } cases[] = {
                { BIT(BASIC) | BIT(DIGEST), BIT(BASIC) | BIT(DIGEST), AUTH_SCHEME_DIGEST },
                { BIT(BASIC) | BIT(DIGEST), ALL, AUTH_SCHEME_DIGEST },
                { BIT(BASIC) | BIT(DIGEST), BIT(BASIC), AUTH_SCHEME_BASIC },
                { BIT(BASIC), BIT(BASIC) | BIT(DIGEST), AUTH_SCHEME_BASIC },
                { BIT(DIGEST), BIT(BASIC), -1 },
                { BIT(BASIC), BIT(DIGEST), -1 },
                { BIT(BASIC) | BIT(DIGEST), 0, -1 },
                { 0, ALL, -1 },
                { ALL, ALL, AUTH_SCHEME_NEGOTIATE },
                { ALL, ALL & ~BIT(NEGOTIATE), AUTH_SCHEME_BEARER },
                { ALL, BIT(DIGEST) | BIT(NTLM) | BIT(PASSPORT) | BIT(BASIC), AUTH_SCHEME_DIGEST },
                { ALL, BIT(NTLM) | BIT(PASSPORT) | BIT(BASIC), AUTH_SCHEME_NTLM },
                { ALL, BIT(PASSPORT) | BIT(BASIC), AUTH_SCHEME_PASSPORT },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Credential credential;
                int r;

                ck_assert_int_eq(credentials_remove_all(store, job), 0);
                for (unsigned scheme = 0; scheme < AUTH_SCHEMES_MAX; scheme++)
                        if (cases[i].set & 1U << scheme)
                                ck_assert_int_eq(set(job, AUTH_TARGET_PROXY, scheme, "al", "x"), 0);
                r = choose(job, AUTH_TARGET_PROXY, cases[i].offered, &credential);
                ck_assert_msg(r == (cases[i].scheme < 0 ? -ENOENT : 0), "%zu: %d", i, r);
                if (r == 0)
                        ck_assert_int_eq((int) credential.scheme, cases[i].scheme);
                credential_done(&credential);
        }
}
END_TEST

START_TEST(targets_and_jobs_are_kept_apart)
{
        Job *other = make_job(2);
        Credential credential;

        ck_assert_int_eq(set(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "al", "server"), 0);
        ck_assert_int_eq(choose(job, AUTH_TARGET_PROXY, ALL, &credential), -ENOENT);
        ck_assert_int_eq(choose(other, AUTH_TARGET_SERVER, ALL, &credential), -ENOENT);
        ck_assert_int_eq(set(job, AUTH_TARGET_PROXY, AUTH_SCHEME_BASIC, "al", "proxy"), 0);
        ck_assert_int_eq(choose(job, AUTH_TARGET_SERVER, ALL, &credential), 0);
        ck_assert_str_eq(secret_data(credential.secret), "server");
        credential_done(&credential);
        job_free(other);
}
END_TEST

START_TEST(a_credential_opens_only_for_the_owner_it_was_set_by)
{
        Owner *alice = job->owner, *root;
        Credential credential;

        ck_assert_int_eq(set(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "al", "x"), 0);
        ck_assert_int_eq(owners_acquire(&owners, 0, "root", &root), 0);
        job_set_owner(job, root);
        ck_assert_int_eq(choose(job, AUTH_TARGET_SERVER, ALL, &credential), -EBADMSG);
        ck_assert_ptr_null(credential.secret);
        job_set_owner(job, alice);
        owners_release(&owners, root);
        ck_assert_int_eq(choose(job, AUTH_TARGET_SERVER, ALL, &credential), 0);
        credential_done(&credential);
}
END_TEST

START_TEST(bytes_are_counted_for_job_and_owner)
{
        check_sums();
        ck_assert_int_eq(set(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "al", "short"), 0);
        check_sums();
        ck_assert_int_eq(set(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "al", "much longer"), 0);
        check_sums();
        ck_assert_int_eq(set(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "al", ""), 0);
        check_sums();
        ck_assert_int_eq(set(job, AUTH_TARGET_PROXY, AUTH_SCHEME_DIGEST, "al", "x"), 0);
        check_sums();
        ck_assert_int_eq(credentials_remove(store, job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC), 1);
        check_sums();
        ck_assert_int_eq(credentials_remove(store, job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC), 0);
        check_sums();
        ck_assert_uint_gt(job->vault_bytes, 0);
        ck_assert_int_eq(credentials_remove_all(store, job), 0);
        check_sums();
        ck_assert_uint_eq(job->vault_bytes, 0);
        ck_assert_int_eq(credentials_remove_all(store, job), 0);
}
END_TEST

START_TEST(an_owners_share_is_limited)
{
        Credential credential;
        uint64_t others;

        ck_assert_int_eq(set(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "al", "first"), 0);
        others = LIMIT_VAULT_BYTES_PER_OWNER - job->vault_bytes;
        job->owner->vault_bytes += others;
        ck_assert_int_eq(set(job, AUTH_TARGET_SERVER, AUTH_SCHEME_DIGEST, "al", ""), -ENOBUFS);
        /* Longer than the one it would replace: that one stays. */
        ck_assert_int_eq(set(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "al", "second"), -ENOBUFS);
        ck_assert_int_eq(choose(job, AUTH_TARGET_SERVER, ALL, &credential), 0);
        ck_assert_str_eq(secret_data(credential.secret), "first");
        credential_done(&credential);
        /* The credential that it replaces does not count against it. */
        ck_assert_int_eq(set(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "al", "third"), 0);
        job->owner->vault_bytes -= others;
        check_sums();
}
END_TEST

START_TEST(implicit_credentials_have_no_secret)
{
        StoreSlot slot;

        ck_assert_int_eq(set(job, AUTH_TARGET_SERVER, AUTH_SCHEME_NEGOTIATE, NULL, NULL), 0);
        ck_assert_int_eq(
                store_get_slot(store, job, AUTH_TARGET_SERVER, AUTH_SCHEME_NEGOTIATE, &slot),
                0);
        ck_assert(slot.implicit);
        ck_assert_ptr_null(slot.user_name);
        store_slot_done(&slot);
        check_sums();
}
END_TEST

/* Spec section 1.6. */
START_TEST(what_is_implicit_for_the_proxy_serves_the_server_too)
{
        static const struct {
                const char *server; /* of scheme Basic; NULL: nothing explicit */
                bool server_implicit;
                AuthScheme proxy;
                const char *proxy_user; /* NULL: implicit */
                AuthTarget target;
                int result;
        } cases[] = {
                { NULL, false, AUTH_SCHEME_NEGOTIATE, NULL, AUTH_TARGET_SERVER, 0 },
                { NULL, false, AUTH_SCHEME_NTLM, NULL, AUTH_TARGET_SERVER, 0 },
                { "al", false, AUTH_SCHEME_NEGOTIATE, NULL, AUTH_TARGET_SERVER, -ENOENT },
                { "al", true, AUTH_SCHEME_NTLM, NULL, AUTH_TARGET_SERVER, -ENOENT },
                { NULL, true, AUTH_SCHEME_NTLM, NULL, AUTH_TARGET_SERVER, 0 },
                { NULL, false, AUTH_SCHEME_NEGOTIATE, "al", AUTH_TARGET_SERVER, -ENOENT },
                { NULL, false, AUTH_SCHEME_NTLM, "al", AUTH_TARGET_SERVER, -ENOENT },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *user = cases[i].proxy_user;
                Credential credential;
                int r;

                ck_assert_int_eq(credentials_remove_all(store, job), 0);
                if (cases[i].server)
                        ck_assert_int_eq(set(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "al", "x"),
                                         0);
                if (cases[i].server_implicit)
                        ck_assert_int_eq(
                                set(job, AUTH_TARGET_SERVER, AUTH_SCHEME_NEGOTIATE, NULL, NULL),
                                0);
                ck_assert_int_eq(
                        set(job, AUTH_TARGET_PROXY, cases[i].proxy, user, user ? "x" : NULL),
                        0);
                r = choose(job, cases[i].target, 1U << cases[i].proxy, &credential);
                ck_assert_msg(r == cases[i].result, "%zu: %d", i, r);
                if (r == 0)
                        ck_assert(credential.implicit);
                credential_done(&credential);
        }
}
END_TEST

START_TEST(what_is_implicit_for_the_server_is_not_for_the_proxy)
{
        Credential credential;

        ck_assert_int_eq(set(job, AUTH_TARGET_SERVER, AUTH_SCHEME_NEGOTIATE, NULL, NULL), 0);
        ck_assert_int_eq(choose(job, AUTH_TARGET_PROXY, ALL, &credential), -ENOENT);
        ck_assert_int_eq(choose(job, AUTH_TARGET_SERVER, ALL, &credential), 0);
        ck_assert(credential.implicit);
        ck_assert_uint_eq(secret_size(credential.secret), 0);
        credential_done(&credential);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("credentials");
        TCase *choice = tcase_create("choice");
        TCase *share = tcase_create("share");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(choice, setup, teardown);
        tcase_add_test(choice, what_was_set_is_chosen);
        tcase_add_test(choice, an_empty_password_is_a_password);
        tcase_add_test(choice, the_strongest_of_both_sides_is_chosen);
        tcase_add_test(choice, targets_and_jobs_are_kept_apart);
        tcase_add_test(choice, a_credential_opens_only_for_the_owner_it_was_set_by);
        tcase_add_test(choice, implicit_credentials_have_no_secret);
        tcase_add_test(choice, what_is_implicit_for_the_proxy_serves_the_server_too);
        tcase_add_test(choice, what_is_implicit_for_the_server_is_not_for_the_proxy);
        suite_add_tcase(suite, choice);
        tcase_add_checked_fixture(share, setup, teardown);
        tcase_add_test(share, bytes_are_counted_for_job_and_owner);
        tcase_add_test(share, an_owners_share_is_limited);
        suite_add_tcase(suite, share);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
