/*
 * fill-store DATABASE OWNER N: puts N suspended jobs of that uid into a database, one file each,
 * as the service would, for tests/bench-start.
 */
#include <err.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macro.h"
#include "base/str.h"

#include "manager/store.h"

static int put(Store *store, Owner *owner, uint64_t n)
{
        _cleanup_(job_freep) Job *job = NULL;
        _cleanup_free_ char *url = NULL, *local = NULL;
        sd_id128_t id;
        int r;

        r = sd_id128_randomize(&id);
        if (r >= 0)
                r = job_new(id, owner, &job);
        if (r >= 0)
                r = str_format(&url, "https://files.example.com/pool/package-%ju.tar.gz", n);
        if (r >= 0)
                r = str_format(&local, "/var/tmp/packages/package-%ju.tar.gz", n);
        if (r >= 0)
                r = str_set(&job->settings.display_name, local);
        if (r >= 0)
                r = job_add_file(job, url, local);
        if (r >= 0)
                r = store_put_job(store, job);
        return r < 0 ? r : store_put_file(store, job, 0);
}

int main(int argc, char *argv[])
{
        _cleanup_(store_freep) Store *store = NULL;
        Owners owners = { 0 };
        const struct passwd *entry;
        uint64_t uid, n;
        Owner *owner;
        int r;

        if (argc != 4 || str_parse_u64(argv[2], UINT32_MAX, &uid) < 0 ||
            str_parse_u64(argv[3], UINT32_MAX, &n) < 0)
                errx(EXIT_FAILURE, "usage: fill-store DATABASE OWNER N");
        entry = getpwuid((uid_t) uid);
        if (!entry)
                errx(EXIT_FAILURE, "no user has uid %s", argv[2]);
        r = store_open(argv[1], &store);
        if (r >= 0)
                r = owners_acquire(&owners, (uint32_t) uid, entry->pw_name, &owner);
        for (uint64_t i = 0; r >= 0 && i < n; i++)
                r = put(store, owner, i);
        if (r >= 0)
                r = store_commit(store);
        if (r < 0) {
                errno = -r;
                err(EXIT_FAILURE, "%s", argv[1]);
        }
        owners_release(&owners, owner);
        return EXIT_SUCCESS;
}
