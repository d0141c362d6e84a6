/*
 * One job: what its owner asked for, how far it has come, and the state machine (spec section 3).
 * The functions here are pure: they use no clock, no bus, no disk and no worker.
 *
 * Other modules of the manager embed a small struct of their own in each job, as the scheduler
 * embeds its entry. Only the module that is named beside such a struct changes it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-id128.h>

#include "base/hash.h"
#include "base/macro.h"

#include "manager/attempts.h"
#include "manager/owner.h"
#include "manager/scheduler.h"
#include "manager/timers.h"
#include "model/enums.h"
#include "model/failure.h"
#include "model/file-record.h"
#include "model/job-settings.h"

typedef enum JobEvent {
        /* the owner, or root where policy.h allows it */
        JOB_EVENT_RESUME,
        JOB_EVENT_SUSPEND,
        JOB_EVENT_CANCEL,
        JOB_EVENT_COMPLETE,
        JOB_EVENT_TAKE, /* TakeOwnership */
        /* the service */
        JOB_EVENT_START,   /* the scheduler has given it a worker */
        JOB_EVENT_RETRY,   /* the time of the next attempt has come */
        JOB_EVENT_RESTART, /* the service starts and finds the job as the last run left it */
        /* the worker */
        JOB_EVENT_RECEIVING, /* first bytes or a known size */
        JOB_EVENT_TRANSFERRED,
        JOB_EVENT_REQUEUE, /* the worker has ended, but the job needs another one */
        JOB_EVENT_FAILED_TRANSIENT,
        JOB_EVENT_FAILED,
        JOB_EVENT_PUBLISHED,
        JOB_EVENTS_MAX,
} JobEvent;

/* Effects of a move or another change; effects.c carries them out once it is saved. */
typedef enum JobEffect {
        JOB_SAVE = 1 << 0,        /* commit the job before anybody hears of the move */
        JOB_ANNOUNCE = 1 << 1,    /* the state has changed */
        JOB_CLEAR_ERROR = 1 << 2, /* forget the error, before the job is saved */
        JOB_HALT = 1 << 3,        /* stop the worker that downloads */
        JOB_PLAN = 1 << 4,        /* put the job into the queue */
        JOB_UNPLAN = 1 << 5,      /* take it out of the queue and cancel its timer */
        JOB_RETRY = 1 << 6,       /* start the timer of the next attempt */
        JOB_PUBLISH = 1 << 7,     /* have a worker give the files their final names */
        JOB_REMOVE = 1 << 8,      /* have a worker remove temporary files, then delete the job */
        JOB_UPDATE = 1 << 9,      /* tell the running worker the settings that have changed */
} JobEffect;

typedef struct JobFile {
        FileRecord record;   /* what is on disk, as the store has it */
        uint64_t live_bytes; /* received so far, whether on disk or not */
        uint64_t live_total; /* total size according to the server's present answer */
} JobFile;

/*
 * The changes of a job that clients have not been told of yet, as bits; PropertiesChanged follows
 * from these. A setting has a bit of its own.
 */
typedef uint64_t JobChanges;

#define JOB_CHANGE_STATE       (UINT64_C(1) << 0)
#define JOB_CHANGE_ERROR       (UINT64_C(1) << 1)
#define JOB_CHANGE_FILES       (UINT64_C(1) << 2)
#define JOB_CHANGE_OWNER       (UINT64_C(1) << 3)
#define JOB_CHANGE_TIMES       (UINT64_C(1) << 4)
#define JOB_CHANGE_NEW         (UINT64_C(1) << 5)
#define JOB_CHANGE_CREDENTIALS (UINT64_C(1) << 6)
#define JOB_CHANGE_SETTING(id) (UINT64_C(1) << (16 + (id)))

typedef struct JobRun JobRun; /* job-run.h */

/* The job in the table of jobs: job-table.c. */
typedef struct JobTableEntry {
        UT_hash_handle hh;
        bool counted_as_work;
} JobTableEntry;

/* The job in the batch of changes that is not saved yet: changes.c. */
typedef struct JobPending {
        List link;        /* Changes.dirty */
        unsigned effects; /* JobEffect */
        JobChanges changed;
} JobPending;

/* The job as its clients know it: announcer.c. */
typedef struct JobAnnounced {
        JobState state;
        uint32_t owner_uid;
        uint32_t n_files;
        bool removed;
} JobAnnounced;

/* The worker of the job, or its place in the queue for one: runs.c. */
typedef struct JobWork {
        SchedulerEntry queue;
        JobRun *run;       /* NULL: no worker */
        List running_link; /* Runs.running */
} JobWork;

/* How far a cancelled job has got in removing its temporary files: reports.c. */
typedef struct JobCleaning {
        bool done; /* everything that could be removed is removed */
        uint8_t n_failures;
} JobCleaning;

#define JOB_LOG_NOBODY (-1)

/* The log lines due for changes that are not saved yet: job-log.c. */
typedef struct JobLog {
        int64_t caller_uid; /* JOB_LOG_NOBODY: the service itself */
        uint32_t former_owner_uid;
} JobLog;

typedef struct Job {
        sd_id128_t id;   /* key */
        int64_t serial;  /* row in the store; follows the order of creation */
        Owner *owner;    /* borrowed: lives as long as it has jobs */
        List owner_link; /* Owner.jobs */

        JobSettings settings; /* without the secrets, which are in the vault */
        unsigned sealed;      /* bits 1 << VaultKind: secrets of settings that were set */

        /* Progress. */
        JobState state;
        bool publishing; /* Complete was called and is not answered yet */
        bool unreported; /* a worker may have created files that it did not report */
        Failure error;   /* code 0: none; the store keeps no more than the owner is shown */
        uint32_t error_count;
        Attempts attempts;
        bool credentials_lost;
        bool answered;         /* a server has answered once, whatever it said */
        uint64_t vault_bytes;  /* the job's part of Owner.vault_bytes */
        uint64_t created_usec; /* realtime; 0: never */
        uint64_t modified_usec;
        uint64_t transferred_usec;

        JobFile *files;
        void *local_names; /* those of the files: a tree of tsearch(3), which borrows them */
        uint32_t n_files;
        uint32_t n_files_allocated;
        uint32_t n_finished;
        uint32_t n_unknown;   /* files whose size is not known */
        uint64_t bytes_total; /* of the files whose size is known */
        uint64_t bytes_transferred;
        uint64_t rate_bps;
        uint64_t moved_usec; /* boottime of the latest live figures */

        /* Each of these belongs to the module that its type names. */
        JobTableEntry table;
        JobPending pending;
        JobAnnounced announced;
        JobLog log;
        JobWork work;
        TimersEntry timer; /* until the next attempt, or until a span of time is over */
        JobCleaning cleaning;
        uint8_t n_waiters; /* waiters.c */
        bool stale;        /* effects.c: a change that failed could not be taken back yet */
} Job;

/* A suspended job without files, linked to its owner. -ENOMEM. */
int job_new(sd_id128_t id, Owner *owner, Job **ret);
/* The job must have no worker. Takes it out of its owner, queue, timer and batch of changes. */
Job *job_free(Job *job);
DEFINE_CLEANUP(Job *, job_free);

void job_set_owner(Job *job, Owner *owner);

/* The change to announce for a setting; 0 for one that is not shown to anybody. */
JobChanges job_change_of_setting(SettingId id);
/*
 * Resets the settings that a new owner does not inherit, and returns what has to be announced.
 * Their rows in the store and their secrets are the caller's business.
 */
JobChanges job_forget_owners_settings(Job *job);

/*
 * Takes over everything that the store keeps of a job. Changes that were in memory only are lost;
 * stored gets them, to be freed.
 */
void job_take_stored(Job *job, Job *stored);

/*
 * Makes the move that the table has for (state, event) and returns its effects (>= 0).
 * -EBADFD: no such move; -ENODATA: Resume without files. Nothing is changed then.
 */
int job_apply(Job *job, JobEvent event);

const char *job_display_name(const Job *job); /* never NULL */

bool job_is_final(const Job *job);  /* acknowledged, cancelled */
bool job_is_active(const Job *job); /* connecting, transferring */
bool job_has_work(const Job *job);  /* something is left to do without a call of its owner */
/* Transferred, with AutoComplete, and not given up after many failures to put it in place. */
bool job_completes_itself(const Job *job);
/* The latest attempt failed before a server answered, so another network may help. */
bool job_is_unreachable(const Job *job);
AttemptsLimits job_attempts_limits(const Job *job, uint64_t max_delay_sec);
/* NoProgressTimeout; where the owner has not set it, a job that no server answered has less. */
uint64_t job_patience_sec(const Job *job);

/* Adds a file, which the caller has checked. Returns its index. -ENOMEM. */
int job_add_file(Job *job, const char *remote_name, const char *local_name);
/* A file of the job has that local name. */
bool job_has_local_name(const Job *job, const char *local_name);
/* Sets checksum and ranges of a file that was just added; copies. -ENOMEM changes nothing. */
int job_want(Job *job,
             uint32_t index,
             const char *checksum,
             const FileRange *ranges,
             uint32_t n_ranges);
/*
 * Another URL to fetch a file from. An unfinished file begins again, whatever validators the bytes
 * on disk have, because they came from the old URL. -ENOMEM changes nothing.
 */
int job_set_remote_name(Job *job, uint32_t index, const char *remote_name);
/* Removes the files from index n on, which were added last. */
void job_truncate_files(Job *job, uint32_t n);
/* Replaces the record of a file, which keeps its local name; the other strings move to the job. */
void job_set_file(Job *job, uint32_t index, FileRecord *record);
/* A temporary file is recorded, or a worker may have created one that it did not report. */
bool job_may_have_temp(const Job *job, uint32_t index);
/* The file is not finished any more; what is recorded of its bytes stays. */
void job_lose_file(Job *job, uint32_t index);
/* Sets the live figures; the record still says what is on disk. */
void job_set_live(Job *job, uint32_t index, uint64_t bytes, uint64_t total);

/* DOSVC_SIZE_UNKNOWN as long as one file's size is. */
uint64_t job_bytes_total(const Job *job);

/* Copies the failure, without its texts if there is no memory for them. */
void job_set_error(Job *job, const Failure *failure);
void job_clear_error(Job *job);

/* Effects of the move from state by event, or -EBADFD. This is the table itself, for its test. */
int job_move(JobState state, JobEvent event, JobState *ret_next);
