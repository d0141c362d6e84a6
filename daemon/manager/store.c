#include "manager/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

#include "manager/store-core.h"
#include "manager/store-schema.h"

/* SQLite itself would make the file readable for others, as far as the umask lets it. */
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
        /* Prepared now, because a transaction must be ended also when memory for a statement lacks.
         */
        for (int which = STORE_BEGIN; r >= 0 && which <= STORE_ROLLBACK; which++) {
                sqlite3_stmt *ignored;

                r = store_get_statement(store, which, &ignored);
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

void store_fail(Store *store, int error)
{
        store_spoil(store, error);
}

bool store_is_dirty(const Store *store)
{
        return store->dirty;
}

int store_commit(Store *store)
{
        int r = store->failure;

        if (r >= 0 && store->dirty)
                r = store_run(store, STORE_COMMIT);
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
                (void) store_run(store, STORE_ROLLBACK);
        store->dirty = false;
        store->failure = 0;
}

int store_checkpoint(Store *store)
{
        int code =
                sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

        return store_errno(store, code);
}
