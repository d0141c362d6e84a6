#include "manager/announcer.h"

void announcer_changed(Announcer *announcer, Job *job, JobChanges changed)
{
        const ManagerObserver *observer = &announcer->observer;
        JobState previous = job->announced.state;

        if (job->state == previous) /* it changed and changed back before it was saved */
                changed &= ~JOB_CHANGE_STATE;
        if (changed & JOB_CHANGE_NEW && observer->job_new)
                observer->job_new(observer->userdata, job);
        else if (changed && observer->job_changed)
                observer->job_changed(observer->userdata, job, changed, previous);
        announcer_reset(job);
}

void announcer_progress(Announcer *announcer, Job *job)
{
        if (announcer->observer.job_progress)
                announcer->observer.job_progress(announcer->observer.userdata, job);
}

void announcer_removed(Announcer *announcer, Job *job)
{
        if (job->announced.removed)
                return;
        job->announced.removed = true;
        if (announcer->observer.job_removed)
                announcer->observer.job_removed(announcer->observer.userdata, job);
}

void announcer_reset(Job *job)
{
        job->announced.state = job->state;
        job->announced.owner_uid = job->owner->uid;
        job->announced.n_files = job->n_files;
}

bool announcer_has_removed(const Job *job)
{
        return job->announced.removed;
}
