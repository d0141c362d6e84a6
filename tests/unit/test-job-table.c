#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "manager/job-table.h"
#include "tests/lib/temp-dir.h"

static Owners owners;
static JobTable table;
static char *state_dir;
static int state_dir_fd;

static void setup(void)
{
        owners = (Owners){ 0 };
        state_dir = temp_dir_new();
        state_dir_fd = open(state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(state_dir_fd, 0);
        job_table_init(&table, &(ManagerParts){ .owners = &owners, .state_dir_fd = state_dir_fd });
}

static void teardown(void)
{
        Job *job = NULL, *after = NULL;

        JOB_TABLE_FOREACH (job, after, &table)
                job_table_remove(&table, job);
        ck_assert_ptr_null(owners.by_uid); /* every owner went with the last of its jobs */
        (void) close(state_dir_fd);
        state_dir = temp_dir_remove(state_dir);
}

static Job *add_job(uint8_t number)
{
        const sd_id128_t id = { .bytes = { number } };
        Owner *owner;
        Job *job;

        ck_assert_int_eq(owners_acquire(&owners, 1000, "alice", &owner), 0);
        ck_assert_int_eq(job_new(id, owner, &job), 0);
        ck_assert_int_eq(job_table_add(&table, job), 0);
        return job;
}

static bool has_work_file(void)
{
        return faccessat(state_dir_fd, "work", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void set_state(Job *job, JobState state)
{
        job->state = state;
        job_table_count_work(&table, job);
}

START_TEST(a_job_is_found_until_it_is_removed)
{
        Job *first = add_job(1), *second = add_job(2);
        const sd_id128_t id = first->id;

        ck_assert_uint_eq(job_table_count(&table), 2);
        ck_assert_ptr_eq(job_table_find(&table, id), first);
        ck_assert_ptr_eq(job_table_find(&table, second->id), second);
        job_table_remove(&table, first);
        ck_assert_ptr_null(job_table_find(&table, id));
        ck_assert_uint_eq(job_table_count(&table), 1);
}
END_TEST

START_TEST(a_removed_job_takes_its_share_of_the_vault_along)
{
        Job *first = add_job(1), *second = add_job(2);

        first->vault_bytes = 10;
        second->vault_bytes = 20;
        second->owner->vault_bytes = 30;
        job_table_remove(&table, first);
        ck_assert_uint_eq(second->owner->vault_bytes, 20);
}
END_TEST

START_TEST(the_file_is_there_while_one_job_has_work)
{
        Job *first = add_job(1), *second = add_job(2);

        set_state(first, JOB_SUSPENDED);
        ck_assert(!has_work_file());
        set_state(first, JOB_QUEUED);
        set_state(second, JOB_TRANSIENT_ERROR);
        ck_assert(has_work_file());
        set_state(first, JOB_TRANSFERRED);
        set_state(first, JOB_TRANSFERRED); /* counted once */
        ck_assert(has_work_file());
        job_table_remove(&table, second);
        ck_assert(!has_work_file());
}
END_TEST

START_TEST(the_file_stays_for_the_next_start)
{
        Job *job = add_job(1);

        set_state(job, JOB_QUEUED);
        job_table_keep_work_file(&table);
        job_table_remove(&table, job);
        ck_assert(has_work_file());
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("job-table");
        TCase *tcase = tcase_create("job-table");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, a_job_is_found_until_it_is_removed);
        tcase_add_test(tcase, a_removed_job_takes_its_share_of_the_vault_along);
        tcase_add_test(tcase, the_file_is_there_while_one_job_has_work);
        tcase_add_test(tcase, the_file_stays_for_the_next_start);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
