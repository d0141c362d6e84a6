/*
 *                    RESUME               START                 RECEIVING
 *   CreateJob ─► SUSPENDED ─────► QUEUED ─────────► CONNECTING ─────────► TRANSFERRING
 *                   ▲              ▲  ▲ ▲               │  │                  │  │
 *                   │ SUSPEND      │  │ └──── REQUEUE ──┴──│──────────────────┤  │
 *     (from every   │              │  │                    │                  │  │
 *      action state)┘       RESUME │  │ RETRY, RESUME      │ FAILED_TRANSIENT │  │ TRANSFERRED
 *                                  │  └── TRANSIENT_ERROR ◄┴──────────────────┤  ▼
 *                                  └───── ERROR ◄──────────────── FAILED ─────┘ TRANSFERRED
 *
 *   COMPLETE: an action state goes to SUSPENDED first, then a worker publishes: PUBLISHED ─►
 *   ACKNOWLEDGED. CANCEL: from every state to CANCELLED. Both final states are left by the row
 *   being deleted, CANCELLED only once a worker has removed the temporary files.
 *
 *   true in         | worker           | in the queue | retry timer | error set
 *   SUSPENDED       | none or stopping | no           | no          | no
 *   QUEUED          | none or stopping | yes          | no          | if the last attempt had one
 *   CONNECTING      | downloading      | no           | no          | if the last attempt had one
 *   TRANSFERRING    | downloading      | no           | no          | no
 *   TRANSIENT_ERROR | none or stopping | no           | yes         | yes
 *   ERROR           | none or stopping | no           | no          | yes
 *   TRANSFERRED     | none or stopping | no           | no          | if publishing failed
 *
 *   TRANSIENT_ERROR goes to ERROR by itself (FAILED) when nothing has come for NoProgressTimeout.
 *   TRANSFERRED is completed by itself with AutoComplete, and tried again when that fails; it goes
 *   to ERROR (FAILED) when publishing finds that a temporary file is gone.
 */
#include "manager/job.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#include "model/error-code.h"

/* Typing errors in a URL lead nowhere for ever; a server that is down mostly comes back in a day.
 */
#define UNANSWERED_SEC 86400

typedef struct Move {
        bool legal;
        JobState next;
        unsigned effects;
} Move;

/* clang-format off */
#define TO(state, effects_) { .legal = true, .next = JOB_##state, .effects = (effects_) }

static const Move moves[JOB_STATES_MAX][JOB_EVENTS_MAX] = {
        [JOB_SUSPENDED] = {
                [JOB_EVENT_RESUME]           = TO(QUEUED, JOB_SAVE | JOB_ANNOUNCE | JOB_PLAN),
                [JOB_EVENT_SUSPEND]          = TO(SUSPENDED, 0),
                [JOB_EVENT_CANCEL]           = TO(CANCELLED, JOB_SAVE | JOB_ANNOUNCE | JOB_REMOVE),
                [JOB_EVENT_COMPLETE]         = TO(SUSPENDED, JOB_PUBLISH),
                [JOB_EVENT_TAKE]             = TO(SUSPENDED, JOB_SAVE),
                [JOB_EVENT_RESTART]          = TO(SUSPENDED, 0),
                [JOB_EVENT_PUBLISHED]        = TO(ACKNOWLEDGED, JOB_SAVE | JOB_ANNOUNCE | JOB_REMOVE),
        },
        [JOB_QUEUED] = {
                [JOB_EVENT_RESUME]           = TO(QUEUED, 0),
                [JOB_EVENT_SUSPEND]          = TO(SUSPENDED, JOB_SAVE | JOB_ANNOUNCE | JOB_CLEAR_ERROR | JOB_UNPLAN),
                [JOB_EVENT_CANCEL]           = TO(CANCELLED, JOB_SAVE | JOB_ANNOUNCE | JOB_UNPLAN | JOB_REMOVE),
                [JOB_EVENT_COMPLETE]         = TO(SUSPENDED, JOB_SAVE | JOB_ANNOUNCE | JOB_CLEAR_ERROR | JOB_UNPLAN | JOB_PUBLISH),
                [JOB_EVENT_TAKE]             = TO(QUEUED, JOB_SAVE | JOB_UNPLAN | JOB_PLAN),
                [JOB_EVENT_START]            = TO(CONNECTING, JOB_SAVE | JOB_ANNOUNCE),
                [JOB_EVENT_RESTART]          = TO(QUEUED, JOB_PLAN),
        },
        [JOB_CONNECTING] = {
                [JOB_EVENT_RESUME]           = TO(CONNECTING, 0),
                [JOB_EVENT_SUSPEND]          = TO(SUSPENDED, JOB_SAVE | JOB_ANNOUNCE | JOB_CLEAR_ERROR | JOB_HALT),
                [JOB_EVENT_CANCEL]           = TO(CANCELLED, JOB_SAVE | JOB_ANNOUNCE | JOB_HALT | JOB_REMOVE),
                [JOB_EVENT_COMPLETE]         = TO(SUSPENDED, JOB_SAVE | JOB_ANNOUNCE | JOB_CLEAR_ERROR | JOB_HALT | JOB_PUBLISH),
                [JOB_EVENT_TAKE]             = TO(QUEUED, JOB_SAVE | JOB_ANNOUNCE | JOB_HALT | JOB_PLAN),
                [JOB_EVENT_RESTART]          = TO(QUEUED, JOB_SAVE | JOB_PLAN),
                [JOB_EVENT_RECEIVING]        = TO(TRANSFERRING, JOB_SAVE | JOB_ANNOUNCE | JOB_CLEAR_ERROR),
                [JOB_EVENT_TRANSFERRED]      = TO(TRANSFERRED, JOB_SAVE | JOB_ANNOUNCE | JOB_CLEAR_ERROR | JOB_PLAN),
                [JOB_EVENT_REQUEUE]          = TO(QUEUED, JOB_SAVE | JOB_ANNOUNCE | JOB_PLAN),
                [JOB_EVENT_FAILED_TRANSIENT] = TO(TRANSIENT_ERROR, JOB_SAVE | JOB_ANNOUNCE | JOB_RETRY),
                [JOB_EVENT_FAILED]           = TO(ERROR, JOB_SAVE | JOB_ANNOUNCE),
        },
        [JOB_TRANSFERRING] = {
                [JOB_EVENT_RESUME]           = TO(TRANSFERRING, 0),
                [JOB_EVENT_SUSPEND]          = TO(SUSPENDED, JOB_SAVE | JOB_ANNOUNCE | JOB_HALT),
                [JOB_EVENT_CANCEL]           = TO(CANCELLED, JOB_SAVE | JOB_ANNOUNCE | JOB_HALT | JOB_REMOVE),
                [JOB_EVENT_COMPLETE]         = TO(SUSPENDED, JOB_SAVE | JOB_ANNOUNCE | JOB_HALT | JOB_PUBLISH),
                [JOB_EVENT_TAKE]             = TO(QUEUED, JOB_SAVE | JOB_ANNOUNCE | JOB_HALT | JOB_PLAN),
                [JOB_EVENT_RESTART]          = TO(QUEUED, JOB_SAVE | JOB_PLAN),
                [JOB_EVENT_RECEIVING]        = TO(TRANSFERRING, 0),
                [JOB_EVENT_TRANSFERRED]      = TO(TRANSFERRED, JOB_SAVE | JOB_ANNOUNCE | JOB_PLAN),
                [JOB_EVENT_REQUEUE]          = TO(QUEUED, JOB_SAVE | JOB_ANNOUNCE | JOB_PLAN),
                [JOB_EVENT_FAILED_TRANSIENT] = TO(TRANSIENT_ERROR, JOB_SAVE | JOB_ANNOUNCE | JOB_RETRY),
                [JOB_EVENT_FAILED]           = TO(ERROR, JOB_SAVE | JOB_ANNOUNCE),
        },
        [JOB_TRANSIENT_ERROR] = {
                [JOB_EVENT_RESUME]           = TO(QUEUED, JOB_SAVE | JOB_ANNOUNCE | JOB_UNPLAN | JOB_PLAN),
                [JOB_EVENT_SUSPEND]          = TO(SUSPENDED, JOB_SAVE | JOB_ANNOUNCE | JOB_CLEAR_ERROR | JOB_UNPLAN),
                [JOB_EVENT_CANCEL]           = TO(CANCELLED, JOB_SAVE | JOB_ANNOUNCE | JOB_UNPLAN | JOB_REMOVE),
                [JOB_EVENT_COMPLETE]         = TO(SUSPENDED, JOB_SAVE | JOB_ANNOUNCE | JOB_CLEAR_ERROR | JOB_UNPLAN | JOB_PUBLISH),
                [JOB_EVENT_TAKE]             = TO(TRANSIENT_ERROR, JOB_SAVE),
                [JOB_EVENT_RETRY]            = TO(QUEUED, JOB_SAVE | JOB_ANNOUNCE | JOB_UNPLAN | JOB_PLAN),
                [JOB_EVENT_FAILED]           = TO(ERROR, JOB_SAVE | JOB_ANNOUNCE | JOB_UNPLAN),
                [JOB_EVENT_RESTART]          = TO(TRANSIENT_ERROR, JOB_RETRY),
        },
        [JOB_ERROR] = {
                [JOB_EVENT_RESUME]           = TO(QUEUED, JOB_SAVE | JOB_ANNOUNCE | JOB_PLAN),
                [JOB_EVENT_SUSPEND]          = TO(ERROR, 0),
                [JOB_EVENT_CANCEL]           = TO(CANCELLED, JOB_SAVE | JOB_ANNOUNCE | JOB_REMOVE),
                [JOB_EVENT_COMPLETE]         = TO(ERROR, JOB_PUBLISH),
                [JOB_EVENT_TAKE]             = TO(ERROR, JOB_SAVE),
                [JOB_EVENT_RESTART]          = TO(ERROR, 0),
                [JOB_EVENT_PUBLISHED]        = TO(ACKNOWLEDGED, JOB_SAVE | JOB_ANNOUNCE | JOB_REMOVE),
        },
        [JOB_TRANSFERRED] = {
                [JOB_EVENT_RESUME]           = TO(QUEUED, JOB_SAVE | JOB_ANNOUNCE | JOB_CLEAR_ERROR | JOB_PLAN),
                [JOB_EVENT_SUSPEND]          = TO(TRANSFERRED, 0),
                [JOB_EVENT_CANCEL]           = TO(CANCELLED, JOB_SAVE | JOB_ANNOUNCE | JOB_REMOVE),
                [JOB_EVENT_COMPLETE]         = TO(TRANSFERRED, JOB_PUBLISH),
                [JOB_EVENT_TAKE]             = TO(TRANSFERRED, JOB_SAVE),
                [JOB_EVENT_RESTART]          = TO(TRANSFERRED, JOB_PLAN),
                [JOB_EVENT_FAILED]           = TO(ERROR, JOB_SAVE | JOB_ANNOUNCE),
                [JOB_EVENT_PUBLISHED]        = TO(ACKNOWLEDGED, JOB_SAVE | JOB_ANNOUNCE | JOB_REMOVE),
        },
        [JOB_ACKNOWLEDGED] = {
                [JOB_EVENT_RESTART]          = TO(ACKNOWLEDGED, JOB_REMOVE),
        },
        [JOB_CANCELLED] = {
                [JOB_EVENT_RESTART]          = TO(CANCELLED, JOB_REMOVE),
        },
};
/* clang-format on */

int job_move(JobState state, JobEvent event, JobState *ret_next)
{
        const Move *move = &moves[state][event];

        if (!move->legal)
                return -EBADFD;
        *ret_next = move->next;
        return (int) move->effects;
}

int job_apply(Job *job, JobEvent event)
{
        JobState next = job->state;
        int effects = job_move(job->state, event, &next);

        if (effects < 0)
                return effects;
        if (event == JOB_EVENT_RESUME) {
                if (job->n_files == 0)
                        return -ENODATA;
                /* No file was added since the transfer ended: at most it is left to publish. */
                if (job->state == JOB_TRANSFERRED && job->n_finished == job->n_files)
                        return JOB_PLAN;
        }
        job->state = next;
        return effects;
}

int job_new(sd_id128_t id, Owner *owner, Job **ret)
{
        Job *job = calloc(1, sizeof(*job));

        if (!job)
                return -ENOMEM;
        job->id = id;
        job->state = job->announced.state = JOB_SUSPENDED;
        job->error = FAILURE_NONE;
        job->log.caller_uid = JOB_LOG_NOBODY;
        job_settings_init(&job->settings);
        list_init(&job->owner_link);
        list_init(&job->pending.link);
        list_init(&job->work.running_link);
        scheduler_entry_init(&job->work.queue);
        timers_entry_init(&job->timer);

        job_set_owner(job, owner);
        *ret = job;
        return 0;
}

/* The tree borrows the names. */
static void leave_name(void *name)
{
        (void) name;
}

Job *job_free(Job *job)
{
        if (!job)
                return NULL;
        timers_cancel(&job->timer);
        scheduler_remove(&job->work.queue);
        list_remove(&job->pending.link);
        job_set_owner(job, NULL);
        tdestroy(job->local_names, leave_name);
        for (uint32_t i = 0; i < job->n_files; i++)
                file_record_done(&job->files[i].record);
        free(job->files);
        failure_done(&job->error);
        job_settings_done(&job->settings);
        free(job);
        return NULL;
}

void job_set_owner(Job *job, Owner *owner)
{
        if (job->owner) {
                list_remove(&job->owner_link);
                job->owner->n_jobs--;
        }
        job->owner = owner;
        if (owner) {
                list_append(&owner->jobs, &job->owner_link);
                owner->n_jobs++;
        }
}

JobChanges job_change_of_setting(SettingId id)
{
        return setting_infos[id].flags & SETTING_IS_HIDDEN ? 0 : JOB_CHANGE_SETTING(id);
}

JobChanges job_forget_owners_settings(Job *job)
{
        JobChanges changes = 0;

        for (SettingId id = 0; id < SETTINGS_MAX; id++) {
                if (!(setting_infos[id].flags & SETTING_OF_OWNER))
                        continue;
                setting_reset(&job->settings, id);
                changes |= job_change_of_setting(id);
        }
        job->sealed = 0;
        return changes;
}

void job_take_stored(Job *job, Job *stored)
{
        Job both = *job;

#define TAKE(member) (both.member = stored->member, stored->member = job->member)
        TAKE(serial);
        TAKE(settings);
        TAKE(sealed);
        TAKE(state);
        TAKE(error);
        TAKE(error_count);
        attempts_take_stored(&both.attempts, &stored->attempts);
        TAKE(credentials_lost);
        TAKE(answered);
        TAKE(unreported);
        TAKE(created_usec);
        TAKE(modified_usec);
        TAKE(transferred_usec);
        TAKE(files);
        TAKE(local_names);
        TAKE(n_files);
        TAKE(n_files_allocated);
        TAKE(n_finished);
        TAKE(n_unknown);
        TAKE(bytes_total);
        TAKE(bytes_transferred);
#undef TAKE
        *job = both;
        job_set_owner(job, stored->owner);
}

const char *job_display_name(const Job *job)
{
        return job->settings.display_name ? job->settings.display_name : "";
}

bool job_is_final(const Job *job)
{
        return job->state == JOB_ACKNOWLEDGED || job->state == JOB_CANCELLED;
}

bool job_is_active(const Job *job)
{
        return job->state == JOB_CONNECTING || job->state == JOB_TRANSFERRING;
}

bool job_has_work(const Job *job)
{
        return job_is_active(job) || job->state == JOB_QUEUED ||
               job->state == JOB_TRANSIENT_ERROR || job_completes_itself(job) || job_is_final(job);
}

bool job_completes_itself(const Job *job)
{
        bool is_given_up = job->attempts.failures > 0 && job->attempts.next_usec == 0;

        return job->state == JOB_TRANSFERRED && job->settings.auto_complete && !is_given_up;
}

bool job_is_unreachable(const Job *job)
{
        return job->state == JOB_TRANSIENT_ERROR && !job->publishing &&
               (job->error.context == ERROR_CONTEXT_GENERAL_TRANSPORT ||
                job->error.code == (uint32_t) ERROR_CODE_TIMEOUT);
}

uint64_t job_patience_sec(const Job *job)
{
        bool unanswered = !job->answered &&
                          setting_is_default(&job->settings, SETTING_NO_PROGRESS_TIMEOUT) &&
                          job->settings.minimum_retry_delay_sec < UNANSWERED_SEC;

        return unanswered ? UNANSWERED_SEC : job->settings.no_progress_timeout_sec;
}

AttemptsLimits job_attempts_limits(const Job *job, uint64_t max_delay_sec)
{
        return (AttemptsLimits){
                .min_delay_sec = job->settings.minimum_retry_delay_sec,
                .max_delay_sec = max_delay_sec,
                .no_progress_sec = job_patience_sec(job),
        };
}

/* Adds (sign 1) or takes away (-1) what a file contributes to the sums of its job. */
static void count_file(Job *job, const JobFile *file, int sign)
{
        uint32_t one = sign > 0 ? 1 : UINT32_MAX; /* modulo 2^32, as unsigned sums are */
        uint64_t factor = sign > 0 ? 1 : UINT64_MAX;

        if (file->live_total == DOSVC_SIZE_UNKNOWN)
                job->n_unknown += one;
        else
                job->bytes_total += factor * file->live_total;
        if (file->record.finished)
                job->n_finished += one;
        job->bytes_transferred += factor * file->live_bytes;
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(a, b);
}

bool job_has_local_name(const Job *job, const char *local_name)
{
        return tfind(local_name, &job->local_names, compare_names);
}

/* Only an older version let in two files with the same name; the tree has the first of them. */
static void forget_name(Job *job, const char *local_name)
{
        char *const *found = tfind(local_name, &job->local_names, compare_names);

        if (found && *found == local_name)
                (void) tdelete(local_name, &job->local_names, compare_names);
}

int job_add_file(Job *job, const char *remote_name, const char *local_name)
{
        JobFile file = { .live_total = DOSVC_SIZE_UNKNOWN };
        int r;

        if (job->n_files == job->n_files_allocated) {
                uint32_t n = job->n_files ? job->n_files * 2 : 1;
                JobFile *grown = reallocarray(job->files, n, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                job->files = grown;
                job->n_files_allocated = n;
        }
        r = file_record_init(&file.record, job->n_files, remote_name, local_name);
        if (r < 0)
                return r;
        if (!tsearch(file.record.local_name, &job->local_names, compare_names)) {
                file_record_done(&file.record);
                return -ENOMEM;
        }
        count_file(job, &file, 1);
        job->files[job->n_files] = file;
        return (int) job->n_files++;
}

int job_want(Job *job,
             uint32_t index,
             const char *checksum,
             const FileRange *ranges,
             uint32_t n_ranges)
{
        FileRecord *record = &job->files[index].record;
        _cleanup_free_ FileRange *copies = NULL;

        if (n_ranges > 0) {
                copies = calloc(n_ranges, sizeof(*copies));
                if (!copies)
                        return -ENOMEM;
                memcpy(copies, ranges, n_ranges * sizeof(*copies));
        }
        if (str_set(&record->checksum, checksum) < 0)
                return -ENOMEM;
        free(record->ranges);
        record->ranges = STEAL_PTR(copies);
        record->n_ranges = n_ranges;
        return 0;
}

int job_set_remote_name(Job *job, uint32_t index, const char *remote_name)
{
        JobFile *file = &job->files[index];
        FileRecord *record = &file->record;
        int r = str_set(&record->remote_name, remote_name);

        if (r < 0)
                return r;
        record->named_url[0] = '\0';
        if (record->finished)
                return 0;
        count_file(job, file, -1);
        record->etag[0] = record->last_modified[0] = record->coding[0] = '\0';
        record->effective_url[0] = '\0';
        record->offset_bytes = file->live_bytes = 0;
        record->total_bytes = file->live_total = DOSVC_SIZE_UNKNOWN;
        count_file(job, file, 1);
        attempts_begin_again(&job->attempts);
        return 0;
}

void job_truncate_files(Job *job, uint32_t n)
{
        while (job->n_files > n) {
                JobFile *file = &job->files[--job->n_files];

                count_file(job, file, -1);
                forget_name(job, file->record.local_name);
                file_record_done(&file->record);
        }
}

void job_set_file(Job *job, uint32_t index, FileRecord *record)
{
        JobFile *file = &job->files[index];
        char *local_name = file->record.local_name;

        count_file(job, file, -1);
        file->record.local_name = record->local_name;
        record->local_name = local_name;
        file_record_done(&file->record);
        file->record = *record;
        *record = (FileRecord){ 0 };
        file->live_bytes = file->record.offset_bytes;
        file->live_total = file->record.total_bytes;
        count_file(job, file, 1);
}

bool job_may_have_temp(const Job *job, uint32_t index)
{
        return job->unreported || !str_is_empty(job->files[index].record.temp_name);
}

void job_lose_file(Job *job, uint32_t index)
{
        JobFile *file = &job->files[index];

        count_file(job, file, -1);
        file->record.finished = false;
        count_file(job, file, 1);
}

void job_set_live(Job *job, uint32_t index, uint64_t bytes, uint64_t total)
{
        JobFile *file = &job->files[index];

        if (file->record.finished)
                return;
        count_file(job, file, -1);
        file->live_bytes = bytes;
        file->live_total = total;
        count_file(job, file, 1);
}

uint64_t job_bytes_total(const Job *job)
{
        return job->n_unknown > 0 ? DOSVC_SIZE_UNKNOWN : job->bytes_total;
}

void job_set_error(Job *job, const Failure *failure)
{
        Failure error;

        if (failure_copy(&error, failure) < 0) {
                error = *failure;
                error.description = error.url = NULL;
        }
        failure_done(&job->error);
        job->error = error;
}

void job_clear_error(Job *job)
{
        failure_done(&job->error);
}
