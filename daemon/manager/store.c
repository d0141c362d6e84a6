#include "manager/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

#include "manager/store-schema.h"
#include "manager/store-statements.h"
#include "model/file-record.h"

struct Store {
        sqlite3 *db;
        sqlite3_stmt *statements[STORE_STATEMENTS_MAX];
        int failure; /* first error of the open transaction: it cannot be committed */
        bool dirty;
};

static int store_errno(Store *store, int code)
{
        return store_schema_errno(store->db, code);
}

static int get_statement(Store *store, int which, sqlite3_stmt **ret)
{
        if (!store->statements[which]) {
                int code = sqlite3_prepare_v3(store->db,
                                              store_statement_texts[which],
                                              -1,
                                              SQLITE_PREPARE_PERSISTENT,
                                              &store->statements[which],
                                              NULL);

                if (code != SQLITE_OK)
                        return store_errno(store, code);
        }
        *ret = store->statements[which];
        return 0;
}

/* Resets a statement when its scope ends, so that it holds no lock and no copy of a value. */
static void statement_donep(sqlite3_stmt **statement)
{
        if (*statement) {
                (void) sqlite3_reset(*statement);
                (void) sqlite3_clear_bindings(*statement);
        }
}

#define _cleanup_statement_ _cleanup_(statement_donep)

static int run(Store *store, int which)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = get_statement(store, which, &statement);

        return r < 0 ? r : store_errno(store, sqlite3_step(statement));
}

void store_fail(Store *store, int error)
{
        if (store->failure == 0)
                store->failure = error;
}

/* Opens the transaction with the first change; remembers the first failure of it. */
static int begin(Store *store)
{
        int r;

        if (store->failure < 0)
                return store->failure;
        if (store->dirty)
                return 0;
        r = run(store, STORE_BEGIN);
        if (r >= 0)
                store->dirty = true;
        else
                store_fail(store, r);
        return r;
}

/* The statement of a change, which fails the whole transaction if it cannot be made. */
static int prepare(Store *store, int which, sqlite3_stmt **ret)
{
        int r = begin(store);

        if (r >= 0)
                r = get_statement(store, which, ret);
        if (r < 0)
                store_fail(store, r);
        return r;
}

static int change(Store *store, sqlite3_stmt *statement)
{
        int r = store_errno(store, sqlite3_step(statement));

        if (r < 0)
                store_fail(store, r);
        return r;
}

static void bind_u64(sqlite3_stmt *statement, int at, uint64_t value)
{
        (void) sqlite3_bind_int64(statement, at, (sqlite3_int64) value);
}

static void bind_text(sqlite3_stmt *statement, int at, const char *s)
{
        (void) sqlite3_bind_text(statement, at, s, -1, SQLITE_STATIC);
}

static uint64_t column_u64(sqlite3_stmt *statement, int at)
{
        return (uint64_t) sqlite3_column_int64(statement, at);
}

/* Lives until the next step; "" for NULL. -ENOMEM. */
static int column_text(sqlite3_stmt *statement, int at, const char **ret)
{
        const unsigned char *text = sqlite3_column_text(statement, at);

        if (!text && sqlite3_column_type(statement, at) != SQLITE_NULL)
                return -ENOMEM;
        *ret = text ? (const char *) text : "";
        return 0;
}

static int read_text(sqlite3_stmt *statement, int at, char **owned)
{
        const char *text;
        int r = column_text(statement, at, &text);

        return r < 0 ? r : str_set(owned, text);
}

/* SQLite would make it readable for others, as far as the umask lets it. */
static int create_file(const char *path)
{
        int fd;

        if (str_equal(path, ":memory:"))
                return 0;
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return errno == EEXIST ? 0 : -errno;
        (void) close(fd);
        return 0;
}

int store_open(const char *path, Store **ret)
{
        _cleanup_(store_freep) Store *store = calloc(1, sizeof(*store));
        int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
        int r;

        if (!store)
                return -ENOMEM;
        r = create_file(path);
        if (r >= 0)
                r = store_errno(store, sqlite3_open_v2(path, &store->db, flags, NULL));
        if (r >= 0)
                r = store_schema_prepare(store->db);
        /* Now: a transaction must be ended also when there is no memory for a statement. */
        for (int which = STORE_BEGIN; r >= 0 && which <= STORE_ROLLBACK; which++) {
                sqlite3_stmt *ignored;

                r = get_statement(store, which, &ignored);
        }
        if (r < 0)
                return r;
        *ret = STEAL_PTR(store);
        return 0;
}

int store_move_aside(const char *path, uint64_t now_usec, char **ret)
{
        /* The database first: SQLite throws away a log without one. */
        static const char *const suffixes[] = { "", "-wal", "-shm" };
        _cleanup_free_ char *aside = NULL;
        int r = str_format(&aside, "%s.damaged-%llu", path, now_usec / USEC_PER_SEC);

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(suffixes); i++) {
                _cleanup_free_ char *from = NULL, *to = NULL;

                r = str_format(&from, "%s%s", path, suffixes[i]);
                if (r >= 0)
                        r = str_format(&to, "%s%s", aside, suffixes[i]);
                if (r >= 0 && renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) < 0 &&
                    (errno != ENOENT || i == 0))
                        r = -errno;
        }
        if (r < 0)
                return r;
        *ret = STEAL_PTR(aside);
        return 0;
}

Store *store_free(Store *store)
{
        if (!store)
                return NULL;
        if (store->dirty)
                store_rollback(store);
        for (int i = 0; i < STORE_STATEMENTS_MAX; i++)
                (void) sqlite3_finalize(store->statements[i]);
        (void) sqlite3_close(store->db);
        free(store);
        return NULL;
}

static void bind_settings(sqlite3_stmt *s, const TransferSettings *settings)
{
        const char *const texts[] = {
                settings->ca_certificate,
                settings->client_certificate,
                settings->client_key,
                settings->ticket_cache,
        };

        bind_u64(s, 31, settings->redirect_policy);
        bind_u64(s, 32, settings->security_flags);
        for (int i = 0; i < (int) ARRAY_SIZE(texts); i++)
                bind_text(s, 33 + i, texts[i] ? texts[i] : "");
}

int store_put_job(Store *store, Job *job)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        _cleanup_free_ char *proxies = NULL, *bypass = NULL;
        int r;

        r = prepare(store, STORE_PUT_JOB, &s);
        if (r >= 0)
                r = strings_to_lines(job->settings.proxies, &proxies);
        if (r >= 0)
                r = strings_to_lines(job->settings.proxy_bypass, &bypass);
        if (r < 0) {
                store_fail(store, r);
                return r;
        }

        if (job->serial > 0)
                (void) sqlite3_bind_int64(s, 1, job->serial);
        (void) sqlite3_bind_blob(s, 2, &job->id, sizeof(job->id), SQLITE_STATIC);
        bind_u64(s, 3, job->owner->uid);
        bind_text(s, 4, job->owner->name);
        bind_text(s, 5, job->display_name);
        bind_text(s, 6, job->description);
        bind_u64(s, 7, job->priority);
        bind_u64(s, 8, job->proxy_usage);
        bind_text(s, 9, proxies);
        bind_text(s, 10, bypass);
        bind_u64(s, 11, job->state);
        bind_u64(s, 12, job->error.code);
        bind_u64(s, 13, job->error.context);
        bind_text(s, 14, job->error.description);
        bind_text(s, 15, job->error.url);
        (void) sqlite3_bind_int64(s, 16, job->error.file);
        bind_u64(s, 17, job->error_count);
        bind_u64(s, 18, job->attempts.failures);
        bind_u64(s, 19, job->credentials_lost);
        bind_u64(s, 20, job->created_usec);
        bind_u64(s, 21, job->modified_usec);
        bind_u64(s, 22, job->transferred_usec);
        bind_u64(s, 23, job->attempts.next_usec);
        for (int i = 0; i < JOB_SPANS_MAX; i++)
                bind_u64(s, 24 + i, job->spans_sec[i]);
        bind_u64(s, 27, job->attempts.stalled.spent_usec);
        bind_u64(s, 28, job->attempts.active.spent_usec);
        bind_u64(s, 29, job->attempts.workers_lost);
        bind_u64(s, 30, job->unreported);
        bind_settings(s, &job->settings);
        bind_u64(s, 37, job->sealed);

        r = change(store, s);
        if (r >= 0 && job->serial == 0)
                job->serial = sqlite3_last_insert_rowid(store->db);
        return r;
}

int store_put_file(Store *store, const Job *job, uint32_t index)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        const FileRecord *record = &job->files[index].record;
        int r;

        r = prepare(store, STORE_PUT_FILE, &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, job->serial);
        bind_u64(s, 2, index);
        bind_text(s, 3, record->remote_name);
        bind_text(s, 4, record->local_name);
        bind_text(s, 5, record->temp_name);
        bind_u64(s, 6, record->inode);
        bind_u64(s, 7, record->offset_bytes);
        bind_u64(s, 8, record->total_bytes);
        bind_text(s, 9, record->etag);
        bind_text(s, 10, record->last_modified);
        bind_text(s, 11, record->effective_url);
        bind_u64(s, 12, record->finished);
        bind_text(s, 13, record->headers);
        bind_text(s, 14, record->checksum);
        (void) sqlite3_bind_blob64(s,
                                   15,
                                   record->n_ranges ? (const void *) record->ranges : "",
                                   record->n_ranges * sizeof(*record->ranges),
                                   SQLITE_STATIC);
        bind_u64(s, 16, record->restarts);
        bind_text(s, 17, record->restart_reason);
        bind_text(s, 18, record->named_url);
        return change(store, s);
}

int store_delete_job(Store *store, const Job *job)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = prepare(store, STORE_DELETE_JOB, &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, job->serial);
        return change(store, s);
}

/* Which slot of a job; zero where a kind has no such thing. */
typedef struct SlotKey {
        VaultKind kind;
        AuthTarget target;
        AuthScheme scheme;
} SlotKey;

static void bind_slot(sqlite3_stmt *s, const Job *job, SlotKey key)
{
        (void) sqlite3_bind_int64(s, 1, job->serial);
        bind_u64(s, 2, key.kind);
        bind_u64(s, 3, key.target);
        bind_u64(s, 4, key.scheme);
}

static int get_slot(Store *store, const Job *job, SlotKey key, StoreSlot *ret);

static int delete_slot(Store *store, const Job *job, SlotKey key, uint64_t *ret_removed)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        StoreSlot slot;
        int r;

        *ret_removed = 0;
        r = prepare(store, STORE_DELETE_SLOT, &s);
        if (r >= 0)
                r = get_slot(store, job, key, &slot);
        if (r == -ENOENT)
                return 0;
        if (r < 0) {
                store_fail(store, r);
                return r;
        }
        *ret_removed = slot.row.sealed_size;
        store_slot_done(&slot);
        bind_slot(s, job, key);
        r = change(store, s);
        return r < 0 ? r : 1;
}

static int put_slot(Store *store,
                    const Job *job,
                    SlotKey key,
                    bool implicit,
                    const char *user_name,
                    const VaultRow *row,
                    uint64_t *ret_replaced)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = prepare(store, STORE_PUT_SLOT, &s);
        if (r >= 0)
                r = delete_slot(store, job, key, ret_replaced);
        if (r < 0)
                return r;
        bind_slot(s, job, key);
        bind_u64(s, 5, implicit);
        if (user_name)
                bind_text(s, 6, user_name);
        (void) sqlite3_bind_blob(s, 7, &row->key_id, sizeof(row->key_id), SQLITE_STATIC);
        bind_u64(s, 8, row->persistent);
        (void) sqlite3_bind_blob64(s, 9, row->sealed, row->sealed_size, SQLITE_STATIC);
        return change(store, s);
}

int store_put_slot(Store *store,
                   const Job *job,
                   AuthTarget target,
                   AuthScheme scheme,
                   bool implicit,
                   const char *user_name,
                   const VaultRow *row,
                   uint64_t *ret_replaced)
{
        SlotKey key = { VAULT_CREDENTIAL, target, scheme };

        return put_slot(store, job, key, implicit, user_name, row, ret_replaced);
}

int store_delete_slot(Store *store,
                      const Job *job,
                      AuthTarget target,
                      AuthScheme scheme,
                      uint64_t *ret_removed)
{
        return delete_slot(store, job, (SlotKey){ VAULT_CREDENTIAL, target, scheme }, ret_removed);
}

int store_put_sealed(Store *store,
                     const Job *job,
                     VaultKind kind,
                     const VaultRow *row,
                     uint64_t *ret_replaced)
{
        return put_slot(store, job, (SlotKey){ .kind = kind }, false, NULL, row, ret_replaced);
}

int store_delete_sealed(Store *store, const Job *job, VaultKind kind, uint64_t *ret_removed)
{
        return delete_slot(store, job, (SlotKey){ .kind = kind }, ret_removed);
}

int store_delete_slots(Store *store, const Job *job)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = prepare(store, STORE_DELETE_SLOTS, &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, job->serial);
        return change(store, s);
}

void store_slot_done(StoreSlot *slot)
{
        free(slot->user_name);
        slot->user_name = NULL;
        vault_row_done(&slot->row);
}

int store_slot_schemes(Store *store,
                       const Job *job,
                       AuthTarget target,
                       unsigned *ret_schemes,
                       unsigned *ret_implicit)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        unsigned schemes = 0, implicit = 0;
        int code, r;

        r = get_statement(store, STORE_SLOT_SCHEMES, &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, job->serial);
        bind_u64(s, 2, target);
        while ((code = sqlite3_step(s)) == SQLITE_ROW) {
                uint64_t scheme = column_u64(s, 0);

                if (scheme >= AUTH_SCHEMES_MAX)
                        continue;
                schemes |= 1U << scheme;
                if (sqlite3_column_int(s, 1) != 0)
                        implicit |= 1U << scheme;
        }
        r = store_errno(store, code);
        if (r < 0)
                return r;
        *ret_schemes = schemes;
        *ret_implicit = implicit;
        return 0;
}

int store_slot_bytes(Store *store, const Job *job, uint64_t *ret_bytes)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int code, r;

        r = get_statement(store, STORE_SLOT_BYTES, &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, job->serial);
        code = sqlite3_step(s);
        if (code == SQLITE_ROW)
                *ret_bytes = column_u64(s, 0);
        return store_errno(store, code);
}

static int read_id(sqlite3_stmt *s, int at, sd_id128_t *ret)
{
        const void *blob = sqlite3_column_blob(s, at);

        if (!blob || sqlite3_column_bytes(s, at) != (int) sizeof(*ret))
                return -EUCLEAN;
        memcpy(ret, blob, sizeof(*ret));
        return 0;
}

static int get_slot(Store *store, const Job *job, SlotKey key, StoreSlot *ret)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        StoreSlot slot = { .target = key.target, .scheme = key.scheme };
        int code, size, r;

        r = get_statement(store, STORE_GET_SLOT, &s);
        if (r < 0)
                return r;
        bind_slot(s, job, key);
        code = sqlite3_step(s);
        if (code == SQLITE_DONE)
                return -ENOENT;
        r = store_errno(store, code);
        if (r < 0)
                return r;

        slot.implicit = sqlite3_column_int(s, 0) != 0;
        slot.row.persistent = sqlite3_column_int(s, 3) != 0;
        r = read_id(s, 2, &slot.row.key_id);
        if (r < 0)
                return r;
        if (sqlite3_column_type(s, 1) != SQLITE_NULL) {
                r = read_text(s, 1, &slot.user_name);
                if (r < 0)
                        return r;
        }
        size = sqlite3_column_bytes(s, 4);
        slot.row.sealed = malloc(size > 0 ? (size_t) size : 1);
        if (!slot.row.sealed) {
                store_slot_done(&slot);
                return -ENOMEM;
        }
        if (size > 0)
                memcpy(slot.row.sealed, sqlite3_column_blob(s, 4), (size_t) size);
        slot.row.sealed_size = (size_t) size;
        *ret = slot;
        return 0;
}

int store_get_slot(Store *store,
                   const Job *job,
                   AuthTarget target,
                   AuthScheme scheme,
                   StoreSlot *ret)
{
        return get_slot(store, job, (SlotKey){ VAULT_CREDENTIAL, target, scheme }, ret);
}

int store_get_sealed(Store *store, const Job *job, VaultKind kind, StoreSlot *ret)
{
        return get_slot(store, job, (SlotKey){ .kind = kind }, ret);
}

int store_each_slot(Store *store, store_slot_t slot, void *userdata)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL, *deletion = NULL;
        int code = SQLITE_DONE, r;

        r = get_statement(store, STORE_EACH_SLOT, &s);
        if (r >= 0)
                r = get_statement(store, STORE_DELETE_SLOT, &deletion);
        while (r >= 0 && (code = sqlite3_step(s)) == SQLITE_ROW) {
                VaultRow row = { .persistent = sqlite3_column_int(s, 5) != 0,
                                 .sealed_size = (size_t) sqlite3_column_int64(s, 6) };

                sd_id128_t job;

                r = read_id(s, 4, &row.key_id);
                if (r >= 0)
                        r = read_id(s, 7, &job);
                if (r >= 0)
                        r = slot(userdata, job, &row);
                if (r <= 0)
                        continue;
                r = begin(store);
                if (r < 0)
                        break;
                for (int i = 0; i < 4; i++)
                        (void) sqlite3_bind_int64(deletion, i + 1, sqlite3_column_int64(s, i));
                r = change(store, deletion);
                (void) sqlite3_reset(deletion);
        }
        return r < 0 ? r : store_errno(store, code);
}

bool store_is_dirty(const Store *store)
{
        return store->dirty;
}

int store_commit(Store *store)
{
        int r = store->failure;

        if (r >= 0 && store->dirty)
                r = run(store, STORE_COMMIT);
        if (r < 0) {
                store_rollback(store);
                return r;
        }
        store->dirty = false;
        return 0;
}

void store_rollback(Store *store)
{
        /* After SQLITE_FULL and the like SQLite has rolled back by itself already. */
        if (!sqlite3_get_autocommit(store->db))
                (void) run(store, STORE_ROLLBACK);
        store->dirty = false;
        store->failure = 0;
}

int store_checkpoint(Store *store)
{
        int code =
                sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

        return store_errno(store, code);
}

static int read_settings(sqlite3_stmt *s, TransferSettings *settings)
{
        char **const texts[] = {
                &settings->ca_certificate,
                &settings->client_certificate,
                &settings->client_key,
                &settings->ticket_cache,
        };
        int r = 0;

        settings->redirect_policy = (RedirectPolicy) column_u64(s, 30);
        settings->security_flags = (unsigned) column_u64(s, 31);
        for (int i = 0; r >= 0 && i < (int) ARRAY_SIZE(texts); i++) {
                const char *text;

                r = column_text(s, 32 + i, &text); /* "" is none */
                if (r >= 0 && text[0] != '\0')
                        r = str_set(texts[i], text);
        }
        return r;
}

/* -EUCLEAN for values that no version of this program writes. */
static int read_job(sqlite3_stmt *s, Owners *owners, Job **ret)
{
        const char *owner_name, *proxies, *bypass, *description, *url;
        Owner *owner;
        sd_id128_t id;
        Job *job;
        int r;

        if (!sqlite3_column_int(s, STORE_JOB_IS_WHOLE))
                return -EUCLEAN;
        r = read_id(s, 1, &id);
        if (r >= 0)
                r = column_text(s, 3, &owner_name);
        if (r >= 0)
                r = owners_acquire(owners, (uint32_t) column_u64(s, 2), owner_name, &owner);
        if (r < 0)
                return r;
        r = job_new(id, owner, &job);
        if (r < 0) {
                owners_release(owners, owner);
                return r;
        }
        *ret = job; /* the caller frees what is half read, and lets its owner go */
        if (column_u64(s, 6) >= PRIORITIES_MAX || column_u64(s, 7) >= PROXY_USAGES_MAX ||
            column_u64(s, 10) >= JOB_STATES_MAX || column_u64(s, 12) >= ERROR_CONTEXTS_MAX ||
            column_u64(s, 30) >= REDIRECT_POLICIES_MAX ||
            column_u64(s, 31) >= 1U << SECURITY_FLAGS_MAX ||
            column_u64(s, 36) >= 1U << VAULT_KINDS_MAX)
                return -EUCLEAN;

        job->serial = sqlite3_column_int64(s, 0);
        job->priority = (Priority) column_u64(s, 6);
        job->proxy_usage = (ProxyUsage) column_u64(s, 7);
        job->state = (JobState) column_u64(s, 10);
        job->error_count = (uint32_t) column_u64(s, 16);
        job->attempts.failures = (uint32_t) column_u64(s, 17);
        job->credentials_lost = column_u64(s, 18) != 0;
        job->created_usec = column_u64(s, 19);
        job->modified_usec = column_u64(s, 20);
        job->transferred_usec = column_u64(s, 21);
        job->attempts.next_usec = column_u64(s, 22);
        for (int i = 0; i < JOB_SPANS_MAX; i++)
                job->spans_sec[i] = column_u64(s, 23 + i);
        job->attempts.stalled.spent_usec = column_u64(s, 26);
        job->attempts.active.spent_usec = column_u64(s, 27);
        job->attempts.workers_lost = (uint32_t) column_u64(s, 28);
        job->unreported = column_u64(s, 29) != 0;
        job->sealed = (unsigned) column_u64(s, 36);

        r = read_text(s, 4, &job->display_name);
        if (r >= 0)
                r = read_text(s, 5, &job->description);
        if (r >= 0)
                r = column_text(s, 8, &proxies);
        if (r >= 0)
                r = strings_from_lines(proxies, &job->settings.proxies);
        if (r >= 0)
                r = column_text(s, 9, &bypass);
        if (r >= 0)
                r = strings_from_lines(bypass, &job->settings.proxy_bypass);
        if (r >= 0)
                r = read_settings(s, &job->settings);
        if (r >= 0)
                r = column_text(s, 13, &description);
        if (r >= 0)
                r = column_text(s, 14, &url);
        if (r >= 0)
                r = job_set_error(job,
                                  (uint32_t) column_u64(s, 11),
                                  (ErrorContext) column_u64(s, 12),
                                  description,
                                  url,
                                  sqlite3_column_int64(s, 15));
        return r;
}

static int read_ranges(sqlite3_stmt *s, int at, FileRecord *record)
{
        size_t size = (size_t) sqlite3_column_bytes(s, at);

        if (size % sizeof(*record->ranges) != 0)
                return -EUCLEAN;
        if (size == 0)
                return 0;
        record->ranges = malloc(size);
        if (!record->ranges)
                return -ENOMEM;
        memcpy(record->ranges, sqlite3_column_blob(s, at), size);
        record->n_ranges = (uint32_t) (size / sizeof(*record->ranges));
        return 0;
}

static int read_file(sqlite3_stmt *s, Job *job)
{
        FileRecord record = { .index = (uint32_t) column_u64(s, 1) };
        char **const texts[] = {
                &record.remote_name,    &record.local_name,    &record.temp_name, &record.etag,
                &record.last_modified,  &record.effective_url, &record.headers,   &record.checksum,
                &record.restart_reason, &record.named_url,
        };
        static const int columns[] = { 2, 3, 4, 8, 9, 10, 12, 13, 16, 17 };
        int index = job_add_file(job, "", ""), r;

        if (index < 0)
                return index;
        if ((uint32_t) index != record.index || !sqlite3_column_int(s, STORE_FILE_IS_WHOLE))
                return -EUCLEAN;
        record.inode = column_u64(s, 5);
        record.offset_bytes = column_u64(s, 6);
        record.total_bytes = column_u64(s, 7);
        record.finished = column_u64(s, 11) != 0;
        record.restarts = (uint32_t) column_u64(s, 15);
        r = read_ranges(s, 14, &record);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(texts); i++)
                r = read_text(s, columns[i], texts[i]);
        if (r >= 0)
                job_set_file(job, (uint32_t) index, &record);
        file_record_done(&record);
        return r < 0 ? r : 0;
}

/* The files of one job, where both tables are walked in the same order. */
static int read_files(Store *store, sqlite3_stmt *files, Job *job, int *file_code)
{
        int r = 0;

        while (r >= 0 && *file_code == SQLITE_ROW &&
               sqlite3_column_int64(files, 0) == job->serial) {
                r = read_file(files, job);
                if (r >= 0)
                        *file_code = sqlite3_step(files);
        }
        if (r >= 0)
                r = store_errno(store, *file_code);
        /* A file of no job would hide the files of all jobs behind it. */
        if (r >= 0 && *file_code == SQLITE_ROW && sqlite3_column_int64(files, 0) < job->serial)
                r = -EUCLEAN;
        return r;
}

/* Walks both tables in the same order at once; id NULL for all jobs. */
static int
load(Store *store, Owners *owners, const sd_id128_t *id, store_job_t callback, void *userdata)
{
        _cleanup_statement_ sqlite3_stmt *jobs = NULL, *files = NULL;
        int job_code, file_code = SQLITE_OK, r;

        r = get_statement(store, STORE_LOAD_JOBS, &jobs);
        if (r >= 0)
                r = get_statement(store, STORE_LOAD_FILES, &files);
        if (r < 0)
                return r;
        if (id)
                (void) sqlite3_bind_blob(jobs, 1, id, sizeof(*id), SQLITE_STATIC);

        while ((job_code = sqlite3_step(jobs)) == SQLITE_ROW) {
                Job *job = NULL;

                r = read_job(jobs, owners, &job);
                if (r >= 0 && file_code == SQLITE_OK) {
                        if (id)
                                (void) sqlite3_bind_int64(files, 1, job->serial);
                        file_code = sqlite3_step(files);
                }
                if (r >= 0)
                        r = read_files(store, files, job, &file_code);
                if (r < 0 && job) {
                        Owner *owner = job->owner;

                        job_free(job);
                        owners_release(owners, owner);
                }
                if (r >= 0)
                        r = callback(userdata, job);
                if (r < 0)
                        return r;
        }
        if (job_code == SQLITE_DONE && file_code == SQLITE_ROW)
                return -EUCLEAN;
        return store_errno(store, job_code);
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
