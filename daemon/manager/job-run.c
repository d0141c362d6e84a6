#include "manager/job-run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/worker-wire.h"

#include "base/str.h"

#include "model/error-code.h"
#include "model/file-record.h"
#include "model/url.h"

/* Shorter spans tell more about the scheduler of the kernel than about the network. */
#define RATE_SPAN_USEC (250 * USEC_PER_MSEC)

/* Credentials that the worker has got for a file, bits 1 << AuthScheme. */
typedef struct Given {
        uint8_t schemes[AUTH_TARGETS_MAX];
} Given;

_Static_assert(AUTH_SCHEMES_MAX <= 8, "schemes of one target fit into a byte");

struct JobRun {
        Job *job;     /* borrowed: not freed while it runs */
        Owner *owner; /* borrowed: not freed while n_active counts us */
        WorkerTask task;
        WorkerLink *link; /* owned */
        const Clock *clock;
        const JobRunEvents *events;
        sd_event_source *not_started; /* tells a failed start from the loop */
        bool stopping;
        bool finished;
        bool failed;
        bool transient;
        bool no_process; /* -EAGAIN instead of a worker */
        bool told_all;
        JobFailure failure;
        Given *given; /* per file */
        uint32_t n_files;
        uint64_t rate_since_usec;
        uint64_t rate_bytes;
};

int job_run_new(Job *job,
                WorkerTask task,
                const Clock *clock,
                const JobRunEvents *events,
                JobRun **ret)
{
        JobRun *run = calloc(1, sizeof(*run));

        if (!run)
                return -ENOMEM;
        run->job = job;
        run->owner = job->owner;
        run->task = task;
        run->clock = clock;
        run->events = events;
        run->failure.file = -1;
        job->run = run;
        *ret = run;
        return 0;
}

JobRun *job_run_free(JobRun *run)
{
        if (!run)
                return NULL;
        worker_link_free(run->link);
        sd_event_source_disable_unref(run->not_started);
        run->job->run = NULL;
        run->job->rate_bps = 0;
        free(run->failure.description);
        free(run->failure.url);
        free(run->given);
        free(run);
        return NULL;
}

WorkerTask job_run_task(const JobRun *run)
{
        return run->task;
}

Owner *job_run_owner(const JobRun *run)
{
        return run->owner;
}

bool job_run_told_all(const JobRun *run)
{
        return run->told_all || !run->link;
}

uint32_t job_run_n_files(const JobRun *run)
{
        return run->n_files;
}

bool job_run_is_started(const JobRun *run)
{
        return run->link || run->not_started;
}

static void set_failure(JobRun *run,
                        uint32_t code,
                        ErrorContext context,
                        const char *description,
                        const char *url)
{
        run->failed = true;
        run->failure.code = code;
        run->failure.context = context;
        (void) str_set(&run->failure.description, description);
        (void) str_set(&run->failure.url, url);
}

static void end(JobRun *run)
{
        JobOutcome outcome = run->failed
                                     ? run->transient ? JOB_OUTCOME_TRANSIENT : JOB_OUTCOME_FATAL
                             : run->finished ? JOB_OUTCOME_DONE
                                             : JOB_OUTCOME_STOPPED;

        /* What came in before Stop counts, but the owner's word is the later one. */
        if (run->stopping && run->task == WORKER_TASK_DOWNLOAD)
                outcome = JOB_OUTCOME_STOPPED;
        else if (run->no_process)
                outcome = JOB_OUTCOME_NO_PROCESS;
        run->events->ended(run->job->manager, run->job, outcome, &run->failure);
}

static void on_progress(void *userdata, uint32_t file, uint64_t bytes, uint64_t total)
{
        JobRun *run = userdata;
        Job *job = run->job;
        uint64_t now = clock_boottime(run->clock), span;

        if (file >= job->n_files || run->stopping)
                return;
        job_set_live(job, file, bytes, total);

        if (run->rate_since_usec == 0 || job->bytes_transferred < run->rate_bytes) {
                run->rate_since_usec = now;
                run->rate_bytes = job->bytes_transferred;
        }
        span = now - run->rate_since_usec;
        if (span >= RATE_SPAN_USEC) {
                uint64_t latest = (job->bytes_transferred - run->rate_bytes) * USEC_PER_SEC / span;

                /* A moving average: a quarter of the new, three of the old. */
                job->rate_bps = job->rate_bps ? (job->rate_bps * 3 + latest) / 4 : latest;
                run->rate_since_usec = now;
                run->rate_bytes = job->bytes_transferred;
        }
        if (job->state == JOB_CONNECTING)
                run->events->receiving(run->job->manager, job);
        run->events->progress(run->job->manager, job);
}

/*
 * A redirect that the job reports, or stops at, names another place, which the worker tells
 * together with the owner's name; that one never changes here.
 */
static bool may_rename(const Job *job, const FileRecord *told)
{
        _cleanup_free_ char *url = NULL, *user = NULL, *password = NULL;
        RedirectPolicy policy = job->settings.redirect_policy;
        const char *reason;

        return (redirect_policy_reports(policy) || policy == REDIRECT_POLICY_DISALLOW) &&
               url_parse_remote_name(told->remote_name, &url, &user, &password, &reason) >= 0 &&
               !user && !password;
}

/*
 * What the owner wished is not the worker's to change. Of a file that has another remote name by
 * now only the temporary file counts, so that it is found again: its bytes are of the old place.
 */
static int take_record(Job *job, const FileRecord *told)
{
        const FileRecord *wish = &job->files[told->index].record;
        FileRecord record, mixed = *told;
        int r;

        if (!str_equal(file_record_owners_name(told), file_record_owners_name(wish))) {
                if (wish->finished)
                        return -ESTALE;
                mixed = *wish;
                mixed.temp_name = told->temp_name;
                mixed.inode = told->inode;
        } else if (!str_equal(told->remote_name, wish->remote_name) && !may_rename(job, told)) {
                mixed.remote_name = wish->remote_name;
                mixed.named_url = wish->named_url;
        }
        mixed.local_name = wish->local_name;
        mixed.checksum = wish->checksum;
        mixed.ranges = wish->ranges;
        mixed.n_ranges = wish->n_ranges;
        r = file_record_copy(&record, &mixed);
        if (r < 0)
                return r;
        job_set_file(job, told->index, &record);
        return 0;
}

static void on_checkpoint(void *userdata, const FileRecord *records, size_t n_records)
{
        JobRun *run = userdata;
        Job *job = run->job;
        _cleanup_free_ uint32_t *indexes = calloc(n_records ? n_records : 1, sizeof(*indexes));
        bool received = false;
        size_t n = 0;

        if (!indexes)
                return; /* an older offset stays recorded: bytes are fetched again, none is wrong */
        for (size_t i = 0; i < n_records; i++) {
                if (records[i].index >= job->n_files || take_record(job, &records[i]) < 0)
                        continue;
                received |= records[i].offset_bytes > 0 || records[i].finished;
                indexes[n++] = records[i].index;
        }
        if (received && !run->stopping && job->state == JOB_CONNECTING)
                run->events->receiving(run->job->manager, job);
        run->events->checkpoint(run->job->manager, job, indexes, n);
}

static int
on_authenticate(void *userdata, uint32_t file, AuthTarget target, unsigned offered, Credential *ret)
{
        JobRun *run = userdata;
        uint8_t *given;
        int r;

        if (file >= run->n_files || run->stopping)
                return -ENOENT;
        /* Taken in this turn: what its new owner sets is not for a process of the old one. */
        if (run->owner != run->job->owner)
                return -ENOENT;
        /*
         * Still offered: what was given is refused, and no weaker one is tried. Not offered any
         * more: the worker could not use it.
         */
        given = &run->given[file].schemes[target];
        if (*given & offered)
                return -ENOENT;
        r = run->events->authenticate(run->job->manager, run->job, target, offered, ret);
        if (r >= 0)
                *given = (uint8_t) (*given | 1U << ret->scheme);
        return r;
}

static void on_finished(void *userdata)
{
        JobRun *run = userdata;

        run->finished = true;
}

static void on_failed(void *userdata, const WorkerFailure *failure)
{
        JobRun *run = userdata;

        if (run->failed) /* the first is the one that the owner can act on */
                return;
        set_failure(run, failure->code, failure->context, failure->description, failure->url);
        run->transient = failure->transient;
        run->failure.file = failure->file < run->job->n_files ? (int64_t) failure->file : -1;
        run->failure.retry_after_sec = failure->retry_after_sec;
}

static void on_ended(void *userdata, int result, const char *text)
{
        JobRun *run = userdata;

        run->told_all = result >= 0 || run->failed || run->finished;
        if (result < 0 && !run->failed && !run->finished && !run->stopping) {
                set_failure(run,
                            (uint32_t) ERROR_CODE_WORKER_FAILED,
                            ERROR_CONTEXT_GENERAL_QUEUE_MANAGER,
                            text,
                            "");
                run->transient = true;
                run->no_process = result == -EAGAIN;
                /* All workers go with the spawner; that says nothing of this one. */
                run->failure.lost = result != -ECONNABORTED;
        } else if (result >= 0 && run->task != WORKER_TASK_DOWNLOAD && !run->failed) {
                run->finished = true;
        }
        end(run);
}

static const WorkerLinkFacts facts = {
        .progress = on_progress,
        .checkpoint = on_checkpoint,
        .authenticate = on_authenticate,
        .finished = on_finished,
        .failed = on_failed,
        .ended = on_ended,
};

static int on_not_started(sd_event_source *source, void *userdata)
{
        end(userdata);
        return 0;
}

/* The files that the task is about, borrowed from the job. */
static FileRecord *collect_files(const JobRun *run, size_t *ret_n)
{
        const Job *job = run->job;
        FileRecord *files = calloc(job->n_files ? job->n_files : 1, sizeof(*files));
        size_t n = 0;

        for (uint32_t i = 0; files && i < job->n_files; i++) {
                const FileRecord *record = &job->files[i].record;

                if (run->task == WORKER_TASK_DOWNLOAD ? !record->finished
                                                      : job_may_have_temp(job, i))
                        files[n++] = *record;
        }
        *ret_n = n;
        return files;
}

int job_run_start(JobRun *run, sd_event *event, Spawner *spawner, const JobSettings *settings)
{
        _cleanup_free_ FileRecord *files = NULL;
        _cleanup_free_ char *text = NULL;
        size_t n_files;
        int r;

        files = collect_files(run, &n_files);
        run->n_files = run->job->n_files;
        free(run->given); /* of a start that failed */
        run->given = calloc(run->n_files ? run->n_files : 1, sizeof(*run->given));
        if (!files || !run->given)
                return -ENOMEM;

        r = worker_link_new(event,
                            spawner,
                            &(WorkerOrder){
                                    .task = run->task,
                                    .job = run->job->id,
                                    .owner_uid = run->owner->uid,
                                    .owner_name = run->owner->name,
                                    .files = files,
                                    .n_files = n_files,
                                    .settings = settings,
                            },
                            &facts,
                            run,
                            &run->link);
        if (r >= 0)
                return 0;

        run->no_process = r == -EAGAIN;
        if (str_format(&text, "No worker could be started: %s", strerrordesc_np(-r)) < 0)
                return -ENOMEM;
        r = sd_event_add_defer(event, &run->not_started, on_not_started, run);
        if (r < 0)
                return r;
        set_failure(run,
                    (uint32_t) ERROR_CODE_WORKER_FAILED,
                    ERROR_CONTEXT_GENERAL_QUEUE_MANAGER,
                    text,
                    "");
        run->transient = true;
        return 0;
}

int job_run_refuse(JobRun *run, sd_event *event, uint32_t code, const char *text)
{
        int r = sd_event_add_defer(event, &run->not_started, on_not_started, run);

        if (r >= 0)
                set_failure(run, code, ERROR_CONTEXT_GENERAL_QUEUE_MANAGER, text, "");
        return r;
}

void job_run_stop(JobRun *run)
{
        run->stopping = true;
        if (run->link)
                worker_link_stop(run->link);
}
