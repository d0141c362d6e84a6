/*
 * Log entries about one job, with the fields by which an administrator finds them.
 */
#pragma once

#include "base/log.h"

#include "manager/job.h"

/* event: LOG_ID_* or NULL; error_: positive errno or 0 */
#define log_job(level, job, error_, event, ...)                                                    \
        log_write((level),                                                                         \
                  &(LogContext){ .job_id = sd_id128_to_string((job)->id,                           \
                                                              (char[SD_ID128_STRING_MAX]){ 0 }),   \
                                 .message_id = (event),                                            \
                                 .owner_uid = (job)->owner->uid,                                   \
                                 .has_owner = 1,                                                   \
                                 .error = (error_) },                                              \
                  __VA_ARGS__)
