/*
 * A fake manager/worker-link without process and bus: the test sees the orders of the manager and
 * reports in place of a worker. Linked only by the tests that tests/sources.mk names.
 */
#pragma once

#include "manager/worker-link.h"

/* An order of the manager, which frees it. */
struct WorkerLink {
        List link;
        const WorkerLinkEvents *events;
        void *userdata;
        WorkerTask task;
        sd_id128_t job;
        uint32_t owner_uid;
        char *owner_name;
        FileRecord *files;
        size_t n_files;
        JobSettings settings;
        Answers *answers;   /* borrowed */
        bool stopped;       /* worker_link_stop() was called */
        unsigned n_changes; /* calls of worker_link_change() */
};

/* The number of all orders so far, and of those that are not freed. */
unsigned fake_link_count(void);
unsigned fake_link_alive(void);
/* The order for that job; NULL: none. */
WorkerLink *fake_link_of(sd_id128_t job);
/* The next order fails with that negative errno. */
void fake_link_refuse(int error);

/* Reports that bytes of a file are on disk, under a temporary name. */
void fake_link_checkpoint(WorkerLink *link,
                          uint32_t file,
                          uint64_t bytes,
                          uint64_t total,
                          bool finished);
/* Reports that all files of the order are whole, and ends. */
void fake_link_succeed(WorkerLink *link);
/* Reports a failure that concerns no single file, and ends. */
void fake_link_fail(WorkerLink *link, bool transient, uint32_t code, uint64_t retry_after_sec);
/* Reports that the temporary file of a finished file is gone, and ends. */
void fake_link_lose(WorkerLink *link, uint32_t file);
/* The process ends; link must not be used any more. */
void fake_link_end(WorkerLink *link, int result, const char *text);
