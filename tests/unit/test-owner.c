#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "manager/owner.h"

static Owners owners;

static void setup(void)
{
        owners = (Owners){ 0 };
}

static Owner *acquire(uint32_t uid, const char *name)
{
        Owner *owner = NULL;

        ck_assert_int_eq(owners_acquire(&owners, uid, name, &owner), 0);
        ck_assert_uint_eq(owner->uid, uid);
        return owner;
}

START_TEST(a_uid_has_one_owner)
{
        Owner *alice = acquire(1000, "alice"), *bob = acquire(1001, "bob");

        ck_assert_ptr_ne(alice, bob);
        ck_assert_ptr_eq(acquire(1000, "alice"), alice);
        ck_assert_ptr_eq(owners_find(&owners, 1000), alice);
        ck_assert_ptr_eq(owners_find(&owners, 1001), bob);
        ck_assert_ptr_null(owners_find(&owners, 1002));
        ck_assert_str_eq(bob->name, "bob");
        owners_release(&owners, alice);
        ck_assert_ptr_null(owners_find(&owners, 1000));
        owners_release(&owners, bob);
        ck_assert_ptr_null(owners.by_uid);
}
END_TEST

START_TEST(a_known_uid_under_another_name_is_stale)
{
        Owner *alice = acquire(1000, "alice"), *mallory = NULL;

        ck_assert_int_eq(owners_acquire(&owners, 1000, "mallory", &mallory), -ESTALE);
        ck_assert_ptr_null(mallory);
        ck_assert_str_eq(alice->name, "alice");
        owners_release(&owners, alice);
        /* Nothing is remembered, because the uid may belong to another user by now. */
        owners_release(&owners, acquire(1000, "mallory"));
}
END_TEST

START_TEST(an_owner_stays_while_there_are_jobs_or_workers)
{
        Owner *alice = acquire(1000, "alice");

        alice->n_jobs = 1;
        owners_release(&owners, alice);
        ck_assert_ptr_eq(owners_find(&owners, 1000), alice);
        alice->n_jobs = 0;
        alice->shares[SCHEDULER_DOWNLOADS].n_active = 1;
        owners_release(&owners, alice);
        ck_assert_ptr_eq(owners_find(&owners, 1000), alice);
        alice->shares[SCHEDULER_DOWNLOADS].n_active = 0;
        owners_release(&owners, alice);
        ck_assert_ptr_null(owners_find(&owners, 1000));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("owner");
        TCase *owner = tcase_create("owner");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(owner, setup, NULL);
        tcase_add_test(owner, a_uid_has_one_owner);
        tcase_add_test(owner, a_known_uid_under_another_name_is_stale);
        tcase_add_test(owner, an_owner_stays_while_there_are_jobs_or_workers);
        suite_add_tcase(suite, owner);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
