/*
 * A manager to try: a store in memory, a real vault whose key goes with the test, a clock that
 * stands still, and workers that do what the test says (tests/lib/fake-link). Whatever it tells
 * becomes a word of the story. Linked only by the tests of the manager.
 */
#pragma once

#include <check.h>

#include "manager/manager.h"
#include "tests/lib/fake-link.h"

#define SEC        USEC_PER_SEC
#define STORY_SIZE 4096

extern const Caller alice, bob, root;

/* All made before each test and freed after it. */
extern sd_event *event;
extern Store *store;
extern Manager *manager;
extern Owners owners;
extern Config config;
extern int state_dir_fd;
extern uint64_t now_usec; /* both clocks of the manager */

/*
 * "new", "name=…", "priority", "owner=…", the state it changed to, "attempt" (its time alone),
 * "progress", "removed=…" and what the callbacks below say, each with a space behind it.
 */
extern char story[STORY_SIZE];

#define check_story(expected)                                                                      \
        do {                                                                                       \
                ck_assert_str_eq(story, (expected));                                               \
                story[0] = '\0';                                                                   \
        } while (0)

void on_saved(void *userdata, int result);                                /* "saved=…" */
void on_done(void *userdata, int result, bool partial, const char *text); /* "done=…" */
void on_stopped(void *userdata);                                          /* "stopped" */

/* In place of the one that was freed; config is as the test left it. */
void new_manager(int64_t only_uid);

/* All that is due now, not what timers wait for. */
void turn(void);
/* Until something is told, and the rest of its turn. */
void wait_for_timer(void);

/* Changed in this turn, not saved yet. */
Job *create(const Caller *caller);
void add_files(Job *job, size_t n);
/* Credentials of the job that are kept, for that target. */
unsigned count_slots(const Job *job, AuthTarget target);
int set_password(Job *job, AuthTarget target, AuthScheme scheme, const char *password);

/* One setting, or the three of ProxySettings, by manager_set_settings(). */
int set_text(const Caller *caller, Job *job, SettingId id, const char *text);
int set_number(const Caller *caller, Job *job, SettingId id, uint64_t number);
int set_proxies(const Caller *caller, Job *job, ProxyUsage usage, char **proxies, char **bypass);

/* Alice's verbs, with their turn. */
void resume(Job *job);
void complete(Job *job);

/* Jobs of alice with that many files, saved; the story is empty. */
Job *make_job(size_t n_files);          /* suspended */
Job *make_connecting(size_t n_files);   /* with a worker that has said nothing yet */
Job *make_transferring(size_t n_files); /* its first file has 10 of 100 bytes on disk */
Job *make_transferred(size_t n_files);
Job *make_error(size_t n_files);
Job *make_transient_error(size_t n_files);

/* The job's worker, which is there. */
WorkerLink *worker_of(const Job *job);
/* Whether a timer moves the job on. */
bool is_waiting(const Job *job);

/* One theme of a suite, with the rig as its fixture. */
void rig_add_tests(Suite *suite, const char *name, const TTest *const *tests, size_t n_tests);

#define RIG_ADD_TESTS(suite, name, ...)                                                            \
        rig_add_tests((suite),                                                                     \
                      (name),                                                                      \
                      (const TTest *const[]){ __VA_ARGS__ },                                       \
                      sizeof((const TTest *const[]){ __VA_ARGS__ }) / sizeof(const TTest *))
