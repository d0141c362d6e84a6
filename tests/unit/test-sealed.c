#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "manager/credentials.h"
#include "manager/sealed.h"
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

static void setup(void)
{
        Owner *owner;
        int ready = 1;

        owners = (Owners){ 0 };
        (void) unsetenv("CREDENTIALS_DIRECTORY");
        ck_assert_int_eq(sd_event_new(&event), 0);
        ck_assert_int_eq(store_open(":memory:", &store), 0);
        ck_assert_int_eq(vault_new(event, VAULT_SYSTEM, -EBADF, on_ready, &ready, &vault), 0);
        while (ready == 1)
                ck_assert_int_ge(sd_event_run(event, 100000), 0);
        ck_assert_int_eq(owners_acquire(&owners, 1000, "alice", &owner), 0);
        ck_assert_int_eq(job_new((sd_id128_t){ .bytes = { 1 } }, owner, &job), 0);
        ck_assert_int_eq(store_put_job(store, job), 0);
}

static void teardown(void)
{
        Owner *owner = job->owner;

        job = job_free(job);
        owners_release(&owners, owner);
        store = store_free(store);
        vault = vault_free(vault);
        event = sd_event_unref(event);
}

static int set(VaultKind kind, const char *text)
{
        Secret *secret = NULL;
        int r;

        ck_assert_int_eq(secret_new_copy(text, strlen(text), &secret), 0);
        r = sealed_set(store, vault, job, kind, secret);
        secret_free(secret);
        return r;
}

static void assert_is(VaultKind kind, const char *expected)
{
        Secret *secret = NULL;

        ck_assert_int_eq(sealed_open(store, vault, job, kind, &secret), 0);
        ck_assert((secret != NULL) == (expected != NULL));
        if (expected)
                ck_assert_str_eq(secret_data(secret), expected);
        secret_free(secret);
}

START_TEST(each_kind_has_its_own_place)
{
        unsigned schemes, implicit;

        assert_is(VAULT_HEADERS, NULL);
        ck_assert_int_eq(set(VAULT_HEADERS, "A: b\n"), 1);
        ck_assert_int_eq(set(VAULT_KEY_PASSWORD, "secret"), 1);
        assert_is(VAULT_HEADERS, "A: b\n");
        assert_is(VAULT_KEY_PASSWORD, "secret");
        ck_assert_int_eq(set(VAULT_HEADERS, "C: d\n"), 1);
        assert_is(VAULT_HEADERS, "C: d\n");
        ck_assert_int_eq(store_slot_schemes(store, job, AUTH_TARGET_SERVER, &schemes, &implicit),
                         0);
        ck_assert_uint_eq(schemes, 0);
}
END_TEST

START_TEST(an_empty_one_is_none)
{
        ck_assert_int_eq(set(VAULT_HEADERS, ""), 0);
        ck_assert_int_eq(set(VAULT_HEADERS, "A: b\n"), 1);
        ck_assert_uint_gt(job->vault_bytes, 0);
        ck_assert_int_eq(set(VAULT_HEADERS, ""), 1);
        assert_is(VAULT_HEADERS, NULL);
        ck_assert_uint_eq(job->vault_bytes, 0);
        ck_assert_uint_eq(job->owner->vault_bytes, 0);
}
END_TEST

/* A row under the number of another kind, or with the label of another job, is not opened. */
START_TEST(a_row_in_another_place_is_not_opened)
{
        VaultLabel label = { .kind = VAULT_HEADERS, .job = job->id, .owner_uid = 1000 };
        VaultRow row = { 0 };
        Secret *secret = NULL;
        uint64_t replaced;

        label.kind = _i == 0 ? VAULT_KEY_PASSWORD : _i == 1 ? VAULT_CREDENTIAL : VAULT_HEADERS;
        if (_i == 2)
                label.owner_uid++;
        if (_i == 3)
                label.job.bytes[0]++;
        ck_assert_int_eq(secret_new_copy("x", 1, &secret), 0);
        ck_assert_int_eq(vault_seal(vault, &label, secret, &row), 0);
        secret = secret_free(secret);
        ck_assert_int_eq(store_put_sealed(store, job, VAULT_HEADERS, &row, &replaced), 0);
        vault_row_done(&row);
        job->sealed = 1U << VAULT_HEADERS;
        ck_assert_int_eq(sealed_open(store, vault, job, VAULT_HEADERS, &secret), -ENOKEY);
        ck_assert_ptr_null(secret);
}
END_TEST

START_TEST(one_that_is_gone_is_lost)
{
        Secret *secret = NULL;
        uint64_t removed;

        ck_assert_int_eq(set(VAULT_HEADERS, "A: b\n"), 1);
        ck_assert_int_eq(store_delete_sealed(store, job, VAULT_HEADERS, &removed), 1);
        ck_assert_int_eq(sealed_open(store, vault, job, VAULT_HEADERS, &secret), -ENOKEY);
        ck_assert_int_eq(set(VAULT_HEADERS, ""), 1); /* the owner knows now */
        assert_is(VAULT_HEADERS, NULL);
}
END_TEST

START_TEST(it_goes_with_all_credentials)
{
        StoreSlot slot;

        ck_assert_int_eq(set(VAULT_HEADERS, "A: b\n"), 1);
        ck_assert_int_eq(credentials_remove_all(store, job), 0);
        ck_assert_int_eq(store_get_sealed(store, job, VAULT_HEADERS, &slot), -ENOENT);
        ck_assert_uint_eq(job->owner->vault_bytes, 0);
}
END_TEST

START_TEST(it_counts_in_the_owners_share)
{
        job->owner->vault_bytes = LIMIT_VAULT_BYTES_PER_OWNER - 50;
        ck_assert_int_eq(set(VAULT_HEADERS, "A: bbbbbbbbbbbbbbbbbbbbbbbbbb\n"), -ENOBUFS);
        ck_assert_uint_eq(job->sealed, 0);
        ck_assert_int_eq(set(VAULT_HEADERS, "A: b\n"), 1);
        job->owner->vault_bytes = job->vault_bytes;
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("sealed");
        TCase *places = tcase_create("places");

        tcase_add_checked_fixture(places, setup, teardown);
        tcase_add_test(places, each_kind_has_its_own_place);
        tcase_add_test(places, an_empty_one_is_none);
        tcase_add_loop_test(places, a_row_in_another_place_is_not_opened, 0, 4);
        tcase_add_test(places, one_that_is_gone_is_lost);
        tcase_add_test(places, it_goes_with_all_credentials);
        tcase_add_test(places, it_counts_in_the_owners_share);
        suite_add_tcase(suite, places);
        return suite;
}

int main(void)
{
        SRunner *runner = srunner_create(make_suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
