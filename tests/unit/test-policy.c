#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "manager/policy.h"

#define OWNER_UID 1000U
#define OTHER_UID 1001U

/* The rights that each relation of the caller to the job gives. */
typedef struct Row {
        Verb verb;
        int owner, other, root, root_as_owner;
} Row;

static const Row on_a_job[] = {
        { VERB_LOOK, 0, -ENOENT, 0, 0 },
        { VERB_ADD_FILE, 0, -ENOENT, -EACCES, 0 },
        { VERB_SET_PROPERTY, 0, -ENOENT, -EACCES, 0 },
        { VERB_RESUME, 0, -ENOENT, 0, 0 },
        { VERB_SUSPEND, 0, -ENOENT, 0, 0 },
        { VERB_CANCEL, 0, -ENOENT, 0, 0 },
        { VERB_COMPLETE, 0, -ENOENT, -EACCES, 0 },
        { VERB_TAKE_OWNERSHIP, -EACCES, -ENOENT, 0, 0 },
        { VERB_SET_CREDENTIALS, 0, -ENOENT, -EACCES, 0 },
        { VERB_REMOVE_CREDENTIALS, 0, -ENOENT, -EACCES, 0 },
        { VERB_SET_REMOTE_NAME, 0, -ENOENT, -EACCES, 0 },
        { VERB_SET_HEADERS, 0, -ENOENT, -EACCES, 0 },
        { VERB_READ_HEADERS, 0, -ENOENT, -EACCES, 0 },
        { VERB_READ_CREDENTIAL_SLOTS, 0, -ENOENT, -EACCES, 0 },
        { VERB_SET_CERTIFICATE, 0, -ENOENT, -EACCES, 0 },
        { VERB_REMOVE_CERTIFICATE, 0, -ENOENT, -EACCES, 0 },
};

/* The same four relations, but there is no job: only root differs. */
static const Row on_no_job[] = {
        { VERB_CREATE_JOB, 0, 0, 0, 0 },
        { VERB_LIST, 0, 0, 0, 0 },
        { VERB_LIST_ALL, -EACCES, -EACCES, 0, 0 },
        { VERB_SUBSCRIBE, 0, 0, 0, 0 },
        { VERB_SUBSCRIBE_ALL, -EACCES, -EACCES, 0, 0 },
        { VERB_RELOAD, -EACCES, -EACCES, 0, 0 },
        { VERB_RELOAD_OWN, 0, 0, 0, 0 },
};

static int ask(uint32_t caller_uid, uint32_t owner_uid, Verb verb, bool with_job)
{
        Owner owner = { .uid = owner_uid };
        Job job = { .owner = &owner };

        return policy_check(&(Caller){ .uid = caller_uid }, verb, with_job ? &job : NULL);
}

static void check_row(const Row *row, bool with_job)
{
        int owner = ask(OWNER_UID, OWNER_UID, row->verb, with_job);
        int other = ask(OTHER_UID, OWNER_UID, row->verb, with_job);
        int root = ask(0, OWNER_UID, row->verb, with_job);
        int root_as_owner = ask(0, 0, row->verb, with_job);

        ck_assert_msg(owner == row->owner, "verb %d, owner: %d", row->verb, owner);
        ck_assert_msg(other == row->other, "verb %d, other: %d", row->verb, other);
        ck_assert_msg(root == row->root, "verb %d, root: %d", row->verb, root);
        ck_assert_msg(root_as_owner == row->root_as_owner,
                      "verb %d, root as owner: %d",
                      row->verb,
                      root_as_owner);
}

START_TEST(each_relation_to_a_job_gets_what_the_table_says)
{
        for (size_t i = 0; i < ARRAY_SIZE(on_a_job); i++)
                check_row(&on_a_job[i], true);
}
END_TEST

START_TEST(verbs_on_no_job_are_anybodys_or_roots)
{
        for (size_t i = 0; i < ARRAY_SIZE(on_no_job); i++)
                check_row(&on_no_job[i], false);
}
END_TEST

START_TEST(every_verb_is_in_one_of_the_tables)
{
        for (unsigned verb = 0; verb < VERBS_MAX; verb++) {
                unsigned n = 0;

                for (size_t i = 0; i < ARRAY_SIZE(on_a_job); i++)
                        n += on_a_job[i].verb == verb;
                for (size_t i = 0; i < ARRAY_SIZE(on_no_job); i++)
                        n += on_no_job[i].verb == verb;
                ck_assert_msg(n == 1, "verb %u is there %u times", verb, n);
        }
}
END_TEST

START_TEST(a_verb_on_a_job_is_nobodys_without_one)
{
        for (size_t i = 0; i < ARRAY_SIZE(on_a_job); i++) {
                int r = ask(OWNER_UID, OWNER_UID, on_a_job[i].verb, false);

                ck_assert_msg(r == -EACCES, "verb %d: %d", on_a_job[i].verb, r);
        }
}
END_TEST

START_TEST(a_uid_that_was_never_set_owns_nothing)
{
        ck_assert_int_eq(ask(UINT32_MAX, OWNER_UID, VERB_LOOK, true), -ENOENT);
        ck_assert_int_eq(ask(UINT32_MAX, 0, VERB_LOOK, true), -ENOENT);
        ck_assert_int_eq(ask(UINT32_MAX, OWNER_UID, VERB_LIST_ALL, false), -EACCES);
}
END_TEST

START_TEST(only_root_is_exempt_from_limits_per_user)
{
        ck_assert(policy_is_exempt(&(Caller){ .uid = 0 }));
        ck_assert(!policy_is_exempt(&(Caller){ .uid = OWNER_UID }));
        ck_assert(!policy_is_exempt(&(Caller){ .uid = UINT32_MAX }));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("policy");
        TCase *access = tcase_create("access");
        SRunner *runner;
        int failed;

        tcase_add_test(access, each_relation_to_a_job_gets_what_the_table_says);
        tcase_add_test(access, verbs_on_no_job_are_anybodys_or_roots);
        tcase_add_test(access, every_verb_is_in_one_of_the_tables);
        tcase_add_test(access, a_verb_on_a_job_is_nobodys_without_one);
        tcase_add_test(access, a_uid_that_was_never_set_owns_nothing);
        tcase_add_test(access, only_root_is_exempt_from_limits_per_user);
        suite_add_tcase(suite, access);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
