/*
 * Announces jobs to the observer that the bus edge registers, and remembers in each job which state
 * was announced last. A job that was announced as removed is never announced again.
 */
#pragma once

#include "manager/job.h"

/* Called after the commit. The job is valid during the call. */
typedef struct ManagerObserver {
        void (*job_new)(void *userdata, Job *job);
        /* previous: the state that was announced before */
        void (*job_changed)(void *userdata, Job *job, JobChanges changed, JobState previous);
        void (*job_progress)(void *userdata, Job *job);
        void (*job_removed)(void *userdata, Job *job); /* its state says how it ended */
        /* Changes that nobody was told of were taken back. */
        void (*job_reverted)(void *userdata, Job *job);
        void *userdata;
} ManagerObserver;

typedef struct Announcer {
        ManagerObserver observer; /* members may be NULL */
} Announcer;

void announcer_changed(Announcer *announcer, Job *job, JobChanges changed);
void announcer_progress(Announcer *announcer, Job *job);
void announcer_removed(Announcer *announcer, Job *job);

/* Clients know the present state of the job already. */
void announcer_reset(Job *job);
/* The job was put back to what clients know. */
void announcer_reverted(Announcer *announcer, Job *job);
bool announcer_has_removed(const Job *job);
