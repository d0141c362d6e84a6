#include "manager/store-schema.h"

#include <errno.h>
#include <sqlite3.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/str.h"

/* The search for damage ends after this time, whatever the size of the database. */
#define CHECK_USEC  (2 * USEC_PER_SEC)
#define CHECK_STEPS 10000 /* steps of SQLite from one look at the clock to the next */

/* The sums of the rows of versions 4 to 6 covered these columns. */
#define JOB_VALUES_4                                                                               \
        "id, owner, owner_name, display_name, description, priority, proxy_usage, "                \
        "proxies, proxy_bypass, state, error_code, error_context, error_description, error_url, "  \
        "error_file, error_count, attempts, credentials_lost, created, modified, transferred, "    \
        "next_attempt, min_retry_delay, no_progress, max_download, stalled, active, workers_lost"
#define FILE_VALUES_4                                                                              \
        "job, idx, remote_name, local_name, temp_name, device, inode, offset, total, etag, "       \
        "last_modified, effective_url, finished, headers, checksum, ranges, restarts, "            \
        "restart_reason"
#define JOB_VALUES_5 JOB_VALUES_4 ", untold"
#define FILE_VALUES_5                                                                              \
        "job, idx, remote_name, local_name, temp_name, inode, offset, total, etag, "               \
        "last_modified, effective_url, finished, headers, checksum, ranges, restarts, "            \
        "restart_reason"

/* A row gets new columns. It is whole if it was, and a damaged one stays damaged. */
#define SUM_ANEW(table, before, added)                                                             \
        "UPDATE " table " SET sum = CASE row_sum(" before ") WHEN sum THEN row_sum(" before        \
        ", " added ") ELSE ~row_sum(" before ", " added ") END WHERE sum <> 0;"

#define FILE_VALUES_7 FILE_VALUES_5 ", named_url"

#define JOB_VALUES_6                                                                               \
        JOB_VALUES_5 ", redirect_policy, security_flags, ca_certificate, client_certificate, "     \
                     "client_key, ticket_cache, sealed"

/* Version 7: the columns of a job that are no settings; the sums cover them in this order. */
#define JOB_VALUES_7                                                                               \
        "id, owner, owner_name, state, error_code, error_context, error_description, error_url, "  \
        "error_file, error_count, attempts, workers_lost, stalled, active, credentials_lost, "     \
        "untold, created, modified, transferred, next_attempt, sealed"

/* A setting of the jobs for which the condition holds, as one text. */
#define SETTING_7(name, value, condition)                                                          \
        "INSERT INTO settings SELECT serial, '" name "', " value ", "                              \
        "row_sum(serial, '" name "', " value ") FROM jobs WHERE " condition ";"
#define TEXT_7(name, column) SETTING_7(name, column, column " <> ''")
#define NUMBER_7(name, column, initial)                                                            \
        SETTING_7(name, "CAST(" column " AS TEXT)", column " <> " initial)

/* Numbers become names. A number that never had a meaning becomes a name without one. */
/* clang-format off */
#define FLAG_7(bit, flag) \
        " || CASE WHEN security_flags & " bit " THEN '" flag "' || char(10) ELSE '' END"
#define FLAGS_7 \
        "CASE WHEN security_flags BETWEEN 0 AND 31 THEN ''" \
        FLAG_7("1", "enable-crl-check") \
        FLAG_7("2", "ignore-cert-cn-invalid") \
        FLAG_7("4", "ignore-cert-date-invalid") \
        FLAG_7("8", "ignore-unknown-ca") \
        FLAG_7("16", "ignore-cert-wrong-usage") \
        " ELSE '?' END"
#define PRIORITY_7                                                                                 \
        "CASE priority WHEN 0 THEN 'foreground' WHEN 1 THEN 'high' WHEN 3 THEN 'low' ELSE '?' END"
#define USAGE_7                                                                                    \
        "CASE proxy_usage WHEN 1 THEN 'none' WHEN 2 THEN 'override' WHEN 3 THEN 'autodetect' "     \
        "ELSE '?' END"
#define POLICY_7                                                                                   \
        "CASE redirect_policy WHEN 1 THEN 'allow-report' WHEN 2 THEN 'disallow' "                  \
        "WHEN 3 THEN 'allow-silent+https-to-http' WHEN 4 THEN 'allow-report+https-to-http' "       \
        "ELSE '?' END"

/* The first half of migration 7: C limits the length of one string. */
static const char settings_7[] =
        "CREATE TABLE settings ("
        " job INTEGER NOT NULL REFERENCES jobs (serial) ON DELETE CASCADE,"
        " name TEXT NOT NULL, value TEXT NOT NULL, sum INTEGER NOT NULL,"
        " PRIMARY KEY (job, name)) STRICT, WITHOUT ROWID;"
        TEXT_7("DisplayName", "display_name")
        TEXT_7("Description", "description")
        SETTING_7("Priority", PRIORITY_7, "priority <> 2")
        NUMBER_7("MinimumRetryDelay", "min_retry_delay", "60")
        NUMBER_7("NoProgressTimeout", "no_progress", "1209600")
        NUMBER_7("MaximumDownloadTime", "max_download", "7776000")
        SETTING_7("RedirectPolicy", POLICY_7, "redirect_policy <> 0")
        SETTING_7("SecurityFlags", FLAGS_7, "security_flags <> 0")
        TEXT_7("CACertificate", "ca_certificate")
        TEXT_7("TicketCache", "ticket_cache")
        SETTING_7("ProxyUsage", USAGE_7, "proxy_usage <> 0")
        TEXT_7("Proxies", "proxies")
        TEXT_7("ProxyBypass", "proxy_bypass")
        TEXT_7("ClientCertificate", "client_certificate")
        TEXT_7("ClientKey", "client_key");
/* clang-format on */

/* migrations[n] brings a database of version n to n + 1. */
static const char *const migrations[STORE_SCHEMA_VERSION] = {
        "CREATE TABLE jobs ("
        " serial INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE,"
        " owner INTEGER NOT NULL, owner_name TEXT NOT NULL,"
        " display_name TEXT NOT NULL, description TEXT NOT NULL,"
        " priority INTEGER NOT NULL, proxy_usage INTEGER NOT NULL,"
        " proxies TEXT NOT NULL, proxy_bypass TEXT NOT NULL, state INTEGER NOT NULL,"
        " error_code INTEGER NOT NULL, error_context INTEGER NOT NULL,"
        " error_description TEXT NOT NULL, error_url TEXT NOT NULL, error_file INTEGER NOT NULL,"
        " error_count INTEGER NOT NULL, attempts INTEGER NOT NULL,"
        " credentials_lost INTEGER NOT NULL, created INTEGER NOT NULL,"
        " modified INTEGER NOT NULL, transferred INTEGER NOT NULL,"
        " next_attempt INTEGER NOT NULL) STRICT;"
        "CREATE TABLE files ("
        " job INTEGER NOT NULL REFERENCES jobs (serial) ON DELETE CASCADE, idx INTEGER NOT NULL,"
        " remote_name TEXT NOT NULL, local_name TEXT NOT NULL, temp_name TEXT NOT NULL,"
        " device INTEGER NOT NULL, inode INTEGER NOT NULL, offset INTEGER NOT NULL,"
        " total INTEGER NOT NULL, etag TEXT NOT NULL, last_modified TEXT NOT NULL,"
        " effective_url TEXT NOT NULL, finished INTEGER NOT NULL, headers TEXT NOT NULL,"
        " PRIMARY KEY (job, idx)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE slots ("
        " job INTEGER NOT NULL REFERENCES jobs (serial) ON DELETE CASCADE,"
        " target INTEGER NOT NULL, scheme INTEGER NOT NULL, implicit INTEGER NOT NULL,"
        " user_name TEXT, key_id BLOB NOT NULL, persistent INTEGER NOT NULL,"
        " sealed BLOB NOT NULL, PRIMARY KEY (job, target, scheme)) STRICT;",
        /* 2: checksums, ranges (little-endian pairs of 64 bits), restarts */
        "ALTER TABLE files ADD COLUMN checksum TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE files ADD COLUMN ranges BLOB NOT NULL DEFAULT x'';"
        "ALTER TABLE files ADD COLUMN restarts INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE files ADD COLUMN restart_reason TEXT NOT NULL DEFAULT '';",
        /* 3: how long a job is tried; delay 0: as configured */
        "ALTER TABLE jobs ADD COLUMN min_retry_delay INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE jobs ADD COLUMN no_progress INTEGER NOT NULL DEFAULT 1209600;"
        "ALTER TABLE jobs ADD COLUMN max_download INTEGER NOT NULL DEFAULT 7776000;"
        "ALTER TABLE jobs ADD COLUMN stalled INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE jobs ADD COLUMN active INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE jobs ADD COLUMN workers_lost INTEGER NOT NULL DEFAULT 0;",
        /* 4: sums over the rows; 0: put by an older version */
        ("ALTER TABLE jobs ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;"
         "ALTER TABLE files ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;"),
        /*
         * 5: of older jobs nobody knows what their workers left; without the device, whose number
         * changes from boot to boot. A sum that is wrong already stays wrong.
         */
        ("UPDATE jobs SET sum = 0 WHERE sum = row_sum(" JOB_VALUES_4 ");"
         "ALTER TABLE jobs ADD COLUMN untold INTEGER NOT NULL DEFAULT 1;"
         "UPDATE files SET sum = 0 WHERE sum = row_sum(" FILE_VALUES_4 ");"
         "ALTER TABLE files DROP COLUMN device;"),
        /* 6: how redirects and certificates are treated; sealed: what else is in the slots */
        /* clang-format off */
        "ALTER TABLE jobs ADD COLUMN redirect_policy INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE jobs ADD COLUMN security_flags INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE jobs ADD COLUMN ca_certificate TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE jobs ADD COLUMN client_certificate TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE jobs ADD COLUMN client_key TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE jobs ADD COLUMN ticket_cache TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE jobs ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE files ADD COLUMN named_url TEXT NOT NULL DEFAULT '';"
        SUM_ANEW("jobs", JOB_VALUES_5,
                 "redirect_policy, security_flags, ca_certificate, client_certificate, client_key, "
                 "ticket_cache, sealed")
        SUM_ANEW("files", FILE_VALUES_5, "named_url")
        "CREATE TABLE slots_6 ("
        " job INTEGER NOT NULL REFERENCES jobs (serial) ON DELETE CASCADE,"
        " kind INTEGER NOT NULL, target INTEGER NOT NULL, scheme INTEGER NOT NULL,"
        " implicit INTEGER NOT NULL, user_name TEXT, key_id BLOB NOT NULL,"
        " persistent INTEGER NOT NULL, sealed BLOB NOT NULL,"
        " PRIMARY KEY (job, kind, target, scheme)) STRICT;"
        "INSERT INTO slots_6 SELECT job, 0, target, scheme, implicit, user_name, key_id, "
        "persistent, sealed FROM slots;"
        "DROP TABLE slots; ALTER TABLE slots_6 RENAME TO slots;",
        /* 7: a job's settings have a table of their own, where the defaults are left out */
        "CREATE TABLE jobs_7 ("
        " serial INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE,"
        " owner INTEGER NOT NULL, owner_name TEXT NOT NULL, state INTEGER NOT NULL,"
        " error_code INTEGER NOT NULL, error_context INTEGER NOT NULL,"
        " error_description TEXT NOT NULL, error_url TEXT NOT NULL, error_file INTEGER NOT NULL,"
        " error_count INTEGER NOT NULL, attempts INTEGER NOT NULL, workers_lost INTEGER NOT NULL,"
        " stalled INTEGER NOT NULL, active INTEGER NOT NULL, credentials_lost INTEGER NOT NULL,"
        " untold INTEGER NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL,"
        " transferred INTEGER NOT NULL, next_attempt INTEGER NOT NULL, sealed INTEGER NOT NULL,"
        " sum INTEGER NOT NULL) STRICT;"
        /* No serial is given twice, also where the latest jobs are gone. */
        "INSERT INTO sqlite_sequence SELECT 'jobs_7', seq FROM sqlite_sequence WHERE name = 'jobs';"
        "INSERT INTO jobs_7 SELECT serial, " JOB_VALUES_7 ", CASE sum WHEN 0 THEN 0 "
        "WHEN row_sum(" JOB_VALUES_6 ") THEN row_sum(" JOB_VALUES_7 ") "
        "ELSE ~row_sum(" JOB_VALUES_7 ") END FROM jobs;"
        "DROP TABLE jobs; ALTER TABLE jobs_7 RENAME TO jobs;",
        /* 8: older jobs keep their patience */
        "ALTER TABLE jobs ADD COLUMN answered INTEGER NOT NULL DEFAULT 1;"
        SUM_ANEW("jobs", JOB_VALUES_7, "answered"),
        /* 9: the coding of the bytes; an older version recorded it among the headers alone */
        "ALTER TABLE files ADD COLUMN coding TEXT NOT NULL DEFAULT '';"
        "UPDATE files SET coding = '?' WHERE headers LIKE '%' || char(10) || 'content-encoding:%';"
        SUM_ANEW("files", FILE_VALUES_7, "coding"),
        /* clang-format on */
};

int store_schema_errno(sqlite3 *db, int code)
{
        if (code == SQLITE_IOERR_NOMEM)
                return -ENOMEM;
        switch (code & 0xff) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
                return 0;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_ERROR: /* the tables are not those that the statements name */
                return -EUCLEAN;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_CANTOPEN:
        case SQLITE_IOERR: {
                int error = db ? sqlite3_system_errno(db) : 0;

                return error == ENOSPC || error == EDQUOT ? -ENOSPC : error > 0 ? -error : -EIO;
        }
        default:
                return -EIO;
        }
}

static int execute(sqlite3 *db, const char *sql)
{
        return store_schema_errno(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static int user_version(sqlite3 *db, int *ret)
{
        sqlite3_stmt *statement = NULL;
        int code = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL);

        if (code == SQLITE_OK)
                code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
                *ret = sqlite3_column_int(statement, 0);
        (void) sqlite3_finalize(statement);
        return store_schema_errno(db, code);
}

/* FNV-1a: two texts that differ in one byte never have the same sum. */
static uint64_t add_to_sum(uint64_t sum, const void *data, size_t size)
{
        const unsigned char *bytes = data;

        for (size_t i = 0; i < size; i++)
                sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
        return sum;
}

/* The SQL function row_sum(values…), which is never 0. */
static void row_sum(sqlite3_context *context, int n, sqlite3_value **values)
{
        uint64_t sum = UINT64_C(0xcbf29ce484222325);

        for (int i = 0; i < n; i++) {
                int type = sqlite3_value_type(values[i]);

                sum = add_to_sum(sum, &type, sizeof(type));
                if (type == SQLITE_INTEGER) {
                        sqlite3_int64 number = sqlite3_value_int64(values[i]);

                        sum = add_to_sum(sum, &number, sizeof(number));
                } else {
                        const void *data = sqlite3_value_blob(values[i]);
                        int size = sqlite3_value_bytes(values[i]);

                        if (size > 0 && !data) {
                                sqlite3_result_error_nomem(context);
                                return;
                        }
                        sum = add_to_sum(sum, &size, sizeof(size));
                        if (size > 0)
                                sum = add_to_sum(sum, data, (size_t) size);
                }
        }
        sqlite3_result_int64(context, (sqlite3_int64) (sum ? sum : 1));
}

static int is_check_over(void *userdata)
{
        const uint64_t *deadline = userdata;

        return clock_boottime(&clock_system) > *deadline;
}

/* Checks the structure of the database as far as the time allows. */
static int check(sqlite3 *db)
{
        uint64_t deadline = clock_boottime(&clock_system) + CHECK_USEC;
        sqlite3_stmt *statement = NULL;
        int code;

        sqlite3_progress_handler(db, CHECK_STEPS, is_check_over, &deadline);
        code = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL);
        if (code == SQLITE_OK)
                code = sqlite3_step(statement);
        if (code == SQLITE_ROW) {
                const char *found = (const char *) sqlite3_column_text(statement, 0);

                code = !found ? SQLITE_NOMEM : str_equal(found, "ok") ? SQLITE_OK : SQLITE_CORRUPT;
        }
        (void) sqlite3_finalize(statement);
        sqlite3_progress_handler(db, 0, NULL, NULL);
        return (code & 0xff) == SQLITE_INTERRUPT ? 0 : store_schema_errno(db, code);
}

static int migrate(sqlite3 *db, int version)
{
        int r;

        for (; version < STORE_SCHEMA_VERSION; version++) {
                _cleanup_free_ char *sql = NULL;

                r = str_format(&sql,
                               "BEGIN IMMEDIATE; %s %s PRAGMA user_version=%d; COMMIT;",
                               version == 6 ? settings_7 : "",
                               migrations[version],
                               version + 1);
                if (r >= 0)
                        r = execute(db, sql);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Nothing is written before it is clear that the database is ours to write. */
int store_schema_prepare(sqlite3 *db)
{
        int version = -1, r;

        if (sqlite3_create_function(db,
                                    "row_sum",
                                    -1,
                                    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
                                    NULL,
                                    row_sum,
                                    NULL,
                                    NULL) != SQLITE_OK)
                return -ENOMEM;
        (void) sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        /* Exclusive locking keeps other processes out and the WAL index in our own memory. */
        r = execute(db, "PRAGMA locking_mode=EXCLUSIVE;");
        if (r >= 0)
                r = user_version(db, &version);
        if (r < 0)
                return r;
        if (version < 0 || version > STORE_SCHEMA_VERSION)
                return -EPROTONOSUPPORT;
        r = check(db);
        if (r >= 0)
                r = execute(db,
                            "PRAGMA secure_delete=ON;"
                            "PRAGMA journal_mode=WAL;"
                            "PRAGMA synchronous=FULL;"
                            "PRAGMA trusted_schema=OFF;"
                            /* Else the rows that belong to a table go when it is made anew. */
                            "PRAGMA foreign_keys=OFF;");
        if (r >= 0)
                r = migrate(db, version);
        if (r >= 0)
                r = execute(db, "PRAGMA foreign_keys=ON;");
        if (r >= 0)
                (void) sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
        return r;
}
