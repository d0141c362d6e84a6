#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#include "manager/store-core.h"
#include "manager/store.h"
#include "model/file-record.h"

#define JOB_COLUMN(name, type_, member_) { STORE_COLUMN_##type_, .offset = offsetof(Job, member_) },
static const StoreColumn job_columns[] = { JOB_COLUMNS(JOB_COLUMN) };

#define FILE_COLUMN(name, type_, member_)                                                          \
        { STORE_COLUMN_##type_, .offset = offsetof(FileRecord, member_) },
static const StoreColumn file_columns[] = { FILE_COLUMNS(FILE_COLUMN) };

/* The columns of a list stand behind the keys. */
#define FIRST_JOB_COLUMN  (JOB_COLUMN_id + 1)
#define FIRST_FILE_COLUMN (FILE_COLUMN_idx + 1)

/* ---- putting --------------------------------------------------------------------------------- */

static int put_job(Store *store, Job *job)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare_change(store, STORE_PUT_JOB, &s);

        if (r < 0)
                return r;
        if (job->serial > 0)
                store_bind_i64(s, JOB_COLUMN_serial, job->serial);
        store_bind_bytes(s, JOB_COLUMN_id, &job->id, sizeof(job->id));
        store_bind_u64(s, JOB_COLUMN_owner, job->owner->uid);
        store_bind_text(s, JOB_COLUMN_owner_name, job->owner->name);
        store_row_bind(s, job_columns, ARRAY_SIZE(job_columns), FIRST_JOB_COLUMN, job);
        return store_run_change(store, s);
}

int store_put_job(Store *store, Job *job)
{
        bool is_new = job->serial == 0;
        int r = put_job(store, job);

        if (r < 0 || !is_new)
                return r;
        job->serial = sqlite3_last_insert_rowid(store->db);
        for (unsigned id = 0; r >= 0 && id < SETTINGS_MAX; id++)
                if (setting_is_stored((SettingId) id) &&
                    !setting_is_default(&job->settings, (SettingId) id))
                        r = store_put_setting(store, job, (SettingId) id);
        return r;
}

int store_put_setting(Store *store, const Job *job, SettingId id)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        _cleanup_free_ char *value = NULL;
        bool is_default = setting_is_default(&job->settings, id);
        int r;

        r = store_prepare_change(store, is_default ? STORE_DELETE_SETTING : STORE_PUT_SETTING, &s);
        if (r < 0)
                return r;
        r = is_default ? 0 : setting_format(&job->settings, id, &value);
        if (r < 0) {
                store_fail(store, r);
                return r;
        }
        store_bind_i64(s, SETTING_COLUMN_job, job->serial);
        store_bind_text(s, SETTING_COLUMN_name, setting_infos[id].name);
        if (value)
                store_bind_text(s, SETTING_COLUMN_value, value);
        return store_run_change(store, s);
}

int store_put_file(Store *store, const Job *job, uint32_t index)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        const FileRecord *record = &job->files[index].record;
        int r = store_prepare_change(store, STORE_PUT_FILE, &s);

        if (r < 0)
                return r;
        store_bind_i64(s, FILE_COLUMN_job, job->serial);
        store_bind_u64(s, FILE_COLUMN_idx, index);
        store_row_bind(s, file_columns, ARRAY_SIZE(file_columns), FIRST_FILE_COLUMN, record);
        store_bind_bytes(s,
                         FILE_COLUMN_ranges,
                         record->ranges,
                         record->n_ranges * sizeof(*record->ranges));
        return store_run_change(store, s);
}

int store_delete_job(Store *store, const Job *job)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare_change(store, STORE_DELETE_JOB, &s);

        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, STORE_PARAMETER_only, job->serial);
        return store_run_change(store, s);
}

/* ---- loading --------------------------------------------------------------------------------- */

static int acquire_owner(sqlite3_stmt *s, Owners *owners, Owner **ret)
{
        const char *name;
        int r = store_column_text(s, JOB_COLUMN_owner_name, &name);

        return r < 0 ? r
                     : owners_acquire(owners,
                                      (uint32_t) store_column_u64(s, JOB_COLUMN_owner),
                                      name,
                                      ret);
}

/* -EUCLEAN for values that no version of this program writes. */
static int read_job(sqlite3_stmt *s, Owners *owners, Job **ret)
{
        Owner *owner;
        sd_id128_t id;
        Job *job;
        int r;

        if (!store_column_u64(s, JOB_COLUMN_is_whole))
                return -EUCLEAN;
        r = store_column_id(s, JOB_COLUMN_id, &id);
        if (r >= 0)
                r = acquire_owner(s, owners, &owner);
        if (r < 0)
                return r;
        r = job_new(id, owner, &job);
        if (r < 0) {
                owners_release(owners, owner);
                return r;
        }
        *ret = job; /* the caller frees a job that is half read, and lets its owner go */
        job->serial = sqlite3_column_int64(s, JOB_COLUMN_serial);
        return store_row_read(s, job_columns, ARRAY_SIZE(job_columns), FIRST_JOB_COLUMN, job);
}

/* A setting that this version does not know stays in the store for a newer one. */
static int read_setting(sqlite3_stmt *s, Job *job)
{
        const char *name, *value;
        SettingId id;
        int r;

        if (!store_column_u64(s, SETTING_COLUMN_is_whole))
                return -EUCLEAN;
        r = store_column_text(s, SETTING_COLUMN_name, &name);
        if (r >= 0)
                r = store_column_text(s, SETTING_COLUMN_value, &value);
        if (r < 0)
                return r;
        id = setting_find(name);
        if (id == SETTINGS_MAX || !setting_is_stored(id))
                return 0;
        r = setting_parse(&job->settings, id, value);
        return r == -EINVAL ? -EUCLEAN : r;
}

static int read_ranges(sqlite3_stmt *s, FileRecord *record)
{
        size_t size = (size_t) sqlite3_column_bytes(s, FILE_COLUMN_ranges);

        if (size % sizeof(*record->ranges) != 0)
                return -EUCLEAN;
        if (size == 0)
                return 0;
        record->ranges = malloc(size);
        if (!record->ranges)
                return -ENOMEM;
        memcpy(record->ranges, sqlite3_column_blob(s, FILE_COLUMN_ranges), size);
        record->n_ranges = (uint32_t) (size / sizeof(*record->ranges));
        return 0;
}

static int read_file(sqlite3_stmt *s, Job *job)
{
        FileRecord record = { .index = (uint32_t) store_column_u64(s, FILE_COLUMN_idx) };
        int r;

        if (job->n_files != record.index || !store_column_u64(s, FILE_COLUMN_is_whole))
                return -EUCLEAN;
        r = read_ranges(s, &record);
        if (r >= 0)
                r = store_row_read(s,
                                   file_columns,
                                   ARRAY_SIZE(file_columns),
                                   FIRST_FILE_COLUMN,
                                   &record);
        if (r >= 0)
                r = job_add_file(job, "", record.local_name);
        if (r >= 0)
                job_set_file(job, record.index, &record);
        file_record_done(&record);
        return r < 0 ? r : 0;
}

/* The rows of a table that belong to jobs, in the order of the jobs. The job is the first column.
 */
typedef struct Children {
        sqlite3_stmt *statement;
        int (*read)(sqlite3_stmt *statement, Job *job);
        int code; /* of the latest step; SQLITE_OK: there was none yet */
} Children;

static int open_children(Store *store,
                         int which,
                         int (*read)(sqlite3_stmt *statement, Job *job),
                         Children *ret)
{
        *ret = (Children){ .read = read, .code = SQLITE_OK };
        return store_get_statement(store, which, &ret->statement);
}

static void children_done(Children *children)
{
        store_statement_donep(&children->statement);
}

static void step_children(Children *children)
{
        children->code = sqlite3_step(children->statement);
}

/* Begins with the children of one job, or of all where only is NULL, also of jobs there cannot be.
 */
static void start_children(Children *children, const Job *only)
{
        (void) sqlite3_bind_int64(children->statement,
                                  STORE_PARAMETER_first,
                                  only ? only->serial : INT64_MIN);
        (void) sqlite3_bind_int64(children->statement,
                                  STORE_PARAMETER_last,
                                  only ? only->serial : INT64_MAX);
        step_children(children);
}

static int64_t parent_of(const Children *children)
{
        return sqlite3_column_int64(children->statement, 0);
}

static int read_children(Store *store, Children *children, Job *job)
{
        int r = 0;

        while (r >= 0 && children->code == SQLITE_ROW && parent_of(children) == job->serial) {
                r = children->read(children->statement, job);
                if (r >= 0)
                        step_children(children);
        }
        if (r >= 0)
                r = store_errno(store, children->code);
        /* A row of no job would hide the rows of all jobs behind it. */
        if (r >= 0 && children->code == SQLITE_ROW && parent_of(children) < job->serial)
                r = -EUCLEAN;
        return r;
}

typedef struct Loading {
        Store *store;
        Owners *owners;
        sqlite3_stmt *jobs;
        Children children[2]; /* settings, files */
        bool one;             /* a job, not all */
} Loading;

static void loading_done(Loading *loading)
{
        store_statement_donep(&loading->jobs);
        for (size_t i = 0; i < ARRAY_SIZE(loading->children); i++)
                children_done(&loading->children[i]);
}

static int loading_open(Loading *loading)
{
        int r = store_get_statement(loading->store, STORE_LOAD_JOBS, &loading->jobs);

        if (r >= 0)
                r = open_children(loading->store,
                                  STORE_LOAD_SETTINGS,
                                  read_setting,
                                  &loading->children[0]);
        if (r >= 0)
                r = open_children(loading->store,
                                  STORE_LOAD_FILES,
                                  read_file,
                                  &loading->children[1]);
        return r;
}

/* The job of the present row with its settings and files. */
static int load_job(Loading *loading, Job **ret)
{
        Job *job = NULL;
        int r = read_job(loading->jobs, loading->owners, &job);

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(loading->children); i++) {
                if (loading->children[i].code == SQLITE_OK)
                        start_children(&loading->children[i], loading->one ? job : NULL);
                r = read_children(loading->store, &loading->children[i], job);
        }
        if (r < 0 && job) {
                Owner *owner = job->owner;

                job_free(job);
                owners_release(loading->owners, owner);
        }
        if (r >= 0)
                *ret = job;
        return r;
}

/* Walks all tables in the same order at once; id NULL for all jobs. */
static int
load(Store *store, Owners *owners, const sd_id128_t *id, store_job_t callback, void *userdata)
{
        _cleanup_(loading_done) Loading loading = {
                .store = store,
                .owners = owners,
                .one = id != NULL,
        };
        int code, r = loading_open(&loading);

        if (r < 0)
                return r;
        if (id)
                (void) sqlite3_bind_blob(loading.jobs,
                                         STORE_PARAMETER_only,
                                         id,
                                         sizeof(*id),
                                         SQLITE_STATIC);
        while ((code = sqlite3_step(loading.jobs)) == SQLITE_ROW) {
                Job *job;

                r = load_job(&loading, &job);
                if (r >= 0)
                        r = callback(userdata, job);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < ARRAY_SIZE(loading.children); i++)
                if (code == SQLITE_DONE && loading.children[i].code == SQLITE_ROW)
                        return -EUCLEAN;
        return store_errno(store, code);
}

int store_load(Store *store, Owners *owners, store_job_t job, void *userdata)
{
        return load(store, owners, NULL, job, userdata);
}

static int take_one(void *userdata, Job *job)
{
        Job **ret = userdata;

        *ret = job;
        return 0;
}

int store_load_job(Store *store, Owners *owners, sd_id128_t id, Job **ret)
{
        Job *job = NULL;
        int r = load(store, owners, &id, take_one, &job);

        if (r < 0)
                return r;
        if (!job)
                return -ENOENT;
        *ret = job;
        return 0;
}
