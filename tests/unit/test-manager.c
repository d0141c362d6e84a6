/*
 * The manager with a store in memory, a real vault whose key goes with the test, and workers
 * that do what the test says (tests/lib/fake-link).
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

#include "manager/credentials.h"
#include "manager/manager.h"
#include "model/error-code.h"
#include "model/limits.h"
#include "tests/lib/fake-link.h"
#include "tests/lib/temp-dir.h"

#define SEC USEC_PER_SEC

static const Caller alice = { .uid = 1000, .user_name = "alice" };
static const Caller bob = { .uid = 1001, .user_name = "bob" };
static const Caller root = { .uid = 0, .user_name = "root" };

static sd_event *event; /* owned by the fixture, as are the next */
static Store *store;
static Vault *vault;
static Manager *manager;
static Owners owners;
static char *state_dir;
static int state_dir_fd;

static uint64_t now_usec;
static Config config;
static char story[4096]; /* what was told, word by word */

static uint64_t fake_now(void *userdata)
{
        return now_usec;
}

static const Clock fake_clock = { .realtime_usec = fake_now, .boottime_usec = fake_now };

/* What is told ----------------------------------------------------------------------------- */

static void tell(const char *format, ...) _printf_(1, 2);

static void tell(const char *format, ...)
{
        size_t length = strlen(story);
        va_list args;

        va_start(args, format);
        (void) vsnprintf(story + length, sizeof(story) - length, format, args);
        va_end(args);
}

#define check_story(expected)                                                                      \
        do {                                                                                       \
                ck_assert_str_eq(story, (expected));                                               \
                story[0] = '\0';                                                                   \
        } while (0)

/* Changes of the state alone, the others by their name. */
static void on_changed(void *userdata, Job *job, unsigned changes, JobState previous)
{
        ck_assert_uint_ne(changes, 0);
        if (changes & JOB_CHANGE_STATE) {
                ck_assert_uint_ne(job->state, previous);
                tell("%s ", job_state_to_string(job->state));
        }
        if (changes & JOB_CHANGE_DISPLAY_NAME)
                tell("name=%s ", job->display_name);
        if (changes & JOB_CHANGE_PRIORITY)
                tell("priority ");
        if (changes & JOB_CHANGE_OWNER)
                tell("owner=%s ", job->owner->name);
}

static void on_new(void *userdata, Job *job)
{
        ck_assert(!store_is_dirty(store));
        tell("new ");
}

static void on_progress(void *userdata, Job *job)
{
        tell("progress ");
}

static void on_removed(void *userdata, Job *job)
{
        tell("removed=%s ", job_state_to_string(job->state));
}

static const ManagerObserver observer = {
        .job_new = on_new,
        .job_changed = on_changed,
        .job_progress = on_progress,
        .job_removed = on_removed,
};

static void on_saved(void *userdata, int result)
{
        tell("saved=%s ", result < 0 ? strerrorname_np(-result) : "ok");
}

static void on_done(void *userdata, int result, bool partial, const char *text)
{
        ck_assert_ptr_nonnull(text);
        tell("done=%s%s ",
             result < 0 ? strerrorname_np(-result) : "ok",
             result >= 0 && partial ? "(partial)" : "");
}

static void on_stopped(void *userdata)
{
        tell("stopped ");
}

/* Fixture ------------------------------------------------------------------------------------ */

static void on_vault_ready(void *userdata, int result)
{
        *(int *) userdata = result;
}

/* All that is due now, not what timers wait for. */
static void turn(void)
{
        int r;

        do {
                r = sd_event_run(event, 0);
                ck_assert_int_ge(r, 0);
        } while (r > 0);
}

static void new_manager(int64_t only_uid)
{
        const ManagerParts parts = {
                .event = event,
                .clock = &fake_clock,
                .config = &config,
                .store = store,
                .vault = vault,
                .owners = &owners,
                .state_dir_fd = state_dir_fd,
                .only_uid = only_uid,
        };

        ck_assert_int_eq(manager_new(&parts, &manager), 0);
        manager_set_observer(manager, &observer);
        story[0] = '\0';
}

static void setup(void)
{
        int ready = 1;

        now_usec = 1000000 * SEC;
        config = (Config){
                .max_jobs = 100,
                .max_jobs_per_user = 50,
                .max_files_per_job = 10,
                .max_active_jobs = 20,
                .max_active_jobs_per_user = 10,
                .min_retry_delay_sec = 60,
                .max_retry_delay_sec = 200,
        };
        owners = (Owners){ 0 };
        state_dir = temp_dir_new();
        state_dir_fd = open(state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(state_dir_fd, 0);
        (void) unsetenv("CREDENTIALS_DIRECTORY");
        ck_assert_int_eq(sd_event_new(&event), 0);
        ck_assert_int_eq(store_open(":memory:", &store), 0);
        ck_assert_int_eq(vault_new(event, VAULT_SYSTEM, -EBADF, on_vault_ready, &ready, &vault), 0);
        while (ready == 1)
                ck_assert_int_ge(sd_event_run(event, 100000), 0);
        ck_assert_int_eq(ready, 0);
        new_manager(-1);
}

static void teardown(void)
{
        manager = manager_free(manager);
        ck_assert_uint_eq(fake_link_alive(), 0);
        ck_assert_ptr_null(owners.by_uid); /* every owner went with the last of its jobs */
        store = store_free(store);
        vault = vault_free(vault);
        event = sd_event_unref(event);
        (void) close(state_dir_fd);
        state_dir = temp_dir_remove(state_dir);
}

static Job *create(const Caller *caller)
{
        Job *job = NULL;

        ck_assert_int_eq(manager_create_job(manager, caller, "name", &job), 0);
        return job;
}

static void add_files(Job *job, size_t n)
{
        static const ManagerFile files[] = { { "http://host/a", "/dir/a" },
                                             { "http://host/b", "/dir/b" },
                                             { "http://host/c", "/dir/c" } };
        uint32_t first;

        ck_assert_uint_le(n, ARRAY_SIZE(files));
        ck_assert_int_eq(manager_add_files(manager,
                                           &(Caller){ .uid = job->owner->uid },
                                           job,
                                           files,
                                           n,
                                           &first),
                         0);
        ck_assert_uint_eq(first, job->n_files - n);
}

/* A saved job with that many files, suspended. */
static Job *make_job(size_t n_files)
{
        Job *job = create(&alice);

        add_files(job, n_files);
        turn();
        story[0] = '\0';
        return job;
}

static WorkerLink *worker_of(const Job *job)
{
        WorkerLink *link = fake_link_of(job->id);

        ck_assert_msg(link != NULL, "no worker in state %s", job_state_to_string(job->state));
        return link;
}

static void resume(Job *job)
{
        ck_assert_int_eq(manager_resume(manager, &alice, job), 0);
        turn();
}

/* With a worker that is about to connect. */
static Job *make_connecting(size_t n_files)
{
        Job *job = make_job(n_files);

        resume(job);
        ck_assert_uint_eq(job->state, JOB_CONNECTING);
        ck_assert_uint_eq(worker_of(job)->task, WORKER_TASK_DOWNLOAD);
        story[0] = '\0';
        return job;
}

/* With a worker that has written 10 of the first file's 100 bytes. */
static Job *make_transferring(size_t n_files)
{
        Job *job = make_connecting(n_files);

        fake_link_checkpoint(worker_of(job), 0, 10, 100, false);
        turn();
        ck_assert_uint_eq(job->state, JOB_TRANSFERRING);
        story[0] = '\0';
        return job;
}

static Job *make_transferred(size_t n_files)
{
        Job *job = make_connecting(n_files);

        fake_link_succeed(worker_of(job));
        turn();
        ck_assert_uint_eq(job->state, JOB_TRANSFERRED);
        story[0] = '\0';
        return job;
}

static Job *make_error(size_t n_files)
{
        Job *job = make_transferring(n_files);

        fake_link_fail(worker_of(job), false, ERROR_CODE_HTTP(404), 0);
        turn();
        ck_assert_uint_eq(job->state, JOB_ERROR);
        story[0] = '\0';
        return job;
}

static Job *make_transient_error(size_t n_files)
{
        Job *job = make_transferring(n_files);

        fake_link_fail(worker_of(job), true, ERROR_CODE_HTTP(503), 0);
        turn();
        ck_assert_uint_eq(job->state, JOB_TRANSIENT_ERROR);
        story[0] = '\0';
        return job;
}

/* Saved before told --------------------------------------------------------------------------- */

START_TEST(nothing_is_told_before_the_commit)
{
        Job *job = create(&alice);

        ck_assert_int_eq(manager_when_saved(manager, on_saved, NULL), 0);
        ck_assert(store_is_dirty(store));
        check_story("");
        turn();
        check_story("saved=ok new ");

        ck_assert_int_eq(manager_set_display_name(manager, &alice, job, "other"), 0);
        ck_assert_int_eq(manager_set_priority(manager, &alice, job, PRIORITY_LOW), 0);
        check_story("");
        ck_assert_int_eq(manager_commit(manager), 0);
        check_story("name=other priority ");
}
END_TEST

START_TEST(callers_are_answered_in_the_order_of_their_calls)
{
        int first = 1, second = 2;

        ck_assert_int_eq(manager_when_saved(manager, on_saved, &first), 0);
        turn(); /* nothing was changed: at once */
        check_story("saved=ok ");
        (void) create(&alice);
        ck_assert_int_eq(manager_when_saved(manager, on_saved, &first), 0);
        (void) create(&alice);
        ck_assert_int_eq(manager_when_saved(manager, on_saved, &second), 0);
        turn(); /* one commit for both */
        check_story("saved=ok saved=ok new new ");
}
END_TEST

START_TEST(a_failed_commit_takes_back_the_whole_turn)
{
        Job *job = make_job(1), *none = NULL;
        char url[] = "http://proxy:80";
        char *const proxies[] = { url, NULL };

        ck_assert_int_eq(manager_set_display_name(manager, &alice, job, "other"), 0);
        ck_assert_int_eq(manager_set_description(manager, &alice, job, "more"), 0);
        ck_assert_int_eq(
                manager_set_proxy(manager, &alice, job, PROXY_USAGE_OVERRIDE, proxies, NULL),
                0);
        ck_assert_int_eq(manager_when_saved(manager, on_saved, NULL), 0);
        add_files(job, 2);
        ck_assert_int_eq(manager_resume(manager, &alice, job), 0);
        (void) create(&bob);
        ck_assert_int_eq(manager_when_saved(manager, on_saved, NULL), 0);
        store_fail(store, -ENOSPC);
        /* Whoever comes now fails at once. */
        ck_assert_int_eq(manager_create_job(manager, &alice, "late", &none), -ENOSPC);
        ck_assert_ptr_null(none);
        turn();
        check_story("saved=ENOSPC saved=ENOSPC ");
        ck_assert_str_eq(job->display_name, "name");
        ck_assert_str_eq(job->description, "");
        ck_assert_uint_eq(job->proxy_usage, PROXY_USAGE_PRECONFIG);
        ck_assert_uint_eq(strings_count(job->proxies), 0);
        ck_assert_uint_eq(job->n_files, 1);
        ck_assert_uint_eq(job->state, JOB_SUSPENDED);
        ck_assert_ptr_null(owners_find(&owners, bob.uid));
        ck_assert_uint_eq(fake_link_count(), 0);

        /* And all is well afterwards. */
        resume(job);
        ck_assert_uint_eq(job->state, JOB_CONNECTING);
}
END_TEST

START_TEST(a_failed_change_is_not_in_memory_either)
{
        Job *job = make_job(1);
        static const ManagerFile file = { "http://host/x", "/dir/x" };
        uint32_t first;

        store_fail(store, -ENOSPC);
        ck_assert_int_eq(manager_set_display_name(manager, &alice, job, "other"), -ENOSPC);
        ck_assert_int_eq(manager_add_files(manager, &alice, job, &file, 1, &first), -ENOSPC);
        ck_assert_uint_eq(job->n_files, 1);
        ck_assert_int_eq(manager_resume(manager, &alice, job), -ENOSPC);
        turn();
        ck_assert_str_eq(job->display_name, "name");
        ck_assert_uint_eq(job->n_files, 1);
        ck_assert_uint_eq(job->state, JOB_SUSPENDED);
        check_story("");
}
END_TEST

START_TEST(a_discarded_job_was_never_there)
{
        Job *job = create(&alice);
        sd_id128_t id = job->id;

        manager_discard_job(manager, job);
        turn();
        check_story("");
        ck_assert_int_eq(manager_find_job(manager, &alice, id, &job), -ENOENT);
        ck_assert_ptr_null(owners_find(&owners, alice.uid));
}
END_TEST

START_TEST(complete_of_a_failed_turn_is_answered_and_can_be_called_again)
{
        static Job *(*const makers[])(
                size_t) = { make_transferred, make_error, make_transferring, make_transient_error };

        for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
                Job *job = makers[i](1);
                JobState state = job->state;

                ck_assert_int_eq(manager_complete(manager, &alice, job, on_done, NULL), 0);
                store_fail(store, -ENOSPC);
                turn();
                check_story("done=ENOSPC ");
                ck_assert_uint_eq(job->state, state);
                ck_assert_int_eq(manager_resume(manager, &alice, job), 0);
                turn();
                if (fake_link_of(job->id))
                        fake_link_succeed(worker_of(job));
                turn();
                ck_assert_uint_eq(job->state, JOB_TRANSFERRED);
                story[0] = '\0';

                ck_assert_int_eq(manager_complete(manager, &alice, job, on_done, NULL), 0);
                turn();
                ck_assert_uint_eq(worker_of(job)->task, WORKER_TASK_PUBLISH);
                fake_link_succeed(worker_of(job));
                turn();
                check_story("acknowledged done=ok removed=acknowledged ");
        }
}
END_TEST

START_TEST(cancel_of_a_failed_turn_is_answered_and_can_be_called_again)
{
        Job *job = make_transferring(1);

        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), 0);
        store_fail(store, -ENOSPC);
        turn();
        check_story("done=ENOSPC ");
        ck_assert_uint_eq(job->state, JOB_TRANSFERRING);
        ck_assert(!worker_of(job)->stopped);
        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), 0);
        turn();
        check_story("cancelled ");
        fake_link_end(worker_of(job), 0, "");
        turn();
        fake_link_succeed(worker_of(job));
        turn();
        check_story("done=ok removed=cancelled ");
}
END_TEST

START_TEST(a_caller_who_was_refused_at_once_is_not_answered_later)
{
        Job *job = make_transferring(1);

        store_fail(store, -ENOSPC);
        ck_assert_int_eq(manager_complete(manager, &alice, job, on_done, NULL), -ENOSPC);
        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), -ENOSPC);
        turn();
        check_story("");
        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        turn();
        check_story("suspended ");
}
END_TEST

START_TEST(a_publication_that_cannot_be_saved_is_answered)
{
        Job *job = make_transferred(1);

        ck_assert_int_eq(manager_complete(manager, &alice, job, on_done, NULL), 0);
        turn();
        fake_link_succeed(worker_of(job));
        store_fail(store, -ENOSPC);
        turn();
        check_story("done=ENOSPC ");
        ck_assert_uint_eq(job->state, JOB_TRANSFERRED);
        /* Publishing may be repeated. */
        ck_assert_int_eq(manager_complete(manager, &alice, job, on_done, NULL), 0);
        turn();
        fake_link_succeed(worker_of(job));
        turn();
        check_story("acknowledged done=ok removed=acknowledged ");
}
END_TEST

START_TEST(a_failed_turn_leaves_a_publication_alone)
{
        Job *job = make_transferred(1);

        ck_assert_int_eq(manager_complete(manager, &alice, job, on_done, NULL), 0);
        turn();
        ck_assert_int_eq(manager_set_display_name(manager, &alice, job, "other"), 0);
        store_fail(store, -ENOSPC);
        turn();
        check_story("");
        ck_assert_int_eq(manager_resume(manager, &alice, job), -EBADFD);
        fake_link_succeed(worker_of(job));
        turn();
        check_story("acknowledged done=ok removed=acknowledged ");
}
END_TEST

/* Jobs that only a timer moves on: they are not forgotten when a turn fails. */
static void wait_for_timer(void)
{
        const uint64_t give_up = clock_boottime(&clock_system) + 3 * SEC;

        while (story[0] == '\0') {
                ck_assert_uint_lt(clock_boottime(&clock_system), give_up);
                ck_assert_int_ge(sd_event_run(event, 100000), 0);
        }
        turn();
}

START_TEST(a_worker_that_cannot_be_recorded_is_tried_again_later)
{
        Job *job = make_job(1);

        ck_assert_int_eq(manager_resume(manager, &alice, job), 0);
        while (job->state != JOB_CONNECTING) /* the scheduler's turn */
                ck_assert_int_eq(sd_event_run(event, 0), 1);
        check_story("queued ");
        store_fail(store, -ENOSPC);
        turn();
        check_story("");
        ck_assert_uint_eq(job->state, JOB_QUEUED);
        ck_assert_uint_eq(fake_link_count(), 0);
        ck_assert_uint_eq(job->owner->n_active, 0);
        ck_assert_ptr_nonnull(job->wait);
}
END_TEST

static bool is_waiting(const Job *job)
{
        int enabled = SD_EVENT_OFF;

        return job->wait && sd_event_source_get_enabled(job->wait, &enabled) > 0;
}

START_TEST(a_retry_that_cannot_be_saved_is_tried_again_later)
{
        Job *job = make_transferring(1);

        fake_link_fail(worker_of(job), true, ERROR_CODE_HTTP(503), 0);
        now_usec += 1000 * SEC;
        ck_assert_int_eq(manager_commit(manager), 0);
        check_story("transient-error ");
        while (job->state == JOB_TRANSIENT_ERROR)
                ck_assert_int_ge(sd_event_run(event, 100000), 0);
        store_fail(store, -ENOSPC);
        ck_assert_int_eq(manager_commit(manager), -ENOSPC);
        ck_assert_uint_eq(job->state, JOB_TRANSIENT_ERROR);
        ck_assert(is_waiting(job));
}
END_TEST

START_TEST(a_cancelled_job_is_not_forgotten_when_a_turn_fails)
{
        Job *job = make_transferring(1);

        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), 0);
        turn();
        check_story("cancelled ");
        fake_link_end(worker_of(job), 0, "");
        store_fail(store, -ENOSPC);
        turn();
        ck_assert_uint_eq(job->state, JOB_CANCELLED);
        ck_assert(is_waiting(job) || fake_link_of(job->id));
}
END_TEST

/* Creating and looking --------------------------------------------------------------------------
 */

START_TEST(quotas_are_kept)
{
        Job *job = NULL;

        config.max_jobs_per_user = 2;
        config.max_jobs = 5;
        (void) create(&alice);
        (void) create(&alice);
        ck_assert_int_eq(manager_create_job(manager, &alice, "", &job), -EUSERS);
        (void) create(&bob);
        (void) create(&root);
        (void) create(&root);
        ck_assert_int_eq(manager_create_job(manager, &root, "", &job), -EUSERS);
        ck_assert_int_eq(manager_create_job(manager, &bob, "", &job), -EUSERS);
        ck_assert_ptr_null(job);
        turn();
        check_story("new new new new new ");
}
END_TEST

START_TEST(roots_jobs_are_not_limited_per_user)
{
        config.max_jobs_per_user = 1;
        (void) create(&root);
        (void) create(&root);
}
END_TEST

START_TEST(files_are_added_all_or_none)
{
        static const ManagerFile files[6] = {
                { "http://host/1", "/1" }, { "http://host/2", "/2" }, { "http://host/3", "/3" },
                { "http://host/4", "/4" }, { "http://host/5", "/5" }, { "http://host/6", "/6" },
        };
        Job *job = make_job(0);
        uint32_t first = 4711;

        ck_assert_int_eq(manager_add_files(manager, &alice, job, files, 6, &first), 0);
        ck_assert_uint_eq(first, 0);
        ck_assert_int_eq(manager_add_files(manager, &alice, job, files, 5, &first), -EMFILE);
        ck_assert_uint_eq(job->n_files, 6);
        ck_assert_int_eq(manager_add_files(manager, &alice, job, files, 4, &first), 0);
        ck_assert_uint_eq(first, 6);
        ck_assert_int_eq(manager_add_files(manager, &alice, job, files, 1, &first), -EMFILE);
}
END_TEST

START_TEST(who_may_own_no_job_creates_none)
{
        static const struct {
                Caller caller;
                int64_t only_uid;
        } cases[] = {
                { { .uid = 1000, .user_name = NULL }, -1 },
                { { .uid = 65534, .user_name = "nobody" }, -1 },
                { { .uid = 61184, .user_name = "dynamic" }, -1 },
                { { .uid = UINT32_MAX, .user_name = "none" }, -1 },
                { { .uid = 1001, .user_name = "bob" }, 1000 },
                { { .uid = 0, .user_name = "root" }, 1000 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Job *job = NULL;

                manager = manager_free(manager);
                new_manager(cases[i].only_uid);
                ck_assert_int_eq(manager_create_job(manager, &cases[i].caller, "", &job), -EPERM);
                ck_assert_ptr_null(job);
        }
        (void) create(&alice);
        turn();
        check_story("new ");
}
END_TEST

START_TEST(a_uid_under_a_new_name_owns_nothing_here)
{
        const Caller renamed = { .uid = 1000, .user_name = "mallory" };
        Job *job = NULL;

        (void) create(&alice);
        ck_assert_int_eq(manager_create_job(manager, &renamed, "", &job), -EPERM);
}
END_TEST

static int count_job(void *userdata, Job *job)
{
        unsigned *n = userdata;

        return ++*n == 100;
}

static unsigned count_jobs(const Caller *caller, bool all_users)
{
        unsigned n = 0;
        int r = manager_each_job(manager, caller, all_users, count_job, &n);

        ck_assert_int_eq(r, r < 0 ? -EACCES : 0);
        return r < 0 ? 4711 : n;
}

START_TEST(a_caller_sees_what_policy_lets_him)
{
        Job *job = create(&alice), *found = NULL;

        (void) create(&alice);
        (void) create(&bob);
        turn();
        ck_assert_int_eq(manager_find_job(manager, &alice, job->id, &found), 0);
        ck_assert_ptr_eq(found, job);
        ck_assert_int_eq(manager_find_job(manager, &root, job->id, &found), 0);
        ck_assert_int_eq(manager_find_job(manager, &bob, job->id, &found), -ENOENT);
        ck_assert_int_eq(manager_find_job(manager, &root, (sd_id128_t){ .bytes = { 1 } }, &found),
                         -ENOENT);
        ck_assert_uint_eq(count_jobs(&alice, false), 2);
        ck_assert_uint_eq(count_jobs(&bob, false), 1);
        ck_assert_uint_eq(count_jobs(&root, false), 0);
        ck_assert_uint_eq(count_jobs(&root, true), 3);
        ck_assert_uint_eq(count_jobs(&alice, true), 4711);
}
END_TEST

START_TEST(every_verb_asks_policy_first)
{
        Job *job = make_job(1);
        static const ManagerFile file = { "http://host/x", "/dir/x" };
        uint32_t first;

        ck_assert_int_eq(manager_add_files(manager, &bob, job, &file, 1, &first), -ENOENT);
        ck_assert_int_eq(manager_add_files(manager, &root, job, &file, 1, &first), -EACCES);
        ck_assert_int_eq(manager_resume(manager, &bob, job), -ENOENT);
        ck_assert_int_eq(manager_suspend(manager, &bob, job), -ENOENT);
        ck_assert_int_eq(manager_cancel(manager, &bob, job, on_done, NULL), -ENOENT);
        ck_assert_int_eq(manager_complete(manager, &bob, job, on_done, NULL), -ENOENT);
        ck_assert_int_eq(manager_complete(manager, &root, job, on_done, NULL), -EACCES);
        ck_assert_int_eq(manager_take_ownership(manager, &alice, job), -EACCES);
        ck_assert_int_eq(manager_take_ownership(manager, &bob, job), -ENOENT);
        ck_assert_int_eq(manager_set_display_name(manager, &root, job, "x"), -EACCES);
        ck_assert_int_eq(manager_set_description(manager, &bob, job, "x"), -ENOENT);
        ck_assert_int_eq(manager_set_priority(manager, &bob, job, PRIORITY_LOW), -ENOENT);
        ck_assert_int_eq(manager_set_proxy(manager, &root, job, PROXY_USAGE_NONE, NULL, NULL),
                         -EACCES);
        ck_assert_int_eq(manager_set_credentials(manager,
                                                 &root,
                                                 job,
                                                 AUTH_TARGET_SERVER,
                                                 AUTH_SCHEME_BASIC,
                                                 NULL,
                                                 NULL),
                         -EACCES);
        ck_assert_int_eq(manager_remove_credentials(manager,
                                                    &bob,
                                                    job,
                                                    AUTH_TARGET_SERVER,
                                                    AUTH_SCHEME_BASIC),
                         -ENOENT);
        turn();
        check_story("");
        ck_assert(!store_is_dirty(store));
}
END_TEST

/* Downloading --------------------------------------------------------------------------------- */

START_TEST(resume_without_files_is_refused)
{
        Job *job = make_job(0);

        ck_assert_int_eq(manager_resume(manager, &alice, job), -ENODATA);
        turn();
        check_story("");
}
END_TEST

START_TEST(a_job_goes_through_its_states)
{
        Job *job = make_job(2);
        WorkerLink *link;

        resume(job);
        check_story("queued connecting ");
        link = worker_of(job);
        ck_assert_uint_eq(link->task, WORKER_TASK_DOWNLOAD);
        ck_assert_uint_eq(link->owner_uid, alice.uid);
        ck_assert_str_eq(link->owner_name, "alice");
        ck_assert_uint_eq(link->n_files, 2);
        ck_assert_uint_eq(link->files[1].index, 1);
        ck_assert_str_eq(link->files[1].remote_name, "http://host/b");
        ck_assert_str_eq(link->files[1].local_name, "/dir/b");

        link->facts->progress(link->userdata, 0, 5, 100);
        turn();
        check_story("progress transferring ");
        ck_assert_uint_eq(job->bytes_transferred, 5);
        now_usec += SEC;
        fake_link_succeed(link);
        turn();
        check_story("progress progress transferred ");
        ck_assert_uint_eq(job->transferred_usec, now_usec);
        ck_assert_uint_eq(job->n_finished, 2);
        ck_assert_uint_eq(job->bytes_transferred, 200);
        /* What the job already knows of its files is not the worker's to change. */
        ck_assert_str_eq(job->files[0].record.remote_name, "http://host/a");
        ck_assert_str_eq(job->files[0].record.local_name, "/dir/a");
        ck_assert_ptr_null(job->run);
        ck_assert_uint_eq(fake_link_alive(), 0);
        ck_assert_uint_eq(job->owner->n_active, 0);
}
END_TEST

START_TEST(a_worker_gets_the_proxies_of_its_job)
{
        char own_url[] = "http://own:1", configured_url[] = "http://configured:2", host[] = "host";
        char *own[] = { own_url, NULL }, *configured[] = { configured_url, NULL },
             *bypass[] = { host, NULL };
        static const struct {
                ProxyUsage usage;
                const char *proxy;
        } cases[] = {
                { PROXY_USAGE_PRECONFIG, "http://configured:2" },
                { PROXY_USAGE_NONE, NULL },
                { PROXY_USAGE_OVERRIDE, "http://own:1" },
        };

        config.proxies = configured;
        config.proxy_bypass = bypass;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Job *job = make_job(1);
                WorkerLink *link;

                ck_assert_int_eq(
                        manager_set_proxy(manager, &alice, job, cases[i].usage, own, bypass),
                        0);
                resume(job);
                link = worker_of(job);
                ck_assert_uint_eq(strings_count(link->proxies), cases[i].proxy ? 1 : 0);
                ck_assert_uint_eq(strings_count(link->proxy_bypass), cases[i].proxy ? 1 : 0);
                if (cases[i].proxy)
                        ck_assert_str_eq(link->proxies[0], cases[i].proxy);
        }
}
END_TEST

START_TEST(progress_is_live_and_a_checkpoint_is_kept)
{
        Job *job = make_transferring(1), *stored = NULL;
        WorkerLink *link = worker_of(job);

        link->facts->progress(link->userdata, 0, 50, 100);
        ck_assert_uint_eq(job->bytes_transferred, 50);
        ck_assert_uint_eq(job->files[0].record.offset_bytes, 10);
        link->facts->progress(link->userdata, 7, 50, 100); /* not one of its files */
        fake_link_checkpoint(link, 7, 60, 100, false);
        ck_assert_uint_eq(job->bytes_transferred, 50);

        fake_link_checkpoint(link, 0, 60, 100, false);
        ck_assert_int_eq(manager_commit(manager), 0);
        ck_assert_int_eq(store_load_job(store, &owners, job->id, &stored), 0);
        ck_assert_uint_eq(stored->files[0].record.offset_bytes, 60);
        ck_assert_str_eq(stored->files[0].record.temp_name, ".0.part");
        job_free(stored);
}
END_TEST

START_TEST(the_rate_is_measured)
{
        Job *job = make_connecting(1);
        WorkerLink *link = worker_of(job);

        link->facts->progress(link->userdata, 0, 0, 100000);
        now_usec += SEC;
        link->facts->progress(link->userdata, 0, 1000, 100000);
        ck_assert_uint_eq(job->rate_bps, 1000);
        now_usec += SEC;
        link->facts->progress(link->userdata, 0, 6000, 100000);
        ck_assert_uint_eq(job->rate_bps, 2000); /* a quarter of the new */
        now_usec += 100;
        link->facts->progress(link->userdata, 0, 7000, 100000);
        ck_assert_uint_eq(job->rate_bps, 2000);              /* too short a span */
        link->facts->progress(link->userdata, 0, 0, 100000); /* from the beginning again */
        now_usec += SEC;
        link->facts->progress(link->userdata, 0, 2000, 100000);
        ck_assert_uint_eq(job->rate_bps, 2000);
        fake_link_succeed(link);
        ck_assert_uint_eq(job->rate_bps, 0);
}
END_TEST

START_TEST(a_worker_that_says_finished_too_early_is_not_believed)
{
        Job *job = make_connecting(2);
        WorkerLink *link = worker_of(job);

        fake_link_checkpoint(link, 0, 100, 100, true);
        fake_link_checkpoint(link, 1, 50, 100, false);
        link->facts->finished(link->userdata);
        fake_link_end(link, 0, "");
        turn();
        ck_assert_uint_eq(job->state, JOB_TRANSIENT_ERROR);
        ck_assert_uint_eq(job->error.code, (uint32_t) ERROR_CODE_WORKER_FAILED);
        ck_assert_uint_eq(job->error_count, 1);
        ck_assert_uint_eq(job->n_finished, 1);
}
END_TEST

START_TEST(a_worker_that_ends_without_a_word_is_a_failure)
{
        Job *job = make_transferring(1);

        fake_link_end(worker_of(job), -ECONNRESET, "The worker was killed by signal 9");
        turn();
        check_story("transient-error ");
        ck_assert_uint_eq(job->error.code, (uint32_t) ERROR_CODE_WORKER_FAILED);
        ck_assert_uint_eq(job->error.context, ERROR_CONTEXT_GENERAL_QUEUE_MANAGER);
        ck_assert_str_eq(job->error.description, "The worker was killed by signal 9");
        ck_assert_uint_eq(job->files[0].record.offset_bytes, 10);
}
END_TEST

START_TEST(a_worker_that_cannot_be_started_is_a_transient_failure)
{
        Job *job = make_job(1);

        fake_link_refuse(-EAGAIN);
        resume(job);
        check_story("queued connecting transient-error ");
        ck_assert_uint_eq(job->error.code, (uint32_t) ERROR_CODE_WORKER_FAILED);
        ck_assert_uint_eq(fake_link_count(), 0);
        ck_assert_uint_eq(job->owner->n_active, 0);
        resume(job);
        check_story("queued connecting ");
}
END_TEST

START_TEST(files_added_while_running_get_a_second_worker)
{
        Job *job = make_transferring(1);
        WorkerLink *link;

        add_files(job, 2);
        turn();
        ck_assert_uint_eq(fake_link_count(), 1);
        story[0] = '\0';
        fake_link_succeed(worker_of(job));
        turn();
        check_story("progress queued connecting ");
        link = worker_of(job);
        ck_assert_uint_eq(link->n_files, 2);
        ck_assert_uint_eq(link->files[0].index, 1);
        ck_assert_uint_eq(link->files[1].index, 2);
        fake_link_succeed(link);
        turn();
        ck_assert_uint_eq(job->state, JOB_TRANSFERRED);
        ck_assert_uint_eq(job->n_finished, 3);
}
END_TEST

START_TEST(files_added_after_the_transfer_wait_for_resume)
{
        Job *job = make_transferred(1);

        resume(job);
        check_story("");
        add_files(job, 1);
        turn();
        ck_assert_uint_eq(job->state, JOB_TRANSFERRED);
        resume(job);
        ck_assert_uint_eq(worker_of(job)->n_files, 1);
        ck_assert_uint_eq(worker_of(job)->files[0].index, 1);
}
END_TEST

START_TEST(no_more_workers_run_than_configured)
{
        Job *jobs[4];

        manager = manager_free(manager);
        config.max_active_jobs_per_user = 2;
        new_manager(-1);
        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
                jobs[i] = make_job(1);
        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
                resume(jobs[i]);
        ck_assert_uint_eq(fake_link_alive(), 2);
        ck_assert_uint_eq(jobs[2]->state, JOB_QUEUED);
        ck_assert_int_eq(manager_set_priority(manager, &alice, jobs[3], PRIORITY_HIGH), 0);
        turn();
        fake_link_succeed(worker_of(jobs[0]));
        turn();
        ck_assert_uint_eq(jobs[3]->state, JOB_CONNECTING);
        fake_link_fail(worker_of(jobs[1]), false, ERROR_CODE_HTTP(404), 0);
        turn();
        ck_assert_uint_eq(jobs[2]->state, JOB_CONNECTING);
        ck_assert_uint_eq(fake_link_alive(), 2);
}
END_TEST

/* Failing ------------------------------------------------------------------------------------- */

START_TEST(a_transient_failure_is_retried_when_its_time_has_come)
{
        Job *job = make_transferring(1);

        fake_link_fail(worker_of(job), true, ERROR_CODE_HTTP(503), 0);
        ck_assert_uint_ge(job->next_attempt_usec, now_usec + 60 * SEC);
        ck_assert_uint_le(job->next_attempt_usec, now_usec + 66 * SEC);
        now_usec += 100 * SEC; /* it has come when the turn ends */
        ck_assert_int_eq(manager_commit(manager), 0);
        check_story("transient-error ");
        ck_assert_uint_eq(job->error.code, ERROR_CODE_HTTP(503));
        ck_assert_str_eq(job->error.description, "It failed.");
        ck_assert_str_eq(job->error.url, "http://host/");
        ck_assert_uint_eq(job->error_count, 1);
        wait_for_timer();
        check_story("queued connecting ");
        ck_assert_uint_eq(job->next_attempt_usec, 0);
        ck_assert_uint_eq(job->error.code, ERROR_CODE_HTTP(503)); /* until bytes come in */
        ck_assert_uint_eq(worker_of(job)->files[0].offset_bytes, 10);
        fake_link_checkpoint(worker_of(job), 0, 20, 100, false);
        turn();
        check_story("progress transferring ");
        ck_assert_uint_eq(job->error.code, 0);
        ck_assert_uint_eq(job->error_count, 1);
}
END_TEST

START_TEST(the_delay_doubles_up_to_its_limit)
{
        static const uint64_t delays[] = { 60, 120, 200, 200 };
        Job *job = make_connecting(1);

        for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
                uint64_t delay;

                fake_link_fail(worker_of(job), true, ERROR_CODE_HTTP(503), 0);
                delay = job->next_attempt_usec - now_usec;
                ck_assert_uint_ge(delay, delays[i] * SEC);
                ck_assert_uint_le(delay, delays[i] * SEC * 11 / 10);
                now_usec += 1000 * SEC;
                ck_assert_int_eq(manager_commit(manager), 0);
                story[0] = '\0';
                wait_for_timer();
        }
        /* Progress begins anew. */
        fake_link_checkpoint(worker_of(job), 0, 5, 100, false);
        fake_link_fail(worker_of(job), true, ERROR_CODE_HTTP(503), 0);
        ck_assert_uint_le(job->next_attempt_usec - now_usec, 66 * SEC);
}
END_TEST

START_TEST(a_server_may_ask_for_a_longer_delay)
{
        static const struct {
                uint64_t asked, delay;
        } cases[] = { { 1, 60 }, { 5000, 5000 }, { UINT64_MAX, 86400 } };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Job *job = make_connecting(1);
                uint64_t delay;

                fake_link_fail(worker_of(job), true, ERROR_CODE_HTTP(503), cases[i].asked);
                delay = job->next_attempt_usec - now_usec;
                ck_assert_uint_ge(delay, cases[i].delay * SEC);
                ck_assert_uint_le(delay, cases[i].delay * SEC * 11 / 10);
                turn();
        }
}
END_TEST

START_TEST(resume_skips_the_delay)
{
        Job *job = make_transient_error(1);

        ck_assert(is_waiting(job));
        resume(job);
        check_story("queued connecting ");
        ck_assert(!is_waiting(job));
        ck_assert_uint_eq(job->next_attempt_usec, 0);
}
END_TEST

START_TEST(suspend_forgets_the_retry)
{
        Job *job = make_transient_error(1);

        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        turn();
        check_story("suspended ");
        ck_assert(!is_waiting(job));
        ck_assert_uint_eq(job->error.code, 0);
}
END_TEST

START_TEST(a_fatal_failure_waits_for_resume)
{
        Job *job = make_transferring(2);
        WorkerLink *link = worker_of(job);

        link->facts->failed(link->userdata,
                            &(WorkerFailure){ .file = 1,
                                              .code = ERROR_CODE_HTTP(401),
                                              .context = ERROR_CONTEXT_REMOTE_FILE,
                                              .description = "First.",
                                              .url = "http://host/b" });
        fake_link_fail(link, true, ERROR_CODE_HTTP(503), 0); /* the first is what counts */
        turn();
        check_story("error ");
        ck_assert_uint_eq(job->error.code, ERROR_CODE_HTTP(401));
        ck_assert_str_eq(job->error.description, "First.");
        ck_assert_int_eq(job->error.file, 1);
        ck_assert(!is_waiting(job));
        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        turn();
        check_story("");
        ck_assert_uint_eq(job->state, JOB_ERROR);
        resume(job);
        check_story("queued connecting ");
        ck_assert_uint_eq(worker_of(job)->files[0].offset_bytes, 10);
}
END_TEST

/* Halting ------------------------------------------------------------------------------------- */

START_TEST(suspend_halts_the_worker_and_keeps_what_it_has)
{
        Job *job = make_transferring(1);
        WorkerLink *link = worker_of(job);

        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        ck_assert(!link->stopped); /* not before it is saved */
        turn();
        check_story("suspended ");
        ck_assert(link->stopped);
        link->facts->progress(link->userdata, 0, 90, 100);
        ck_assert_uint_eq(job->bytes_transferred, 10);
        fake_link_checkpoint(link, 0, 40, 100, false);
        fake_link_end(link, 0, "");
        turn();
        ck_assert_uint_eq(job->state, JOB_SUSPENDED);
        ck_assert_uint_eq(job->files[0].record.offset_bytes, 40);
        ck_assert_uint_eq(fake_link_alive(), 0);
        ck_assert_uint_eq(job->owner->n_active, 0);
}
END_TEST

START_TEST(what_a_halted_worker_says_of_its_success_or_failure_is_late)
{
        for (int i = 0; i < 3; i++) {
                Job *job = make_transferring(1);
                WorkerLink *link = worker_of(job);

                ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
                turn();
                if (i == 0)
                        fake_link_succeed(link);
                else if (i == 1)
                        fake_link_fail(link, false, ERROR_CODE_HTTP(404), 0);
                else
                        fake_link_end(link, -ETIMEDOUT, "It hung.");
                turn();
                ck_assert_uint_eq(job->state, JOB_SUSPENDED);
                ck_assert_uint_eq(job->error.code, 0);
                ck_assert_uint_eq(job->n_finished, i == 0);
                if (i > 0)
                        continue;
                /* All is there already: no worker is needed to find out. */
                story[0] = '\0';
                resume(job);
                check_story("queued transferred ");
                ck_assert_uint_eq(fake_link_alive(), 0);
        }
}
END_TEST

START_TEST(resume_while_the_worker_is_stopping_waits_for_its_end)
{
        Job *job = make_transferring(1);

        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        turn();
        resume(job);
        check_story("suspended queued ");
        ck_assert_uint_eq(fake_link_count(), 1);
        fake_link_end(worker_of(job), 0, "");
        turn();
        check_story("connecting ");
        ck_assert_uint_eq(fake_link_count(), 2);
}
END_TEST

/* Between the scheduler's choice and its commit there is no worker yet. */
static Job *make_chosen(void)
{
        Job *job = make_job(1);

        ck_assert_int_eq(manager_resume(manager, &alice, job), 0);
        while (job->state != JOB_CONNECTING)
                ck_assert_int_eq(sd_event_run(event, 0), 1);
        ck_assert_ptr_null(fake_link_of(job->id));
        story[0] = '\0';
        return job;
}

START_TEST(suspend_in_the_turn_of_the_start_leaves_no_worker)
{
        Job *job = make_chosen();

        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        turn();
        ck_assert_uint_eq(job->state, JOB_SUSPENDED);
        ck_assert_ptr_null(job->run);
        ck_assert_uint_eq(job->owner->n_active, 0);
        resume(job);
        ck_assert_uint_eq(job->state, JOB_CONNECTING);
        ck_assert_uint_eq(fake_link_alive(), 1);
}
END_TEST

START_TEST(suspend_and_resume_in_the_turn_of_the_start_start_it)
{
        Job *job = make_chosen();

        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        ck_assert_int_eq(manager_resume(manager, &alice, job), 0);
        turn();
        check_story("connecting "); /* queued is what clients know already */
        ck_assert_uint_eq(fake_link_alive(), 1);
        ck_assert_uint_eq(job->owner->n_active, 1);
}
END_TEST

START_TEST(cancel_in_the_turn_of_the_start_ends_the_job)
{
        Job *job = make_chosen();

        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), 0);
        turn();
        check_story("cancelled done=ok(partial) removed=cancelled ");
}
END_TEST

START_TEST(stop_in_the_turn_of_the_start_starts_nothing)
{
        Job *job = make_chosen();

        manager_stop(manager, on_stopped, NULL);
        turn();
        check_story("connecting stopped ");
        ck_assert_uint_eq(fake_link_count(), 0);
        ck_assert_ptr_null(job->run);
}
END_TEST

/* Complete ------------------------------------------------------------------------------------ */

static void complete(Job *job)
{
        ck_assert_int_eq(manager_complete(manager, &alice, job, on_done, NULL), 0);
        turn();
}

START_TEST(complete_publishes_what_is_transferred)
{
        Job *job = make_transferred(2);
        sd_id128_t id = job->id;
        WorkerLink *link;

        complete(job);
        check_story("");
        link = worker_of(job);
        ck_assert_uint_eq(link->task, WORKER_TASK_PUBLISH);
        ck_assert_uint_eq(link->n_files, 2);
        ck_assert_str_eq(link->files[1].temp_name, ".1.part");
        ck_assert(link->files[1].finished);
        fake_link_succeed(link);
        ck_assert_str_eq(story, ""); /* saved first */
        turn();
        check_story("acknowledged done=ok removed=acknowledged ");
        ck_assert_int_eq(manager_find_job(manager, &alice, id, &job), -ENOENT);
        ck_assert_int_eq(store_load_job(store, &owners, id, &job), -ENOENT);
        ck_assert_ptr_null(owners_find(&owners, alice.uid));
}
END_TEST

START_TEST(complete_is_partial_while_files_are_missing)
{
        static Job *(*const makers[])(
                size_t) = { make_transferring, make_error, make_transient_error };

        for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
                Job *job = makers[i](2);
                WorkerLink *link;

                complete(job);
                check_story(i == 1 ? "" : "suspended ");
                link = worker_of(job);
                if (link->task == WORKER_TASK_DOWNLOAD) {
                        ck_assert(link->stopped);
                        fake_link_checkpoint(link, 0, 100, 100, true);
                        fake_link_end(link, 0, "");
                        turn();
                        check_story("progress ");
                        link = worker_of(job);
                        ck_assert(link->files[0].finished);
                }
                ck_assert_uint_eq(link->task, WORKER_TASK_PUBLISH);
                ck_assert_uint_eq(link->n_files, 1); /* of the other there is nothing */
                fake_link_succeed(link);
                turn();
                check_story("acknowledged done=ok(partial) removed=acknowledged ");
        }
}
END_TEST

START_TEST(complete_with_nothing_on_disk_needs_no_worker)
{
        Job *job = make_job(1);

        complete(job);
        check_story("acknowledged done=ok(partial) removed=acknowledged ");
        ck_assert_uint_eq(fake_link_count(), 0);

        manager = manager_free(manager);
        config.max_active_jobs = 0;
        new_manager(-1);
        job = make_job(1);
        resume(job);
        check_story("queued ");
        complete(job);
        check_story("suspended acknowledged done=ok(partial) removed=acknowledged ");
}
END_TEST

START_TEST(a_connecting_job_is_halted_before_it_is_published)
{
        Job *job = make_connecting(1);

        complete(job);
        check_story("suspended ");
        ck_assert(worker_of(job)->stopped);
        fake_link_end(worker_of(job), 0, "");
        turn();
        check_story("acknowledged done=ok(partial) removed=acknowledged ");
}
END_TEST

START_TEST(a_failed_publication_keeps_the_job)
{
        Job *job = make_transferred(1);

        complete(job);
        fake_link_fail(worker_of(job), false, (uint32_t) ERROR_CODE_ACCESS_DENIED, 0);
        turn();
        check_story("done=EIO ");
        ck_assert_uint_eq(job->state, JOB_TRANSFERRED);
        ck_assert_uint_eq(job->error.code, (uint32_t) ERROR_CODE_ACCESS_DENIED);
        ck_assert_uint_eq(job->error_count, 1);
        complete(job);
        fake_link_end(worker_of(job), -ECONNRESET, "The worker was killed by signal 9");
        turn();
        check_story("done=EIO ");
        ck_assert_str_eq(job->error.description, "The worker was killed by signal 9");
        fake_link_refuse(-EAGAIN);
        complete(job);
        check_story("done=EIO ");
        complete(job);
        fake_link_succeed(worker_of(job));
        turn();
        check_story("acknowledged done=ok removed=acknowledged ");
}
END_TEST

START_TEST(a_second_complete_is_answered_with_the_first)
{
        Job *job = make_transferred(1);

        complete(job);
        complete(job);
        ck_assert_uint_eq(fake_link_alive(), 1);
        fake_link_succeed(worker_of(job));
        turn();
        check_story("acknowledged done=ok done=ok removed=acknowledged ");
}
END_TEST

START_TEST(a_job_that_is_being_published_is_left_alone)
{
        Job *job = make_transferred(1);
        static const ManagerFile file = { "http://host/x", "/dir/x" };
        uint32_t first;

        complete(job);
        ck_assert_int_eq(manager_resume(manager, &alice, job), -EBADFD);
        ck_assert_int_eq(manager_suspend(manager, &alice, job), -EBADFD);
        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), -EBADFD);
        ck_assert_int_eq(manager_add_files(manager, &alice, job, &file, 1, &first), -EBADFD);
        ck_assert_int_eq(manager_take_ownership(manager, &root, job), -EBADFD);
        turn();
        check_story("");
}
END_TEST

/* Cancel -------------------------------------------------------------------------------------- */

static void cancel(Job *job)
{
        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), 0);
        turn();
}

START_TEST(cancel_with_nothing_on_disk_needs_no_worker)
{
        Job *job = make_job(1);
        sd_id128_t id = job->id;

        cancel(job);
        check_story("cancelled done=ok(partial) removed=cancelled ");
        ck_assert_uint_eq(fake_link_count(), 0);
        ck_assert_int_eq(store_load_job(store, &owners, id, &job), -ENOENT);
}
END_TEST

START_TEST(cancel_has_temporary_files_removed)
{
        static Job *(*const makers[])(
                size_t) = { make_transferred, make_error, make_transferring, make_transient_error };

        for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
                Job *job = makers[i](1);
                WorkerLink *link;

                cancel(job);
                check_story("cancelled ");
                link = worker_of(job);
                if (link->task == WORKER_TASK_DOWNLOAD) {
                        ck_assert(link->stopped);
                        fake_link_end(link, 0, "");
                        turn();
                        link = worker_of(job);
                }
                ck_assert_uint_eq(link->task, WORKER_TASK_CLEAN);
                ck_assert_uint_eq(link->n_files, 1);
                fake_link_succeed(link);
                turn();
                check_story("done=ok removed=cancelled ");
        }
}
END_TEST

START_TEST(a_cancelled_job_takes_no_more_verbs)
{
        Job *job = make_transferred(1);

        cancel(job);
        ck_assert_int_eq(manager_resume(manager, &alice, job), -EBADFD);
        ck_assert_int_eq(manager_suspend(manager, &alice, job), -EBADFD);
        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), -EBADFD);
        ck_assert_int_eq(manager_complete(manager, &alice, job, on_done, NULL), -EBADFD);
        ck_assert_int_eq(manager_set_display_name(manager, &alice, job, "x"), -EBADFD);
        ck_assert_int_eq(manager_take_ownership(manager, &root, job), -EBADFD);
}
END_TEST

START_TEST(litter_is_tried_thrice_with_pauses)
{
        Job *job, *found;
        sd_id128_t id;

        config.min_retry_delay_sec = config.max_retry_delay_sec = 1;
        job = make_transferred(1);
        id = job->id;
        cancel(job);
        check_story("cancelled ");
        for (unsigned attempt = 1; attempt <= 3; attempt++) {
                uint64_t since = clock_boottime(&clock_system);

                ck_assert_uint_eq(fake_link_count(), attempt + 1);
                fake_link_fail(worker_of(job), false, (uint32_t) ERROR_CODE_READ_ONLY, 0);
                turn();
                check_story(attempt == 1 ? "done=ok removed=cancelled " : "");
                ck_assert_int_eq(manager_find_job(manager, &alice, id, &found), -ENOENT);
                if (attempt == 3)
                        break;
                ck_assert_ptr_null(fake_link_of(id));
                while (!fake_link_of(id)) {
                        ck_assert_uint_lt(clock_boottime(&clock_system), since + 3 * SEC);
                        ck_assert_int_ge(sd_event_run(event, 100000), 0);
                }
                ck_assert_uint_ge(clock_boottime(&clock_system), since + SEC);
        }
        ck_assert_uint_eq(fake_link_alive(), 0);
        ck_assert_int_eq(store_load_job(store, &owners, id, &found), -ENOENT);
}
END_TEST

/* Credentials --------------------------------------------------------------------------------- */

static int set_password(Job *job, AuthTarget target, AuthScheme scheme, const char *password)
{
        _cleanup_(secret_freep) Secret *secret = NULL;

        ck_assert_int_eq(secret_new_copy(password, strlen(password), &secret), 0);
        return manager_set_credentials(manager,
                                       &(Caller){ .uid = job->owner->uid },
                                       job,
                                       target,
                                       scheme,
                                       "user",
                                       secret);
}

#define BASIC     (1U << AUTH_SCHEME_BASIC)
#define DIGEST    (1U << AUTH_SCHEME_DIGEST)
#define NEGOTIATE (1U << AUTH_SCHEME_NEGOTIATE)

/* The password that the worker gets, or "" if none. */
static const char *ask(Job *job, uint32_t file, AuthTarget target, unsigned offered)
{
        WorkerLink *link = worker_of(job);
        static char password[64];
        Credential credential = { 0 };
        int r = link->facts->authenticate(link->userdata, file, target, offered, &credential);

        ck_assert_int_eq(r, r < 0 ? -ENOENT : 0);
        if (r < 0)
                return "";
        ck_assert_str_eq(credential.user_name, "user");
        (void) snprintf(password, sizeof(password), "%s", secret_data(credential.secret));
        credential_done(&credential);
        return password;
}

START_TEST(the_strongest_that_is_offered_and_set_is_chosen)
{
        static const struct {
                unsigned offered;
                const char *chosen;
        } cases[] = {
                { BASIC | DIGEST, "digest" },
                { BASIC | DIGEST | NEGOTIATE, "digest" },
                { BASIC, "basic" },
                { DIGEST, "digest" },
                { NEGOTIATE, "" },
                { 0, "" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Job *job = make_job(1);

                ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "basic"),
                                 0);
                ck_assert_int_eq(
                        set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_DIGEST, "digest"),
                        0);
                ck_assert_int_eq(set_password(job, AUTH_TARGET_PROXY, AUTH_SCHEME_BASIC, "proxy"),
                                 0);
                resume(job);
                ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, cases[i].offered),
                                 cases[i].chosen);
                ck_assert_str_eq(ask(job, 0, AUTH_TARGET_PROXY, BASIC | DIGEST), "proxy");
        }
}
END_TEST

START_TEST(a_credential_that_was_refused_is_not_given_again)
{
        Job *job = make_job(2);

        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "basic"), 0);
        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_DIGEST, "digest"), 0);
        resume(job);
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, DIGEST), "digest");
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, DIGEST | BASIC), "");
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, BASIC), ""); /* no weaker one either */
        ck_assert_str_eq(ask(job, 1, AUTH_TARGET_SERVER, BASIC), "basic"); /* another request */
        ck_assert_str_eq(ask(job, 2, AUTH_TARGET_SERVER, BASIC), "");      /* no file of its */
        fake_link_fail(worker_of(job), false, ERROR_CODE_HTTP(401), 0);
        turn();

        /* The owner sets another one. */
        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_DIGEST, "other"), 0);
        resume(job);
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, DIGEST), "other");
}
END_TEST

START_TEST(a_worker_that_is_stopping_gets_no_credential)
{
        Job *job = make_job(1);

        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "basic"), 0);
        resume(job);
        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        turn();
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, BASIC), "");
}
END_TEST

START_TEST(a_removed_credential_is_gone)
{
        Job *job = make_job(1);

        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "basic"), 0);
        turn();
        ck_assert_int_eq(
                manager_has_credentials(manager, job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC),
                1);
        ck_assert_uint_gt(job->vault_bytes, 0);
        ck_assert_int_eq(manager_remove_credentials(manager,
                                                    &alice,
                                                    job,
                                                    AUTH_TARGET_SERVER,
                                                    AUTH_SCHEME_BASIC),
                         1);
        ck_assert_int_eq(manager_remove_credentials(manager,
                                                    &alice,
                                                    job,
                                                    AUTH_TARGET_SERVER,
                                                    AUTH_SCHEME_BASIC),
                         0);
        ck_assert_int_eq(
                manager_has_credentials(manager, job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC),
                0);
        ck_assert_uint_eq(job->vault_bytes, 0);
        ck_assert_uint_eq(job->owner->vault_bytes, 0);
        resume(job);
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, BASIC), "");
}
END_TEST

START_TEST(a_failed_turn_puts_credentials_back)
{
        Job *job = make_job(1);
        uint64_t bytes;

        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "first"), 0);
        turn();
        bytes = job->vault_bytes;
        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "second..."), 0);
        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_DIGEST, "third"), 0);
        ck_assert_uint_gt(job->vault_bytes, bytes);
        store_fail(store, -ENOSPC);
        turn();
        ck_assert_uint_eq(job->vault_bytes, bytes);
        ck_assert_uint_eq(job->owner->vault_bytes, bytes);
        resume(job);
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, BASIC | DIGEST), "first");
}
END_TEST

START_TEST(an_owners_share_of_the_vault_is_limited)
{
        Job *job = make_job(1);

        job->owner->vault_bytes = LIMIT_VAULT_BYTES_PER_OWNER - 60;
        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "a"), 0);
        ck_assert_int_eq(set_password(job, AUTH_TARGET_PROXY, AUTH_SCHEME_BASIC, "a"), -ENOBUFS);
        turn();
        ck_assert_int_eq(
                manager_has_credentials(manager, job, AUTH_TARGET_PROXY, AUTH_SCHEME_BASIC),
                0);
}
END_TEST

START_TEST(a_credential_that_cannot_be_opened_is_reported)
{
        Job *job = make_job(1);
        const VaultRow damaged = { .sealed = (uint8_t[40]){ 1 }, .sealed_size = 40 };
        uint64_t replaced;

        ck_assert_int_eq(store_put_slot(store,
                                        job,
                                        AUTH_TARGET_SERVER,
                                        AUTH_SCHEME_BASIC,
                                        false,
                                        "user",
                                        &damaged,
                                        &replaced),
                         0);
        resume(job);
        ck_assert_str_eq(ask(job, 0, AUTH_TARGET_SERVER, BASIC), "");
        fake_link_fail(worker_of(job), false, ERROR_CODE_HTTP(401), 0);
        turn();
        ck_assert(job->credentials_lost);
        ck_assert_ptr_nonnull(strstr(job->error.description, "credentials were lost"));
        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "new"), 0);
        ck_assert(!job->credentials_lost);
}
END_TEST

/* TakeOwnership ------------------------------------------------------------------------------- */

START_TEST(take_ownership_wipes_credentials)
{
        Job *job = make_job(1);

        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "basic"), 0);
        ck_assert_int_eq(set_password(job, AUTH_TARGET_PROXY, AUTH_SCHEME_DIGEST, "proxy"), 0);
        turn();
        ck_assert_int_eq(manager_take_ownership(manager, &root, job), 0);
        turn();
        check_story("owner=root ");
        ck_assert_uint_eq(job->owner->uid, 0);
        ck_assert_uint_eq(job->vault_bytes, 0);
        ck_assert_uint_eq(job->owner->vault_bytes, 0);
        ck_assert_int_eq(store_slot_schemes(store, job, AUTH_TARGET_SERVER), 0);
        ck_assert_int_eq(store_slot_schemes(store, job, AUTH_TARGET_PROXY), 0);
        ck_assert_ptr_null(owners_find(&owners, alice.uid));
        ck_assert_int_eq(manager_resume(manager, &alice, job), -ENOENT);
        ck_assert_int_eq(manager_resume(manager, &root, job), 0);
        turn();
        ck_assert_uint_eq(worker_of(job)->owner_uid, 0);
}
END_TEST

START_TEST(a_taken_job_gets_a_worker_of_its_new_owner)
{
        Job *job = make_transferring(1);

        ck_assert_int_eq(manager_take_ownership(manager, &root, job), 0);
        turn();
        check_story("queued owner=root ");
        ck_assert(worker_of(job)->stopped);
        ck_assert_uint_eq(worker_of(job)->owner_uid, alice.uid);
        ck_assert_uint_eq(owners_find(&owners, alice.uid)->n_active, 1);
        fake_link_end(worker_of(job), 0, "");
        turn();
        check_story("connecting ");
        ck_assert_uint_eq(worker_of(job)->owner_uid, 0);
        ck_assert_ptr_null(owners_find(&owners, alice.uid));
        ck_assert_uint_eq(job->owner->n_active, 1);
}
END_TEST

START_TEST(a_taken_job_waits_in_the_queue_of_its_new_owner)
{
        Job *job;

        manager = manager_free(manager);
        config.max_active_jobs_per_user = 1;
        new_manager(-1);
        (void) make_connecting(1);
        job = make_job(1);
        resume(job);
        check_story("queued ");
        ck_assert_int_eq(manager_take_ownership(manager, &root, job), 0);
        turn();
        check_story("owner=root connecting ");
        ck_assert_uint_eq(worker_of(job)->owner_uid, 0);
}
END_TEST

START_TEST(a_taking_that_cannot_be_saved_is_taken_back)
{
        static Job *(*const makers[])(size_t) = { make_job, make_transferring };

        for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
                Job *job = makers[i](1);
                uint64_t bytes, all;

                ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "x"), 0);
                turn();
                story[0] = '\0';
                bytes = job->vault_bytes;
                all = job->owner->vault_bytes;

                ck_assert_int_eq(manager_take_ownership(manager, &root, job), 0);
                store_fail(store, -ENOSPC);
                turn();
                ck_assert_uint_eq(job->owner->uid, alice.uid);
                ck_assert_uint_eq(job->vault_bytes, bytes);
                ck_assert_uint_eq(job->owner->vault_bytes, all);
                ck_assert_ptr_null(owners_find(&owners, 0));

                store_fail(store, -ENOSPC);
                ck_assert_int_eq(manager_take_ownership(manager, &root, job), -ENOSPC);
                turn();
                ck_assert_uint_eq(job->owner->uid, alice.uid);
                ck_assert_uint_eq(job->vault_bytes, bytes);
                ck_assert_uint_eq(job->owner->vault_bytes, all);
                ck_assert_ptr_null(owners_find(&owners, 0));
                check_story("");
                ck_assert(!job->run || !worker_of(job)->stopped);
        }
}
END_TEST

/* Life of the service -------------------------------------------------------------------------- */

/* A job as a crash left it: one file with 10 bytes on disk. */
static sd_id128_t store_job(JobState state, uint8_t number)
{
        Owner *owner;
        Job *job;
        sd_id128_t id = { .bytes = { number } };

        ck_assert_int_eq(owners_acquire(&owners, 1000, "alice", &owner), 0);
        ck_assert_int_eq(job_new(id, owner, &job), 0);
        job->state = state;
        job->next_attempt_usec = now_usec + 1000 * SEC;
        ck_assert_int_eq(job_add_file(job, "http://host/a", "/dir/a"), 0);
        ck_assert_int_eq(str_set(&job->files[0].record.temp_name, ".0.part"), 0);
        job->files[0].record.offset_bytes = 10;
        ck_assert_int_eq(store_put_job(store, job), 0);
        ck_assert_int_eq(store_put_file(store, job, 0), 0);
        ck_assert_int_eq(store_commit(store), 0);
        job_free(job);
        owners_release(&owners, owner);
        return id;
}

START_TEST(each_state_is_taken_up_again)
{
        static const struct {
                JobState before, after;
                int task; /* -1: no worker */
                bool waits;
                const char *story;
        } cases[] = {
                { JOB_QUEUED, JOB_CONNECTING, WORKER_TASK_DOWNLOAD, false, "connecting " },
                { JOB_CONNECTING, JOB_CONNECTING, WORKER_TASK_DOWNLOAD, false, "connecting " },
                { JOB_TRANSFERRING, JOB_CONNECTING, WORKER_TASK_DOWNLOAD, false, "connecting " },
                { JOB_SUSPENDED, JOB_SUSPENDED, -1, false, "" },
                { JOB_ERROR, JOB_ERROR, -1, false, "" },
                { JOB_TRANSIENT_ERROR, JOB_TRANSIENT_ERROR, -1, true, "" },
                { JOB_TRANSFERRED, JOB_TRANSFERRED, -1, false, "" },
                { JOB_CANCELLED, JOB_CANCELLED, WORKER_TASK_CLEAN, false, "" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                sd_id128_t id = store_job(cases[i].before, (uint8_t) (i + 1));
                WorkerLink *link;
                Job *job = NULL;

                manager = manager_free(manager);
                new_manager(-1);
                ck_assert_int_eq(manager_load(manager), 0);
                turn();
                check_story(cases[i].story);
                ck_assert_int_eq(manager_find_job(manager, &root, id, &job), 0);
                ck_assert_str_eq(job_state_to_string(job->state),
                                 job_state_to_string(cases[i].after));
                ck_assert(is_waiting(job) == cases[i].waits);
                ck_assert_uint_eq(job->files[0].record.offset_bytes, 10);
                link = fake_link_of(id);
                ck_assert_int_eq(link ? (int) link->task : -1, cases[i].task);
                if (link)
                        ck_assert_uint_eq(link->files[0].offset_bytes, 10);
                ck_assert_int_eq(store_delete_job(store, job), 0);
                ck_assert_int_eq(store_commit(store), 0);
        }
}
END_TEST

START_TEST(an_acknowledged_job_goes_at_the_next_start)
{
        sd_id128_t id = store_job(JOB_ACKNOWLEDGED, 1);
        Job *job;

        ck_assert_int_eq(manager_load(manager), 0);
        turn();
        ck_assert_int_eq(manager_find_job(manager, &root, id, &job), -ENOENT);
        ck_assert_int_eq(store_load_job(store, &owners, id, &job), -ENOENT);
        ck_assert_uint_eq(fake_link_count(), 0);
}
END_TEST

START_TEST(a_retry_whose_time_has_passed_comes_at_once)
{
        (void) store_job(JOB_TRANSIENT_ERROR, 1);
        now_usec += 2000 * SEC;
        ck_assert_int_eq(manager_load(manager), 0);
        turn();
        wait_for_timer();
        check_story("queued connecting ");
}
END_TEST

START_TEST(credentials_survive_only_with_their_key)
{
        Job *job = make_job(1);
        sd_id128_t id = job->id;
        const VaultRow foreign = { .key_id.bytes = { 1 },
                                   .sealed = (uint8_t[40]){ 1 },
                                   .sealed_size = 40 };
        uint64_t bytes, replaced;

        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "kept"), 0);
        turn();
        bytes = job->vault_bytes;
        manager = manager_free(manager);
        new_manager(-1);
        ck_assert_int_eq(manager_load(manager), 0);
        turn();
        ck_assert_int_eq(manager_find_job(manager, &alice, id, &job), 0);
        ck_assert_uint_eq(job->vault_bytes, bytes);
        ck_assert_uint_eq(job->owner->vault_bytes, bytes);
        ck_assert(!job->credentials_lost);

        ck_assert_int_eq(store_put_slot(store,
                                        job,
                                        AUTH_TARGET_PROXY,
                                        AUTH_SCHEME_BASIC,
                                        false,
                                        "user",
                                        &foreign,
                                        &replaced),
                         0);
        ck_assert_int_eq(store_commit(store), 0);
        manager = manager_free(manager);
        new_manager(-1);
        ck_assert_int_eq(manager_load(manager), 0);
        turn();
        ck_assert_int_eq(manager_find_job(manager, &alice, id, &job), 0);
        ck_assert(job->credentials_lost);
        ck_assert_uint_eq(job->vault_bytes, bytes);
        ck_assert_int_eq(store_slot_schemes(store, job, AUTH_TARGET_PROXY), 0);
}
END_TEST

START_TEST(a_stop_waits_for_the_workers)
{
        Job *first = make_transferring(1), *second = make_transferring(1), *stored = NULL;
        sd_id128_t id = first->id;

        manager_stop(manager, on_stopped, NULL);
        turn();
        ck_assert(worker_of(first)->stopped);
        ck_assert(worker_of(second)->stopped);
        check_story("");
        fake_link_checkpoint(worker_of(first), 0, 77, 100, false);
        fake_link_end(worker_of(first), 0, "");
        turn();
        check_story("progress ");
        fake_link_end(worker_of(second), 0, "");
        turn();
        check_story("stopped ");
        ck_assert(!store_is_dirty(store));
        ck_assert_uint_eq(fake_link_alive(), 0);

        ck_assert_int_eq(store_load_job(store, &owners, id, &stored), 0);
        ck_assert_uint_eq(stored->files[0].record.offset_bytes, 77);
        ck_assert_uint_eq(stored->state, JOB_TRANSFERRING); /* goes on at the next start */
        job_free(stored);
}
END_TEST

START_TEST(a_stop_without_workers_is_done_at_once)
{
        (void) make_transferred(1);
        manager_stop(manager, on_stopped, NULL);
        check_story("stopped ");
}
END_TEST

START_TEST(nothing_starts_while_stopping)
{
        Job *job = make_job(1), *running = make_transferring(1);

        manager_stop(manager, on_stopped, NULL);
        ck_assert_int_eq(manager_resume(manager, &alice, job), 0);
        turn();
        check_story("queued ");
        ck_assert_uint_eq(fake_link_count(), 1);
        fake_link_end(worker_of(running), 0, "");
        turn();
        check_story("stopped ");
        ck_assert_uint_eq(fake_link_count(), 1);
}
END_TEST

START_TEST(a_worker_that_hangs_does_not_hold_up_a_stop)
{
        uint64_t since = clock_boottime(&clock_system);

        (void) make_transferring(1);
        manager_stop(manager, on_stopped, NULL);
        while (story[0] == '\0') {
                ck_assert_uint_lt(clock_boottime(&clock_system), since + 7 * SEC);
                ck_assert_int_ge(sd_event_run(event, 100000), 0);
        }
        ck_assert_uint_ge(clock_boottime(&clock_system), since + 4 * SEC);
        check_story("stopped ");
        ck_assert_uint_eq(fake_link_alive(), 0);
}
END_TEST

START_TEST(who_waits_when_it_ends_is_answered)
{
        Job *job = make_transferred(1);

        complete(job);
        (void) create(&alice);
        ck_assert_int_eq(manager_when_saved(manager, on_saved, NULL), 0);
        manager = manager_free(manager);
        check_story("saved=ECANCELED done=ECANCELED ");
}
END_TEST

static bool has_work_file(void)
{
        return faccessat(state_dir_fd, "work", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

START_TEST(a_file_tells_whether_to_start_at_boot)
{
        Job *job = make_job(1);

        ck_assert(!has_work_file());
        resume(job);
        ck_assert(has_work_file());
        fake_link_fail(worker_of(job), true, ERROR_CODE_HTTP(503), 0);
        turn();
        ck_assert(has_work_file());
        resume(job);
        fake_link_succeed(worker_of(job));
        turn();
        ck_assert(!has_work_file());

        job = make_connecting(1);
        ck_assert(has_work_file());
        manager = manager_free(manager); /* stays for the next start */
        ck_assert(has_work_file());
        new_manager(-1);
        ck_assert_int_eq(manager_load(manager), 0);
        turn();
        ck_assert(has_work_file());
}
END_TEST

START_TEST(the_service_is_idle_when_nothing_would_be_lost)
{
        Job *job;

        ck_assert(manager_is_idle(manager));
        job = create(&alice);
        ck_assert(!manager_is_idle(manager)); /* not saved yet */
        add_files(job, 1);
        turn();
        ck_assert(manager_is_idle(manager));
        resume(job);
        ck_assert(!manager_is_idle(manager));
        fake_link_fail(worker_of(job), true, ERROR_CODE_HTTP(503), 0);
        turn();
        ck_assert(!manager_is_idle(manager)); /* a timer runs */
        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        turn();
        ck_assert(manager_is_idle(manager));
        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "x"), 0);
        turn();
        ck_assert(!manager_is_idle(manager)); /* its key goes with the process */
        complete(job);
        ck_assert(manager_is_idle(manager));
}
END_TEST

static void add_tests(Suite *suite, const char *name, const TTest *const *tests, size_t n)
{
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_set_timeout(tcase, 20);
        for (size_t i = 0; i < n; i++)
                tcase_add_test(tcase, tests[i]);
        suite_add_tcase(suite, tcase);
}

#define ADD_TESTS(suite, name, ...)                                                                \
        add_tests((suite),                                                                         \
                  (name),                                                                          \
                  (const TTest *const[]){ __VA_ARGS__ },                                           \
                  sizeof((const TTest *const[]){ __VA_ARGS__ }) / sizeof(const TTest *))

int main(void)
{
        Suite *suite = suite_create("manager");
        SRunner *runner;
        int failed;

        ADD_TESTS(suite,
                  "saved before told",
                  nothing_is_told_before_the_commit,
                  callers_are_answered_in_the_order_of_their_calls,
                  a_failed_commit_takes_back_the_whole_turn,
                  a_failed_change_is_not_in_memory_either,
                  a_discarded_job_was_never_there,
                  complete_of_a_failed_turn_is_answered_and_can_be_called_again,
                  cancel_of_a_failed_turn_is_answered_and_can_be_called_again,
                  a_caller_who_was_refused_at_once_is_not_answered_later,
                  a_publication_that_cannot_be_saved_is_answered,
                  a_failed_turn_leaves_a_publication_alone,
                  a_worker_that_cannot_be_recorded_is_tried_again_later,
                  a_retry_that_cannot_be_saved_is_tried_again_later,
                  a_cancelled_job_is_not_forgotten_when_a_turn_fails);
        ADD_TESTS(suite,
                  "creating and looking",
                  quotas_are_kept,
                  roots_jobs_are_not_limited_per_user,
                  files_are_added_all_or_none,
                  who_may_own_no_job_creates_none,
                  a_uid_under_a_new_name_owns_nothing_here,
                  a_caller_sees_what_policy_lets_him,
                  every_verb_asks_policy_first);
        ADD_TESTS(suite,
                  "downloading",
                  resume_without_files_is_refused,
                  a_job_goes_through_its_states,
                  a_worker_gets_the_proxies_of_its_job,
                  progress_is_live_and_a_checkpoint_is_kept,
                  the_rate_is_measured,
                  a_worker_that_says_finished_too_early_is_not_believed,
                  a_worker_that_ends_without_a_word_is_a_failure,
                  a_worker_that_cannot_be_started_is_a_transient_failure,
                  files_added_while_running_get_a_second_worker,
                  files_added_after_the_transfer_wait_for_resume,
                  no_more_workers_run_than_configured);
        ADD_TESTS(suite,
                  "failing",
                  a_transient_failure_is_retried_when_its_time_has_come,
                  the_delay_doubles_up_to_its_limit,
                  a_server_may_ask_for_a_longer_delay,
                  resume_skips_the_delay,
                  suspend_forgets_the_retry,
                  a_fatal_failure_waits_for_resume);
        ADD_TESTS(suite,
                  "halting",
                  suspend_halts_the_worker_and_keeps_what_it_has,
                  what_a_halted_worker_says_of_its_success_or_failure_is_late,
                  resume_while_the_worker_is_stopping_waits_for_its_end,
                  suspend_in_the_turn_of_the_start_leaves_no_worker,
                  suspend_and_resume_in_the_turn_of_the_start_start_it,
                  cancel_in_the_turn_of_the_start_ends_the_job,
                  stop_in_the_turn_of_the_start_starts_nothing);
        ADD_TESTS(suite,
                  "complete",
                  complete_publishes_what_is_transferred,
                  complete_is_partial_while_files_are_missing,
                  complete_with_nothing_on_disk_needs_no_worker,
                  a_connecting_job_is_halted_before_it_is_published,
                  a_failed_publication_keeps_the_job,
                  a_second_complete_is_answered_with_the_first,
                  a_job_that_is_being_published_is_left_alone);
        ADD_TESTS(suite,
                  "cancel",
                  cancel_with_nothing_on_disk_needs_no_worker,
                  cancel_has_temporary_files_removed,
                  a_cancelled_job_takes_no_more_verbs,
                  litter_is_tried_thrice_with_pauses);
        ADD_TESTS(suite,
                  "credentials",
                  the_strongest_that_is_offered_and_set_is_chosen,
                  a_credential_that_was_refused_is_not_given_again,
                  a_worker_that_is_stopping_gets_no_credential,
                  a_removed_credential_is_gone,
                  a_failed_turn_puts_credentials_back,
                  an_owners_share_of_the_vault_is_limited,
                  a_credential_that_cannot_be_opened_is_reported);
        ADD_TESTS(suite,
                  "ownership",
                  take_ownership_wipes_credentials,
                  a_taken_job_gets_a_worker_of_its_new_owner,
                  a_taken_job_waits_in_the_queue_of_its_new_owner,
                  a_taking_that_cannot_be_saved_is_taken_back);
        ADD_TESTS(suite,
                  "life of the service",
                  each_state_is_taken_up_again,
                  an_acknowledged_job_goes_at_the_next_start,
                  a_retry_whose_time_has_passed_comes_at_once,
                  credentials_survive_only_with_their_key,
                  a_stop_waits_for_the_workers,
                  a_stop_without_workers_is_done_at_once,
                  nothing_starts_while_stopping,
                  a_worker_that_hangs_does_not_hold_up_a_stop,
                  who_waits_when_it_ends_is_answered,
                  a_file_tells_whether_to_start_at_boot,
                  the_service_is_idle_when_nothing_would_be_lost);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
