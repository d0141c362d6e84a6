/*
 * A client of dosvcd as a test wants it: calls that must succeed fail the test otherwise, and
 * calls that are tried answer with the name of their error. Strings returned are static
 * (valid until the next call of the same function) unless said otherwise.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-bus.h>

/* Calls and returns the name of the error, or NULL if it succeeded. */
const char *client_try(sd_bus *bus,
                       const char *path,
                       const char *interface,
                       const char *member,
                       const char *types,
                       ...);

/* The message of the last error that a client_try… function returned. */
const char *client_last_message(void);

/* Calls that must succeed. client_create() returns a new string: the object path. */
char *client_create(sd_bus *bus, const char *name);
void client_add_file(sd_bus *bus, const char *job, const char *remote, const char *local);
void client_call(sd_bus *bus, const char *job, const char *member); /* without arguments */
const char *client_try_call(sd_bus *bus, const char *job, const char *member);
const char *
client_try_add_file(sd_bus *bus, const char *job, const char *remote, const char *local);
int client_complete(sd_bus *bus, const char *job); /* value of partial */

/* Properties.Set of a job's property of type s, or as with up to four strings, the rest NULL. */
const char *
client_try_set_text(sd_bus *bus, const char *job, const char *property, const char *value);
const char *client_try_set_list(sd_bus *bus,
                                const char *job,
                                const char *property,
                                const char *const list[static 4]);
/* The same, which must succeed. */
void client_set_text(sd_bus *bus, const char *job, const char *property, const char *value);
void client_set_list(sd_bus *bus,
                     const char *job,
                     const char *property,
                     const char *const list[static 4]);

#define CLIENT_LIST(...) ((const char *const[4]){ __VA_ARGS__ })

/* ProxySettings override with that one proxy. */
void client_set_proxy(sd_bus *bus, const char *job, const char *proxy);

/* The arguments of SetCredentials; a member that is NULL or 0 is left out. */
typedef struct ClientCredential {
        const char *user_name;
        const char *password;
        const char *token;
        const char *unknown; /* name of a further key, with a string */
        int password_fd;     /* for bearer token-fd */
} ClientCredential;

const char *client_try_credential(sd_bus *bus,
                                  const char *job,
                                  const char *target,
                                  const char *scheme,
                                  const ClientCredential *credential);

/*
 * User name and password, or a token for bearer (user NULL), as a client of libdosvc sends them: in
 * a sealed memory file.
 */
void client_set_password(sd_bus *bus,
                         const char *job,
                         const char *target,
                         const char *scheme,
                         const char *user,
                         const char *password);

/* 1 or 0 as RemoveCredentials answers. */
int client_remove_credentials(sd_bus *bus, const char *job, const char *target, const char *scheme);

/* Properties of any object; the call must succeed. */
const char *
client_string(sd_bus *bus, const char *path, const char *interface, const char *property);
uint64_t client_number(sd_bus *bus,
                       const char *path,
                       const char *interface,
                       const char *property,
                       char type);

const char *client_state(sd_bus *bus, const char *job);

/* Waits until the job is in that state; fails with its error if it gets stuck in another. */
void client_wait_state(sd_bus *bus, const char *job, const char *state, unsigned timeout_msec);

/* Waits until that many bytes have come. */
void client_wait_bytes(sd_bus *bus, const char *job, uint64_t bytes, unsigned timeout_msec);

/* Property Error; all "" and 0 when there is none. */
typedef struct ClientError {
        uint32_t code;
        char name[64], context[64], description[1024], url[4096], file[256];
} ClientError;

ClientError client_error(sd_bus *bus, const char *job);

/* Resume, wait until it is transferred, Complete; the file is then at its place. */
void client_fetch(sd_bus *bus, const char *job, unsigned timeout_msec);

/*
 * The reply of ListJobs with that option set to true (NULL: without one), whose next rows are read
 * with "(oussstt)".
 */
sd_bus_message *client_list_jobs(sd_bus *bus, const char *option);

/* Creates a job of one file, not resumed; a new string. */
char *client_create_for(sd_bus *bus, const char *remote, const char *local);
