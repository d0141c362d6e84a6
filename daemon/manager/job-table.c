#include "manager/job-table.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"

#define WORK_FILE "work"

void job_table_init(JobTable *table, const ManagerParts *parts)
{
        *table = (JobTable){ .owners = parts->owners, .state_dir_fd = parts->state_dir_fd };
}

static void free_job(JobTable *table, Job *job)
{
        Owner *owner = job->owner;

        owner->vault_bytes -= job->vault_bytes;
        job_free(job);
        owners_release(table->owners, owner);
}

int job_table_add(JobTable *table, Job *job)
{
        HASH_ADD(table.hh, table->by_id, id, sizeof(job->id), job);
        if (job->table.hh.tbl)
                return 0;
        free_job(table, job);
        return -ENOMEM;
}

bool job_table_has_work(const JobTable *table)
{
        return table->n_work > 0;
}

static void update_work_file(const JobTable *table)
{
        if (table->state_dir_fd < 0)
                return;
        if (job_table_has_work(table)) {
                _cleanup_close_ int fd = openat(table->state_dir_fd,
                                                WORK_FILE,
                                                O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW,
                                                0600);

                if (fd < 0)
                        log_errno(LOG_WARNING, errno, "The file %s cannot be made", WORK_FILE);
        } else if (unlinkat(table->state_dir_fd, WORK_FILE, 0) < 0 && errno != ENOENT) {
                log_errno(LOG_WARNING, errno, "The file %s cannot be removed", WORK_FILE);
        }
}

static void count_work(JobTable *table, Job *job, bool has_work)
{
        bool before = job_table_has_work(table);

        if (job->table.counted_as_work == has_work)
                return;
        job->table.counted_as_work = has_work;
        table->n_work += has_work ? 1 : UINT32_MAX; /* modulo 2^32, which is one less */
        if (before != job_table_has_work(table))
                update_work_file(table);
}

void job_table_count_work(JobTable *table, Job *job)
{
        count_work(table, job, job_has_work(job));
}

void job_table_remove(JobTable *table, Job *job)
{
        count_work(table, job, false);
        HASH_DELETE(table.hh, table->by_id, job);
        free_job(table, job);
}

Job *job_table_find(const JobTable *table, sd_id128_t id)
{
        Job *job = NULL;

        HASH_FIND(table.hh, table->by_id, &id, sizeof(id), job);
        return job;
}

uint32_t job_table_count(const JobTable *table)
{
        return HASH_CNT(table.hh, table->by_id);
}

void job_table_keep_work_file(JobTable *table)
{
        table->state_dir_fd = -EBADF;
}
