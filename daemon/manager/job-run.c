#include "manager/job-run.h"

#include <errno.h>
#include <stdlib.h>

#include "base/str.h"

#include "model/error-code.h"
#include "model/file-record.h"
#include "model/url.h"

/* Over a shorter span the rate would depend more on the kernel's scheduler than on the network. */
#define RATE_SPAN_USEC (250 * USEC_PER_MSEC)

struct JobRun {
        Job *job;     /* borrowed: not freed while it runs */
        Owner *owner; /* borrowed: not freed while n_active counts us */
        WorkerTask task;
        WorkerLink *link; /* owned */
        Answers *answers; /* owned; NULL: not a DOWNLOAD */
        const ManagerParts *parts;
        const JobRunEvents *events;
        sd_event_source *not_started; /* reports a failed start from the loop */
        bool stopping;
        bool finished;
        bool reported_all;
        bool reports_lost;
        bool unreported_before;
        bool has_lost_files;
        Failure failure;
        JobOutcome failed_as; /* the outcome, if there is a failure */
        uint32_t n_files;
        uint64_t rate_since_usec;
        uint64_t rate_bytes;
};

int job_run_new(const ManagerParts *parts,
                Job *job,
                WorkerTask task,
                const JobRunEvents *events,
                JobRun **ret)
{
        JobRun *run = calloc(1, sizeof(*run));

        if (!run)
                return -ENOMEM;
        run->job = job;
        run->owner = job->owner;
        run->unreported_before = job->unreported;
        run->task = task;
        run->parts = parts;
        run->events = events;
        run->failure = FAILURE_NONE;
        *ret = run;
        return 0;
}

JobRun *job_run_free(JobRun *run)
{
        if (!run)
                return NULL;
        worker_link_free(run->link); /* it borrows the answers */
        answers_free(run->answers);
        sd_event_source_disable_unref(run->not_started);
        run->job->rate_bps = 0;
        failure_done(&run->failure);
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

bool job_run_has_reported_all(const JobRun *run)
{
        return (run->reported_all && !run->reports_lost) || !run->link;
}

void job_run_lose_reports(JobRun *run)
{
        run->reports_lost = true;
}

bool job_run_has_lost_files(const JobRun *run)
{
        return run->has_lost_files;
}

bool job_run_unreported_before(const JobRun *run)
{
        return run->unreported_before;
}

uint32_t job_run_n_files(const JobRun *run)
{
        return run->n_files;
}

bool job_run_is_started(const JobRun *run)
{
        return run->link || run->not_started;
}

/* A failure of the service, not of a file. */
static void
set_failure(JobRun *run, JobOutcome failed_as, uint32_t code, bool transient, const char *text)
{
        run->failed_as = failed_as;
        failure_set(&run->failure,
                    code,
                    transient,
                    ERROR_CONTEXT_GENERAL_QUEUE_MANAGER,
                    NULL,
                    "%s",
                    text);
}

static JobOutcome outcome_of(const JobRun *run)
{
        /* Bytes that came in before the stop count, but success and failure come too late. */
        if (run->stopping && run->task == WORKER_TASK_DOWNLOAD)
                return JOB_OUTCOME_STOPPED;
        if (run->failure.code)
                return run->failed_as;
        return run->finished ? JOB_OUTCOME_DONE : JOB_OUTCOME_STOPPED;
}

static void end(JobRun *run)
{
        run->events->ended(run->events->userdata, run->job, outcome_of(run), &run->failure);
}

static void on_progress(void *userdata, uint32_t file, uint64_t bytes, uint64_t total)
{
        JobRun *run = userdata;
        Job *job = run->job;
        uint64_t now = clock_boottime(run->parts->clock), span;

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

                /* A moving average: a quarter of the new rate, three quarters of the old one. */
                job->rate_bps = job->rate_bps ? (job->rate_bps * 3 + latest) / 4 : latest;
                run->rate_since_usec = now;
                run->rate_bytes = job->bytes_transferred;
        }
        if (job->state == JOB_CONNECTING)
                run->events->receiving(run->events->userdata, job);
        run->events->progress(run->events->userdata, job);
}

/*
 * A job that reports redirects, or stops at them, takes the new remote name from the worker. The
 * owner's own name, which the worker reports with it, never changes here.
 */
static bool may_rename(const Job *job, const FileRecord *reported)
{
        _cleanup_free_ char *url = NULL, *user = NULL, *password = NULL;
        RedirectPolicy policy = job->settings.redirect_policy;
        const char *reason;

        return (redirect_policy_reports(policy) || policy == REDIRECT_POLICY_DISALLOW) &&
               url_parse_remote_name(reported->remote_name, &url, &user, &password, &reason) >= 0 &&
               !user && !password;
}

/*
 * Takes over what a worker may report about a file; the owner's own settings stay. If the owner has
 * set another remote name meanwhile, the bytes come from the old one: only the temporary file is
 * remembered then, so that the next worker finds it and begins it again.
 */
static int take_record(Job *job, const FileRecord *reported)
{
        const FileRecord *present = &job->files[reported->index].record;
        FileRecord record, mixed = *reported;
        int r;

        if (!str_equal(file_record_owners_name(reported), file_record_owners_name(present))) {
                if (present->finished)
                        return -ESTALE;
                mixed = *present;
                mixed.temp_name = reported->temp_name;
                mixed.inode = reported->inode;
        } else if (!str_equal(reported->remote_name, present->remote_name) &&
                   !may_rename(job, reported)) {
                mixed.remote_name = present->remote_name;
                mixed.named_url = present->named_url;
        }
        mixed.local_name = present->local_name;
        mixed.checksum = present->checksum;
        mixed.ranges = present->ranges;
        mixed.n_ranges = present->n_ranges;
        r = file_record_copy(&record, &mixed);
        if (r < 0)
                return r;
        job_set_file(job, reported->index, &record);
        return 0;
}

static void on_checkpoint(void *userdata, const FileRecord *records, size_t n_records)
{
        JobRun *run = userdata;
        Job *job = run->job;
        _cleanup_free_ uint32_t *indexes = calloc(n_records ? n_records : 1, sizeof(*indexes));
        bool received = false;
        size_t n = 0;

        if (!indexes) {
                run->reports_lost = true;
                return; /* the older offset stays recorded; the bytes after it are fetched again */
        }
        for (size_t i = 0; i < n_records; i++) {
                if (records[i].index >= job->n_files || take_record(job, &records[i]) < 0) {
                        run->reports_lost = true;
                        continue;
                }
                received |= records[i].offset_bytes > 0 || records[i].finished;
                indexes[n++] = records[i].index;
        }
        if (received && !run->stopping && job->state == JOB_CONNECTING)
                run->events->receiving(run->events->userdata, job);
        run->events->checkpoint(run->events->userdata, job, indexes, n);
}

static void on_finished(void *userdata)
{
        JobRun *run = userdata;

        run->finished = true;
}

static void on_failed(void *userdata, Failure *failure)
{
        JobRun *run = userdata;
        Job *job = run->job;

        if (run->task == WORKER_TASK_PUBLISH &&
            failure->code == (uint32_t) ERROR_CODE_TEMPORARY_FILE_GONE &&
            failure->file < job->n_files && job->files[failure->file].record.finished) {
                run->has_lost_files = true;
                run->events->lost(run->events->userdata, job, failure->file);
        }
        if (run->failure.code) /* later failures are mostly consequences of the first one */
                return;
        run->failed_as = JOB_OUTCOME_FAILED;
        run->failure = failure_steal(failure);
        if (run->failure.file >= run->job->n_files) /* the job may have lost it meanwhile */
                run->failure.file = FAILURE_NO_FILE;
}

/* The outcome of a process that ended with this error before it could report anything. */
static JobOutcome outcome_of_end(int error)
{
        if (error == -EAGAIN)
                return JOB_OUTCOME_NO_PROCESS;
        /* A spawner that ends takes all workers along, whatever state they were in. */
        return error == -ECONNABORTED ? JOB_OUTCOME_FAILED : JOB_OUTCOME_LOST;
}

static void on_ended(void *userdata, int result, const char *text)
{
        JobRun *run = userdata;

        run->reported_all = result >= 0 || run->failure.code || run->finished;
        if (!run->reported_all && !run->stopping)
                set_failure(run,
                            outcome_of_end(result),
                            (uint32_t) ERROR_CODE_WORKER_FAILED,
                            true,
                            text);
        else if (result >= 0 && run->task != WORKER_TASK_DOWNLOAD)
                run->finished = true;
        end(run);
}

static const WorkerLinkEvents link_events = {
        .progress = on_progress,
        .checkpoint = on_checkpoint,
        .finished = on_finished,
        .failed = on_failed,
        .ended = on_ended,
};

static int on_not_started(sd_event_source *source, void *userdata)
{
        end(userdata);
        return 0;
}

/* The files that the task concerns, borrowed from the job. */
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

/* The spawner has not taken the order. */
static int report_no_worker(JobRun *run, int error)
{
        _cleanup_free_ char *text = NULL;
        int r = str_format(&text, "No worker could be started: %s", strerrordesc_np(-error));

        if (r >= 0)
                r = sd_event_add_defer(run->parts->event, &run->not_started, on_not_started, run);
        if (r >= 0)
                set_failure(run,
                            error == -EAGAIN ? JOB_OUTCOME_NO_PROCESS : JOB_OUTCOME_FAILED,
                            (uint32_t) ERROR_CODE_WORKER_FAILED,
                            true,
                            text);
        return r < 0 ? r : 0;
}

int job_run_start(JobRun *run, const JobSettings *settings)
{
        _cleanup_free_ FileRecord *files = NULL;
        WorkerOrder order = {
                .task = run->task,
                .job = run->job->id,
                .owner_uid = run->owner->uid,
                .owner_name = run->owner->name,
                .settings = settings,
                .umask = run->job->settings.umask,
        };
        int r = 0;

        order.files = files = collect_files(run, &order.n_files);
        run->n_files = run->job->n_files;
        run->answers = answers_free(run->answers); /* left by a start that failed */
        if (settings)
                r = answers_new(run->parts,
                                run->job,
                                (ProxySource) settings->proxy_source,
                                &run->answers);
        if (!files || r < 0)
                return -ENOMEM;
        order.answers = run->answers;
        r = worker_link_new(run->parts->event,
                            run->parts->spawner,
                            &order,
                            &link_events,
                            run,
                            &run->link);
        return r < 0 ? report_no_worker(run, r) : 0;
}

int job_run_refuse(JobRun *run, uint32_t code, const char *text)
{
        int r = sd_event_add_defer(run->parts->event, &run->not_started, on_not_started, run);

        if (r >= 0)
                set_failure(run, JOB_OUTCOME_FAILED, code, false, text);
        return r;
}

void job_run_change(JobRun *run, const JobSettings *settings)
{
        if (run->link && !run->stopping)
                worker_link_change(run->link, settings);
}

void job_run_stop(JobRun *run)
{
        run->stopping = true;
        if (run->answers)
                answers_stop(run->answers);
        if (run->link)
                worker_link_stop(run->link);
}
