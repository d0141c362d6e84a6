/*
 * Log entries about one job, as an administrator looks for them: text and fields say which job it
 * is, whose, how it is called, and which host it is fetched from. dosvcd(8) lists the fields.
 */
#pragma once

#include "base/log.h"

#include "manager/job.h"

/* error: positive errno or 0; message_id: LOG_ID_* or NULL */
void job_log_write(int level,
                   const Job *job,
                   int error,
                   const char *message_id,
                   const char *format,
                   ...) _printf_(5, 6);

/* A verb of that user has made a change that is not saved yet, or has made none. */
void job_log_called(Job *job, uint32_t uid);
/* The same for TakeOwnership. */
void job_log_taken(Job *job, uint32_t uid, uint32_t former_owner_uid);

/*
 * Logs what the job has become by changes that are saved now: created, taken over, resumed,
 * suspended, failed, transferred, completed or cancelled, and who called for it. previous: the
 * state before.
 */
void job_log_changed(Job *job, JobChanges changed, JobState previous);
/* The changes were taken back. */
void job_log_reverted(Job *job);
