/* Sealed credentials in the store, and that nothing is left of one that was removed. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#include "manager/store.h"
#include "tests/lib/store-fixture.h"
#include "tests/lib/temp-dir.h"

START_TEST(a_slot_comes_back_as_it_was)
{
        Job *job = store_fixture_put_job(1);
        VaultRow row = store_fixture_sealed_row(100);
        StoreSlot slot;
        uint64_t replaced;

        ck_assert_int_eq(store_put_slot(store,
                                        job,
                                        AUTH_TARGET_PROXY,
                                        AUTH_SCHEME_DIGEST,
                                        false,
                                        "alice",
                                        &row,
                                        &replaced),
                         0);
        ck_assert_uint_eq(replaced, 0);
        ck_assert_int_eq(store_put_slot(store,
                                        job,
                                        AUTH_TARGET_PROXY,
                                        AUTH_SCHEME_NEGOTIATE,
                                        true,
                                        NULL,
                                        &row,
                                        &replaced),
                         0);
        store_fixture_commit();
        store_fixture_reopen();
        ck_assert_int_eq(store_get_slot(store, job, AUTH_TARGET_PROXY, AUTH_SCHEME_DIGEST, &slot),
                         0);
        ck_assert_uint_eq(slot.target, AUTH_TARGET_PROXY);
        ck_assert_uint_eq(slot.scheme, AUTH_SCHEME_DIGEST);
        ck_assert(!slot.implicit);
        ck_assert_str_eq(slot.user_name, "alice");
        ck_assert(sd_id128_equal(slot.row.key_id, row.key_id));
        ck_assert(slot.row.persistent);
        ck_assert_uint_eq(slot.row.sealed_size, row.sealed_size);
        ck_assert_mem_eq(slot.row.sealed, row.sealed, row.sealed_size);
        store_slot_done(&slot);

        ck_assert_int_eq(
                store_get_slot(store, job, AUTH_TARGET_PROXY, AUTH_SCHEME_NEGOTIATE, &slot),
                0);
        ck_assert(slot.implicit);
        ck_assert_ptr_null(slot.user_name);
        store_slot_done(&slot);
        vault_row_done(&row);
        job_free(job);
}
END_TEST

START_TEST(an_empty_slot_is_not_there)
{
        Job *job = store_fixture_put_job(1), *other = store_fixture_put_job(2);
        StoreSlot slot;

        (void) store_fixture_put_slot(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, 10);
        ck_assert_int_eq(store_get_slot(store, job, AUTH_TARGET_SERVER, AUTH_SCHEME_DIGEST, &slot),
                         -ENOENT);
        ck_assert_int_eq(store_get_slot(store, job, AUTH_TARGET_PROXY, AUTH_SCHEME_BASIC, &slot),
                         -ENOENT);
        ck_assert_int_eq(store_get_slot(store, other, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, &slot),
                         -ENOENT);
        job_free(job);
        job_free(other);
}
END_TEST

static unsigned slot_schemes(const Job *job, AuthTarget target)
{
        unsigned schemes = 0, implicit = 4711;

        ck_assert_int_eq(store_slot_schemes(store, job, target, &schemes, &implicit), 0);
        ck_assert_uint_eq(implicit, 0);
        return schemes;
}

START_TEST(a_slot_holds_one_credential)
{
        Job *job = store_fixture_put_job(1);
        StoreSlot slot;
        uint64_t removed = 4711;

        ck_assert_uint_eq(store_fixture_put_slot(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, 10),
                          0);
        ck_assert_uint_eq(store_fixture_put_slot(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, 20),
                          10);
        ck_assert_uint_eq(store_fixture_put_slot(job, AUTH_TARGET_SERVER, AUTH_SCHEME_DIGEST, 30),
                          0);
        ck_assert_uint_eq(store_fixture_put_slot(job, AUTH_TARGET_PROXY, AUTH_SCHEME_BASIC, 40), 0);
        ck_assert_uint_eq(store_fixture_slot_bytes(job), 90);
        ck_assert_int_eq(store_get_slot(store, job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, &slot),
                         0);
        ck_assert_uint_eq(slot.row.sealed_size, 20);
        store_slot_done(&slot);

        ck_assert_uint_eq(slot_schemes(job, AUTH_TARGET_SERVER),
                          1 << AUTH_SCHEME_BASIC | 1 << AUTH_SCHEME_DIGEST);
        ck_assert_uint_eq(slot_schemes(job, AUTH_TARGET_PROXY), 1 << AUTH_SCHEME_BASIC);

        ck_assert_int_eq(
                store_delete_slot(store, job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, &removed),
                1);
        ck_assert_uint_eq(removed, 20);
        ck_assert_int_eq(
                store_delete_slot(store, job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, &removed),
                0);
        ck_assert_uint_eq(removed, 0);
        ck_assert_uint_eq(store_fixture_slot_bytes(job), 70);
        ck_assert_int_eq(store_delete_slots(store, job), 0);
        ck_assert_uint_eq(store_fixture_slot_bytes(job), 0);
        ck_assert_uint_eq(slot_schemes(job, AUTH_TARGET_SERVER), 0);
        job_free(job);
}
END_TEST

static unsigned n_visited;

/* Removes those of job 1. */
static int visit_slot(void *userdata, sd_id128_t job, const VaultRow *row)
{
        ck_assert_ptr_null(row->sealed);
        ck_assert_uint_eq(row->sealed_size, 10U * job.bytes[0]);
        ck_assert(row->persistent);
        ck_assert_uint_eq(row->key_id.bytes[0], 7);
        n_visited++;
        return job.bytes[0] == 1;
}

START_TEST(each_slot_is_visited_and_may_be_removed)
{
        Job *first = store_fixture_put_job(1), *second = store_fixture_put_job(2);

        for (unsigned scheme = 0; scheme < AUTH_SCHEMES_MAX; scheme++) {
                (void) store_fixture_put_slot(first, AUTH_TARGET_SERVER, scheme, 10);
                (void) store_fixture_put_slot(second, AUTH_TARGET_PROXY, scheme, 20);
        }
        store_fixture_commit();
        n_visited = 0;
        ck_assert_int_eq(store_each_slot(store, visit_slot, NULL), 0);
        ck_assert_uint_eq(n_visited, 2 * AUTH_SCHEMES_MAX);
        ck_assert(store_is_dirty(store));
        store_fixture_commit();
        ck_assert_uint_eq(store_fixture_slot_bytes(first), 0);
        ck_assert_uint_eq(store_fixture_slot_bytes(second), 20 * AUTH_SCHEMES_MAX);
        job_free(first);
        job_free(second);
}
END_TEST

static int fail_visit(void *userdata, sd_id128_t job, const VaultRow *row)
{
        return -ECANCELED;
}

START_TEST(a_visit_that_fails_ends_the_round)
{
        Job *job = store_fixture_put_job(1);

        (void) store_fixture_put_slot(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, 10);
        store_fixture_commit();
        ck_assert_int_eq(store_each_slot(store, fail_visit, NULL), -ECANCELED);
        ck_assert_uint_eq(store_fixture_slot_bytes(job), 10);
        job_free(job);
}
END_TEST

static unsigned count_sealed(const char *name)
{
        _cleanup_free_ char *file = temp_dir_path(store_dir, name), *data = NULL;
        size_t size = 0;
        unsigned n = 0;

        data = temp_dir_read(file, &size);
        for (char *at = data; size > 0; n++) {
                at = memmem(at,
                            size - (size_t) (at - data),
                            STORE_FIXTURE_SEALED,
                            sizeof(STORE_FIXTURE_SEALED) - 1);
                if (!at)
                        break;
                at += sizeof(STORE_FIXTURE_SEALED) - 1;
        }
        return n;
}

/* Sizes: within a page, and one that needs pages of its own. */
START_TEST(nothing_is_left_of_a_removed_credential)
{
        static const size_t sizes[] = { 60, 150000 };
        Job *job = store_fixture_put_job(1), *other = store_fixture_put_job(2);
        uint64_t removed;

        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                (void) store_fixture_put_slot(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, sizes[i]);
                (void) store_fixture_put_slot(job,
                                              AUTH_TARGET_SERVER,
                                              AUTH_SCHEME_DIGEST,
                                              sizes[i]);
                (void) store_fixture_put_slot(other,
                                              AUTH_TARGET_PROXY,
                                              AUTH_SCHEME_DIGEST,
                                              sizes[i]);
                store_fixture_commit();
                ck_assert_uint_gt(count_sealed("jobs.db-wal"), 0);
                ck_assert_int_eq(store_checkpoint(store), 0);
                ck_assert_uint_gt(count_sealed("jobs.db"), 0);
                ck_assert_uint_eq(count_sealed("jobs.db-wal"), 0);

                ck_assert_int_eq(store_delete_slot(store,
                                                   job,
                                                   AUTH_TARGET_SERVER,
                                                   AUTH_SCHEME_BASIC,
                                                   &removed),
                                 1);
                ck_assert_int_eq(store_delete_slots(store, job), 0);
                ck_assert_int_eq(store_delete_job(store, other), 0);
                store_fixture_commit();
                ck_assert_int_eq(store_checkpoint(store), 0);
                ck_assert_uint_eq(count_sealed("jobs.db"), 0);
                ck_assert_uint_eq(count_sealed("jobs.db-wal"), 0);
                job_free(other);
                other = store_fixture_put_job(2);
                store_fixture_commit();
        }
        job_free(job);
        job_free(other);
}
END_TEST

START_TEST(nothing_is_left_of_a_replaced_credential)
{
        Job *job = store_fixture_put_job(1);
        VaultRow row = store_fixture_sealed_row(300);
        uint64_t replaced;

        (void) store_fixture_put_slot(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, 300);
        store_fixture_commit();
        memset(row.sealed, 'y', row.sealed_size);
        ck_assert_int_eq(store_put_slot(store,
                                        job,
                                        AUTH_TARGET_SERVER,
                                        AUTH_SCHEME_BASIC,
                                        false,
                                        "alice",
                                        &row,
                                        &replaced),
                         0);
        ck_assert_uint_eq(replaced, 300);
        store_fixture_commit();
        ck_assert_int_eq(store_checkpoint(store), 0);
        ck_assert_uint_eq(count_sealed("jobs.db"), 0);
        ck_assert_uint_eq(count_sealed("jobs.db-wal"), 0);
        vault_row_done(&row);
        job_free(job);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("store-slots");
        TCase *slots = tcase_create("slots");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(slots, store_fixture_setup, store_fixture_teardown);
        tcase_add_test(slots, a_slot_comes_back_as_it_was);
        tcase_add_test(slots, an_empty_slot_is_not_there);
        tcase_add_test(slots, a_slot_holds_one_credential);
        tcase_add_test(slots, each_slot_is_visited_and_may_be_removed);
        tcase_add_test(slots, a_visit_that_fails_ends_the_round);
        tcase_add_test(slots, nothing_is_left_of_a_removed_credential);
        tcase_add_test(slots, nothing_is_left_of_a_replaced_credential);
        suite_add_tcase(suite, slots);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
