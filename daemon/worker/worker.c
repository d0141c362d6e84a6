#include "worker/worker.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "dbus/worker-wire.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#include "worker/curl-loop.h"
#include "worker/destinations.h"
#include "worker/logins.h"
#include "worker/proxies.h"
#include "worker/rungs.h"
#include "worker/tickets.h"
#include "worker/tls.h"
#include "worker/transfer.h"

/* Files at a time, and connections to one host: measured, more is not faster. */
#define MAX_ACTIVE           8
#define MAX_HOST_CONNECTIONS 8

/* Finished files wait so long, or for so many, to share one wait of the disk. */
#define MAX_SETTLING      64
#define SETTLE_AFTER_USEC (100 * USEC_PER_MSEC)

#define TICK_USEC     (250 * USEC_PER_MSEC)
#define ACCURACY_USEC (10 * USEC_PER_MSEC)

/* What a crash may cost. */
#define CHECKPOINT_USEC  USEC_PER_SEC
#define CHECKPOINT_BYTES (256ULL * 1024 * 1024)

typedef enum FlowState {
        FLOW_FREE,
        FLOW_ACTIVE,
        FLOW_SETTLING, /* whole, not synced */
} FlowState;

/* Room for one file on its way. */
typedef struct Flow {
        FlowState state;
        Transfer *transfer;  /* owned */
        uint64_t told_bytes; /* in the last progress() */
        bool begun;          /* its record is new and not told */
} Flow;

struct Worker {
        sd_event *event;
        sd_id128_t job;
        FileRecord *records; /* owned */
        size_t n_records;
        size_t next;          /* the first that has not been started */
        char *searched;       /* URL of the question about proxies that is under way; NULL: none */
        JobSettings settings; /* owned */
        Tls *tls;
        const WorkerFacts *facts;
        void *userdata;

        Destinations *destinations;
        CurlLoop *loop;
        Rungs *rungs;
        Tickets *tickets;
        Proxies *proxies;
        Flow flows[MAX_ACTIVE + MAX_SETTLING];
        size_t n_active, n_settling;
        uint64_t checkpoint_usec;
        bool ended;

        sd_event_source *start;  /* defer */
        sd_event_source *begun;  /* defer, when nothing else is to do */
        sd_event_source *tick;   /* timer */
        sd_event_source *settle; /* timer */
};

static const TransferFacts transfer_facts;

static uint64_t now_usec(Worker *worker)
{
        uint64_t now = 0;

        (void) sd_event_now(worker->event, CLOCK_MONOTONIC, &now);
        return now;
}

/* The next flow in that state, the first after NULL. */
static Flow *next_flow(Worker *worker, FlowState state, Flow *flow)
{
        for (flow = flow ? flow + 1 : worker->flows;
             flow < worker->flows + ARRAY_SIZE(worker->flows);
             flow++)
                if (flow->state == state)
                        return flow;
        return NULL;
}

static void drop_flows(Worker *worker, FlowState state)
{
        for (Flow *flow = NULL; (flow = next_flow(worker, state, flow));) {
                transfer_free(flow->transfer);
                *flow = (Flow){ 0 };
        }
}

/* No more connections, credentials or timers: what is left is to be hung up. */
static void wind_up(Worker *worker)
{
        worker->ended = true;
        drop_flows(worker, FLOW_ACTIVE);
        drop_flows(worker, FLOW_SETTLING);
        worker->n_active = worker->n_settling = 0;
        worker->loop = curl_loop_free(worker->loop);
        worker->start = sd_event_source_disable_unref(worker->start);
        worker->begun = sd_event_source_disable_unref(worker->begun);
        worker->tick = sd_event_source_disable_unref(worker->tick);
        worker->settle = sd_event_source_disable_unref(worker->settle);
}

/* As transfer_sync(); the first error is kept with its file. */
static int sync_flow(Flow *flow, Failure *failure, uint32_t *ret_file)
{
        const FileRecord *record = transfer_record(flow->transfer);
        int r = transfer_sync(flow->transfer);

        if (r < 0 && !failure->code) {
                failure_set_local(failure, r, record->local_name);
                *ret_file = record->index;
        }
        return r;
}

/*
 * Puts on disk what has come and tells it: data first, then the entries of the directories,
 * then the word. The settling files are done with. *ret_file and failure tell the first error.
 */
static void checkpoint(Worker *worker, Failure *failure, uint32_t *ret_file)
{
        const FileRecord *records[MAX_ACTIVE + MAX_SETTLING];
        size_t n = 0;
        int r;

        /* All begin to write before the first one waits. */
        for (Flow *flow = NULL; (flow = next_flow(worker, FLOW_SETTLING, flow));)
                transfer_start_sync(flow->transfer);
        for (Flow *flow = NULL; (flow = next_flow(worker, FLOW_ACTIVE, flow));) {
                r = sync_flow(flow, failure, ret_file);
                if (r != 0 || flow->begun)
                        records[n++] = transfer_record(flow->transfer);
        }
        for (Flow *flow = NULL; (flow = next_flow(worker, FLOW_SETTLING, flow));) {
                FileRecord *record = transfer_record(flow->transfer);

                if (sync_flow(flow, failure, ret_file) >= 0)
                        record->finished = true;
                records[n++] = record;
        }
        r = destinations_sync(worker->destinations);
        if (r < 0) {
                failure_set_internal(failure, r);
                return;
        }
        if (n > 0)
                worker->facts->checkpoint(worker->userdata, records, n);
        for (Flow *flow = NULL; (flow = next_flow(worker, FLOW_ACTIVE, flow));)
                flow->begun = false;
        drop_flows(worker, FLOW_SETTLING);
        worker->n_settling = 0;
        worker->checkpoint_usec = now_usec(worker);
        (void) sd_event_source_set_enabled(worker->settle, SD_EVENT_OFF);
}

static void halt_flows(Worker *worker)
{
        for (Flow *flow = NULL; (flow = next_flow(worker, FLOW_ACTIVE, flow));)
                transfer_halt(flow->transfer);
}

void worker_stop(Worker *worker)
{
        uint32_t file = WORKER_NO_FILE;
        Failure failure = { 0 };

        if (worker->ended)
                return;
        halt_flows(worker);
        if (worker->destinations)
                checkpoint(worker, &failure, &file);
        if (failure.code)
                log_warning("The last bytes could not be written: %s",
                            failure.description ? failure.description : "out of memory");
        failure_done(&failure);
        wind_up(worker);
}

/* The first failure ends all: what the others have is kept. */
static void fail(Worker *worker, uint32_t file, Failure *failure)
{
        Failure first;

        failure_move(&first, failure);
        worker_stop(worker);
        worker->facts->failed(worker->userdata, file, &first);
        failure_done(&first);
}

static void checkpoint_or_fail(Worker *worker)
{
        uint32_t file = WORKER_NO_FILE;
        Failure failure = { 0 };

        checkpoint(worker, &failure, &file);
        if (failure.code)
                fail(worker, file, &failure);
}

static int start_file(Worker *worker, FileRecord *record, Failure *failure)
{
        TransferPlace place = {
                .event = worker->event,
                .job = worker->job,
                .loop = worker->loop,
                .rungs = worker->rungs,
                .tickets = worker->tickets,
                .proxies = worker->proxies,
                .tls = worker->tls,
                .settings = &worker->settings,
        };
        Flow *flow;
        int r = destinations_add(worker->destinations, record->local_name, &place.destination);

        if (r < 0) {
                failure_set_local(failure, r, record->local_name);
                return r;
        }
        /* There is always one: fewer than MAX_ACTIVE run and fewer than MAX_SETTLING wait. */
        flow = next_flow(worker, FLOW_FREE, NULL);
        assert(flow);
        r = transfer_new(&place, record, &transfer_facts, worker, &flow->transfer);
        if (r < 0)
                return r;
        flow->told_bytes = transfer_received(flow->transfer);
        flow->state = FLOW_ACTIVE;
        worker->n_active++;
        return 0;
}

static bool is_done(const Worker *worker)
{
        return worker->n_active == 0 && worker->next == worker->n_records;
}

static void start_files(Worker *worker)
{
        while (worker->n_active < MAX_ACTIVE && worker->next < worker->n_records) {
                FileRecord *record = &worker->records[worker->next++];
                Failure failure = { 0 };
                int r;

                if (record->finished)
                        continue;
                r = start_file(worker, record, &failure);
                if (r < 0) {
                        failure_set_internal(&failure, r);
                        fail(worker, record->index, &failure);
                        return;
                }
        }
}

static void finish_if_done(Worker *worker)
{
        if (worker->ended || !is_done(worker))
                return;
        checkpoint_or_fail(worker);
        if (worker->ended)
                return;
        wind_up(worker);
        worker->facts->finished(worker->userdata);
}

static Flow *find_flow(Worker *worker, const Transfer *transfer)
{
        for (Flow *flow = NULL; (flow = next_flow(worker, FLOW_ACTIVE, flow));) {
                if (flow->transfer == transfer)
                        return flow;
        }
        return NULL;
}

/* TransferFacts.begun */
static void on_begun(void *userdata, Transfer *transfer)
{
        Worker *worker = userdata;
        Flow *flow = find_flow(worker, transfer);

        if (!flow)
                return;
        flow->begun = true;
        (void) sd_event_source_set_enabled(worker->begun, SD_EVENT_ONESHOT);
}

/* TransferFacts.challenged */
static void on_challenged(void *userdata, Transfer *transfer, AuthTarget target, unsigned offered)
{
        Worker *worker = userdata;

        worker->facts->authenticate(worker->userdata,
                                    transfer_record(transfer)->index,
                                    target,
                                    offered);
}

/* TransferFacts.searching: one question at a time, those that wait ask again after its answer. */
static void on_searching(void *userdata, Transfer *transfer, const char *url)
{
        Worker *worker = userdata;

        if (worker->searched)
                return;
        worker->searched = strdup(url);
        if (worker->searched)
                worker->facts->find_proxies(worker->userdata, worker->searched);
        else
                transfer_find_proxies(transfer, strerrordesc_np(ENOMEM));
}

/* TransferFacts.ended */
static void on_ended(void *userdata, Transfer *transfer, Failure *failure)
{
        Worker *worker = userdata;
        Flow *flow = find_flow(worker, transfer);

        if (failure) {
                fail(worker, transfer_record(transfer)->index, failure);
                return;
        }
        flow->state = FLOW_SETTLING;
        worker->n_active--;
        if (worker->n_settling++ == 0) {
                (void) sd_event_source_set_time_relative(worker->settle, SETTLE_AFTER_USEC);
                (void) sd_event_source_set_enabled(worker->settle, SD_EVENT_ONESHOT);
        }
        transfer_start_sync(transfer);
        if (worker->n_settling == MAX_SETTLING)
                checkpoint_or_fail(worker);
        if (!worker->ended)
                start_files(worker);
        finish_if_done(worker);
}

static const TransferFacts transfer_facts = {
        .begun = on_begun,
        .challenged = on_challenged,
        .searching = on_searching,
        .ended = on_ended,
};

/* Tells the records of new temporary files, so that somebody knows of them. */
static int tell_begun(sd_event_source *source, void *userdata)
{
        Worker *worker = userdata;
        const FileRecord *records[MAX_ACTIVE];
        size_t n = 0;

        for (Flow *flow = NULL; (flow = next_flow(worker, FLOW_ACTIVE, flow));) {
                if (flow->begun)
                        records[n++] = transfer_record(flow->transfer);
                flow->begun = false;
        }
        if (n > 0)
                worker->facts->checkpoint(worker->userdata, records, n);
        return 0;
}

static void tell_progress(Worker *worker)
{
        WorkerProgress figures[MAX_ACTIVE];
        size_t n = 0;

        for (Flow *flow = NULL; (flow = next_flow(worker, FLOW_ACTIVE, flow));) {
                uint64_t received = transfer_received(flow->transfer);

                if (received == flow->told_bytes)
                        continue;
                flow->told_bytes = received;
                figures[n++] = (WorkerProgress){
                        .file = transfer_record(flow->transfer)->index,
                        .received_bytes = received,
                        .total_bytes = transfer_record(flow->transfer)->total_bytes,
                };
        }
        if (n > 0)
                worker->facts->progress(worker->userdata, figures, n);
}

static bool is_checkpoint_due(Worker *worker)
{
        uint64_t unsynced = 0;

        for (Flow *flow = NULL; (flow = next_flow(worker, FLOW_ACTIVE, flow));) {
                uint64_t received = transfer_received(flow->transfer);
                uint64_t offset = transfer_record(flow->transfer)->offset_bytes;

                unsynced += received > offset ? received - offset : 0;
        }
        return unsynced >= CHECKPOINT_BYTES ||
               (unsynced > 0 && now_usec(worker) - worker->checkpoint_usec >= CHECKPOINT_USEC);
}

/* Files that have no room of their own grow into everybody's. */
static void check_room(Worker *worker)
{
        for (Flow *flow = NULL; (flow = next_flow(worker, FLOW_ACTIVE, flow));) {
                const FileRecord *record = transfer_record(flow->transfer);
                Failure failure = { 0 };
                int r = transfer_check_room(flow->transfer);

                if (r < 0) {
                        failure_set_local(&failure, r, record->local_name);
                        fail(worker, record->index, &failure);
                        return;
                }
        }
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
        Worker *worker = userdata;

        (void) sd_event_source_set_time_relative(source, TICK_USEC);
        (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        tell_progress(worker);
        (void) tell_begun(NULL, worker);
        if (is_checkpoint_due(worker)) {
                checkpoint_or_fail(worker);
                check_room(worker);
        }
        return 0;
}

static int on_settle(sd_event_source *source, uint64_t usec, void *userdata)
{
        checkpoint_or_fail(userdata);
        return 0;
}

/* Reads what the settings name, opens all directories, then gives up the right to write anywhere
 * else. */
static int prepare(Worker *worker, Failure *failure, uint32_t *ret_file)
{
        int r = tls_new(&worker->settings, &worker->tls, failure);

        if (r >= 0)
                r = destinations_new(&worker->destinations);
        for (size_t i = 0; r >= 0 && i < worker->n_records; i++) {
                FileRecord *record = &worker->records[i];
                Destination *ignored;

                if (record->finished)
                        continue;
                r = destinations_add(worker->destinations, record->local_name, &ignored);
                if (r < 0) {
                        *ret_file = record->index;
                        failure_set_local(failure, r, record->local_name);
                }
        }
        if (r < 0)
                return r;
        r = destinations_confine(worker->destinations);
        if (r == 0)
                log_notice("This kernel has no Landlock; the worker can write wherever its "
                           "user can");
        return r < 0 ? r : curl_loop_new(worker->event, MAX_HOST_CONNECTIONS, &worker->loop);
}

static int on_start(sd_event_source *source, void *userdata)
{
        Worker *worker = userdata;
        uint32_t file = WORKER_NO_FILE;
        Failure failure = { 0 };
        int r = prepare(worker, &failure, &file);

        if (r < 0) {
                failure_set_internal(&failure, r);
                fail(worker, file, &failure);
                return 0;
        }
        worker->checkpoint_usec = now_usec(worker);
        start_files(worker);
        finish_if_done(worker);
        return 0;
}

static int add_sources(Worker *worker)
{
        sd_event *event = worker->event;
        int r = sd_event_add_defer(event, &worker->start, on_start, worker);

        if (r >= 0)
                r = sd_event_add_defer(event, &worker->begun, tell_begun, worker);
        if (r >= 0)
                r = sd_event_source_set_enabled(worker->begun, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(worker->begun, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0)
                r = sd_event_add_time_relative(event,
                                               &worker->tick,
                                               CLOCK_MONOTONIC,
                                               TICK_USEC,
                                               ACCURACY_USEC,
                                               on_tick,
                                               worker);
        if (r >= 0)
                r = sd_event_add_time_relative(event,
                                               &worker->settle,
                                               CLOCK_MONOTONIC,
                                               0,
                                               ACCURACY_USEC,
                                               on_settle,
                                               worker);
        if (r >= 0)
                r = sd_event_source_set_enabled(worker->settle, SD_EVENT_OFF);
        return r;
}

int worker_new(sd_event *event,
               const WorkerOrder *order,
               const WorkerFacts *facts,
               void *userdata,
               Worker **ret)
{
        _cleanup_(worker_freep) Worker *worker = calloc(1, sizeof(*worker));
        const JobSettings *settings = &order->settings;
        int r;

        if (!worker)
                return -ENOMEM;
        worker->event = sd_event_ref(event);
        worker->facts = facts;
        worker->userdata = userdata;
        r = proxies_new((ProxySource) settings->proxy_source,
                        settings->proxies,
                        settings->proxy_bypass,
                        &worker->proxies);
        if (r >= 0)
                r = rungs_new(&worker->rungs);
        if (r >= 0)
                r = tickets_new(event,
                                settings->ticket_cache ? settings->ticket_cache : "",
                                &worker->tickets);
        if (r >= 0)
                r = add_sources(worker);
        if (r < 0)
                return r;
        worker->settings = *settings;
        worker->job = order->job;
        worker->records = order->records;
        worker->n_records = order->n_records;
        *ret = STEAL_PTR(worker);
        return 0;
}

Worker *worker_free(Worker *worker)
{
        if (!worker)
                return NULL;
        wind_up(worker);
        destinations_free(worker->destinations);
        rungs_free(worker->rungs);
        tickets_free(worker->tickets);
        proxies_free(worker->proxies);
        for (size_t i = 0; i < worker->n_records; i++)
                file_record_done(&worker->records[i]);
        free(worker->records);
        tls_free(worker->tls);
        job_settings_done(&worker->settings);
        free(worker->searched);
        sd_event_unref(worker->event);
        free(worker);
        return NULL;
}

void worker_answer(Worker *worker, uint32_t file, const LoginsAnswer *answer)
{
        for (Flow *flow = NULL; (flow = next_flow(worker, FLOW_ACTIVE, flow));) {
                if (transfer_record(flow->transfer)->index == file &&
                    transfer_is_asking(flow->transfer)) {
                        transfer_answer(flow->transfer, answer);
                        return;
                }
        }
        secret_free(answer->secret);
}

void worker_found_proxies(Worker *worker, int result, char *const *proxies, const char *reason)
{
        _cleanup_free_ char *url = STEAL_PTR(worker->searched);

        if (!url || worker->ended)
                return;
        if (result >= 0) {
                result = proxies_found(worker->proxies, url, proxies);
                reason = "The answer is no list of proxies.";
        }
        for (Flow *flow = NULL; (flow = next_flow(worker, FLOW_ACTIVE, flow));)
                if (transfer_is_searching(flow->transfer))
                        transfer_find_proxies(flow->transfer, result < 0 ? reason : NULL);
}
