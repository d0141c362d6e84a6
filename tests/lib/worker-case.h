/*
 * What each test of dosvc-worker needs: the program, two bad servers (tests/lib/bad-server), a
 * home directory for the owner of the job, and checks of what has arrived there. As root, because
 * the worker is another user.
 */
#pragma once

#include <check.h>

#include "model/error-code.h"
#include "tests/lib/bad-server.h"
#include "tests/lib/worker-driver.h"

extern char *case_dir;  /* of the whole test */
extern char *case_home; /* of the owner */
extern HttpServer case_server, case_other;
extern WorkerDriver case_worker, case_second;

/* A case whose tests begin with all of that and leave nothing behind. */
TCase *case_add(Suite *suite, const char *name);
int case_run_suite(Suite *suite); /* the exit status of main() */

/* A file of that name in the home, from that path on the server. */
void case_make_record(FileRecord *record, uint32_t index, const char *path, const char *name);

/* Starts a worker on one such file, "file"; fetch waits for its end. */
void case_begin(WorkerDriver *driver, const char *path, const char *proxy);
void case_fetch(const char *path);
/* Starts the worker on those records and waits for its end. */
void case_fetch_records(const FileRecord *records, size_t n_records);

/*
 * What the manager would know of file 0 after that worker, which is ended by driver_stop() or
 * driver_kill(). interrupt begins a file from that path, and ends the worker when a part is there.
 */
FileRecord case_remember(WorkerDriver *driver, void (*ending)(WorkerDriver *));
FileRecord case_interrupt(const char *path, void (*ending)(WorkerDriver *));
/* Another worker continues the file; consumes the record. */
void case_resume(FileRecord *record);

char *case_temp_path(const FileRecord *record);

/* The temporary file of a record, or the file that is named, holds exactly those bytes. */
bool case_holds(const FileRecord *record, const void *expected, size_t size_bytes);
void case_assert_bytes(const char *path, const void *expected, size_t size_bytes);

/* The worker has finished, and that file of it has exactly those bytes. */
void case_assert_finished(uint32_t file, const void *expected, size_t size_bytes);
/* It has failed with file 0. */
void case_assert_failed(uint32_t code, bool transient, const char *context);

/* How often a server was sent that text. */
size_t case_count_in_log(const HttpServer *server, const char *part);
void case_assert_log_count(const HttpServer *server, const char *part, size_t expected);

size_t case_entries_in_home(void);
