#include "tests/lib/worker-driver.h"

#include <check.h>
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dbus/worker-wire.h"

#include "base/fd.h"
#include "base/macro.h"
#include "base/str.h"

#include "model/wire-codec.h"
#include "model/wire-failure.h"
#include "model/wire-settings.h"
#include "tests/lib/process.h"

#define JOB_ID "0123456789abcdef0123456789abcdef"

#define DEADLINE_MSEC 20000

/* dosvc-worker of the same build as this program, $(B)/tests/net/test-worker. */
static int open_program(void)
{
        char path[4096];
        ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 32);
        int fd;

        if (size < 0)
                err(EXIT_FAILURE, "/proc/self/exe");
        path[size] = '\0';
        for (unsigned i = 0; i < 3; i++)
                *strrchr(path, '/') = '\0';
        (void) strncat(path, "/dosvc-worker", 32);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                err(EXIT_FAILURE, "%s", path);
        return fd;
}

static _noreturn_ void become_worker(int program, int link, uint32_t uid, bool no_new_privs)
{
        char name[] = "dosvc-worker", path[] = "PATH=/usr/bin:/bin";
        char *const argv[] = { name, NULL }, *const environment[] = { path, NULL };
        int moved = fcntl(program, F_DUPFD_CLOEXEC, 10);

        if (link >= 0 ? dup2(link, WORKER_LINK_FD) < 0 : close(WORKER_LINK_FD) < 0)
                warn("link");
        if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0 ||
            (no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0))
                err(EXIT_FAILURE, "rights");
        (void) fexecve(moved, argv, environment);
        err(EXIT_FAILURE, "dosvc-worker");
}

static pid_t start(int *ret_link, uint32_t uid, bool no_new_privs, bool with_link)
{
        int pair[2], program = open_program();
        pid_t pid;

        if (geteuid() != 0)
                errx(EXIT_FAILURE, "this test needs root: its workers are another user");
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
                err(EXIT_FAILURE, "socketpair");
        (void) fflush(NULL);
        pid = fork();
        if (pid < 0)
                err(EXIT_FAILURE, "fork");
        if (pid == 0)
                become_worker(program, with_link ? pair[1] : -EBADF, uid, no_new_privs);
        (void) close(pair[1]);
        (void) close(program);
        *ret_link = pair[0];
        return pid;
}

static int wait_for(pid_t pid)
{
        int status = 0;

        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int driver_run_with_rights(uint32_t uid, bool no_new_privs, bool with_link)
{
        int link;
        pid_t pid = start(&link, uid, no_new_privs, with_link);

        /* With the right rights it would wait for a manager; this hangs up. */
        (void) close(link);
        return wait_for(pid);
}

static void on_checkpoint(WorkerDriver *driver, sd_bus_message *m)
{
        FileRecord *records;
        size_t n;

        ck_assert(sd_bus_message_has_signature(m, WORKER_CHECKPOINT_SIGNATURE));
        ck_assert_int_ge(wire_read_files(m, 100, &records, &n), 0);
        for (size_t i = 0; i < n; i++) {
                ck_assert_uint_lt(records[i].index, WORKER_DRIVER_MAX_FILES);
                file_record_done(&driver->records[records[i].index]);
                ck_assert_int_ge(file_record_copy(&driver->records[records[i].index], &records[i]),
                                 0);
        }
        file_records_free(records, n);
        driver->n_checkpoints++;
}

static void on_progress(WorkerDriver *driver, sd_bus_message *m)
{
        uint64_t bytes, total;
        uint32_t file;

        ck_assert_int_gt(sd_bus_message_enter_container(m, 'a', "(utt)"), 0);
        while (sd_bus_message_read(m, "(utt)", &file, &bytes, &total) > 0) {
                ck_assert(total == DOSVC_SIZE_UNKNOWN || bytes <= total);
                driver->last_progress_bytes = bytes;
        }
        driver->n_progress++;
}

static void keep_failure(WorkerDriver *driver, const Failure *failure)
{
        driver->failed_file = failure->file;
        driver->transient = failure->transient;
        driver->code = failure->code;
        driver->retry_after_sec = failure->retry_after_sec;
        (void) snprintf(driver->context,
                        sizeof(driver->context),
                        "%s",
                        error_context_to_string(failure->context));
        (void) snprintf(driver->description,
                        sizeof(driver->description),
                        "%s",
                        failure_text(failure));
        (void) snprintf(driver->url, sizeof(driver->url), "%s", failure->url ? failure->url : "");
}

static void on_failed(WorkerDriver *driver, sd_bus_message *m)
{
        _cleanup_(failure_done) Failure failure = FAILURE_NONE;
        FileRecord any[WORKER_DRIVER_MAX_FILES];

        for (uint32_t i = 0; i < ARRAY_SIZE(any); i++)
                any[i] = (FileRecord){ .index = i };
        ck_assert_int_ge(wire_read_failure(m, any, ARRAY_SIZE(any), &failure), 0);
        keep_failure(driver, &failure);
        driver->failed = true;
}

/* The strongest that is offered and there, once: a second question means that it was refused. */
static const DriverCredential *pick(WorkerDriver *driver, const char *target, const char *offered)
{
        const DriverCredential *best = NULL;

        for (size_t i = 0; i < driver->n_credentials; i++) {
                const DriverCredential *credential = &driver->credentials[i];

                if (strcmp(auth_target_to_string(credential->target), target) == 0 &&
                    strstr(offered, auth_scheme_to_string(credential->scheme)) &&
                    (!best || credential->scheme == AUTH_SCHEME_DIGEST))
                        best = credential;
        }
        return best;
}

static void on_authenticate(WorkerDriver *driver, sd_bus_message *m)
{
        _cleanup_close_ int fd = -EBADF;
        const DriverCredential *credential = NULL;
        const char *target, *scheme;
        char offered[128] = "", question[256];
        uint32_t file;
        size_t used;

        ck_assert(sd_bus_message_has_signature(m, WORKER_AUTHENTICATE_SIGNATURE));
        ck_assert_int_gt(sd_bus_message_read(m, "us", &file, &target), 0);
        ck_assert_int_gt(sd_bus_message_enter_container(m, 'a', "s"), 0);
        while (sd_bus_message_read(m, "s", &scheme) > 0) {
                used = strlen(offered);
                (void) snprintf(offered + used,
                                sizeof(offered) - used,
                                "%s%s",
                                used ? "," : "",
                                scheme);
        }
        (void) snprintf(question, sizeof(question), "%u %s %s;", file, target, offered);
        if (!strstr(driver->questions, question))
                credential = pick(driver, target, offered);
        used = strlen(driver->questions);
        ck_assert_uint_lt(used + strlen(question), sizeof(driver->questions));
        (void) snprintf(driver->questions + used, sizeof(driver->questions) - used, "%s", question);
        if (!credential) {
                ck_assert_int_ge(sd_bus_reply_method_errorf(m,
                                                            DOSVC_ERROR_PREFIX "NotFound",
                                                            "Nothing fits"),
                                 0);
                return;
        }
        fd = fd_new_sealed("credential", credential->password, strlen(credential->password));
        ck_assert_int_ge(fd, 0);
        ck_assert_int_ge(sd_bus_reply_method_return(m,
                                                    WORKER_AUTHENTICATE_REPLY_SIGNATURE,
                                                    auth_scheme_to_string(credential->scheme),
                                                    0,
                                                    credential->user,
                                                    fd),
                         0);
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        WorkerDriver *driver = userdata;

        if (sd_bus_message_is_signal(m, WORKER_INTERFACE, WORKER_READY)) {
                driver->ready = true;
        } else if (sd_bus_message_is_signal(m, WORKER_INTERFACE, WORKER_CHECKPOINT)) {
                /* The last word is the last. */
                ck_assert(!driver->finished && !driver->failed);
                on_checkpoint(driver, m);
        } else if (sd_bus_message_is_signal(m, WORKER_INTERFACE, WORKER_PROGRESS)) {
                on_progress(driver, m);
        } else if (sd_bus_message_is_signal(m, WORKER_INTERFACE, WORKER_FINISHED)) {
                driver->finished = true;
        } else if (sd_bus_message_is_signal(m, WORKER_INTERFACE, WORKER_FAILED)) {
                on_failed(driver, m);
        } else if (sd_bus_message_is_method_call(m, WORKER_INTERFACE, WORKER_AUTHENTICATE)) {
                on_authenticate(driver, m);
                return 1;
        } else if (sd_bus_message_is_signal(m, "org.freedesktop.DBus.Local", "Disconnected")) {
                driver->hung_up = true;
        }
        return 0;
}

/* Handles one message or waits a moment for it. */
static void step(WorkerDriver *driver, uint64_t deadline_msec)
{
        int r = sd_bus_process(driver->bus, NULL);

        if (r < 0)
                driver->hung_up = true;
        ck_assert_msg(!driver->hung_up, "the worker hung up");
        ck_assert_msg(process_now_msec() < deadline_msec, "the worker did not do it in time");
        if (r == 0)
                (void) sd_bus_wait(driver->bus, 50000);
}

#define STEP_UNTIL(driver, condition)                                                              \
        for (uint64_t step_deadline_ = process_now_msec() + DEADLINE_MSEC; !(condition);)          \
        step((driver), step_deadline_)

void driver_start(WorkerDriver *driver)
{
        int link;

        driver->pid = start(&link, WORKER_DRIVER_UID, true, true);
        ck_assert_int_ge(sd_bus_new(&driver->bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(driver->bus, link, link), 0);
        ck_assert_int_ge(sd_bus_negotiate_fds(driver->bus, true), 0);
        ck_assert_int_ge(sd_bus_add_filter(driver->bus, NULL, on_message, driver), 0);
        ck_assert_int_ge(sd_bus_start(driver->bus), 0);
        STEP_UNTIL(driver, driver->ready);
}

static void forget(WorkerDriver *driver)
{
        for (size_t i = 0; i < WORKER_DRIVER_MAX_FILES; i++)
                file_record_done(&driver->records[i]);
        *driver = (WorkerDriver){ 0 };
}

void driver_stop(WorkerDriver *driver)
{
        if (driver->pid == 0)
                return;
        driver->bus = sd_bus_close_unref(driver->bus);
        ck_assert_int_eq(wait_for(driver->pid), 0);
        forget(driver);
}

void driver_kill(WorkerDriver *driver)
{
        if (driver->pid == 0)
                return;
        (void) kill(driver->pid, SIGKILL);
        (void) wait_for(driver->pid);
        driver->bus = sd_bus_close_unref(driver->bus);
        forget(driver);
}

static void append_settings(const WorkerDriver *driver, sd_bus_message *m, const char *proxy)
{
        _cleanup_(job_settings_done) JobSettings settings = {
                .disk_reserve_bytes = driver->disk_reserve_bytes,
        };

        if (proxy) {
                ck_assert_int_ge(strings_copy(NULL, &settings.proxies), 0);
                ck_assert_int_ge(strings_append(&settings.proxies, proxy), 0);
        }
        ck_assert_int_ge(wire_append_settings(m, &settings, SETTING_FOR_WORKER), 0);
}

static sd_bus_message *new_order(WorkerDriver *driver,
                                 const char *member,
                                 const FileRecord *records,
                                 size_t n_records,
                                 const char *proxy)
{
        sd_bus_message *m;

        ck_assert_int_ge(sd_bus_message_new_method_call(driver->bus,
                                                        &m,
                                                        NULL,
                                                        WORKER_PATH,
                                                        WORKER_INTERFACE,
                                                        member),
                         0);
        ck_assert_int_ge(sd_bus_message_append(m, "s", JOB_ID), 0);
        if (strcmp(member, WORKER_DOWNLOAD) == 0)
                append_settings(driver, m, proxy);
        if (strcmp(member, WORKER_PUBLISH) == 0)
                ck_assert_int_ge(sd_bus_message_append(m, "u", (uint32_t) 022), 0);
        ck_assert_int_ge(wire_append_files(m, records, n_records), 0);
        return m;
}

/* Done in place of a blocking call, which could not do this: answer the worker's questions while it
 * waits. */
static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        WorkerDriver *driver = userdata;

        driver->reply = sd_bus_message_ref(m);
        return 0;
}

static sd_bus_message *call(WorkerDriver *driver, sd_bus_message *m)
{
        sd_bus_message *reply;

        ck_assert_int_ge(sd_bus_call_async(driver->bus, NULL, m, on_reply, driver, 0), 0);
        STEP_UNTIL(driver, driver->reply);
        sd_bus_message_unref(m);
        reply = driver->reply;
        driver->reply = NULL;
        return reply;
}

void driver_download(WorkerDriver *driver,
                     const FileRecord *records,
                     size_t n_records,
                     const char *proxy)
{
        sd_bus_message *reply;

        for (size_t i = 0; i < n_records; i++)
                ck_assert_int_ge(file_record_copy(&driver->records[records[i].index], &records[i]),
                                 0);
        reply = call(driver, new_order(driver, WORKER_DOWNLOAD, records, n_records, proxy));
        ck_assert_msg(!sd_bus_message_is_method_error(reply, NULL),
                      "%s",
                      sd_bus_message_is_method_error(reply, NULL)
                              ? sd_bus_message_get_error(reply)->message
                              : "");
        sd_bus_message_unref(reply);
}

const char *driver_try_download(WorkerDriver *driver, const FileRecord *record)
{
        static char name[256];
        sd_bus_message *reply = call(driver, new_order(driver, WORKER_DOWNLOAD, record, 1, NULL));
        const sd_bus_error *error = sd_bus_message_get_error(reply);

        (void) snprintf(name, sizeof(name), "%s", error ? error->name : "");
        sd_bus_message_unref(reply);
        return name[0] ? name : NULL;
}

const char *driver_try_change(WorkerDriver *driver, const char *name, const char *value)
{
        static char error_name[256];
        const sd_bus_error *error;
        sd_bus_message *m, *reply;

        ck_assert_int_ge(sd_bus_message_new_method_call(driver->bus,
                                                        &m,
                                                        NULL,
                                                        WORKER_PATH,
                                                        WORKER_INTERFACE,
                                                        WORKER_CHANGED),
                         0);
        ck_assert_int_ge(sd_bus_message_append(m, "a{sv}", 1, name, "s", value), 0);
        reply = call(driver, m);
        error = sd_bus_message_get_error(reply);
        (void) snprintf(error_name, sizeof(error_name), "%s", error ? error->name : "");
        sd_bus_message_unref(reply);
        return error_name[0] ? error_name : NULL;
}

void driver_call_stop(WorkerDriver *driver)
{
        sd_bus_message *m;

        ck_assert_int_ge(sd_bus_message_new_method_call(driver->bus,
                                                        &m,
                                                        NULL,
                                                        WORKER_PATH,
                                                        WORKER_INTERFACE,
                                                        WORKER_STOP),
                         0);
        sd_bus_message_unref(call(driver, m));
}

size_t driver_do_files(WorkerDriver *driver,
                       const char *member,
                       const FileRecord *records,
                       size_t n_records)
{
        sd_bus_message *reply = call(driver, new_order(driver, member, records, n_records, NULL));
        _cleanup_(failure_list_done) FailureList failures = { 0 };

        ck_assert(sd_bus_message_has_signature(reply, WORKER_FAILURES_SIGNATURE));
        ck_assert_int_ge(wire_read_failures(reply, records, n_records, &failures), 0);
        if (failures.n_entries > 0)
                keep_failure(driver, &failures.entries[0]);
        sd_bus_message_unref(reply);
        return failures.n_entries;
}

void driver_wait(WorkerDriver *driver)
{
        STEP_UNTIL(driver, driver->finished || driver->failed);
}

bool driver_wait_quiet(WorkerDriver *driver, unsigned quiet_msec)
{
        uint64_t deadline = process_now_msec() + DEADLINE_MSEC;
        uint64_t bytes = driver->last_progress_bytes, since = process_now_msec();

        while (!driver->finished && !driver->failed) {
                if (driver->last_progress_bytes != bytes) {
                        bytes = driver->last_progress_bytes;
                        since = process_now_msec();
                }
                if (process_now_msec() - since >= quiet_msec)
                        return false;
                step(driver, deadline);
        }
        return true;
}

void driver_wait_received(WorkerDriver *driver, uint64_t bytes)
{
        STEP_UNTIL(driver, driver->last_progress_bytes >= bytes);
}

void driver_wait_checkpoint(WorkerDriver *driver, uint32_t file, uint64_t bytes)
{
        STEP_UNTIL(driver, driver->records[file].offset_bytes >= bytes);
}
