#include "worker/link.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-id128.h>

#include "dbus/worker-wire.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#include "model/file-record.h"
#include "model/limits.h"
#include "model/path.h"
#include "model/url.h"
#include "model/wire-codec.h"
#include "model/wire-failure.h"
#include "model/wire-settings.h"
#include "worker/download.h"
#include "worker/publish.h"
#include "worker/questions.h"

struct Link {
        sd_event *event;
        sd_bus *bus;
        Questions *questions;
        Download *download; /* NULL: there is none, or another task */
        bool has_order;     /* a process takes one task */
};

/* A worker that cannot report is of no use; the manager sees it hang up. */
static void give_up(Link *link, int error, const char *what)
{
        /* The manager has hung up: the loop ends anyway. */
        if (sd_bus_is_open(link->bus) <= 0)
                return;
        log_errno(LOG_ERR, error, "The %s could not be sent to the manager, ending", what);
        (void) sd_event_exit(link->event, error);
}

static int new_signal(Link *link, const char *member, sd_bus_message **ret)
{
        return sd_bus_message_new_signal(link->bus, ret, WORKER_PATH, WORKER_INTERFACE, member);
}

/* Sends what was built, r being the result of building; consumes the message. */
static void send_signal(Link *link, int r, sd_bus_message *m, const char *what)
{
        if (r >= 0)
                r = sd_bus_send(link->bus, m, NULL);
        sd_bus_message_unref(m);
        if (r < 0)
                give_up(link, r, what);
}

/* DownloadEvents.progress */
static void report_progress(void *userdata, const DownloadProgress *figures, size_t n_figures)
{
        Link *link = userdata;
        sd_bus_message *m = NULL;
        int r = new_signal(link, WORKER_PROGRESS, &m);

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(utt)");
        for (size_t i = 0; r >= 0 && i < n_figures; i++)
                r = sd_bus_message_append(m,
                                          "(utt)",
                                          figures[i].file,
                                          figures[i].received_bytes,
                                          figures[i].total_bytes);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        send_signal(link, r, m, "progress");
}

/* DownloadEvents.checkpoint */
static void report_checkpoint(void *userdata, const FileRecord *const *records, size_t n_records)
{
        Link *link = userdata;
        sd_bus_message *m = NULL;
        int r = new_signal(link, WORKER_CHECKPOINT, &m);

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(" WORKER_FILE_SIGNATURE ")");
        for (size_t i = 0; r >= 0 && i < n_records; i++)
                r = wire_append_file(m, records[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        send_signal(link, r, m, "checkpoint");
}

/* DownloadEvents.finished */
static void report_finished(void *userdata)
{
        Link *link = userdata;
        sd_bus_message *m = NULL;
        int r = new_signal(link, WORKER_FINISHED, &m);

        send_signal(link, r, m, "end");
}

/* DownloadEvents.failed */
static void report_failed(void *userdata, const Failure *failure)
{
        Link *link = userdata;
        sd_bus_message *m = NULL;
        int r = new_signal(link, WORKER_FAILED, &m);

        if (r >= 0)
                r = wire_append_failure(m, failure);
        send_signal(link, r, m, "failure");
}

static const DownloadEvents download_events = {
        .progress = report_progress,
        .checkpoint = report_checkpoint,
        .finished = report_finished,
        .failed = report_failed,
};

static bool is_good_url(const char *s)
{
        _cleanup_free_ char *url = NULL, *user = NULL, *password = NULL;
        const char *reason;

        return url_parse_remote_name(s, &url, &user, &password, &reason) >= 0 && !user && !password;
}

static bool is_good_record(const FileRecord *record)
{
        const char *reason;

        return path_check_local_name(record->local_name, &reason) >= 0 &&
               is_good_url(record->remote_name) && is_good_url(file_record_owners_name(record));
}

/* Reads the array of records that ends an order. */
static int read_files(sd_bus_message *m, FileRecord **ret_records, size_t *ret_n_records)
{
        int r = wire_read_files(m, LIMIT_FILES_OF_A_TASK, ret_records, ret_n_records);

        if (r < 0)
                return r;
        for (size_t i = 0; i < *ret_n_records; i++)
                if (!is_good_record(&(*ret_records)[i])) {
                        *ret_records = file_records_free(*ret_records, *ret_n_records);
                        return -EBADMSG;
                }
        return 0;
}

static int read_job_id(sd_bus_message *m, sd_id128_t *ret)
{
        const char *job_id;

        return sd_bus_message_read(m, "s", &job_id) < 0 || sd_id128_from_string(job_id, ret) < 0
                       ? -EBADMSG
                       : 0;
}

static int read_umask(sd_bus_message *m, mode_t *ret)
{
        uint32_t mask;

        if (sd_bus_message_read(m, "u", &mask) < 0 || mask > 0777)
                return -EBADMSG;
        *ret = mask;
        return 0;
}

/* A second order is a mistake of the manager: it is refused, and nothing changes. */
static int accept_order(Link *link, sd_bus_error *error)
{
        if (link->has_order)
                return sd_bus_error_set(error,
                                        DOSVC_ERROR_PREFIX "InvalidState",
                                        "A worker takes one task.");
        link->has_order = true;
        return 0;
}

static int refuse_message(int r, sd_bus_error *error)
{
        return r == -ENOMEM ? r
                            : sd_bus_error_set(error,
                                               SD_BUS_ERROR_INVALID_ARGS,
                                               "The message does not follow the contract.");
}

static int method_download(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Link *link = userdata;
        DownloadOrder order = { 0 };
        int r = accept_order(link, error);

        if (r < 0)
                return r;
        r = read_job_id(m, &order.job);
        if (r >= 0)
                r = wire_read_settings(m, SETTING_FOR_WORKER, &order.settings);
        if (r >= 0)
                r = read_files(m, &order.records, &order.n_records);
        if (r < 0) {
                job_settings_done(&order.settings);
                return refuse_message(r, error);
        }
        r = download_new(link->event,
                         &order,
                         link->questions,
                         &download_events,
                         link,
                         &link->download);
        if (r < 0) {
                job_settings_done(&order.settings);
                file_records_free(order.records, order.n_records);
                return r;
        }
        return sd_bus_reply_method_return(m, NULL);
}

static int reply_failures(sd_bus_message *m, const FailureList *failures)
{
        sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(m, &reply);

        if (r >= 0)
                r = wire_append_failures(reply, failures);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

/* Publish and Clean: the process has nothing else to do, so the reply waits for the result. */
static int do_files(sd_bus_message *m,
                    Link *link,
                    bool publishing,
                    int (*task)(const PublishOrder *order, FailureList *ret),
                    sd_bus_error *error)
{
        _cleanup_(failure_list_done) FailureList failures = { 0 };
        FileRecord *records = NULL;
        PublishOrder order = { 0 };
        int r = accept_order(link, error);

        if (r < 0)
                return r;
        r = read_job_id(m, &order.job);
        if (r >= 0 && publishing)
                r = read_umask(m, &order.umask);
        if (r >= 0)
                r = read_files(m, &records, &order.n_records);
        if (r < 0)
                return refuse_message(r, error);
        order.records = records;
        r = task(&order, &failures);
        file_records_free(records, order.n_records);
        return r < 0 ? r : reply_failures(m, &failures);
}

static int method_publish(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return do_files(m, userdata, true, publish_files, error);
}

static int method_clean(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return do_files(m, userdata, false, publish_clean, error);
}

static int method_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Link *link = userdata;
        JobSettings settings;
        int r;

        if (!link->download)
                return sd_bus_error_set(error,
                                        DOSVC_ERROR_PREFIX "InvalidState",
                                        "There is no download whose settings could change.");
        r = wire_read_settings(m, SETTING_FOR_ANY_WORKER, &settings);
        if (r < 0)
                return refuse_message(r, error);
        download_change(link->download, &settings);
        return sd_bus_reply_method_return(m, NULL);
}

static int method_stop(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Link *link = userdata;

        link->has_order = true;
        if (link->download)
                download_stop(link->download);
        return sd_bus_reply_method_return(m, NULL);
}

static const sd_bus_vtable worker_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD(WORKER_DOWNLOAD,
                      WORKER_DOWNLOAD_SIGNATURE,
                      NULL,
                      method_download,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD(WORKER_PUBLISH,
                      WORKER_PUBLISH_SIGNATURE,
                      WORKER_FAILURES_SIGNATURE,
                      method_publish,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD(WORKER_CLEAN,
                      WORKER_CLEAN_SIGNATURE,
                      WORKER_FAILURES_SIGNATURE,
                      method_clean,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD(WORKER_CHANGED,
                      WORKER_CHANGED_SIGNATURE,
                      NULL,
                      method_changed,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD(WORKER_STOP, NULL, NULL, method_stop, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL(WORKER_READY, WORKER_READY_SIGNATURE, 0),
        SD_BUS_SIGNAL(WORKER_PROGRESS, WORKER_PROGRESS_SIGNATURE, 0),
        SD_BUS_SIGNAL(WORKER_CHECKPOINT, WORKER_CHECKPOINT_SIGNATURE, 0),
        SD_BUS_SIGNAL(WORKER_FINISHED, NULL, 0),
        SD_BUS_SIGNAL(WORKER_FAILED, WORKER_FAILURE_SIGNATURE, 0),
        SD_BUS_VTABLE_END,
};

int link_new(sd_event *event, int fd, Link **ret)
{
        _cleanup_(link_freep) Link *link = calloc(1, sizeof(*link));
        _cleanup_close_ int owned_fd = fd;
        sd_id128_t id;
        int r;

        if (!link)
                return -ENOMEM;
        link->event = sd_event_ref(event);
        r = sd_id128_randomize(&id);
        if (r >= 0)
                r = sd_bus_new(&link->bus);
        if (r >= 0)
                r = sd_bus_set_fd(link->bus, fd, fd);
        if (r < 0)
                return r;
        (void) steal_fd(&owned_fd);
        r = questions_new(link->bus, &link->questions);
        if (r >= 0)
                r = sd_bus_set_server(link->bus, true, id);
        if (r >= 0)
                r = sd_bus_negotiate_fds(link->bus, true);
        if (r >= 0)
                r = sd_bus_set_exit_on_disconnect(link->bus, true);
        if (r >= 0)
                r = sd_bus_add_object_vtable(link->bus,
                                             NULL,
                                             WORKER_PATH,
                                             WORKER_INTERFACE,
                                             worker_vtable,
                                             link);
        if (r >= 0)
                r = sd_bus_start(link->bus);
        if (r >= 0)
                r = sd_bus_attach_event(link->bus, event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(link);
        return 0;
}

Link *link_free(Link *link)
{
        if (!link)
                return NULL;
        if (link->download)
                download_stop(link->download);
        link->download = download_free(link->download);
        questions_free(link->questions);
        sd_bus_close_unref(link->bus);
        sd_event_unref(link->event);
        free(link);
        return NULL;
}

int link_report_ready(Link *link)
{
        return sd_bus_emit_signal(link->bus,
                                  WORKER_PATH,
                                  WORKER_INTERFACE,
                                  WORKER_READY,
                                  WORKER_READY_SIGNATURE,
                                  (uint32_t) WORKER_PROTOCOL_VERSION);
}
