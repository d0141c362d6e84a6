#include "tests/lib/manager-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/enums.h"
#include "model/error-code.h"
#include "tests/lib/temp-dir.h"

const Caller alice = { .uid = 1000, .user_name = "alice" };
const Caller bob = { .uid = 1001, .user_name = "bob" };
const Caller root = { .uid = 0, .user_name = "root" };

sd_event *event;
Store *store;
Manager *manager;
Owners owners;
Config config;
int state_dir_fd;
uint64_t now_usec;
char event_log[EVENT_LOG_SIZE];

static Vault *vault;
static char *state_dir;

static uint64_t fake_now(void *userdata)
{
        return now_usec;
}

static const Clock fake_clock = { .realtime_usec = fake_now, .boottime_usec = fake_now };

static void add_event(const char *format, ...) _printf_(1, 2);

static void add_event(const char *format, ...)
{
        size_t length = strlen(event_log);
        va_list args;

        va_start(args, format);
        (void) vsnprintf(event_log + length, sizeof(event_log) - length, format, args);
        va_end(args);
}

/* Changes of the state alone, the others by their name. */
static void on_changed(void *userdata, Job *job, JobChanges changes, JobState previous)
{
        ck_assert_uint_ne(changes, 0);
        if (changes & JOB_CHANGE_STATE) {
                ck_assert_uint_ne(job->state, previous);
                add_event("%s ", job_state_to_string(job->state));
        } else if (changes & JOB_CHANGE_TIMES)
                add_event("attempt ");
        if (changes & JOB_CHANGE_SETTING(SETTING_DISPLAY_NAME))
                add_event("name=%s ", job->settings.display_name);
        if (changes & JOB_CHANGE_SETTING(SETTING_PRIORITY))
                add_event("priority ");
        if (changes & JOB_CHANGE_OWNER)
                add_event("owner=%s ", job->owner->name);
}

static void on_new(void *userdata, Job *job)
{
        ck_assert(!store_is_dirty(store));
        add_event("new ");
}

static void on_progress(void *userdata, Job *job)
{
        add_event("progress ");
}

static void on_removed(void *userdata, Job *job)
{
        add_event("removed=%s ", job_state_to_string(job->state));
}

static const ManagerObserver observer = {
        .job_new = on_new,
        .job_changed = on_changed,
        .job_progress = on_progress,
        .job_removed = on_removed,
};

void on_saved(void *userdata, int result)
{
        add_event("saved=%s ", result < 0 ? strerrorname_np(-result) : "ok");
}

void on_done(void *userdata, int result, bool partial, const char *text)
{
        ck_assert_ptr_nonnull(text);
        add_event("done=%s%s ",
                  result < 0 ? strerrorname_np(-result) : "ok",
                  result >= 0 && partial ? "(partial)" : "");
}

void on_stopped(void *userdata)
{
        add_event("stopped ");
}

static void on_vault_ready(void *userdata, int result)
{
        *(int *) userdata = result;
}

void run_loop(void)
{
        int r;

        do {
                r = sd_event_run(event, 0);
                ck_assert_int_ge(r, 0);
        } while (r > 0);
}

void new_manager(int64_t only_uid)
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
        event_log[0] = '\0';
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
                .max_retry_delay_sec = 200,
        };
        job_settings_init(&config.job_defaults);
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

Job *create(const Caller *caller)
{
        Job *job = NULL;

        ck_assert_int_eq(manager_create_job(manager, caller, "name", &job), 0);
        return job;
}

void add_files(Job *job, size_t n)
{
        static const ManagerFile files[] = {
                { .remote_name = "http://host/a", .local_name = "/dir/a" },
                { .remote_name = "http://host/b", .local_name = "/dir/b" },
                { .remote_name = "http://host/c", .local_name = "/dir/c" },
                { .remote_name = "http://host/d", .local_name = "/dir/d" },
        };
        uint32_t first;

        ck_assert_uint_le(job->n_files + n, ARRAY_SIZE(files));
        ck_assert_int_eq(manager_add_files(manager,
                                           &(Caller){ .uid = job->owner->uid },
                                           job,
                                           &files[job->n_files],
                                           n,
                                           &first),
                         0);
        ck_assert_uint_eq(first, job->n_files - n);
}

Job *make_job(size_t n_files)
{
        Job *job = create(&alice);

        add_files(job, n_files);
        run_loop();
        event_log[0] = '\0';
        return job;
}

WorkerLink *worker_of(const Job *job)
{
        WorkerLink *link = fake_link_of(job->id);

        ck_assert_msg(link != NULL, "no worker in state %s", job_state_to_string(job->state));
        return link;
}

int set_text(const Caller *caller, Job *job, SettingId id, const char *text)
{
        ManagerSetting setting = { id, { .text = text } };

        return manager_set_settings(manager, caller, job, &setting, 1);
}

int set_number(const Caller *caller, Job *job, SettingId id, uint64_t number)
{
        ManagerSetting setting = { id, { .number = number } };

        return manager_set_settings(manager, caller, job, &setting, 1);
}

int set_proxies(const Caller *caller, Job *job, ProxyUsage usage, char **proxies, char **bypass)
{
        const ManagerSetting settings[] = {
                { SETTING_PROXY_USAGE, { .number = usage } },
                { SETTING_PROXIES, { .texts = proxies } },
                { SETTING_PROXY_BYPASS, { .texts = bypass } },
        };

        return manager_set_settings(manager, caller, job, settings, ARRAY_SIZE(settings));
}

void resume(Job *job)
{
        ck_assert_int_eq(manager_resume(manager, &alice, job), 0);
        run_loop();
}

Job *make_connecting(size_t n_files)
{
        Job *job = make_job(n_files);

        resume(job);
        ck_assert_uint_eq(job->state, JOB_CONNECTING);
        ck_assert_uint_eq(worker_of(job)->task, WORKER_TASK_DOWNLOAD);
        event_log[0] = '\0';
        return job;
}

/* The job, once it has come to that state; what was announced on the way is forgotten. */
static Job *in_state(Job *job, JobState state)
{
        run_loop();
        ck_assert_uint_eq(job->state, state);
        event_log[0] = '\0';
        return job;
}

Job *make_transferring(size_t n_files)
{
        Job *job = make_connecting(n_files);

        fake_link_checkpoint(worker_of(job), 0, 10, 100, false);
        return in_state(job, JOB_TRANSFERRING);
}

Job *make_transferred(size_t n_files)
{
        Job *job = make_connecting(n_files);

        fake_link_succeed(worker_of(job));
        return in_state(job, JOB_TRANSFERRED);
}

Job *make_error(size_t n_files)
{
        Job *job = make_transferring(n_files);

        fake_link_fail(worker_of(job), false, ERROR_CODE_HTTP(404), 0);
        return in_state(job, JOB_ERROR);
}

Job *make_transient_error(size_t n_files)
{
        Job *job = make_transferring(n_files);

        fake_link_fail(worker_of(job), true, ERROR_CODE_HTTP(503), 0);
        return in_state(job, JOB_TRANSIENT_ERROR);
}

void wait_for_timer(void)
{
        const uint64_t give_up = clock_boottime(&clock_system) + 3 * SEC;

        while (event_log[0] == '\0') {
                ck_assert_uint_lt(clock_boottime(&clock_system), give_up);
                ck_assert_int_ge(sd_event_run(event, 100000), 0);
        }
        run_loop();
}

bool is_waiting(const Job *job)
{
        return timers_is_waiting(&job->timer);
}

void expire_timer(Job *job)
{
        ck_assert(is_waiting(job));
        timers_start(job->timer.timers, &job->timer, 0);
        run_loop();
}

void complete(Job *job)
{
        ck_assert_int_eq(manager_complete(manager, &alice, job, on_done, NULL), 0);
        run_loop();
}

void cancel(Job *job)
{
        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), 0);
        run_loop();
}

unsigned count_slots(const Job *job, AuthTarget target)
{
        unsigned schemes = 0, implicit = 0;

        ck_assert_int_eq(store_slot_schemes(store, job, target, &schemes, &implicit), 0);
        return (unsigned) __builtin_popcount(schemes);
}

int set_password(Job *job, AuthTarget target, AuthScheme scheme, const char *password)
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

void fixture_add_tests(Suite *suite, const char *name, const TTest *const *tests, size_t n_tests)
{
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_set_timeout(tcase, 20);
        for (size_t i = 0; i < n_tests; i++)
                tcase_add_test(tcase, tests[i]);
        suite_add_tcase(suite, tcase);
}
