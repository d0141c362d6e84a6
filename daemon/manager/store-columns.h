/*
 * The columns of the store's tables, one row each. The SQL of store-statements.c, the numbers of
 * parameters and columns, and how store-row.c binds and reads a member follow from these lists. The
 * tables themselves are made in store-schema.c, and a column that is added or taken away needs a
 * migration there; a setting of a job needs none (model/job-settings.h).
 *
 * A column is X(name, type, member). The type is U32, U64, BOOL, INDEX, ENUM(values) or TEXT for a
 * member of the struct, or HAND for a column that has code of its own. The keys of a table stand
 * before these, without a row. A parameter has the name of its column and is numbered like it, but
 * from 1.
 */
#pragma once

/* The parameter of a column. */
#define STORE_PARAMETER(column) ((column) + 1)

/* clang-format off */

/* Members of a Job. */
#define JOB_COLUMNS(X) \
        X(owner, HAND, owner) \
        X(owner_name, HAND, owner) \
        X(state, ENUM(JOB_STATES_MAX), state) \
        X(error_code, U32, error.code) \
        X(error_context, ENUM(ERROR_CONTEXTS_MAX), error.context) \
        X(error_description, TEXT, error.description) \
        X(error_url, TEXT, error.url) \
        X(error_file, INDEX, error.file) \
        X(error_count, U32, error_count) \
        X(attempts, U32, attempts.failures) \
        X(workers_lost, U32, attempts.workers_lost) \
        X(stalled, U64, attempts.stalled.spent_usec) \
        X(active, U64, attempts.active.spent_usec) \
        X(credentials_lost, BOOL, credentials_lost) \
        X(untold, BOOL, unreported) \
        X(created, U64, created_usec) \
        X(modified, U64, modified_usec) \
        X(transferred, U64, transferred_usec) \
        X(next_attempt, U64, attempts.next_usec) \
        X(sealed, ENUM(1U << VAULT_KINDS_MAX), sealed) \
        X(answered, BOOL, answered)

/* Members of a FileRecord. The sums of the rows that exist were made in this order. */
#define FILE_KEYS "job, idx"
#define FILE_COLUMNS(X) \
        X(remote_name, TEXT, remote_name) \
        X(local_name, TEXT, local_name) \
        X(temp_name, TEXT, temp_name) \
        X(inode, U64, inode) \
        X(offset, U64, offset_bytes) \
        X(total, U64, total_bytes) \
        X(etag, TEXT, etag) \
        X(last_modified, TEXT, last_modified) \
        X(effective_url, TEXT, effective_url) \
        X(finished, BOOL, finished) \
        X(headers, TEXT, headers) \
        X(checksum, TEXT, checksum) \
        X(ranges, HAND, ranges) \
        X(restarts, U32, restarts) \
        X(restart_reason, TEXT, restart_reason) \
        X(named_url, TEXT, named_url) \
        X(coding, TEXT, coding)

/* The value is what setting_format() makes of it. */
#define SETTING_KEYS "job, name"
#define SETTING_COLUMNS(X) \
        X(value, HAND, )

/* The sealed bytes come behind these, for the statements that want them. */
#define SLOT_KEYS "job, kind, target, scheme"
#define SLOT_COLUMNS(X) \
        X(implicit, HAND, ) \
        X(user_name, HAND, ) \
        X(key_id, HAND, ) \
        X(persistent, HAND, )

/* clang-format on */

#define JOB_COLUMN_NUMBER(name, type, member) JOB_COLUMN_##name,
enum {
        JOB_COLUMN_serial,
        JOB_COLUMN_id,
        JOB_COLUMNS(JOB_COLUMN_NUMBER) JOB_COLUMN_is_whole, /* a loaded row is as it was put */
};

#define FILE_COLUMN_NUMBER(name, type, member) FILE_COLUMN_##name,
enum {
        FILE_COLUMN_job,
        FILE_COLUMN_idx,
        FILE_COLUMNS(FILE_COLUMN_NUMBER) FILE_COLUMN_is_whole,
};

#define SETTING_COLUMN_NUMBER(name, type, member) SETTING_COLUMN_##name,
enum {
        SETTING_COLUMN_job,
        SETTING_COLUMN_name,
        SETTING_COLUMNS(SETTING_COLUMN_NUMBER) SETTING_COLUMN_is_whole,
};

#define SLOT_COLUMN_NUMBER(name, type, member) SLOT_COLUMN_##name,
enum {
        SLOT_COLUMN_job,
        SLOT_COLUMN_kind,
        SLOT_COLUMN_target,
        SLOT_COLUMN_scheme,
        SLOT_COLUMNS(SLOT_COLUMN_NUMBER) SLOT_COLUMN_sealed, /* or their number */
        SLOT_COLUMN_job_id,
};

/* Parameters of statements that look for a range of jobs, or for one thing. */
enum { STORE_PARAMETER_first = 1, STORE_PARAMETER_last };
enum { STORE_PARAMETER_only = 1 };
