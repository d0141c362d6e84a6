#include "manager/store-statements.h"

/* All but the key, which SQLite gives. */
#define JOB_VALUES                                                                                 \
        "id, owner, owner_name, display_name, description, priority, proxy_usage, "                \
        "proxies, proxy_bypass, state, error_code, error_context, error_description, error_url, "  \
        "error_file, error_count, attempts, credentials_lost, created, modified, transferred, "    \
        "next_attempt, min_retry_delay, no_progress, max_download, stalled, active, "              \
        "workers_lost, untold, redirect_policy, security_flags, ca_certificate, "                  \
        "client_certificate, client_key, ticket_cache, sealed"

#define JOB_PARAMETERS                                                                             \
        "?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25," \
        "?26,?27,?28,?29,?30,?31,?32,?33,?34,?35,?36,?37"

#define FILE_COLUMNS                                                                               \
        "job, idx, remote_name, local_name, temp_name, inode, offset, total, etag, "               \
        "last_modified, effective_url, finished, headers, checksum, ranges, restarts, "            \
        "restart_reason, named_url"

#define FILE_PARAMETERS "?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18"

/* The last column when a row is loaded: what it says is what was put. */
#define JOB_IS_WHOLE  "sum = 0 OR sum = row_sum(" JOB_VALUES ")"
#define FILE_IS_WHOLE "sum = 0 OR sum = row_sum(" FILE_COLUMNS ")"

const char *const store_statement_texts[STORE_STATEMENTS_MAX] = {
        [STORE_BEGIN] = "BEGIN IMMEDIATE",
        [STORE_COMMIT] = "COMMIT",
        [STORE_ROLLBACK] = "ROLLBACK",
        [STORE_PUT_JOB] =
                "INSERT INTO jobs (serial, " JOB_VALUES ", sum) VALUES "
                "(?1," JOB_PARAMETERS ",row_sum(" JOB_PARAMETERS ")) "
                "ON CONFLICT (serial) DO UPDATE SET "
                "(" JOB_VALUES ", sum) = (" JOB_PARAMETERS ",row_sum(" JOB_PARAMETERS "))",
        [STORE_PUT_FILE] = "INSERT OR REPLACE INTO files (" FILE_COLUMNS ", sum) VALUES "
                           "(" FILE_PARAMETERS ",row_sum(" FILE_PARAMETERS "))",
        [STORE_DELETE_JOB] = "DELETE FROM jobs WHERE serial=?1",
        [STORE_PUT_SLOT] =
                "INSERT OR REPLACE INTO slots (job, kind, target, scheme, implicit, "
                "user_name, key_id, persistent, sealed) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)",
        [STORE_GET_SLOT] = "SELECT implicit, user_name, key_id, persistent, sealed FROM slots "
                           "WHERE job=?1 AND kind=?2 AND target=?3 AND scheme=?4",
        [STORE_DELETE_SLOT] =
                "DELETE FROM slots WHERE job=?1 AND kind=?2 AND target=?3 AND scheme=?4",
        [STORE_DELETE_SLOTS] = "DELETE FROM slots WHERE job=?1",
        [STORE_SLOT_SCHEMES] = "SELECT scheme, implicit FROM slots "
                               "WHERE job=?1 AND kind=0 AND target=?2",
        [STORE_SLOT_BYTES] = "SELECT coalesce(sum(length(sealed)), 0) FROM slots WHERE job=?1",
        [STORE_EACH_SLOT] = "SELECT slots.job, kind, target, scheme, key_id, persistent, "
                            "length(slots.sealed), jobs.id "
                            "FROM slots JOIN jobs ON jobs.serial = slots.job",
        [STORE_LOAD_JOBS] = "SELECT serial, " JOB_VALUES ", " JOB_IS_WHOLE " FROM jobs "
                            "WHERE ?1 IS NULL OR id=?1 ORDER BY serial",
        [STORE_LOAD_FILES] = "SELECT " FILE_COLUMNS ", " FILE_IS_WHOLE " FROM files "
                             "WHERE ?1 IS NULL OR job=?1 ORDER BY job, idx",
};
