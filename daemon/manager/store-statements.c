#include "manager/store-statements.h"

#include "manager/store-columns.h"

#define NAME(name, type, member)      ", " #name
#define PARAMETER(name, type, member) ", :" #name

/* SQLite gives the serial of a new job, so that its sum cannot cover it. */
#define JOB_VALUES     "id" JOB_COLUMNS(NAME)
#define JOB_PARAMETERS ":id" JOB_COLUMNS(PARAMETER)

#define FILE_VALUES     FILE_KEYS FILE_COLUMNS(NAME)
#define FILE_PARAMETERS ":job, :idx" FILE_COLUMNS(PARAMETER)

#define SETTING_VALUES     SETTING_KEYS SETTING_COLUMNS(NAME)
#define SETTING_PARAMETERS ":job, :name" SETTING_COLUMNS(PARAMETER)

#define SLOT_VALUES SLOT_KEYS SLOT_COLUMNS(NAME)
#define SLOT_WHERE  " WHERE job=:job AND kind=:kind AND target=:target"

/* A row without a sum was put by a version that knew none. */
#define IS_WHOLE(values) ", sum = 0 OR sum = row_sum(" values ")"

#define OF_JOBS " WHERE job BETWEEN :first AND :last ORDER BY job"

const char *const store_statement_texts[STORE_STATEMENTS_MAX] = {
        [STORE_BEGIN] = "BEGIN IMMEDIATE",
        [STORE_COMMIT] = "COMMIT",
        [STORE_ROLLBACK] = "ROLLBACK",
        [STORE_PUT_JOB] =
                "INSERT INTO jobs (serial, " JOB_VALUES ", sum) VALUES "
                "(:serial, " JOB_PARAMETERS ", row_sum(" JOB_PARAMETERS ")) "
                "ON CONFLICT (serial) DO UPDATE SET "
                "(" JOB_VALUES ", sum) = (" JOB_PARAMETERS ", row_sum(" JOB_PARAMETERS "))",
        [STORE_PUT_SETTING] = "INSERT OR REPLACE INTO settings (" SETTING_VALUES ", sum) VALUES "
                              "(" SETTING_PARAMETERS ", row_sum(" SETTING_PARAMETERS "))",
        [STORE_PUT_FILE] = "INSERT OR REPLACE INTO files (" FILE_VALUES ", sum) VALUES "
                           "(" FILE_PARAMETERS ", row_sum(" FILE_PARAMETERS "))",
        [STORE_DELETE_JOB] = "DELETE FROM jobs WHERE serial=:only",
        [STORE_DELETE_SETTING] = "DELETE FROM settings WHERE job=:job AND name=:name",
        [STORE_PUT_SLOT] = "INSERT OR REPLACE INTO slots (" SLOT_VALUES ", sealed) VALUES "
                           "(:job, :kind, :target, :scheme" SLOT_COLUMNS(PARAMETER) ", :sealed)",
        [STORE_GET_SLOT] =
                "SELECT " SLOT_VALUES ", sealed FROM slots" SLOT_WHERE " AND scheme=:scheme",
        [STORE_DELETE_SLOT] = "DELETE FROM slots" SLOT_WHERE " AND scheme=:scheme",
        [STORE_DELETE_SLOTS] = "DELETE FROM slots WHERE job=:only",
        [STORE_SLOT_SCHEMES] = "SELECT " SLOT_VALUES " FROM slots" SLOT_WHERE,
        [STORE_SLOT_BYTES] = "SELECT coalesce(sum(length(sealed)), 0) FROM slots WHERE job=:only",
        [STORE_EACH_SLOT] = "SELECT " SLOT_VALUES ", length(sealed), "
                            "(SELECT id FROM jobs WHERE serial=job) FROM slots",
        [STORE_LOAD_JOBS] = "SELECT serial, " JOB_VALUES IS_WHOLE(
                JOB_VALUES) " FROM jobs "
                            "WHERE :only IS NULL OR id=:only ORDER BY serial",
        [STORE_LOAD_SETTINGS] =
                "SELECT " SETTING_VALUES IS_WHOLE(SETTING_VALUES) " FROM settings" OF_JOBS,
        [STORE_LOAD_FILES] =
                "SELECT " FILE_VALUES IS_WHOLE(FILE_VALUES) " FROM files" OF_JOBS ", idx",
};
