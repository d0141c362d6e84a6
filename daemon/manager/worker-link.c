#include "manager/worker-link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>

#include "dbus/spawn-wire.h"
#include "dbus/worker-wire.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"

#include "manager/live-settings.h"
#include "model/limits.h"
#include "model/url.h"
#include "model/wire-codec.h"
#include "model/wire-failure.h"
#include "model/wire-settings.h"

/* To become Ready; dosvc-spawn may have to look the user up over a network before. */
#define READY_TIMEOUT_USEC (30 * USEC_PER_SEC)

/* To answer a task; publishing may have to write many bytes to the disk. */
#define ANSWER_TIMEOUT_USEC (600 * USEC_PER_SEC)

/* A download is asked this often whether it is alive, and has the same time to answer. */
#define PING_USEC (60 * USEC_PER_SEC)

/* For the process to end, after Stop or after the end of its task. */
#define STOP_TIMEOUT_USEC (5 * USEC_PER_SEC)

/* The number of schemes that one challenge can name. */
#define OFFERED_MAX 16

/* Answers that a worker may leave unread, since each holds a descriptor; it asks a few at a time.
 */
#define UNREAD_MAX 64

typedef enum LinkState {
        LINK_STARTING, /* the spawner was asked for a process, which is not Ready yet */
        LINK_WORKING,
        LINK_ENDING, /* the link is closed, the process has not ended yet */
        LINK_ENDED,
} LinkState;

struct WorkerLink {
        sd_event *event; /* owned reference */
        Spawner *spawner;
        const WorkerLinkEvents *events;
        void *userdata;
        LinkState state;
        uint64_t worker; /* id at the spawner; 0: the process has ended */
        sd_bus *bus;
        sd_bus_slot *answer; /* the answer to the task or to Stop */
        sd_bus_slot *ping;
        sd_event_source *deadline;
        sd_event_source *report_end;
        sd_event_source *drain;
        int result;
        char *text;
        bool stopping;
        bool done; /* Finished or Failed has come, or the answer to the task */

        /* The order. */
        WorkerTask task;
        char job_id[SD_ID128_STRING_MAX];
        FileRecord *files;
        size_t n_files;
        JobSettings settings; /* freed when they are sent */
        uint32_t umask;

        LiveSettings *live;           /* NULL: the order of a DOWNLOAD was not sent yet */
        Answers *answers;             /* borrowed; NULL: not a DOWNLOAD */
        sd_bus_message *find_proxies; /* the call that waits for its answer; NULL: none */
};

/* ---- the end --------------------------------------------------------------------------------- */

static int on_report_end(sd_event_source *source, void *userdata)
{
        WorkerLink *link = userdata;

        link->events->ended(link->userdata, link->result, link->text ? link->text : "");
        return 0;
}

/* The process is gone. This may be a callback of the bus, so ended() is called from the loop. */
static void end(WorkerLink *link)
{
        if (link->state == LINK_ENDED)
                return;
        link->state = LINK_ENDED;
        link->worker = 0;
        (void) sd_event_add_defer(link->event, &link->report_end, on_report_end, link);
}

static void set_deadline(WorkerLink *link, uint64_t usec)
{
        (void) sd_event_source_set_time_relative(link->deadline, usec);
        (void) sd_event_source_set_enabled(link->deadline, SD_EVENT_ONESHOT);
}

static void stop_answers(WorkerLink *link)
{
        if (link->answers)
                answers_stop(link->answers);
        link->find_proxies = sd_bus_message_unref(link->find_proxies);
}

/* Closes the link, upon which the process ends or is killed. The first reason is the one reported.
 */
static void finish(WorkerLink *link, int result, const char *text)
{
        if (link->state >= LINK_ENDING)
                return;
        link->state = LINK_ENDING;
        link->result = result;
        (void) str_set(&link->text, text);
        link->answer = sd_bus_slot_unref(link->answer);
        live_settings_stop(link->live);
        stop_answers(link);
        sd_bus_close(link->bus);
        if (result < 0)
                spawner_kill(link->spawner, link->worker);
        set_deadline(link, STOP_TIMEOUT_USEC);
}

/* A download that was asked to stop has done its part; other tasks have to answer first. */
static int end_result(const WorkerLink *link, int otherwise)
{
        if (link->done)
                return 0;
        if (!link->stopping)
                return otherwise;
        return link->task == WORKER_TASK_DOWNLOAD ? 0 : -ECANCELED;
}

/* The worker broke the contract; hostile or faulty, no further message of it counts. */
static int distrust(WorkerLink *link, const char *what)
{
        _cleanup_free_ char *text = NULL;

        (void) str_format(&text, "The worker broke the contract: %s", what);
        finish(link, -EPROTO, text ? text : "The worker broke the contract");
        return 0;
}

static int on_pong(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        WorkerLink *link = userdata;

        /* An error here is from sd-bus itself: no answer came, so the question stays open. */
        if (!sd_bus_message_is_method_error(m, NULL))
                link->ping = sd_bus_slot_unref(link->ping);
        return 0;
}

/* Asks a download whether it is alive; false if it has not answered the last question. */
static bool ping(WorkerLink *link)
{
        if (link->answer || link->ping)
                return false;
        if (sd_bus_call_method_async(link->bus,
                                     &link->ping,
                                     NULL,
                                     WORKER_PATH,
                                     "org.freedesktop.DBus.Peer",
                                     "Ping",
                                     on_pong,
                                     link,
                                     NULL) < 0)
                return false;
        set_deadline(link, PING_USEC);
        return true;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
        WorkerLink *link = userdata;

        switch (link->state) {
        case LINK_STARTING:
                finish(link, -ETIMEDOUT, "The worker did not become ready in time");
                break;
        case LINK_WORKING:
                if (link->task == WORKER_TASK_DOWNLOAD && !link->stopping && ping(link))
                        break;
                finish(link, end_result(link, -ETIMEDOUT), "The worker did not answer in time");
                spawner_kill(link->spawner, link->worker);
                break;
        case LINK_ENDING:
                spawner_kill(link->spawner, link->worker);
                set_deadline(link, STOP_TIMEOUT_USEC);
                break;
        case LINK_ENDED:
        default:
                break;
        }
        return 0;
}

static void on_spawner_event(void *userdata, SpawnerEvent event, int value)
{
        WorkerLink *link = userdata;
        _cleanup_free_ char *text = NULL;

        switch (event) {
        case SPAWNER_STARTED:
                return;
        case SPAWNER_REFUSED:
                (void) str_format(&text, "No worker could be started: %s", strerrordesc_np(-value));
                finish(link, value, text ? text : "");
                break;
        case SPAWNER_EXITED:
                if (WIFSIGNALED(value))
                        (void) str_format(&text,
                                          "The worker was killed by signal %d",
                                          WTERMSIG(value));
                else
                        (void) str_format(&text,
                                          "The worker ended early with status %d",
                                          WEXITSTATUS(value));
                finish(link, end_result(link, -ECONNRESET), text);
                if (!link->text)
                        link->text = STEAL_PTR(text);
                break;
        case SPAWNER_LOST:
        default:
                finish(link, -ECONNABORTED, "The spawner went away and took the worker with it");
                break;
        }
        end(link);
}

/* ---- messages of the worker ------------------------------------------------------------------ */

static bool is_own_file(const WorkerLink *link, uint32_t index)
{
        return file_records_find(link->files, link->n_files, index);
}

static int on_progress(WorkerLink *link, sd_bus_message *m)
{
        uint32_t file;
        uint64_t bytes, total;
        size_t n = 0;
        int r;

        if (!sd_bus_message_has_signature(m, WORKER_PROGRESS_SIGNATURE))
                return distrust(link, "signature of Progress");
        (void) sd_bus_message_enter_container(m, 'a', "(utt)");
        while ((r = sd_bus_message_read(m, "(utt)", &file, &bytes, &total)) > 0) {
                if (!is_own_file(link, file) || ++n > link->n_files ||
                    (total != DOSVC_SIZE_UNKNOWN && bytes > total))
                        return distrust(link, "Progress of a file that is not its own");
                link->events->progress(link->userdata, file, bytes, total);
        }
        return r < 0 ? distrust(link, "Progress that cannot be read") : 0;
}

static int on_checkpoint(WorkerLink *link, sd_bus_message *m)
{
        FileRecord *records = NULL;
        size_t n_records = 0;
        bool own;

        if (!sd_bus_message_has_signature(m, WORKER_CHECKPOINT_SIGNATURE) ||
            wire_read_files(m, link->n_files, &records, &n_records) < 0)
                return distrust(link, "Checkpoint that cannot be read");
        own = n_records <= link->n_files;
        for (size_t i = 0; i < n_records; i++)
                own = own && is_own_file(link, records[i].index);
        if (own)
                link->events->checkpoint(link->userdata, records, n_records);
        file_records_free(records, n_records);
        return own ? 0 : distrust(link, "Checkpoint of a file that is not its own");
}

static int on_finished(WorkerLink *link, sd_bus_message *m)
{
        link->done = true;
        link->events->finished(link->userdata);
        finish(link, 0, "");
        return 0;
}

static int on_failed(WorkerLink *link, sd_bus_message *m)
{
        _cleanup_(failure_done) Failure failure = FAILURE_NONE;

        if (wire_read_failure(m, link->files, link->n_files, &failure) < 0)
                return distrust(link, "Failed that cannot be read");
        link->done = true;
        link->events->failed(link->userdata, &failure);
        finish(link, 0, "");
        return 0;
}

/* ---- questions of the worker ----------------------------------------------------------------- */

static int reply_credential(sd_bus_message *call, const Credential *credential)
{
        _cleanup_close_ int fd = fd_new_sealed("dosvc-credential",
                                               secret_data(credential->secret),
                                               secret_size(credential->secret));

        if (fd < 0)
                return fd;
        return sd_bus_reply_method_return(call,
                                          WORKER_AUTHENTICATE_REPLY_SIGNATURE,
                                          auth_scheme_to_string(credential->scheme),
                                          (int) credential->implicit,
                                          credential->user_name, /* sd-bus writes NULL as "" */
                                          fd);
}

static int reply_no_credential(sd_bus_message *call, int error)
{
        if (error == -ENOENT)
                return sd_bus_reply_method_errorf(call,
                                                  DOSVC_ERROR_PREFIX "NotFound",
                                                  "No credential fits");
        /* The worker ends, and the job is tried again. */
        return sd_bus_reply_method_errorf(call,
                                          DOSVC_ERROR_PREFIX "Failed",
                                          "The credential cannot be given now");
}

/* The known ones among the names of schemes, as bits 1 << AuthScheme. */
static unsigned read_schemes(char *const *names)
{
        unsigned schemes = 0;

        for (; *names; names++) {
                int scheme = auth_scheme_from_string(*names);

                if (scheme >= 0)
                        schemes |= 1U << scheme;
        }
        return schemes;
}

static int on_authenticate(WorkerLink *link, sd_bus_message *m)
{
        _cleanup_(strings_freep) char **offered = NULL;
        Credential credential = { 0 };
        const char *text;
        uint32_t file;
        uint64_t n_unread = 0;
        int target, r;

        if (sd_bus_get_n_queued_write(link->bus, &n_unread) < 0 || n_unread > UNREAD_MAX)
                return distrust(link, "answers that it does not read");
        if (!sd_bus_message_has_signature(m, WORKER_AUTHENTICATE_SIGNATURE) ||
            sd_bus_message_read(m, "us", &file, &text) < 0 ||
            wire_read_strings(m, OFFERED_MAX, &offered) < 0)
                return distrust(link, "Authenticate that cannot be read");
        target = auth_target_from_string(text);
        if (target < 0 || !is_own_file(link, file))
                return distrust(link, "Authenticate with values out of range");

        r = answers_authenticate(link->answers,
                                 file,
                                 (AuthTarget) target,
                                 read_schemes(offered),
                                 &credential);
        if (r >= 0)
                r = reply_credential(m, &credential);
        if (r < 0)
                r = reply_no_credential(m, r);
        credential_done(&credential);
        return r < 0 ? distrust(link, "Authenticate that cannot be answered") : 0;
}

static int reply_proxies(sd_bus_message *call, char **proxies)
{
        sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(call, &reply);

        if (r >= 0)
                r = sd_bus_message_append_strv(reply, proxies);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

/* answers_proxies_t */
static void on_proxies(void *userdata, char **proxies, const char *reason)
{
        WorkerLink *link = userdata;
        sd_bus_message *call = STEAL_PTR(link->find_proxies);
        int r = proxies ? reply_proxies(call, proxies)
                        : sd_bus_reply_method_errorf(call,
                                                     DOSVC_ERROR_PREFIX "Failed",
                                                     "%s",
                                                     reason);

        sd_bus_message_unref(call);
        if (r < 0)
                (void) distrust(link, "FindProxies that cannot be answered");
}

static int on_find_proxies(WorkerLink *link, sd_bus_message *m)
{
        _cleanup_free_ char *origin = NULL;
        const char *url;

        if (!sd_bus_message_has_signature(m, "s") || sd_bus_message_read(m, "s", &url) < 0 ||
            strlen(url) > LIMIT_WORKER_TEXT || url_origin(url, &origin) < 0)
                return distrust(link, "FindProxies that cannot be read");
        if (link->find_proxies)
                return distrust(link, "FindProxies that it may not ask");
        link->find_proxies = sd_bus_message_ref(m);
        if (answers_find_proxies(link->answers, origin, on_proxies, link) < 0)
                return distrust(link, "FindProxies that it may not ask");
        return 0;
}

/* ---- the order ------------------------------------------------------------------------------- */

/* The answer to Publish and Clean. */
static int read_failures(WorkerLink *link, sd_bus_message *m)
{
        _cleanup_(failure_list_done) FailureList failures = { 0 };

        if (wire_read_failures(m, link->files, link->n_files, &failures) < 0)
                return distrust(link, "an answer that cannot be read");
        link->done = true;
        for (size_t i = 0; i < failures.n_entries; i++)
                link->events->failed(link->userdata, &failures.entries[i]);
        finish(link, 0, "");
        return 0;
}

static int on_refusal(WorkerLink *link, const sd_bus_error *error)
{
        _cleanup_free_ char *reason = NULL;

        if (!error->message || strlen(error->message) > LIMIT_WORKER_TEXT)
                return distrust(link, "a refusal that cannot be read");
        (void) str_format(&reason, "The worker refused its task: %s", error->message);
        finish(link, -EPROTO, reason ? reason : "");
        return 0;
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        WorkerLink *link = userdata;

        if (sd_bus_message_is_method_error(m, NULL))
                return on_refusal(link, sd_bus_message_get_error(m));
        if (link->task == WORKER_TASK_DOWNLOAD && link->stopping) {
                finish(link, 0, "");
                return 0;
        }
        if (link->task == WORKER_TASK_DOWNLOAD) {
                /* From now on the worker keeps its own time limits; here it only has to stay alive.
                 */
                link->answer = sd_bus_slot_unref(link->answer);
                set_deadline(link, PING_USEC);
                return 0;
        }
        return read_failures(link, m);
}

static int send_task(WorkerLink *link)
{
        static const char *const tasks[] = {
                [WORKER_TASK_DOWNLOAD] = WORKER_DOWNLOAD,
                [WORKER_TASK_PUBLISH] = WORKER_PUBLISH,
                [WORKER_TASK_CLEAN] = WORKER_CLEAN,
        };
        sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(link->bus,
                                           &m,
                                           NULL,
                                           WORKER_PATH,
                                           WORKER_INTERFACE,
                                           tasks[link->task]);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", link->job_id);
        if (r >= 0 && link->task == WORKER_TASK_DOWNLOAD)
                r = wire_append_settings(m, &link->settings, SETTING_FOR_WORKER);
        if (r >= 0 && link->task == WORKER_TASK_PUBLISH)
                r = sd_bus_message_append(m, "u", link->umask);
        if (r >= 0)
                r = wire_append_files(m, link->files, link->n_files);
        if (r >= 0)
                r = sd_bus_call_async(link->bus, &link->answer, m, on_answer, link, UINT64_MAX);
        sd_bus_message_unref(m);
        return r < 0 ? r : 0;
}

/* ---- changed settings ------------------------------------------------------------------------ */

/* live_settings_failed_t */
static void on_change_failed(void *userdata)
{
        finish(userdata, -EPROTO, "The worker did not take its changed settings");
}

/* The order has not been sent, and the worker may ask nothing yet. */
static int change_order(WorkerLink *link, const JobSettings *settings)
{
        JobSettings copy;
        int r = job_settings_copy(&copy, settings);

        if (r < 0)
                return r;
        if (job_settings_exchange(&link->settings, &copy, SETTING_FOR_ANY_WORKER) &
            SETTINGS_OF_PROXIES)
                answers_change_proxies(link->answers, (ProxySource) link->settings.proxy_source);
        job_settings_done(&copy);
        return 0;
}

void worker_link_change(WorkerLink *link, const JobSettings *settings)
{
        int r;

        if (link->task != WORKER_TASK_DOWNLOAD || link->stopping || link->state >= LINK_ENDING)
                return;
        r = link->live ? live_settings_change(link->live, settings) : change_order(link, settings);
        if (r < 0)
                finish(link, -EIO, "The worker could not be told its changed settings");
}

/* ---- messages in general --------------------------------------------------------------------- */

static int on_ready(WorkerLink *link, sd_bus_message *m)
{
        uint32_t version;
        int r;

        if (link->state != LINK_STARTING)
                return distrust(link, "a second Ready");
        if (sd_bus_message_read(m, WORKER_READY_SIGNATURE, &version) < 0 ||
            version != WORKER_PROTOCOL_VERSION)
                return distrust(link, "its version");
        link->state = LINK_WORKING;
        set_deadline(link, ANSWER_TIMEOUT_USEC);
        r = send_task(link);
        if (r >= 0 && link->task == WORKER_TASK_DOWNLOAD)
                r = live_settings_new(link->bus,
                                      link->answers,
                                      &link->settings,
                                      on_change_failed,
                                      link,
                                      &link->live);
        job_settings_done(&link->settings); /* secrets among them go as soon as they are sent */
        if (r < 0)
                finish(link, -EIO, "The task could not be sent to the worker");
        return 0;
}

/*
 * Messages that arrived together with the end of the authentication are in the buffer of sd-bus
 * already, so the descriptor does not become readable for them. They are processed one in each
 * iteration of the loop, because a worker that never stops sending must not block it.
 */
static int on_drain(sd_event_source *source, void *userdata)
{
        WorkerLink *link = userdata;

        if (link->state < LINK_ENDING && sd_bus_process(link->bus, NULL) > 0)
                (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        return 0;
}

static const struct {
        const char *name;
        bool is_call;
        int (*handle)(WorkerLink *link, sd_bus_message *m);
} members[] = {
        { WORKER_PROGRESS, false, on_progress },
        { WORKER_CHECKPOINT, false, on_checkpoint },
        { WORKER_FINISHED, false, on_finished },
        { WORKER_FAILED, false, on_failed },
        { WORKER_AUTHENTICATE, true, on_authenticate },
        { WORKER_FIND_PROXIES, true, on_find_proxies },
};

/* Without this sd-bus would answer unknown calls, and quote as much as the worker sends. */
static int on_unknown(WorkerLink *link, sd_bus_message *m)
{
        if (sd_bus_message_is_method_call(m, NULL, NULL) > 0)
                (void) distrust(link, "a call that is not in it");
        return 1;
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        WorkerLink *link = userdata;

        if (sd_bus_message_is_signal(m, "org.freedesktop.DBus.Local", "Connected")) {
                (void) sd_event_add_defer(link->event, &link->drain, on_drain, link);
                return 1;
        }
        if (sd_bus_message_is_signal(m, "org.freedesktop.DBus.Local", "Disconnected")) {
                finish(link,
                       end_result(link, -ECONNRESET),
                       NULL); /* its exit status will replace this reason */
                return 1;
        }
        if (link->state >= LINK_ENDING)
                return 1;
        if (sd_bus_message_is_signal(m, WORKER_INTERFACE, WORKER_READY)) {
                (void) on_ready(link, m);
                return 1;
        }
        /* No message counts before Ready, and only a download reports anything. */
        if (link->state != LINK_WORKING || link->task != WORKER_TASK_DOWNLOAD)
                return on_unknown(link, m);
        for (size_t i = 0; i < ARRAY_SIZE(members); i++)
                if ((members[i].is_call
                             ? sd_bus_message_is_method_call(m, WORKER_INTERFACE, members[i].name)
                             : sd_bus_message_is_signal(m, WORKER_INTERFACE, members[i].name)) >
                    0) {
                        (void) members[i].handle(link, m);
                        return 1;
                }
        return on_unknown(link, m);
}

/* ---- life ------------------------------------------------------------------------------------ */

static int copy_order(WorkerLink *link, const WorkerOrder *order)
{
        int r = 0;

        link->task = order->task;
        link->answers = order->answers;
        link->umask = order->umask;
        (void) sd_id128_to_string(order->job, link->job_id);
        if (order->settings)
                r = job_settings_copy(&link->settings, order->settings);
        if (r < 0)
                return r;
        link->files = calloc(order->n_files ? order->n_files : 1, sizeof(*link->files));
        if (!link->files)
                return -ENOMEM;
        for (; r >= 0 && link->n_files < order->n_files; link->n_files++)
                r = file_record_copy(&link->files[link->n_files], &order->files[link->n_files]);
        return r;
}

static int open_bus(WorkerLink *link, int *fd)
{
        int r = sd_bus_new(&link->bus);

        if (r >= 0)
                r = sd_bus_set_fd(link->bus, *fd, *fd);
        if (r >= 0) {
                (void) steal_fd(fd); /* the bus closes it from here on */
                r = sd_bus_negotiate_fds(link->bus, true);
        }
        if (r >= 0)
                r = sd_bus_set_connected_signal(link->bus, true);
        if (r >= 0)
                r = sd_bus_add_filter(link->bus, NULL, on_message, link);
        if (r >= 0)
                r = sd_bus_start(link->bus);
        if (r >= 0)
                r = sd_bus_attach_event(link->bus, link->event, SD_EVENT_PRIORITY_NORMAL);
        return r;
}

int worker_link_new(sd_event *event,
                    Spawner *spawner,
                    const WorkerOrder *order,
                    const WorkerLinkEvents *events,
                    void *userdata,
                    WorkerLink **ret)
{
        _cleanup_(worker_link_freep) WorkerLink *link = calloc(1, sizeof(*link));
        _cleanup_close_ int ours = -EBADF, theirs = -EBADF;
        int pair[2], r;

        if (!link)
                return -ENOMEM;
        link->event = sd_event_ref(event);
        link->spawner = spawner;
        link->events = events;
        link->userdata = userdata;
        r = copy_order(link, order);
        if (r < 0)
                return r;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
                return -errno;
        ours = pair[0];
        theirs = pair[1];
        r = sd_event_add_time_relative(event,
                                       &link->deadline,
                                       CLOCK_BOOTTIME,
                                       READY_TIMEOUT_USEC,
                                       0,
                                       on_deadline,
                                       link);
        if (r >= 0)
                r = open_bus(link, &ours);
        if (r >= 0)
                r = spawner_start(spawner,
                                  SPAWN_PROGRAM_WORKER,
                                  order->owner_uid,
                                  order->owner_name,
                                  theirs,
                                  on_spawner_event,
                                  link,
                                  &link->worker);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(link);
        return 0;
}

WorkerLink *worker_link_free(WorkerLink *link)
{
        if (!link)
                return NULL;
        if (link->worker)
                spawner_forget(link->spawner, link->worker);
        stop_answers(link);
        sd_bus_slot_unref(link->answer);
        sd_bus_slot_unref(link->ping);
        live_settings_free(link->live);
        sd_bus_close_unref(link->bus);
        sd_event_source_disable_unref(link->deadline);
        sd_event_source_disable_unref(link->report_end);
        sd_event_source_disable_unref(link->drain);
        file_records_free(link->files, link->n_files);
        job_settings_done(&link->settings);
        free(link->text);
        sd_event_unref(link->event);
        free(link);
        return NULL;
}

void worker_link_stop(WorkerLink *link)
{
        if (link->stopping || link->state >= LINK_ENDING)
                return;
        link->stopping = true;
        live_settings_stop(link->live);
        set_deadline(link, STOP_TIMEOUT_USEC);
        if (link->state == LINK_STARTING) {
                finish(link, end_result(link, 0), "");
                return;
        }
        if (link->task != WORKER_TASK_DOWNLOAD)
                return; /* other tasks end soon by themselves */
        link->answer = sd_bus_slot_unref(link->answer);
        if (sd_bus_call_method_async(link->bus,
                                     &link->answer,
                                     NULL,
                                     WORKER_PATH,
                                     WORKER_INTERFACE,
                                     WORKER_STOP,
                                     on_answer,
                                     link,
                                     NULL) < 0)
                finish(link, 0, "");
}
