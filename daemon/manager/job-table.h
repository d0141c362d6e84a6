/*
 * All jobs, by their ids. Also keeps the file "work", which makes systemd start the service at boot
 * while at least one job has something left to do.
 */
#pragma once

#include <stdint.h>

#include "manager/job.h"
#include "manager/manager-parts.h"

typedef struct JobTable {
        Job *by_id; /* JobTableEntry.hh; owned */
        Owners *owners;
        int state_dir_fd; /* borrowed */
        uint32_t n_work;  /* jobs with JobTableEntry.counted_as_work */
} JobTable;

void job_table_init(JobTable *table, const ManagerParts *parts);

/* Takes the job over; it is freed at once where that fails. -ENOMEM. */
int job_table_add(JobTable *table, Job *job);
/* Frees the job, and its owner if that was the last one. */
void job_table_remove(JobTable *table, Job *job);

Job *job_table_find(const JobTable *table, sd_id128_t id);
uint32_t job_table_count(const JobTable *table);
/* Jobs in no order; the present one may be removed. */
#define JOB_TABLE_FOREACH(job, after, the_table)                                                   \
        HASH_ITER (table.hh, (the_table)->by_id, job, after)

/* Counts the job, or no longer, among those that have something left to do. */
void job_table_count_work(JobTable *table, Job *job);
bool job_table_has_work(const JobTable *table);
/* From now on the file "work" stays as it is, because the jobs come back with the next start. */
void job_table_keep_work_file(JobTable *table);
