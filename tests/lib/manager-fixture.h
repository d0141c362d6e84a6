/*
 * A manager for tests: with a store in memory, a real vault whose key is lost with the test, a
 * clock that stands still, and fake workers (tests/lib/fake-link). Everything that the manager
 * announces or answers is added to the event log. Linked only by the tests of the manager.
 */
#pragma once

#include <check.h>

#include "manager/manager.h"
#include "tests/lib/fake-link.h"

#define SEC            USEC_PER_SEC
#define EVENT_LOG_SIZE 4096

extern const Caller alice, bob, root;

/* These are made before each test and freed after it. */
extern sd_event *event;
extern Store *store;
extern Manager *manager;
extern Owners owners;
extern Config config;
extern int state_dir_fd;
extern uint64_t now_usec; /* both clocks of the manager */

/*
 * Words with a space behind each: "new", "name=…", "priority", "owner=…", the state that a job
 * changed to, "attempt" (only its time has changed), "progress", "removed=…", and what the
 * callbacks below add.
 */
extern char event_log[EVENT_LOG_SIZE];

#define check_event_log(expected)                                                                  \
        do {                                                                                       \
                ck_assert_str_eq(event_log, (expected));                                           \
                event_log[0] = '\0';                                                               \
        } while (0)

void on_saved(void *userdata, int result);                                /* "saved=…" */
void on_done(void *userdata, int result, bool partial, const char *text); /* "done=…" */
void on_stopped(void *userdata);                                          /* "stopped" */

/* Replaces the manager that was freed; config stays as the test left it. */
void new_manager(int64_t only_uid);

/* Runs the event loop until nothing is due; timers that are not due do not expire. */
void run_loop(void);
/* Runs the event loop until the event log is not empty and nothing is due. */
void wait_for_timer(void);

/* These change jobs without saving them; run_loop() does. */
Job *create(const Caller *caller);
void add_files(Job *job, size_t n);
/* The number of stored credentials of the job for that target. */
unsigned count_slots(const Job *job, AuthTarget target);
int set_password(Job *job, AuthTarget target, AuthScheme scheme, const char *password);

/* One setting, or the three of ProxySettings, by manager_set_settings(). */
int set_text(const Caller *caller, Job *job, SettingId id, const char *text);
int set_number(const Caller *caller, Job *job, SettingId id, uint64_t number);
int set_proxies(const Caller *caller, Job *job, ProxyUsage usage, char **proxies, char **bypass);

/* Verbs of alice, saved and carried out. */
void resume(Job *job);
void complete(Job *job);
void cancel(Job *job);

/* Saved jobs of alice with that many files; the event log is empty afterwards. */
Job *make_job(size_t n_files);          /* suspended */
Job *make_connecting(size_t n_files);   /* with a worker that has said nothing yet */
Job *make_transferring(size_t n_files); /* its first file has 10 of 100 bytes on disk */
Job *make_transferred(size_t n_files);
Job *make_error(size_t n_files);
Job *make_transient_error(size_t n_files);

/* The worker of the job, which must have one. */
WorkerLink *worker_of(const Job *job);
/* A timer will move the job on. */
bool is_waiting(const Job *job);
/* The timer expires now. */
void expire_timer(Job *job);

/* Adds the tests of one theme to a suite. */
void fixture_add_tests(Suite *suite, const char *name, const TTest *const *tests, size_t n_tests);

#define FIXTURE_ADD_TESTS(suite, name, ...)                                                        \
        fixture_add_tests((suite),                                                                 \
                          (name),                                                                  \
                          (const TTest *const[]){ __VA_ARGS__ },                                   \
                          sizeof((const TTest *const[]){ __VA_ARGS__ }) / sizeof(const TTest *))
