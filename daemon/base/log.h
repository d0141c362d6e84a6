/*
 * The log: journal fields under systemd, "<level> text" lines on stderr otherwise.
 * Never: secrets, header values, query strings, user names in URLs; log_url() shows what
 * may be shown of a URL.
 */
#pragma once

#include <stdint.h>
#include <syslog.h>

#include "base/macro.h"

/* What the entry is about; zeroed or NULL members are left out. */
typedef struct LogContext {
        const char *job_id;
        const char *message_id; /* 32 hex digits, one of LOG_ID_* */
        uint32_t owner_uid;
        int has_owner;
        int error; /* positive errno: DOSVC_ERRNO= and %m */
} LogContext;

/* Events an administrator looks for. */
#define LOG_ID_STARTED          "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d101"
#define LOG_ID_JOB_FAILED       "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d102"
#define LOG_ID_JOB_DONE         "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d103"
#define LOG_ID_OWNERSHIP_TAKEN  "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d104"
#define LOG_ID_CREDENTIALS_LOST "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d105"
#define LOG_ID_STORE_DAMAGED    "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d106"
#define LOG_ID_WORKER_LOST      "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d107"
#define LOG_ID_SPAWNER_LOST     "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d108"
#define LOG_ID_ACCESS_DENIED    "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d109"

/* Name of the program before each line on stderr; decides once where the log goes. */
void log_open(const char *program);

/* Entries above this syslog level are dropped; LOG_INFO until said otherwise. */
void log_set_max_level(int level);

void log_write(int level, const LogContext *context, const char *format, ...) _printf_(3, 4);

#define log_err(...)     log_write(LOG_ERR, NULL, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, NULL, __VA_ARGS__)
#define log_notice(...)  log_write(LOG_NOTICE, NULL, __VA_ARGS__)
#define log_info(...)    log_write(LOG_INFO, NULL, __VA_ARGS__)
#define log_debug(...)   log_write(LOG_DEBUG, NULL, __VA_ARGS__)

/* With the errno (positive or negative) and its text after the message: "text: reason". */
#define log_errno(level, error_, ...)                                                              \
        log_write((level), &(LogContext){ .error = abs(error_) }, __VA_ARGS__)

/* Scheme, host, port and path of a URL; the result is valid until the next call. */
const char *log_url(const char *url);
