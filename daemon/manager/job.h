/*
 * One job: its files and settings, its state and errors, and the state machine (spec section 3).
 * Nothing here knows a clock, a bus, a disk or a worker. The modules of the manager change a job;
 * everybody else only looks at it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-id128.h>

#include "base/hash.h"
#include "base/macro.h"

#include "manager/owner.h"
#include "manager/retry.h"
#include "manager/scheduler.h"
#include "model/enums.h"
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
        JOB_EVENT_START,   /* the scheduler chose it */
        JOB_EVENT_RETRY,   /* the time of the next attempt has come */
        JOB_EVENT_RESTART, /* the service begins and finds the job as a crash left it */
        /* the worker */
        JOB_EVENT_RECEIVING, /* first bytes or a known size */
        JOB_EVENT_TRANSFERRED,
        JOB_EVENT_REQUEUE, /* its worker is done, but files were added meanwhile */
        JOB_EVENT_FAILED_TRANSIENT,
        JOB_EVENT_FAILED,
        JOB_EVENT_PUBLISHED,
        JOB_EVENTS_MAX,
} JobEvent;

/* The work that follows from a move, in this order (manager-turn.c). */
typedef enum JobEffect {
        JOB_SAVE = 1 << 0,        /* commit the job before anybody hears of it */
        JOB_TELL = 1 << 1,        /* the state changed */
        JOB_CLEAR_ERROR = 1 << 2, /* before SAVE: the error is history */
        JOB_HALT = 1 << 3,        /* stop a downloading worker */
        JOB_PLAN = 1 << 4,        /* into the queue */
        JOB_UNPLAN = 1 << 5,      /* out of the queue, no retry timer */
        JOB_RETRY = 1 << 6,       /* arm the retry timer */
        JOB_PUBLISH = 1 << 7,     /* a worker gives the files their names */
        JOB_REMOVE = 1 << 8,      /* a worker removes what is left over, then the job goes */
} JobEffect;

typedef struct JobError {
        uint32_t code; /* 0: no error */
        ErrorContext context;
        char *description; /* owned, never NULL */
        char *url;         /* owned, never NULL */
        int64_t file;      /* -1: none */
} JobError;

typedef struct JobFile {
        FileRecord record;   /* what is on disk, as the store has it */
        uint64_t live_bytes; /* received so far, on disk or not */
        uint64_t live_total; /* what the present answer says */
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
#define JOB_CHANGE_SETTING(id) (UINT64_C(1) << (16 + (id)))

typedef struct JobRun JobRun; /* manager.c: the worker of a job */

typedef struct Job {
        sd_id128_t id;  /* key */
        int64_t serial; /* row in the store, order of creation */
        Owner *owner;   /* borrowed: lives as long as it has jobs */

        JobSettings settings; /* without the secrets, which are in the vault */
        unsigned sealed;      /* bits 1 << VaultKind: secrets of settings that were set */

        JobState state;
        JobError error;
        uint32_t error_count;
        /* Without progress in between: */
        uint32_t attempts;     /* transient failures in a row, drives the back-off */
        uint32_t workers_lost; /* of them, workers that went without a word */
        Stopwatch stalled;     /* since the first of them */
        Stopwatch active;      /* connecting and transferring since Resume */
        uint32_t hints;        /* attempts that news of the network have brought forward */
        uint64_t hinted_usec;  /* boottime of the latest of them */
        bool credentials_lost;
        bool untold;           /* a worker may have made files that it told nobody of */
        uint64_t vault_bytes;  /* its part of Owner.vault_bytes */
        uint64_t created_usec; /* realtime; 0: never */
        uint64_t modified_usec;
        uint64_t transferred_usec;
        uint64_t next_attempt_usec;

        JobFile *files;
        uint32_t n_files;
        uint32_t n_files_allocated;
        uint32_t n_finished;
        uint32_t n_unknown;   /* files whose size is not known */
        uint64_t bytes_total; /* of the files whose size is known */
        uint64_t bytes_transferred;
        uint64_t furthest_bytes; /* most that was ever on disk: more than this is progress */
        uint64_t rate_bps;
        uint64_t moved_usec; /* boottime of the latest live figures */

        /* The manager's. */
        struct Manager *manager; /* borrowed */
        SchedulerEntry queue;
        JobRun *run;                  /* its worker; NULL: none */
        bool untold_before;           /* untold, as it was when that worker was started */
        struct sd_event_source *wait; /* until the next attempt, or the end of a span */
        uint64_t gives_up_usec;       /* TRANSIENT_ERROR: realtime, when NO_PROGRESS is over */
        bool publishing;              /* Complete was called and is not answered yet */
        bool gone;                    /* JobRemoved was told; only leftovers are being removed */
        bool cleaned;                 /* CANCELLED: what could be removed is removed */
        bool counted_as_work;
        bool stale; /* a change that failed is still in memory */
        uint8_t clean_attempts;
        uint8_t n_waiters;   /* in Manager.waiters */
        List owner_link;     /* Owner.jobs */
        List dirty_link;     /* Manager.dirty */
        List running_link;   /* Manager.running */
        JobChanges changes;  /* not told yet */
        unsigned effects;    /* JobEffect, not carried out yet */
        JobState told_state; /* the state that clients know */
        UT_hash_handle hh;
} Job;

/* A suspended job without files. The caller links it to its owner. -ENOMEM. */
int job_new(sd_id128_t id, Owner *owner, Job **ret);
/* Must not run. Unlinks itself from owner and dirty list. */
Job *job_free(Job *job);
DEFINE_CLEANUP(Job *, job_free);

void job_set_owner(Job *job, Owner *owner);

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

bool job_is_final(const Job *job);  /* acknowledged, cancelled */
bool job_is_active(const Job *job); /* connecting, transferring */
bool job_has_work(const Job *job);  /* wants to run now or later by itself */

/* Adds a file; the checks are the caller's. Returns its index. -ENOMEM. */
int job_add_file(Job *job, const char *remote_name, const char *local_name);
/* Adds a checksum and ranges to a file that was just added; copies. -ENOMEM leaves it as it was. */
int job_want(Job *job,
             uint32_t index,
             const char *checksum,
             const FileRange *ranges,
             uint32_t n_ranges);
/*
 * Gives a file another place to be fetched from. An unfinished one begins again, because the bytes
 * that it has come from the old place, whatever its validators say. -ENOMEM leaves it as it was.
 */
int job_set_remote_name(Job *job, uint32_t index, const char *remote_name);
/* Takes back the files from index n on. */
void job_truncate_files(Job *job, uint32_t n);
/* Takes the record that a worker reported or the store held; ownership of the strings moves. */
void job_set_file(Job *job, uint32_t index, FileRecord *record);
/* Its temporary file is recorded, or may have been made by a worker that told nobody. */
bool job_may_have_temp(const Job *job, uint32_t index);
/* Live figures; the record stays what is on disk. */
void job_set_live(Job *job, uint32_t index, uint64_t bytes, uint64_t total);

/* DOSVC_SIZE_UNKNOWN as long as one file's size is. */
uint64_t job_bytes_total(const Job *job);

/* Copies the texts. -ENOMEM leaves the old error. */
int job_set_error(Job *job,
                  uint32_t code,
                  ErrorContext context,
                  const char *description,
                  const char *url,
                  int64_t file);
void job_clear_error(Job *job);

/* Effects of the move from state by event, or -EBADFD: the table itself, for its test. */
int job_move(JobState state, JobEvent event, JobState *ret_next);
