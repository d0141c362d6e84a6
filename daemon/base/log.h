/*
 * The log: entries with fields in the journal under systemd, lines "<level>program: text" on
 * stderr otherwise. Secrets, header values, query strings and user names in URLs must never get
 * into it; log_url() returns the part of a URL that may. Users choose parts of the texts: what
 * would end a line or a field, change how the rest is shown, or make journalctl(1) hide the entry
 * as binary data, becomes "?".
 */
#pragma once

#include <stdint.h>
#include <syslog.h>

#include "base/macro.h"

#define LOG_FIELDS_MAX 8

/* Fields of an entry; those that are zero or NULL are left out. */
typedef struct LogContext {
        const char *message_id;    /* 32 hex digits, one of LOG_ID_* */
        const char *const *fields; /* up to LOG_FIELDS_MAX of "NAME=value", and NULL */
        int error; /* positive errno: DOSVC_ERRNO=, and its text after the message */
} LogContext;

/* The events that an administrator looks for (MESSAGE_ID=); systemd/dosvcd.catalog explains them.
 */
#define LOG_ID_STARTED          "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d101"
#define LOG_ID_JOB_FAILED       "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d102"
#define LOG_ID_JOB_TRANSFERRED  "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d103"
#define LOG_ID_OWNERSHIP_TAKEN  "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d104"
#define LOG_ID_CREDENTIALS_LOST "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d105"
#define LOG_ID_STORE_DAMAGED    "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d106"
#define LOG_ID_RELOADED         "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d107"
#define LOG_ID_RELOAD_REFUSED   "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d108"
#define LOG_ID_JOB_CREATED      "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d109"
#define LOG_ID_JOB_RESUMED      "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d10a"
#define LOG_ID_JOB_SUSPENDED    "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d10b"
#define LOG_ID_JOB_COMPLETED    "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d10c"
#define LOG_ID_JOB_CANCELLED    "7c2f9b0d6c3f4a6ea1f4c1f5a0b7d10d"

/* Takes the name of the program, which stays borrowed, and decides where the log goes. */
void log_open(const char *program);

/* Drops entries that are less important than this syslog level; LOG_INFO at first. */
void log_set_max_level(int level);

void log_write(int level, const LogContext *context, const char *format, ...) _printf_(3, 4);

#define log_err(...)     log_write(LOG_ERR, NULL, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, NULL, __VA_ARGS__)
#define log_notice(...)  log_write(LOG_NOTICE, NULL, __VA_ARGS__)
#define log_info(...)    log_write(LOG_INFO, NULL, __VA_ARGS__)
#define log_debug(...)   log_write(LOG_DEBUG, NULL, __VA_ARGS__)

/* Appends the text of an errno, positive or negative, to the message: "text: reason". */
#define log_errno(level, error_, ...)                                                              \
        log_write((level), &(LogContext){ .error = abs(error_) }, __VA_ARGS__)

/* Scheme, host, port and path of a URL; the result is valid until the next call. */
const char *log_url(const char *url);
