#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "manager/job.h"
#include "model/enums.h"
#include "model/error-code.h"
#include "model/file-record.h"

#define UNKNOWN DOSVC_SIZE_UNKNOWN

static Owners owners;
static Owner *alice, *bob;
static Job *job;

static void setup(void)
{
        owners = (Owners){ 0 };
        ck_assert_int_eq(owners_acquire(&owners, 1000, "alice", &alice), 0);
        ck_assert_int_eq(owners_acquire(&owners, 1001, "bob", &bob), 0);
        ck_assert_int_eq(job_new((sd_id128_t){ .bytes = { 1 } }, alice, &job), 0);
}

static void teardown(void)
{
        job = job_free(job);
        owners_release(&owners, alice);
        owners_release(&owners, bob);
}

static void add_files(Job *to, uint32_t n)
{
        for (uint32_t i = 0; i < n; i++)
                ck_assert_int_ge(job_add_file(to, "http://host/file", "/dir/file"), 0);
}

static void set_record(Job *of, uint32_t index, uint64_t offset, uint64_t total, bool finished)
{
        FileRecord record;

        ck_assert_int_eq(file_record_init(&record, index, "http://host/file", "/dir/file"), 0);
        record.offset_bytes = offset;
        record.total_bytes = total;
        record.finished = finished;
        job_set_file(of, index, &record);
        ck_assert_ptr_null(record.remote_name); /* taken over */
        file_record_done(&record);
}

/* Moves ------------------------------------------------------------------------------------- */

#define NO -EBADFD

#define SAVED   (JOB_SAVE | JOB_ANNOUNCE)
#define CLEARED (JOB_SAVE | JOB_ANNOUNCE | JOB_CLEAR_ERROR)

typedef struct Cell {
        int effects; /* or NO */
        JobState next;
} Cell;

/*
 * Sections 3.2 and 3.3 of the specification: a row for each event, with the states in the order
 *   SUSPENDED, QUEUED, CONNECTING, TRANSFERRING, TRANSIENT_ERROR, ERROR, TRANSFERRED.
 * The two final states, which take no event but RESTART, have a test of their own.
 */
static const JobState columns[] = { JOB_SUSPENDED,    JOB_QUEUED,          JOB_CONNECTING,
                                    JOB_TRANSFERRING, JOB_TRANSIENT_ERROR, JOB_ERROR,
                                    JOB_TRANSFERRED };

static const struct {
        JobEvent event;
        Cell cells[ARRAY_SIZE(columns)];
} rows[] = {
        { JOB_EVENT_RESUME,
          { { SAVED | JOB_PLAN, JOB_QUEUED },
            { 0, JOB_QUEUED },
            { 0, JOB_CONNECTING },
            { 0, JOB_TRANSFERRING },
            { SAVED | JOB_UNPLAN | JOB_PLAN, JOB_QUEUED },
            { SAVED | JOB_PLAN, JOB_QUEUED },
            { CLEARED | JOB_PLAN, JOB_QUEUED } } },
        { JOB_EVENT_SUSPEND,
          { { 0, JOB_SUSPENDED },
            { CLEARED | JOB_UNPLAN, JOB_SUSPENDED },
            { CLEARED | JOB_HALT, JOB_SUSPENDED },
            { SAVED | JOB_HALT, JOB_SUSPENDED },
            { CLEARED | JOB_UNPLAN, JOB_SUSPENDED },
            { 0, JOB_ERROR },
            { 0, JOB_TRANSFERRED } } },
        { JOB_EVENT_CANCEL,
          { { SAVED | JOB_REMOVE, JOB_CANCELLED },
            { SAVED | JOB_UNPLAN | JOB_REMOVE, JOB_CANCELLED },
            { SAVED | JOB_HALT | JOB_REMOVE, JOB_CANCELLED },
            { SAVED | JOB_HALT | JOB_REMOVE, JOB_CANCELLED },
            { SAVED | JOB_UNPLAN | JOB_REMOVE, JOB_CANCELLED },
            { SAVED | JOB_REMOVE, JOB_CANCELLED },
            { SAVED | JOB_REMOVE, JOB_CANCELLED } } },
        { JOB_EVENT_COMPLETE,
          { { JOB_PUBLISH, JOB_SUSPENDED },
            { CLEARED | JOB_UNPLAN | JOB_PUBLISH, JOB_SUSPENDED },
            { CLEARED | JOB_HALT | JOB_PUBLISH, JOB_SUSPENDED },
            { SAVED | JOB_HALT | JOB_PUBLISH, JOB_SUSPENDED },
            { CLEARED | JOB_UNPLAN | JOB_PUBLISH, JOB_SUSPENDED },
            { JOB_PUBLISH, JOB_ERROR },
            { JOB_PUBLISH, JOB_TRANSFERRED } } },
        { JOB_EVENT_TAKE,
          { { JOB_SAVE, JOB_SUSPENDED },
            { JOB_SAVE | JOB_UNPLAN | JOB_PLAN, JOB_QUEUED },
            { SAVED | JOB_HALT | JOB_PLAN, JOB_QUEUED },
            { SAVED | JOB_HALT | JOB_PLAN, JOB_QUEUED },
            { JOB_SAVE, JOB_TRANSIENT_ERROR },
            { JOB_SAVE, JOB_ERROR },
            { JOB_SAVE, JOB_TRANSFERRED } } },
        { JOB_EVENT_START,
          { { NO, 0 },
            { SAVED, JOB_CONNECTING },
            { NO, 0 },
            { NO, 0 },
            { NO, 0 },
            { NO, 0 },
            { NO, 0 } } },
        { JOB_EVENT_RETRY,
          { { NO, 0 },
            { NO, 0 },
            { NO, 0 },
            { NO, 0 },
            { SAVED | JOB_UNPLAN | JOB_PLAN, JOB_QUEUED },
            { NO, 0 },
            { NO, 0 } } },
        { JOB_EVENT_RESTART,
          { { 0, JOB_SUSPENDED },
            { JOB_PLAN, JOB_QUEUED },
            { JOB_SAVE | JOB_PLAN, JOB_QUEUED },
            { JOB_SAVE | JOB_PLAN, JOB_QUEUED },
            { JOB_RETRY, JOB_TRANSIENT_ERROR },
            { 0, JOB_ERROR },
            { JOB_PLAN, JOB_TRANSFERRED } } },
        { JOB_EVENT_RECEIVING,
          { { NO, 0 },
            { NO, 0 },
            { CLEARED, JOB_TRANSFERRING },
            { 0, JOB_TRANSFERRING },
            { NO, 0 },
            { NO, 0 },
            { NO, 0 } } },
        { JOB_EVENT_TRANSFERRED,
          { { NO, 0 },
            { NO, 0 },
            { CLEARED | JOB_PLAN, JOB_TRANSFERRED },
            { SAVED | JOB_PLAN, JOB_TRANSFERRED },
            { NO, 0 },
            { NO, 0 },
            { NO, 0 } } },
        { JOB_EVENT_REQUEUE,
          { { NO, 0 },
            { NO, 0 },
            { SAVED | JOB_PLAN, JOB_QUEUED },
            { SAVED | JOB_PLAN, JOB_QUEUED },
            { NO, 0 },
            { NO, 0 },
            { NO, 0 } } },
        { JOB_EVENT_FAILED_TRANSIENT,
          { { NO, 0 },
            { NO, 0 },
            { SAVED | JOB_RETRY, JOB_TRANSIENT_ERROR },
            { SAVED | JOB_RETRY, JOB_TRANSIENT_ERROR },
            { NO, 0 },
            { NO, 0 },
            { NO, 0 } } },
        { JOB_EVENT_FAILED,
          { { NO, 0 },
            { NO, 0 },
            { SAVED, JOB_ERROR },
            { SAVED, JOB_ERROR },
            { SAVED | JOB_UNPLAN, JOB_ERROR },
            { NO, 0 },
            { SAVED, JOB_ERROR } } },
        { JOB_EVENT_PUBLISHED,
          { { SAVED | JOB_REMOVE, JOB_ACKNOWLEDGED },
            { NO, 0 },
            { NO, 0 },
            { NO, 0 },
            { NO, 0 },
            { SAVED | JOB_REMOVE, JOB_ACKNOWLEDGED },
            { SAVED | JOB_REMOVE, JOB_ACKNOWLEDGED } } },
};

START_TEST(every_cell_of_the_table_is_as_specified)
{
        ck_assert_uint_eq(ARRAY_SIZE(rows), JOB_EVENTS_MAX);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                ck_assert_uint_eq(rows[i].event, i);
                for (size_t j = 0; j < ARRAY_SIZE(columns); j++) {
                        const Cell *cell = &rows[i].cells[j];
                        JobState next = JOB_STATES_MAX;
                        int r = job_move(columns[j], rows[i].event, &next);

                        ck_assert_msg(r == cell->effects,
                                      "event %zu in %s: %d",
                                      i,
                                      job_state_to_string(columns[j]),
                                      r);
                        if (r >= 0)
                                ck_assert_str_eq(job_state_to_string(next),
                                                 job_state_to_string(cell->next));
                        else
                                ck_assert_uint_eq(next, JOB_STATES_MAX);
                }
        }
}
END_TEST

START_TEST(a_final_state_is_left_by_nothing)
{
        static const JobState final[] = { JOB_ACKNOWLEDGED, JOB_CANCELLED };

        for (size_t i = 0; i < ARRAY_SIZE(final); i++)
                for (unsigned event = 0; event < JOB_EVENTS_MAX; event++) {
                        JobState next = JOB_STATES_MAX;
                        int r = job_move(final[i], event, &next);

                        if (event != JOB_EVENT_RESTART) {
                                ck_assert_int_eq(r, -EBADFD);
                                continue;
                        }
                        ck_assert_int_eq(
                                r,
                                JOB_REMOVE); /* the service crashed before the row was deleted */
                        ck_assert_uint_eq(next, final[i]);
                }
}
END_TEST

START_TEST(a_move_that_changes_the_state_is_saved_before_it_is_told)
{
        for (unsigned state = 0; state < JOB_STATES_MAX; state++)
                for (unsigned event = 0; event < JOB_EVENTS_MAX; event++) {
                        JobState next;
                        int r = job_move(state, event, &next);

                        if (r < 0 || next == state)
                                continue;
                        ck_assert_msg(r & JOB_SAVE, "state %u, event %u", state, event);
                        /* After a restart no client needs an announcement. */
                        ck_assert_msg(r & JOB_ANNOUNCE || event == JOB_EVENT_RESTART,
                                      "state %u, event %u",
                                      state,
                                      event);
                }
}
END_TEST

START_TEST(a_job_that_is_refused_a_move_stays_as_it_is)
{
        job->state = JOB_CANCELLED;
        for (unsigned event = 0; event < JOB_EVENT_RESTART; event++) {
                ck_assert_int_eq(job_apply(job, event), -EBADFD);
                ck_assert_uint_eq(job->state, JOB_CANCELLED);
        }
}
END_TEST

START_TEST(resume_without_files_is_refused)
{
        ck_assert_int_eq(job_apply(job, JOB_EVENT_RESUME), -ENODATA);
        ck_assert_uint_eq(job->state, JOB_SUSPENDED);
        add_files(job, 1);
        ck_assert_int_eq(job_apply(job, JOB_EVENT_RESUME), JOB_SAVE | JOB_ANNOUNCE | JOB_PLAN);
        ck_assert_uint_eq(job->state, JOB_QUEUED);
}
END_TEST

START_TEST(resume_of_a_transferred_job_wants_new_files)
{
        add_files(job, 1);
        set_record(job, 0, 5, 5, true);
        job->state = JOB_TRANSFERRED;
        ck_assert_int_eq(job_apply(job, JOB_EVENT_RESUME), JOB_PLAN);
        ck_assert_uint_eq(job->state, JOB_TRANSFERRED);
        add_files(job, 1);
        ck_assert_int_gt(job_apply(job, JOB_EVENT_RESUME), 0);
        ck_assert_uint_eq(job->state, JOB_QUEUED);
}
END_TEST

START_TEST(states_fall_into_classes)
{
        static const struct {
                JobState state;
                bool final, active, work;
        } cases[] = {
                { JOB_QUEUED, false, false, true },
                { JOB_CONNECTING, false, true, true },
                { JOB_TRANSFERRING, false, true, true },
                { JOB_SUSPENDED, false, false, false },
                { JOB_ERROR, false, false, false },
                { JOB_TRANSIENT_ERROR, false, false, true },
                { JOB_TRANSFERRED, false, false, false },
                { JOB_ACKNOWLEDGED, true, false, true },
                { JOB_CANCELLED, true, false, true },
        };

        ck_assert_uint_eq(ARRAY_SIZE(cases), JOB_STATES_MAX);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                job->state = cases[i].state;
                ck_assert(job_is_final(job) == cases[i].final);
                ck_assert(job_is_active(job) == cases[i].active);
                ck_assert(job_has_work(job) == cases[i].work);
        }
}
END_TEST

/* Files ------------------------------------------------------------------------------------- */

static void check_sums(uint32_t finished, uint32_t unknown, uint64_t bytes, uint64_t total)
{
        ck_assert_uint_eq(job->n_finished, finished);
        ck_assert_uint_eq(job->n_unknown, unknown);
        ck_assert_uint_eq(job->bytes_transferred, bytes);
        ck_assert_uint_eq(job_bytes_total(job), total);
}

START_TEST(a_new_job_is_suspended_and_empty)
{
        ck_assert_uint_eq(job->state, JOB_SUSPENDED);
        ck_assert_uint_eq(job->announced.state, JOB_SUSPENDED);
        ck_assert_uint_eq(job->settings.priority, PRIORITY_NORMAL);
        ck_assert_ptr_null(job->settings.display_name);
        ck_assert_ptr_null(job->settings.description);
        ck_assert_uint_eq(job->error.file, FAILURE_NO_FILE);
        ck_assert_uint_eq(job->n_files, 0);
        check_sums(0, 0, 0, 0);
}
END_TEST

START_TEST(the_total_is_unknown_while_one_size_is)
{
        add_files(job, 3);
        check_sums(0, 3, 0, UNKNOWN);
        set_record(job, 0, 10, 100, false);
        set_record(job, 1, 0, 50, false);
        check_sums(0, 1, 10, UNKNOWN);
        set_record(job, 2, 7, 7, true);
        check_sums(1, 0, 17, 157);
        set_record(job, 2, 0, UNKNOWN, false); /* the file has changed on the server */
        check_sums(0, 1, 10, UNKNOWN);
        set_record(job, 2, 0, 0, true); /* an empty file is a file */
        check_sums(1, 0, 10, 150);
}
END_TEST

START_TEST(live_figures_count_but_are_not_recorded)
{
        add_files(job, 2);
        set_record(job, 0, 10, 100, false);
        job_set_live(job, 0, 60, 100);
        job_set_live(job, 1, 5, UNKNOWN);
        check_sums(0, 1, 65, UNKNOWN);
        job_set_live(job, 1, 5, 20);
        check_sums(0, 0, 65, 120);
        ck_assert_uint_eq(job->files[0].record.offset_bytes, 10);
        ck_assert_uint_eq(job->files[1].record.total_bytes, UNKNOWN);
        job_set_live(job, 0, 0, UNKNOWN); /* the server sends the file from its start */
        check_sums(0, 1, 5, UNKNOWN);
        set_record(job, 0, 40, 90, false); /* the record on disk takes precedence */
        check_sums(0, 0, 45, 110);
}
END_TEST

START_TEST(a_finished_file_has_no_live_figures)
{
        add_files(job, 1);
        set_record(job, 0, 100, 100, true);
        job_set_live(job, 0, 1, 2);
        check_sums(1, 0, 100, 100);
        ck_assert_uint_eq(job->files[0].live_bytes, 100);
}
END_TEST

START_TEST(truncation_takes_back_what_files_counted)
{
        add_files(job, 4);
        set_record(job, 0, 10, 100, false);
        set_record(job, 2, 30, 30, true);
        job_set_live(job, 3, 8, 9);
        check_sums(1, 1, 48, UNKNOWN);
        job_truncate_files(job, 4);
        ck_assert_uint_eq(job->n_files, 4);
        job_truncate_files(job, 2);
        check_sums(0, 1, 10, UNKNOWN);
        job_truncate_files(job, 1);
        check_sums(0, 0, 10, 100);
        ck_assert_int_eq(job_add_file(job, "http://host/new", "/dir/new"), 1);
        ck_assert_str_eq(job->files[1].record.local_name, "/dir/new");
        job_truncate_files(job, 0);
        check_sums(0, 0, 0, 0);
}
END_TEST

START_TEST(only_an_unfinished_file_begins_again_with_another_remote_name)
{
        add_files(job, 2);
        set_record(job, 0, 10, 100, false);
        set_record(job, 1, 30, 30, true);
        job->attempts.furthest_bytes = 40;
        ck_assert_int_eq(job_set_remote_name(job, 1, "http://other/b"), 0);
        check_sums(1, 0, 40, 130);
        ck_assert_uint_eq(job->attempts.furthest_bytes, 40);
        ck_assert_int_eq(job_set_remote_name(job, 0, "http://other/a"), 0);
        check_sums(1, 1, 30, UNKNOWN);
        ck_assert_str_eq(job->files[0].record.remote_name, "http://other/a");
        ck_assert_uint_eq(job->attempts.furthest_bytes, 0); /* each byte from there is progress */
}
END_TEST

START_TEST(a_new_owner_does_not_inherit_secrets_and_paths)
{
        JobChanges changes;

        job->settings.client_certificate = strdup("/crt");
        job->settings.client_key = strdup("/key");
        job->settings.ticket_cache = strdup("FILE:/cache");
        job->settings.ca_certificate = strdup("/ca");
        job->sealed = 1;
        changes = job_forget_owners_settings(job);
        ck_assert_ptr_null(job->settings.client_certificate);
        ck_assert_ptr_null(job->settings.client_key);
        ck_assert_ptr_null(job->settings.ticket_cache);
        ck_assert_uint_eq(job->sealed, 0);
        ck_assert_str_eq(job->settings.ca_certificate, "/ca");
        ck_assert_uint_eq(changes,
                          JOB_CHANGE_SETTING(SETTING_AUTO_COMPLETE) |
                                  JOB_CHANGE_SETTING(SETTING_TICKET_CACHE) |
                                  JOB_CHANGE_SETTING(SETTING_CUSTOM_HEADERS));
}
END_TEST

START_TEST(only_a_job_that_no_server_answered_is_unreachable)
{
        job->state = JOB_TRANSIENT_ERROR;
        job->error.code = 1;
        job->error.context = ERROR_CONTEXT_GENERAL_TRANSPORT;
        ck_assert(job_is_unreachable(job));
        job->publishing = true;
        ck_assert(!job_is_unreachable(job));
        job->publishing = false;
        job->error.context = ERROR_CONTEXT_REMOTE_FILE;
        ck_assert(!job_is_unreachable(job));
        job->error.code = (uint32_t) ERROR_CODE_TIMEOUT;
        ck_assert(job_is_unreachable(job));
        job->state = JOB_ERROR;
        ck_assert(!job_is_unreachable(job));
}
END_TEST

/* The day and the fortnight, in seconds. */
START_TEST(patience_is_short_until_a_server_has_answered)
{
        ck_assert_uint_eq(job_patience_sec(job), 86400);
        job->answered = true;
        ck_assert_uint_eq(job_patience_sec(job), 1209600);
        ck_assert_uint_eq(job_attempts_limits(job, 1).no_progress_sec, 1209600);
        job->answered = false;
        ck_assert_uint_eq(job_attempts_limits(job, 1).no_progress_sec, 86400);
        /* An owner who says how long is taken at his word, and so is one who waits longer. */
        job->settings.no_progress_timeout_sec = 100000;
        ck_assert_uint_eq(job_patience_sec(job), 100000);
        job->settings.no_progress_timeout_sec = 1209600;
        job->settings.minimum_retry_delay_sec = 86400;
        ck_assert_uint_eq(job_patience_sec(job), 1209600);
}
END_TEST

START_TEST(files_have_the_index_of_their_place)
{
        for (int i = 0; i < 100; i++)
                ck_assert_int_eq(job_add_file(job, "http://host/file", "/dir/file"), i);
        for (uint32_t i = 0; i < 100; i++)
                ck_assert_uint_eq(job->files[i].record.index, i);
        check_sums(0, 100, 0, UNKNOWN);
}
END_TEST

START_TEST(a_job_knows_the_local_names_of_its_files)
{
        FileRecord record;

        ck_assert(!job_has_local_name(job, "/dir/a"));
        ck_assert_int_eq(job_add_file(job, "http://host/a", "/dir/a"), 0);
        ck_assert_int_eq(job_add_file(job, "http://host/b", "/dir/b"), 1);
        /* A stored job of an older version: the name goes with the first that has it. */
        ck_assert_int_eq(job_add_file(job, "http://host/c", "/dir/a"), 2);
        ck_assert_int_eq(file_record_init(&record, 1, "http://host/d", "/dir/other"), 0);
        job_set_file(job, 1, &record); /* the name that was there lives on */
        file_record_done(&record);
        ck_assert_str_eq(job->files[1].record.local_name, "/dir/b");
        ck_assert_str_eq(job->files[1].record.remote_name, "http://host/d");
        ck_assert(job_has_local_name(job, "/dir/b"));
        job_truncate_files(job, 2);
        ck_assert(job_has_local_name(job, "/dir/a"));
        job_truncate_files(job, 1);
        ck_assert(!job_has_local_name(job, "/dir/b"));
        ck_assert(job_has_local_name(job, "/dir/a"));
}
END_TEST

/* Owner, error, store ------------------------------------------------------------------------ */

START_TEST(a_job_counts_for_one_owner_at_a_time)
{
        ck_assert_uint_eq(alice->n_jobs, 1);
        job_set_owner(job, bob);
        ck_assert_uint_eq(alice->n_jobs, 0);
        ck_assert(list_is_empty(&alice->jobs));
        ck_assert_uint_eq(bob->n_jobs, 1);
        ck_assert_ptr_eq(bob->jobs.next, &job->owner_link);
        job = job_free(job);
        ck_assert_uint_eq(bob->n_jobs, 0);
        ck_assert(list_is_empty(&bob->jobs));
}
END_TEST

START_TEST(an_error_replaces_the_one_before)
{
        Failure refused = FAILURE_NONE, full = FAILURE_NONE;

        failure_set(&refused, 7, true, ERROR_CONTEXT_REMOTE_FILE, "http://h/", "Refused.");
        refused.file = 3;
        failure_set(&full, 8, true, ERROR_CONTEXT_LOCAL_FILE, NULL, "Full.");
        job_set_error(job, &refused);
        failure_done(&refused);
        ck_assert_str_eq(job->error.description, "Refused.");
        ck_assert_uint_eq(job->error.file, 3);
        job_set_error(job, &full);
        failure_done(&full);
        ck_assert_uint_eq(job->error.code, 8);
        ck_assert_uint_eq(job->error.context, ERROR_CONTEXT_LOCAL_FILE);
        ck_assert_str_eq(job->error.description, "Full.");
        ck_assert_ptr_null(job->error.url);
        ck_assert_uint_eq(job->error.file, FAILURE_NO_FILE);
        job_set_error(job, &job->error);
        ck_assert_str_eq(job->error.description, "Full.");

        job_clear_error(job);
        ck_assert_uint_eq(job->error.code, 0);
        ck_assert_uint_eq(job->error.context, ERROR_CONTEXT_NONE);
        ck_assert_str_eq(failure_text(&job->error), "");
        ck_assert_ptr_null(job->error.url);
        ck_assert_uint_eq(job->error.file, FAILURE_NO_FILE);
}
END_TEST

START_TEST(what_the_store_keeps_replaces_what_is_in_memory)
{
        Job *stored = NULL;

        add_files(job, 3);
        set_record(job, 0, 10, 100, false);
        job->state = JOB_TRANSFERRING;
        job->attempts.failures = 4;
        job->pending.changed = JOB_CHANGE_FILES;

        ck_assert_int_eq(job_new(job->id, bob, &stored), 0);
        free(stored->settings.display_name);
        stored->settings.display_name = strdup("stored");
        add_files(stored, 1);
        set_record(stored, 0, 5, 50, false);
        stored->serial = 42;
        stored->state = JOB_QUEUED;
        stored->settings.priority = PRIORITY_HIGH;
        stored->error_count = 2;
        stored->attempts.next_usec = 1234;
        failure_set(&stored->error, 7, false, ERROR_CONTEXT_UNKNOWN, NULL, "Stored.");

        job_take_stored(job, stored);
        ck_assert_ptr_null(job_free(stored));
        ck_assert_str_eq(job->settings.display_name, "stored");
        ck_assert_int_eq(job->serial, 42);
        ck_assert_uint_eq(job->state, JOB_QUEUED);
        ck_assert_uint_eq(job->settings.priority, PRIORITY_HIGH);
        ck_assert_uint_eq(job->error_count, 2);
        ck_assert_uint_eq(job->attempts.failures, 0);
        ck_assert_uint_eq(job->attempts.next_usec, 1234);
        ck_assert_str_eq(job->error.description, "Stored.");
        ck_assert_uint_eq(job->n_files, 1);
        check_sums(0, 0, 5, 50);
        ck_assert_uint_eq(job->pending.changed, JOB_CHANGE_FILES); /* not part of what is stored */
        ck_assert_ptr_eq(job->owner, bob);
        ck_assert_uint_eq(alice->n_jobs, 0);
        ck_assert_uint_eq(bob->n_jobs, 1);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("job");
        TCase *moves = tcase_create("moves");
        TCase *files = tcase_create("files");
        TCase *rest = tcase_create("owner, error, store");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(moves, setup, teardown);
        tcase_add_test(moves, every_cell_of_the_table_is_as_specified);
        tcase_add_test(moves, a_final_state_is_left_by_nothing);
        tcase_add_test(moves, a_move_that_changes_the_state_is_saved_before_it_is_told);
        tcase_add_test(moves, a_job_that_is_refused_a_move_stays_as_it_is);
        tcase_add_test(moves, resume_without_files_is_refused);
        tcase_add_test(moves, resume_of_a_transferred_job_wants_new_files);
        tcase_add_test(moves, states_fall_into_classes);
        suite_add_tcase(suite, moves);
        tcase_add_checked_fixture(files, setup, teardown);
        tcase_add_test(files, a_new_job_is_suspended_and_empty);
        tcase_add_test(files, the_total_is_unknown_while_one_size_is);
        tcase_add_test(files, live_figures_count_but_are_not_recorded);
        tcase_add_test(files, a_finished_file_has_no_live_figures);
        tcase_add_test(files, truncation_takes_back_what_files_counted);
        tcase_add_test(files, only_an_unfinished_file_begins_again_with_another_remote_name);
        tcase_add_test(files, files_have_the_index_of_their_place);
        tcase_add_test(files, a_job_knows_the_local_names_of_its_files);
        suite_add_tcase(suite, files);
        tcase_add_checked_fixture(rest, setup, teardown);
        tcase_add_test(rest, a_job_counts_for_one_owner_at_a_time);
        tcase_add_test(rest, an_error_replaces_the_one_before);
        tcase_add_test(rest, a_new_owner_does_not_inherit_secrets_and_paths);
        tcase_add_test(rest, only_a_job_that_no_server_answered_is_unreachable);
        tcase_add_test(rest, patience_is_short_until_a_server_has_answered);
        tcase_add_test(rest, what_the_store_keeps_replaces_what_is_in_memory);
        suite_add_tcase(suite, rest);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
