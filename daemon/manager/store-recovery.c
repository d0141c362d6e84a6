#include "manager/store-recovery.h"

#include <errno.h>

#include "base/log.h"
#include "base/str.h"

static int load(const ManagerParts *parts, Manager **ret)
{
        _cleanup_(manager_freep) Manager *manager = NULL;
        int r = manager_new(parts, &manager);

        if (r >= 0)
                r = manager_load(manager);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(manager);
        return 0;
}

static int replace(const char *path, int error, ManagerParts *parts)
{
        _cleanup_free_ char *aside = NULL;
        int r;

        parts->store = store_free(parts->store);
        r = store_move_aside(path, clock_realtime(parts->clock), &aside);
        log_write(LOG_ERR,
                  &(LogContext){ .message_id = LOG_ID_STORE_DAMAGED, .error = -error },
                  r < 0 ? "%s is damaged and cannot be moved aside%s"
                        : "%s is damaged, starting without jobs; it is kept as %s",
                  path,
                  r < 0 ? "" : aside);
        return r < 0 ? r : store_open(path, &parts->store);
}

static void log_failure(const char *path, int error)
{
        if (error == -EPROTONOSUPPORT)
                log_errno(LOG_ERR,
                          error,
                          "%s was written by a newer version, leaving it as it is",
                          path);
        else
                log_errno(LOG_ERR, error, "The jobs in %s cannot be loaded", path);
}

int store_recovery_load(const char *state_directory, ManagerParts *parts, Manager **ret)
{
        _cleanup_free_ char *path = NULL;
        int r = str_format(&path, "%s/jobs.db", state_directory);

        if (r < 0)
                return r;
        /* Damage shows when the database is opened, or when its rows are read. */
        r = store_open(path, &parts->store);
        if (r >= 0)
                r = load(parts, ret);
        if (r == -EUCLEAN) {
                r = replace(path, r, parts);
                if (r >= 0)
                        r = load(parts, ret);
        }
        if (r < 0)
                log_failure(path, r);
        return r;
}
