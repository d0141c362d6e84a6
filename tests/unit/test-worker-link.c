/*
 * manager/worker-link in front of a worker that the test plays: what it may say, and what it
 * comes to when it stops, breaks off or breaks the contract. The spawner and the answers to the
 * worker's questions are the test's, too.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "dbus/worker-wire.h"

#include "base/macro.h"

#include "manager/worker-link.h"
#include "model/file-record.h"
#include "model/wire-codec.h"
#include "model/wire-settings.h"

#define FILES 2

/* ---- the spawner ----------------------------------------------------------------------------- */

static int peer_fd = -EBADF; /* the worker's end */
static spawner_event_t to_link;
static void *to_link_userdata;
static unsigned n_kills;

int spawner_start(Spawner *spawner,
                  uint32_t program,
                  uint32_t uid,
                  const char *user,
                  int link_fd,
                  spawner_event_t callback,
                  void *userdata,
                  uint64_t *ret_id)
{
        peer_fd = fcntl(link_fd, F_DUPFD_CLOEXEC, 3);
        to_link = callback;
        to_link_userdata = userdata;
        *ret_id = 1;
        return 0;
}

void spawner_kill(Spawner *spawner, uint64_t id)
{
        n_kills++;
}

void spawner_forget(Spawner *spawner, uint64_t id)
{
}

/* ---- the answers to questions ---------------------------------------------------------------- */

static unsigned n_questions, asked_offered;
static AuthTarget asked_target;
static int answer; /* the result of the next questions */
static char asked_origin[256];
static answers_proxies_t proxies_found;
static void *proxies_userdata;
static bool answers_stopped;

int answers_authenticate(Answers *answers,
                         uint32_t file,
                         AuthTarget target,
                         unsigned offered,
                         Credential *ret)
{
        n_questions++;
        asked_target = target;
        asked_offered = offered;
        if (answer < 0)
                return answer;
        ret->scheme = AUTH_SCHEME_DIGEST;
        ret->user_name = strdup("user");
        return secret_new_copy("password", 8, &ret->secret);
}

int answers_find_proxies(Answers *answers,
                         const char *origin,
                         answers_proxies_t answered,
                         void *userdata)
{
        n_questions++;
        (void) strncpy(asked_origin, origin, sizeof(asked_origin) - 1);
        proxies_found = answered;
        proxies_userdata = userdata;
        return answer;
}

void answers_stop(Answers *answers)
{
        answers_stopped = true;
}

static unsigned n_proxy_changes;
static ProxySource proxy_source;

void answers_change_proxies(Answers *answers, ProxySource source)
{
        n_proxy_changes++;
        proxy_source = source;
}

/* ---- what the link tells --------------------------------------------------------------------- */

static sd_event *event;
static sd_bus *worker; /* the worker's end, when it speaks D-Bus properly */
static WorkerLink *worker_link;
static sd_bus_message *order; /* the call with the task */
static sd_bus_message *change_call;
static unsigned n_change_calls;
static unsigned n_progress, n_records, n_finished, n_failed, n_ended;
static int ended_result;
static char ended_text[512];

static void on_progress(void *userdata, uint32_t file, uint64_t bytes, uint64_t total)
{
        n_progress++;
}

static void on_checkpoint(void *userdata, const FileRecord *records, size_t n)
{
        n_records += (unsigned) n;
}

static void on_finished(void *userdata)
{
        n_finished++;
}

static void on_failed(void *userdata, Failure *failure)
{
        n_failed++;
}

static void on_ended(void *userdata, int result, const char *text)
{
        n_ended++;
        ended_result = result;
        (void) strncpy(ended_text, text, sizeof(ended_text) - 1);
}

static const WorkerLinkEvents events = {
        .progress = on_progress,
        .checkpoint = on_checkpoint,
        .finished = on_finished,
        .failed = on_failed,
        .ended = on_ended,
};

/* ---- both ends ------------------------------------------------------------------------------- */

/* Everything that is due, and a little of what is on its way. */
static void run_loop(void)
{
        while (sd_event_run(event, 20000) > 0)
                ;
}

static void start_link(WorkerTask task)
{
        FileRecord files[FILES] = { 0 };
        JobSettings settings;

        job_settings_init(&settings);
        for (uint32_t i = 0; i < FILES; i++)
                ck_assert_int_eq(file_record_init(&files[i], i, "http://host/a", "/dir/a"), 0);
        ck_assert_int_eq(worker_link_new(event,
                                         (Spawner *) &peer_fd,
                                         &(WorkerOrder){ .task = task,
                                                         .job.bytes = { 1 },
                                                         .owner_uid = 1000,
                                                         .owner_name = "alice",
                                                         .files = files,
                                                         .n_files = FILES,
                                                         .settings = &settings,
                                                         .answers = (Answers *) &answer },
                                         &events,
                                         NULL,
                                         &worker_link),
                         0);
        for (size_t i = 0; i < FILES; i++)
                file_record_done(&files[i]);
}

static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        if (sd_bus_message_is_method_call(m, WORKER_INTERFACE, NULL) <= 0)
                return 0;
        if (sd_bus_message_is_method_call(m, WORKER_INTERFACE, WORKER_CHANGED) > 0) {
                n_change_calls++;
                sd_bus_message_unref(change_call);
                change_call = sd_bus_message_ref(m);
        } else if (!order) {
                order = sd_bus_message_ref(m);
        }
        return 1;
}

/* A worker that says nothing of itself yet. */
static void start_worker(void)
{
        int fd = fcntl(peer_fd, F_DUPFD_CLOEXEC, 3);

        ck_assert_int_ge(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
        ck_assert_int_ge(sd_bus_new(&worker), 0);
        ck_assert_int_ge(sd_bus_set_fd(worker, fd, fd), 0);
        ck_assert_int_ge(sd_bus_set_server(worker, 1, (sd_id128_t){ .bytes = { 2 } }), 0);
        ck_assert_int_ge(sd_bus_negotiate_fds(worker, 1), 0);
        ck_assert_int_ge(sd_bus_add_filter(worker, NULL, on_call, NULL), 0);
        ck_assert_int_ge(sd_bus_start(worker), 0);
        ck_assert_int_ge(sd_bus_attach_event(worker, event, 0), 0);
        run_loop();
}

#define emit(member, ...)                                                                          \
        ck_assert_int_ge(                                                                          \
                sd_bus_emit_signal(worker, WORKER_PATH, WORKER_INTERFACE, member, __VA_ARGS__),    \
                0)

static void say_ready(void)
{
        emit(WORKER_READY, WORKER_READY_SIGNATURE, (uint32_t) WORKER_PROTOCOL_VERSION);
        run_loop();
        ck_assert_ptr_nonnull(order);
}

static void exit_worker(void)
{
        to_link(to_link_userdata, SPAWNER_EXITED, 0);
        run_loop();
}

static void check_distrusted(void)
{
        ck_assert_uint_gt(n_kills, 0);
        exit_worker();
        ck_assert_int_eq(ended_result, -EPROTO);
}

static void setup(void)
{
        ck_assert_int_eq(sd_event_new(&event), 0);
        n_kills = n_progress = n_records = n_questions = n_finished = n_failed = n_ended = 0;
        ended_result = 1;
        answer = 0;
        answers_stopped = false;
        n_proxy_changes = n_change_calls = 0;
}

static void teardown(void)
{
        worker_link = worker_link_free(worker_link);
        order = sd_bus_message_unref(order);
        change_call = sd_bus_message_unref(change_call);
        worker = sd_bus_close_unref(worker);
        peer_fd = macro_close(peer_fd);
        event = sd_event_unref(event);
}

/* ---- stopping -------------------------------------------------------------------------------- */

static const WorkerTask other_tasks[] = { WORKER_TASK_PUBLISH, WORKER_TASK_CLEAN };

START_TEST(a_download_that_was_told_to_stop_ends_well)
{
        start_link(WORKER_TASK_DOWNLOAD);
        start_worker();
        say_ready();
        worker_link_stop(worker_link);
        worker = sd_bus_close_unref(worker);
        run_loop();
        exit_worker();
        ck_assert_uint_eq(n_ended, 1);
        ck_assert_int_eq(ended_result, 0);
}
END_TEST

START_TEST(what_is_stopped_before_it_began_is_not_done)
{
        start_link(other_tasks[_i]);
        worker_link_stop(worker_link);
        run_loop();
        exit_worker();
        ck_assert_uint_eq(n_ended, 1);
        ck_assert_int_eq(ended_result, -ECANCELED);
}
END_TEST

START_TEST(what_breaks_off_while_stopping_is_not_done)
{
        start_link(other_tasks[_i]);
        start_worker();
        say_ready();
        worker_link_stop(worker_link);
        order = sd_bus_message_unref(order);
        worker = sd_bus_close_unref(worker);
        run_loop();
        exit_worker();
        ck_assert_uint_eq(n_ended, 1);
        ck_assert_int_eq(ended_result, -ECANCELED);
}
END_TEST

START_TEST(what_dies_while_stopping_is_not_done)
{
        start_link(other_tasks[_i]);
        start_worker();
        say_ready();
        worker_link_stop(worker_link);
        exit_worker();
        ck_assert_uint_eq(n_ended, 1);
        ck_assert_int_eq(ended_result, -ECANCELED);
}
END_TEST

START_TEST(an_answer_while_stopping_counts)
{
        start_link(other_tasks[_i]);
        start_worker();
        say_ready();
        worker_link_stop(worker_link);
        ck_assert_int_ge(sd_bus_reply_method_return(order,
                                                    WORKER_FAILURES_SIGNATURE,
                                                    1,
                                                    (uint32_t) 0,
                                                    0,
                                                    (uint32_t) 5,
                                                    "local-file",
                                                    "It failed.",
                                                    "",
                                                    UINT64_C(0)),
                         0);
        run_loop();
        exit_worker();
        ck_assert_uint_eq(n_failed, 1);
        ck_assert_uint_eq(n_ended, 1);
        ck_assert_int_eq(ended_result, 0);
}
END_TEST

/* ---- what it may not say --------------------------------------------------------------------- */

START_TEST(more_figures_than_files_are_refused)
{
        start_link(WORKER_TASK_DOWNLOAD);
        start_worker();
        say_ready();
        emit(WORKER_PROGRESS,
             WORKER_PROGRESS_SIGNATURE,
             2,
             (uint32_t) 0,
             UINT64_C(1),
             UINT64_C(2),
             (uint32_t) 1,
             UINT64_C(1),
             UINT64_C(2));
        run_loop();
        ck_assert_uint_eq(n_progress, 2);
        ck_assert_uint_eq(n_kills, 0);
        emit(WORKER_PROGRESS,
             WORKER_PROGRESS_SIGNATURE,
             3,
             (uint32_t) 0,
             UINT64_C(1),
             UINT64_C(2),
             (uint32_t) 1,
             UINT64_C(1),
             UINT64_C(2),
             (uint32_t) 0,
             UINT64_C(1),
             UINT64_C(2));
        run_loop();
        check_distrusted();
}
END_TEST

START_TEST(more_records_than_files_are_refused)
{
        sd_bus_message *m = NULL;
        FileRecord records[FILES + 1] = { 0 };

        start_link(WORKER_TASK_DOWNLOAD);
        start_worker();
        say_ready();
        for (uint32_t i = 0; i < ARRAY_SIZE(records); i++)
                ck_assert_int_eq(file_record_init(&records[i], 0, "http://host/a", "/dir/a"), 0);
        ck_assert_int_ge(sd_bus_message_new_signal(worker,
                                                   &m,
                                                   WORKER_PATH,
                                                   WORKER_INTERFACE,
                                                   WORKER_CHECKPOINT),
                         0);
        ck_assert_int_ge(wire_append_files(m, records, ARRAY_SIZE(records)), 0);
        ck_assert_int_ge(sd_bus_send(worker, m, NULL), 0);
        sd_bus_message_unref(m);
        for (uint32_t i = 0; i < ARRAY_SIZE(records); i++)
                file_record_done(&records[i]);
        run_loop();
        ck_assert_uint_eq(n_records, 0);
        check_distrusted();
}
END_TEST

START_TEST(a_worker_may_refuse_its_task_in_few_words)
{
        static char words[LIMIT_WORKER_TEXT + 2];

        memset(words, 'x', _i == 0 ? 20 : LIMIT_WORKER_TEXT + 1);
        start_link(WORKER_TASK_DOWNLOAD);
        start_worker();
        say_ready();
        ck_assert_int_ge(sd_bus_reply_method_errorf(order, SD_BUS_ERROR_FAILED, "%s", words), 0);
        run_loop();
        check_distrusted();
        ck_assert_str_eq(ended_text,
                         _i == 0 ? "The worker refused its task: xxxxxxxxxxxxxxxxxxxx"
                                 : "The worker broke the contract: a refusal that cannot be read");
}
END_TEST

START_TEST(a_call_that_nobody_knows_is_refused)
{
        start_link(WORKER_TASK_DOWNLOAD);
        start_worker();
        if (_i > 0)
                say_ready();
        ck_assert_int_ge(sd_bus_call_method_async(worker,
                                                  NULL,
                                                  NULL,
                                                  "/anything",
                                                  "org.freedesktop.DBus.Peer",
                                                  "Ping",
                                                  NULL,
                                                  NULL,
                                                  NULL),
                         0);
        run_loop();
        check_distrusted();
}
END_TEST

/* ---- questions ------------------------------------------------------------------------------- */

static char reply_text[256]; /* of the last question */

static void ask_credential(uint32_t file,
                           const char *target,
                           const char *scheme,
                           sd_bus_message_handler_t on_reply)
{
        ck_assert_int_ge(sd_bus_call_method_async(worker,
                                                  NULL,
                                                  NULL,
                                                  WORKER_PATH,
                                                  WORKER_INTERFACE,
                                                  WORKER_AUTHENTICATE,
                                                  on_reply,
                                                  NULL,
                                                  WORKER_AUTHENTICATE_SIGNATURE,
                                                  file,
                                                  target,
                                                  2,
                                                  scheme,
                                                  "unheard-of"),
                         0);
        run_loop();
}

/* "scheme user size" of the credential, or the name of the error. */
static int on_credential_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *scheme, *user;
        struct stat secret;
        int implicit, fd;

        if (sd_bus_message_is_method_error(m, NULL)) {
                (void) snprintf(reply_text,
                                sizeof(reply_text),
                                "%s",
                                sd_bus_message_get_error(m)->name);
                return 0;
        }
        ck_assert_int_gt(sd_bus_message_read(m,
                                             WORKER_AUTHENTICATE_REPLY_SIGNATURE,
                                             &scheme,
                                             &implicit,
                                             &user,
                                             &fd),
                         0);
        ck_assert_int_eq(fstat(fd, &secret), 0);
        (void) snprintf(reply_text,
                        sizeof(reply_text),
                        "%s %s %d",
                        scheme,
                        user,
                        (int) secret.st_size);
        return 0;
}

START_TEST(a_credential_reaches_the_worker)
{
        start_link(WORKER_TASK_DOWNLOAD);
        start_worker();
        say_ready();
        ask_credential(1, "proxy", "digest", on_credential_reply);
        ck_assert_uint_eq(asked_target, AUTH_TARGET_PROXY);
        ck_assert_uint_eq(asked_offered, 1U << AUTH_SCHEME_DIGEST);
        ck_assert_str_eq(reply_text, "digest user 8");
        ck_assert_uint_eq(n_kills, 0);
}
END_TEST

START_TEST(a_worker_learns_why_it_gets_no_credential)
{
        start_link(WORKER_TASK_DOWNLOAD);
        start_worker();
        say_ready();
        answer = -ENOENT;
        ask_credential(0, "server", "basic", on_credential_reply);
        ck_assert_str_eq(reply_text, DOSVC_ERROR_PREFIX "NotFound");
        answer = -EIO;
        ask_credential(0, "server", "basic", on_credential_reply);
        ck_assert_str_eq(reply_text, DOSVC_ERROR_PREFIX "Failed");
        ck_assert_uint_eq(n_kills, 0);
}
END_TEST

START_TEST(a_question_about_a_foreign_file_or_peer_is_refused)
{
        start_link(WORKER_TASK_DOWNLOAD);
        start_worker();
        say_ready();
        ask_credential(_i ? FILES : 0, _i ? "server" : "the-moon", "basic", on_credential_reply);
        ck_assert_uint_eq(n_questions, 0);
        check_distrusted();
}
END_TEST

static int on_proxies(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *first = "";

        if (sd_bus_message_is_method_error(m, NULL)) {
                first = sd_bus_message_get_error(m)->message;
        } else {
                ck_assert_int_ge(sd_bus_message_enter_container(m, 'a', "s"), 0);
                ck_assert_int_gt(sd_bus_message_read(m, "s", &first), 0);
        }
        (void) strncpy(reply_text, first, sizeof(reply_text) - 1);
        return 0;
}

static void ask_proxies(const char *url)
{
        ck_assert_int_ge(sd_bus_call_method_async(worker,
                                                  NULL,
                                                  NULL,
                                                  WORKER_PATH,
                                                  WORKER_INTERFACE,
                                                  WORKER_FIND_PROXIES,
                                                  on_proxies,
                                                  NULL,
                                                  "s",
                                                  url),
                         0);
        run_loop();
}

START_TEST(proxies_reach_the_worker)
{
        char proxy[] = "http://p:1", *found[] = { proxy, NULL };

        start_link(WORKER_TASK_DOWNLOAD);
        start_worker();
        say_ready();
        ask_proxies("http://host/path");
        ck_assert_str_eq(asked_origin, "http://host:80/");
        proxies_found(proxies_userdata, found, NULL);
        run_loop();
        ck_assert_str_eq(reply_text, "http://p:1");
        ask_proxies("http://other:80/");
        proxies_found(proxies_userdata, NULL, "There are none.");
        run_loop();
        ck_assert_str_eq(reply_text, "There are none.");
        ck_assert_uint_eq(n_kills, 0);
}
END_TEST

START_TEST(a_search_that_may_not_be_asked_for_is_refused)
{
        start_link(WORKER_TASK_DOWNLOAD);
        start_worker();
        say_ready();
        answer = -EPERM;
        ask_proxies("http://host:80/");
        check_distrusted();
}
END_TEST

START_TEST(two_searches_at_a_time_are_refused)
{
        start_link(WORKER_TASK_DOWNLOAD);
        start_worker();
        say_ready();
        ask_proxies("http://host:80/");
        ck_assert_uint_eq(n_kills, 0);
        ask_proxies("http://other:80/");
        ck_assert_uint_eq(n_questions, 1);
        check_distrusted();
}
END_TEST

START_TEST(a_search_for_what_is_no_url_is_refused)
{
        start_link(WORKER_TASK_DOWNLOAD);
        start_worker();
        say_ready();
        ask_proxies("file:///etc/passwd");
        ck_assert_uint_eq(n_questions, 0);
        check_distrusted();
}
END_TEST

START_TEST(the_end_of_the_link_stops_the_answers)
{
        start_link(WORKER_TASK_DOWNLOAD);
        start_worker();
        say_ready();
        ask_proxies("http://host:80/");
        worker_link_stop(worker_link);
        worker = sd_bus_close_unref(worker);
        run_loop();
        exit_worker();
        ck_assert(answers_stopped);
        ck_assert_uint_eq(n_ended, 1);
        ck_assert_int_eq(ended_result, 0);
}
END_TEST

/* ---- changed settings ------------------------------------------------------------------------ */

static void change(ProxySource source, RedirectPolicy policy)
{
        JobSettings settings;

        job_settings_init(&settings);
        settings.proxy_source = source;
        settings.redirect_policy = policy;
        settings.disk_reserve_bytes = 7; /* cannot change live */
        worker_link_change(worker_link, &settings);
        run_loop();
}

/* Checks what the worker was told last, and answers. */
static void take_change(ProxySource source, RedirectPolicy policy)
{
        JobSettings settings;

        ck_assert_ptr_nonnull(change_call);
        ck_assert_int_eq(wire_read_settings(change_call, SETTING_FOR_ANY_WORKER, &settings), 0);
        ck_assert_uint_eq(settings.proxy_source, source);
        ck_assert_uint_eq(settings.redirect_policy, policy);
        job_settings_done(&settings);
        ck_assert_int_ge(sd_bus_reply_method_return(change_call, NULL), 0);
        change_call = sd_bus_message_unref(change_call);
        run_loop();
}

static void start_download(void)
{
        start_link(WORKER_TASK_DOWNLOAD);
        start_worker();
        say_ready();
        ck_assert_int_ge(sd_bus_reply_method_return(order, NULL), 0);
        run_loop();
}

START_TEST(a_download_is_told_of_a_change)
{
        start_download();
        change(PROXY_SOURCE_SESSION, REDIRECT_POLICY_ALLOW_SILENT);
        ck_assert_uint_eq(n_proxy_changes, 0);
        take_change(PROXY_SOURCE_SESSION, REDIRECT_POLICY_ALLOW_SILENT);
        ck_assert_uint_eq(n_proxy_changes, 1);
        ck_assert_uint_eq(proxy_source, PROXY_SOURCE_SESSION);
        ck_assert_uint_eq(n_kills, 0);
}
END_TEST

START_TEST(a_worker_that_is_not_ready_gets_the_latest_settings)
{
        const char *job_id;
        JobSettings settings;

        start_link(WORKER_TASK_DOWNLOAD);
        change(PROXY_SOURCE_AUTODETECT, REDIRECT_POLICY_DISALLOW);
        start_worker();
        say_ready();
        ck_assert_int_gt(sd_bus_message_read(order, "s", &job_id), 0);
        ck_assert_int_eq(wire_read_settings(order, SETTING_FOR_WORKER, &settings), 0);
        ck_assert_uint_eq(settings.proxy_source, PROXY_SOURCE_AUTODETECT);
        ck_assert_uint_eq(settings.redirect_policy, REDIRECT_POLICY_DISALLOW);
        ck_assert_uint_eq(settings.disk_reserve_bytes, 0);
        ck_assert_uint_eq(n_change_calls, 0);
        ck_assert_uint_eq(proxy_source, PROXY_SOURCE_AUTODETECT);
}
END_TEST

START_TEST(a_worker_that_refuses_its_settings_is_refused)
{
        start_download();
        change(PROXY_SOURCE_SESSION, REDIRECT_POLICY_ALLOW_SILENT);
        ck_assert_int_ge(sd_bus_reply_method_errorf(change_call, SD_BUS_ERROR_INVALID_ARGS, "No"),
                         0);
        run_loop();
        ck_assert_uint_eq(n_proxy_changes, 0);
        check_distrusted();
}
END_TEST

START_TEST(the_end_during_a_change_keeps_its_reason)
{
        start_download();
        change(PROXY_SOURCE_SESSION, REDIRECT_POLICY_ALLOW_SILENT);
        order = sd_bus_message_unref(order);
        change_call = sd_bus_message_unref(change_call);
        worker = sd_bus_close_unref(worker);
        peer_fd = macro_close(peer_fd);
        run_loop();
        to_link(to_link_userdata, SPAWNER_EXITED, SIGSEGV);
        run_loop();
        ck_assert_int_eq(ended_result, -ECONNRESET);
        ck_assert_str_eq(ended_text, "The worker was killed by signal 11");
}
END_TEST

START_TEST(a_change_after_the_end_is_for_the_next_worker)
{
        start_download();
        ck_assert_int_ge(
                sd_bus_emit_signal(worker, WORKER_PATH, WORKER_INTERFACE, WORKER_FINISHED, NULL),
                0);
        run_loop();
        change(PROXY_SOURCE_SESSION, REDIRECT_POLICY_DISALLOW);
        ck_assert_uint_eq(n_change_calls, 0);
        exit_worker();
        ck_assert_int_eq(ended_result, 0);
}
END_TEST

START_TEST(only_a_download_is_told)
{
        start_link(other_tasks[_i % 2]);
        start_worker();
        say_ready();
        change(PROXY_SOURCE_SESSION, REDIRECT_POLICY_DISALLOW);
        ck_assert_uint_eq(n_change_calls, 0);
        ck_assert_uint_eq(n_kills, 0);
}
END_TEST

START_TEST(a_download_that_stops_is_not_told)
{
        start_download();
        worker_link_stop(worker_link);
        change(PROXY_SOURCE_SESSION, REDIRECT_POLICY_DISALLOW);
        ck_assert_uint_eq(n_change_calls, 0);
}
END_TEST

/* ---- failures -------------------------------------------------------------------------------- */

#define FAILED(file, code, context)                                                                \
        emit(WORKER_FAILED,                                                                        \
             WORKER_FAILURE_SIGNATURE,                                                             \
             (uint32_t) (file),                                                                    \
             0,                                                                                    \
             (uint32_t) (code),                                                                    \
             (context),                                                                            \
             "It failed.",                                                                         \
             "",                                                                                   \
             UINT64_C(0))

START_TEST(a_failure_ends_the_download)
{
        start_link(WORKER_TASK_DOWNLOAD);
        start_worker();
        say_ready();
        FAILED(1, 7, "remote-file");
        run_loop();
        ck_assert_uint_eq(n_failed, 1);
        exit_worker();
        ck_assert_int_eq(ended_result, 0);
}
END_TEST

START_TEST(a_failure_with_values_out_of_range_is_refused)
{
        start_link(WORKER_TASK_DOWNLOAD);
        start_worker();
        say_ready();
        FAILED(_i == 0 ? FILES : 0, _i != 1, _i == 2 ? "the-moon" : "remote-file");
        run_loop();
        ck_assert_uint_eq(n_failed, 0);
        check_distrusted();
}
END_TEST

/* ---- unread answers -------------------------------------------------------------------------- */

static int on_credential(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return 0;
}

START_TEST(a_worker_that_does_not_read_is_refused)
{
        start_link(WORKER_TASK_DOWNLOAD);
        start_worker();
        say_ready();
        ck_assert_int_ge(sd_bus_detach_event(worker), 0);
        for (unsigned i = 0; n_kills == 0 && i < 100000; i++) {
                ck_assert_int_ge(sd_bus_call_method_async(worker,
                                                          NULL,
                                                          NULL,
                                                          WORKER_PATH,
                                                          WORKER_INTERFACE,
                                                          WORKER_AUTHENTICATE,
                                                          on_credential,
                                                          NULL,
                                                          WORKER_AUTHENTICATE_SIGNATURE,
                                                          (uint32_t) 0,
                                                          "server",
                                                          1,
                                                          "basic"),
                                 0);
                while (sd_event_run(event, 0) > 0)
                        ;
        }
        check_distrusted();
}
END_TEST

static Suite *worker_link_suite(void)
{
        Suite *suite = suite_create("worker-link");
        TCase *stopping = tcase_create("stopping"), *hostile = tcase_create("hostile"),
              *questions = tcase_create("questions"), *changes = tcase_create("changes");

        tcase_add_checked_fixture(stopping, setup, teardown);
        tcase_add_test(stopping, a_download_that_was_told_to_stop_ends_well);
        tcase_add_loop_test(stopping, what_is_stopped_before_it_began_is_not_done, 0, 2);
        tcase_add_loop_test(stopping, what_breaks_off_while_stopping_is_not_done, 0, 2);
        tcase_add_loop_test(stopping, what_dies_while_stopping_is_not_done, 0, 2);
        tcase_add_loop_test(stopping, an_answer_while_stopping_counts, 0, 2);
        suite_add_tcase(suite, stopping);

        tcase_add_checked_fixture(hostile, setup, teardown);
        tcase_set_timeout(hostile, 10);
        tcase_add_test(hostile, more_figures_than_files_are_refused);
        tcase_add_test(hostile, more_records_than_files_are_refused);
        tcase_add_loop_test(hostile, a_worker_may_refuse_its_task_in_few_words, 0, 2);
        tcase_add_loop_test(hostile, a_call_that_nobody_knows_is_refused, 0, 2);
        tcase_add_test(hostile, a_worker_that_does_not_read_is_refused);
        tcase_add_test(hostile, a_failure_ends_the_download);
        tcase_add_loop_test(hostile, a_failure_with_values_out_of_range_is_refused, 0, 3);
        suite_add_tcase(suite, hostile);

        tcase_add_checked_fixture(questions, setup, teardown);
        tcase_add_test(questions, a_credential_reaches_the_worker);
        tcase_add_test(questions, a_worker_learns_why_it_gets_no_credential);
        tcase_add_loop_test(questions, a_question_about_a_foreign_file_or_peer_is_refused, 0, 2);
        tcase_add_test(questions, proxies_reach_the_worker);
        tcase_add_test(questions, a_search_that_may_not_be_asked_for_is_refused);
        tcase_add_test(questions, two_searches_at_a_time_are_refused);
        tcase_add_test(questions, a_search_for_what_is_no_url_is_refused);
        tcase_add_test(questions, the_end_of_the_link_stops_the_answers);
        suite_add_tcase(suite, questions);

        tcase_add_checked_fixture(changes, setup, teardown);
        tcase_add_test(changes, a_download_is_told_of_a_change);
        tcase_add_test(changes, a_worker_that_is_not_ready_gets_the_latest_settings);
        tcase_add_test(changes, a_worker_that_refuses_its_settings_is_refused);
        tcase_add_test(changes, the_end_during_a_change_keeps_its_reason);
        tcase_add_test(changes, a_change_after_the_end_is_for_the_next_worker);
        tcase_add_loop_test(changes, only_a_download_is_told, 0, 2);
        tcase_add_test(changes, a_download_that_stops_is_not_told);
        suite_add_tcase(suite, changes);
        return suite;
}

int main(void)
{
        SRunner *runner = srunner_create(worker_link_suite());
        int n_failures;

        srunner_run_all(runner, CK_ENV);
        n_failures = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
