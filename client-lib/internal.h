/*
 * Shared by the files of libdosvc: the connection, calls, errors, lists of strings, named values.
 * Nothing here is exported; libdosvc.sym lists the functions that are.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "dosvc.h"

#define EXPORT __attribute__((__visibility__("default")))

#define _cleanup_(func) __attribute__((__cleanup__(func)))

static inline void internal_freep(void *p)
{
        free(*(void **) p);
}

static inline void internal_closep(int *fd)
{
        if (*fd >= 0)
                (void) close(*fd);
}

static inline void internal_values_freep(dosvc_values **values)
{
        dosvc_values_free(*values);
}

#define _cleanup_free_    _cleanup_(internal_freep)
#define _cleanup_values_  _cleanup_(internal_values_freep)
#define _cleanup_close_   _cleanup_(internal_closep)
#define _cleanup_message_ _cleanup_(sd_bus_message_unrefp)

#define STEAL_PTR(ptr)                                                                             \
        __extension__({                                                                            \
                __typeof__(ptr) internal_stolen_ = (ptr);                                          \
                (ptr) = NULL;                                                                      \
                internal_stolen_;                                                                  \
        })

static inline int steal_fd(int *fd)
{
        int stolen = *fd;

        *fd = -EBADF;
        return stolen;
}

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Room for the object path of a job, and of a file of it. */
#define JOB_PATH_SIZE  (sizeof(DOSVC_JOB_PREFIX "/") + DOSVC_ID_SIZE)
#define FILE_PATH_SIZE (JOB_PATH_SIZE + sizeof("/file/4294967295"))

/* Longest state, "transient-error", with room for those of a later service. */
#define STATE_SIZE 32

/* The arguments of Subscribe, with which it is called again when the service comes back. */
typedef struct Subscription {
        bool active;
        unsigned int flags;
        char job_path[JOB_PATH_SIZE]; /* "" = all */
        uint64_t progress_interval_msec;
        dosvc_event_callback callback;
        void *userdata;
} Subscription;

/* The state that dosvc_job_wait() gathers from the events that arrive. */
typedef struct Watch {
        char job[DOSVC_ID_SIZE]; /* "" = nobody waits */
        char state[STATE_SIZE];
        bool service_changed;
} Watch;

struct dosvc_connection {
        sd_bus *bus;
        sd_bus_slot *owner_match; /* NameOwnerChanged of the service, once somebody subscribed */
        sd_bus_slot *filter;      /* sees the service's signals */
        sd_bus_slot *resubscribe; /* the pending call */
        char *service;            /* unique name that events must come from; NULL = not there */
        Subscription subscription;
        Watch watch;
        uint64_t timeout_usec;
        bool no_start;
        bool dispatching;
        char *error_name;
        char *error_message;
};

struct dosvc_event {
        int type;
        char job[DOSVC_ID_SIZE];
        const char *state;    /* borrowed from the message */
        const char *previous; /* borrowed from the message */
        uint64_t bytes_transferred;
        uint64_t bytes_total;
        uint64_t rate;
};

/* error.c */

/* Makes our error names errnos, for this process; may be called again. */
int error_register(void);

/* Remembers what failed (error may be unset, then r tells) and returns it as a negative errno. */
int error_remember(dosvc_connection *c, int r, const sd_bus_error *error);

/* The same for dosvc_open(), which has no connection to show for it. */
int error_remember_open(int r);

/* The same for a failure that was found here; text may be NULL. Without a connection only r. */
int error_remember_text(dosvc_connection *c, int r, const char *text);

/* The error of a call, while others that tidy up after it run; put back, it is the last one. */
typedef struct HeldError {
        char *name;
        char *message;
} HeldError;

HeldError error_hold(dosvc_connection *c);
void error_put_back(dosvc_connection *c, HeldError held);

/* connection.c */

/* A call to that object; -EINVAL when job is not an id. */
int call_new(dosvc_connection *c,
             const char *path,
             const char *interface,
             const char *member,
             sd_bus_message **ret);
int call_new_job(dosvc_connection *c, const char *job, const char *member, sd_bus_message **ret);

/* Sends and waits; *ret_reply may be NULL. Errors are remembered already. */
int call_send(dosvc_connection *c, sd_bus_message *m, sd_bus_message **ret_reply);
int call_send_timeout(dosvc_connection *c,
                      sd_bus_message *m,
                      uint64_t timeout_usec,
                      sd_bus_message **ret_reply);

/* 32 lower-case hex digits. */
bool job_id_is_valid(const char *job);
/* -EINVAL when job is not an id. */
int job_path(dosvc_connection *c, const char *job, char path[static JOB_PATH_SIZE]);
int file_path(dosvc_connection *c,
              const char *job,
              uint32_t index,
              char path[static FILE_PATH_SIZE]);
/* Id of the job whose object, or one of whose files, path is. False if it is neither. */
bool job_id_from_path(const char *path, char id[static DOSVC_ID_SIZE]);

/* Position of the file whose object path is; -EBADMSG if it is none. */
int file_index_from_path(const char *path, uint32_t *ret);

/* job.c */

/* 0 or 1, as the reply's boolean. */
int job_read_answer(dosvc_connection *c, sd_bus_message *reply);
/* A memory file with the secret, which nobody can change any more; it is read from its start. */
int job_seal_secret(const void *secret, size_t size);

/* string-list.c */

int string_list_append(sd_bus_message *m, const char *const *strings);
/* Reads an "as" into an owned list. */
int string_list_read(sd_bus_message *m, char ***ret);
char **string_list_free(char **strings);
/* Never NULL. */
const char *const *string_list_const(char *const *strings);

/* values.c */

/* Reads an a{sv}: all of it, or a negative errno and nothing. */
int values_read(sd_bus_message *m, dosvc_values **ret);
/* Reads one variant, as the value of that name. */
int values_read_variant(sd_bus_message *m, const char *name, dosvc_values **ret);
/*
 * Appends an a{sv} of the values, which may be NULL, but for those of the one type; a number is a
 * "t". -EINVAL: a value that can only be read.
 */
int values_append(sd_bus_message *m, const dosvc_values *values, int without_type);

/* Moves a value to the end of the other ones. -ENOENT: there is none of that name. */
int values_move(dosvc_values *from, const char *name, dosvc_values *to);

/* The value, or "", an empty list, 0, NULL where there is none of that name and type. */
const char *values_text(const dosvc_values *values, const char *name);
const char *const *values_list(const dosvc_values *values, const char *name);
uint64_t values_number(const dosvc_values *values, const char *name);
const dosvc_values *values_inner(const dosvc_values *values, const char *name);

/* properties.c: errors are remembered already. */

int properties_get_all(dosvc_connection *c,
                       const char *path,
                       const char *interface,
                       dosvc_values **ret);
/* One property, as the reply's variant. */
int properties_get(dosvc_connection *c,
                   const char *path,
                   const char *interface,
                   const char *property,
                   sd_bus_message **ret);
/* One property of type s, owned. */
int properties_get_string(dosvc_connection *c,
                          const char *path,
                          const char *interface,
                          const char *property,
                          char **ret);
/* Properties.Set of a job up to the value, which the caller appends as a variant. */
int properties_new_set(dosvc_connection *c,
                       const char *job,
                       const char *property,
                       sd_bus_message **ret);

/* introspection.c */

/* Longest name in D-Bus, with NUL. */
#define NAME_SIZE 256

/* A walk through the introspection of an object; all but at is zero at the beginning. */
typedef struct Introspection {
        const char *at; /* borrowed */
        bool is_in_interface;
} Introspection;

/* The next property of that interface that can be written; false when there is none left. */
bool introspection_next_writable(Introspection *in,
                                 const char *interface,
                                 char name[static NAME_SIZE]);
