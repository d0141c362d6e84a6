/*
 * Stands in for manager/worker-link: no process, no bus. What the manager orders can be looked
 * at, and the test says what a worker would. Linked only by the tests that tests/sources.mk
 * names, in place of the real one.
 */
#pragma once

#include "manager/worker-link.h"

/* One order, as the manager gave it; lives until the manager frees it. */
struct WorkerLink {
        List link;
        const WorkerLinkFacts *facts;
        void *userdata;
        WorkerTask task;
        sd_id128_t job;
        uint32_t owner_uid;
        char *owner_name;
        FileRecord *files;
        size_t n_files;
        JobSettings settings;
        bool stopped; /* worker_link_stop() was called */
};

/* Orders given so far, and those of them that are still there. */
unsigned fake_link_count(void);
unsigned fake_link_alive(void);
/* The order for that job, or NULL. */
WorkerLink *fake_link_of(sd_id128_t job);
/* The next order fails with that negative errno. */
void fake_link_refuse(int error);

/* Bytes on disk of a file, with a temporary name. */
void fake_link_checkpoint(WorkerLink *link,
                          uint32_t file,
                          uint64_t bytes,
                          uint64_t total,
                          bool finished);
/* All that it was given is whole, then the end. */
void fake_link_succeed(WorkerLink *link);
/* A failure of the whole, then the end. */
void fake_link_fail(WorkerLink *link, bool transient, uint32_t code, uint64_t retry_after_sec);
/* The process is gone; link is not to be used any more. */
void fake_link_end(WorkerLink *link, int result, const char *text);
