/*
 * Takes the reports of workers about their jobs: live figures, checkpoints, and their end. Decides
 * what each outcome of a worker means for the job, and fails jobs.
 */
#pragma once

#include "manager/announcer.h"
#include "manager/runs.h"
#include "manager/waiters.h"

/* All pointers are borrowed. */
typedef struct Reports {
        const ManagerParts *parts;
        Changes *changes;
        Waiters *waiters;
        Timers *timers;
        Announcer *announcer;
        Runs *runs;
        uint64_t no_process_usec; /* boottime of the latest log entry that no process can be had */
} Reports;

/* To be given to runs_init(); userdata is a Reports. */
JobRunEvents reports_events(Reports *reports);

/* Nothing has come for too long: the error that the job has becomes final. */
void reports_fail_stalled(Reports *reports, Job *job);
/* The job has used up its MaximumDownloadTime. */
void reports_fail_overdue(Reports *reports, Job *job);
