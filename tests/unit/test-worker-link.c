/*
 * manager/worker-link in front of a worker that the test plays: what it may say, and what it
 * comes to when it stops, breaks off or breaks the contract. The spawner is the test's, too.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "dbus/spawn-wire.h"
#include "dbus/worker-wire.h"

#include "base/macro.h"

#include "manager/worker-link.h"
#include "model/file-record.h"
#include "model/wire-codec.h"

#define FILES 2

/* ---- the spawner ----------------------------------------------------------------------------- */

static int peer_fd = -EBADF; /* the worker's end */
static spawner_event_t to_link;
static void *to_link_userdata;
static unsigned n_kills;
static int proxy_fd = -EBADF; /* the end of a dosvc-proxy */

int spawner_start(Spawner *spawner,
                  uint32_t program,
                  uint32_t uid,
                  const char *user,
                  int link_fd,
                  spawner_event_t callback,
                  void *userdata,
                  uint64_t *ret_id)
{
        if (program == SPAWN_PROGRAM_PROXY) {
                proxy_fd = fcntl(link_fd, F_DUPFD_CLOEXEC, 3);
                *ret_id = 2;
                return 0;
        }
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

/* ---- what the link tells --------------------------------------------------------------------- */

static sd_event *event;
static sd_bus *worker; /* the worker's end, when it speaks D-Bus properly */
static WorkerLink *worker_link;
static sd_bus_message *order; /* the call with the task */
static unsigned n_progress, n_records, n_questions, n_finished, n_failed, n_ended;
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

static int
on_authenticate(void *userdata, uint32_t file, AuthTarget target, unsigned offered, Credential *ret)
{
        n_questions++;
        return -ENOENT;
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

static const WorkerLinkFacts facts = {
        .progress = on_progress,
        .checkpoint = on_checkpoint,
        .authenticate = on_authenticate,
        .finished = on_finished,
        .failed = on_failed,
        .ended = on_ended,
};

/* ---- both ends ------------------------------------------------------------------------------- */

/* Everything that is due, and a little of what is on its way. */
static void turn(void)
{
        while (sd_event_run(event, 20000) > 0)
                ;
}

static void start_link_with(WorkerTask task, ProxySource source)
{
        FileRecord files[FILES] = { 0 };
        JobSettings settings;

        job_settings_init(&settings);
        settings.proxy_source = source;
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
                                                         .settings = &settings },
                                         &facts,
                                         NULL,
                                         &worker_link),
                         0);
        for (size_t i = 0; i < FILES; i++)
                file_record_done(&files[i]);
}

static void start_link(WorkerTask task)
{
        start_link_with(task, PROXY_SOURCE_LIST);
}

static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        if (sd_bus_message_is_method_call(m, WORKER_INTERFACE, NULL) <= 0)
                return 0;
        if (!order)
                order = sd_bus_message_ref(m);
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
        turn();
}

#define emit(member, ...)                                                                          \
        ck_assert_int_ge(                                                                          \
                sd_bus_emit_signal(worker, WORKER_PATH, WORKER_INTERFACE, member, __VA_ARGS__),    \
                0)

static void say_ready(void)
{
        emit(WORKER_READY, WORKER_READY_SIGNATURE, (uint32_t) WORKER_PROTOCOL_VERSION);
        turn();
        ck_assert_ptr_nonnull(order);
}

static void exit_worker(void)
{
        to_link(to_link_userdata, SPAWNER_EXITED, 0);
        turn();
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
}

static void teardown(void)
{
        worker_link = worker_link_free(worker_link);
        order = sd_bus_message_unref(order);
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
        turn();
        exit_worker();
        ck_assert_uint_eq(n_ended, 1);
        ck_assert_int_eq(ended_result, 0);
}
END_TEST

START_TEST(what_is_stopped_before_it_began_is_not_done)
{
        start_link(other_tasks[_i]);
        worker_link_stop(worker_link);
        turn();
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
        turn();
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
        turn();
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
        turn();
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
        turn();
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
        turn();
        ck_assert_uint_eq(n_records, 0);
        check_distrusted();
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
        turn();
        check_distrusted();
}
END_TEST

/* ---- proxies --------------------------------------------------------------------------------- */

static char proxy_answer[256];

static int on_proxies(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *first = "";

        if (sd_bus_message_is_method_error(m, NULL)) {
                first = sd_bus_message_get_error(m)->message;
        } else {
                ck_assert_int_ge(sd_bus_message_enter_container(m, 'a', "s"), 0);
                ck_assert_int_gt(sd_bus_message_read(m, "s", &first), 0);
        }
        (void) strncpy(proxy_answer, first, sizeof(proxy_answer) - 1);
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
        turn();
}

static void answer_proxies(const char *bytes, size_t size)
{
        ck_assert_int_eq(send(proxy_fd, bytes, size, 0), (ssize_t) size);
        turn();
}

START_TEST(proxies_are_searched_for_where_the_order_says_so)
{
        static const char found[] = "\0http://p:1", nothing[] = "There are none.";

        start_link_with(WORKER_TASK_DOWNLOAD, _i ? PROXY_SOURCE_SESSION : PROXY_SOURCE_AUTODETECT);
        start_worker();
        say_ready();
        ask_proxies("http://host:80/");
        answer_proxies(found, sizeof(found));
        ck_assert_str_eq(proxy_answer, "http://p:1");
        ask_proxies("http://other:80/");
        answer_proxies(nothing, sizeof(nothing));
        ck_assert_str_eq(proxy_answer, "There are none.");
        ck_assert_uint_eq(n_kills, 0);
}
END_TEST

START_TEST(a_search_that_the_order_does_not_know_is_refused)
{
        start_link(WORKER_TASK_DOWNLOAD);
        start_worker();
        say_ready();
        ask_proxies("http://host:80/");
        ck_assert_int_lt(proxy_fd, 0);
        check_distrusted();
}
END_TEST

START_TEST(two_searches_at_a_time_are_refused)
{
        start_link_with(WORKER_TASK_DOWNLOAD, PROXY_SOURCE_AUTODETECT);
        start_worker();
        say_ready();
        ask_proxies("http://host:80/");
        ck_assert_uint_eq(n_kills, 0);
        ask_proxies("http://other:80/");
        check_distrusted();
}
END_TEST

START_TEST(a_search_for_what_is_no_url_is_refused)
{
        start_link_with(WORKER_TASK_DOWNLOAD, PROXY_SOURCE_AUTODETECT);
        start_worker();
        say_ready();
        ask_proxies("file:///etc/passwd");
        ck_assert_int_lt(proxy_fd, 0);
        check_distrusted();
}
END_TEST

START_TEST(a_stop_ends_the_search)
{
        start_link_with(WORKER_TASK_DOWNLOAD, PROXY_SOURCE_AUTODETECT);
        start_worker();
        say_ready();
        ask_proxies("http://host:80/");
        worker_link_stop(worker_link);
        worker = sd_bus_close_unref(worker);
        turn();
        exit_worker();
        ck_assert_uint_eq(n_ended, 1);
        ck_assert_int_eq(ended_result, 0);
        ck_assert_int_lt(send(proxy_fd, "", 1, MSG_NOSIGNAL), 0);
}
END_TEST

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
              *searching = tcase_create("searching");

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
        tcase_add_loop_test(hostile, a_call_that_nobody_knows_is_refused, 0, 2);
        tcase_add_test(hostile, a_worker_that_does_not_read_is_refused);
        tcase_add_loop_test(searching, proxies_are_searched_for_where_the_order_says_so, 0, 2);
        tcase_add_test(searching, a_search_that_the_order_does_not_know_is_refused);
        tcase_add_test(searching, two_searches_at_a_time_are_refused);
        tcase_add_test(searching, a_search_for_what_is_no_url_is_refused);
        tcase_add_test(searching, a_stop_ends_the_search);
        tcase_add_checked_fixture(searching, setup, teardown);
        suite_add_tcase(suite, searching);
        suite_add_tcase(suite, hostile);
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
