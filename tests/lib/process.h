/*
 * Child processes of a test: started as some user with their output in a file, found by
 * ancestry, ended by pid. Failures to start end the program with a sentence.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct ProcessSpec {
        const char *const *argv;
        const char *const *environment; /* "NAME=value" besides what is inherited; NULL = none */
        const char *output;             /* file appended to by stdout and stderr; NULL = ours */
        uint32_t uid;                   /* 0 = stays root */
} ProcessSpec;

/* argv for a ProcessSpec. */
#define PROCESS_ARGV(...)                                                                          \
        (const char *const[])                                                                      \
        {                                                                                          \
                __VA_ARGS__, NULL                                                                  \
        }

/* The child gets SIGTERM when the thread that started it ends without process_stop(). */
pid_t process_start(const ProcessSpec *spec);

/* Runs it to its end; returns the exit status, 128 + signal when killed. */
int process_run(const ProcessSpec *spec);

/* Waits for a child; false if it is still there after the time. *ret_status may be NULL. */
bool process_wait(pid_t pid, unsigned timeout_msec, int *ret_status);

/* SIGTERM, SIGKILL after 10 s, reaped; *pid becomes 0. A pid of 0 is nobody. */
void process_stop(pid_t *pid);

/* SIGKILL, reaped; *pid becomes 0. */
void process_kill(pid_t *pid);

/* Descendants of a process whose comm is that name; the first max, returns how many. */
size_t process_descendants(pid_t ancestor, const char *name, pid_t *ret_pids, size_t max);

/* A process, child or not, that exists and is no zombie. */
bool process_is_alive(pid_t pid);

/* Milliseconds of the monotonic clock, and a nap. */
uint64_t process_now_msec(void);
void process_nap_msec(unsigned msec);

/* Naps until the condition holds or the time is over; its value is that of the condition. */
#define PROCESS_WAIT_UNTIL(timeout_msec, condition)                                                \
        __extension__({                                                                            \
                uint64_t process_deadline_ = process_now_msec() + (timeout_msec);                  \
                bool process_held_ = (condition);                                                  \
                while (!process_held_ && process_now_msec() < process_deadline_) {                 \
                        process_nap_msec(20);                                                      \
                        process_held_ = (condition);                                               \
                }                                                                                  \
                process_held_;                                                                     \
        })
