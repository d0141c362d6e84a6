/*
 * What the servers of tests/lib stand in: one directory, a free port of 127.0.0.1 for each that
 * could be asked for, their processes, and configurations made from templates. It knows how a
 * server is kept, not what it does. For servers.c and the modules of single servers; tests
 * include servers.h.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/macro.h"

typedef enum Port {
        PORT_HTTP,
        PORT_OTHER,
        PORT_TLS,
        PORT_UNTRUSTED,
        PORT_EXPIRED,
        PORT_WRONG_NAME,
        PORT_UNKNOWN,
        PORT_WRONG_USE,
        PORT_REVOKED,
        PORT_CLIENT,
        PORT_NTLM_FRONT, /* leads to one of the next two, by what TLS offers */
        PORT_NTLM_H2,
        PORT_REVERSE_NTLM_TLS,
        PORT_REVERSE_NTLM,
        PORT_REVERSE_ALL,
        PORT_APACHE,
        PORT_APACHE_TLS,
        PORT_LIGHTTPD,
        PORT_PROXY_BASIC,
        PORT_PROXY_DIGEST,
        PORT_PROXY_BOTH,
        PORT_PROXY_BASIC_TLS,
        PORT_PROXY_DIGEST_TLS,
        PORT_PROXY_NEGOTIATE,
        PORT_PROXY_NTLM,
        PORT_PROXY_ALL,
        PORT_KDC,
        PORT_KDC_AHEAD,
        PORT_SILENT, /* nobody answers */
        PORT_DOMAIN, /* only the process: winbindd has no port */
        PORTS_MAX,
} Port;

/* A new directory and the numbers; all functions end the program with a sentence on failure. */
void server_open(void);

/* Ends the processes and removes the directory. */
void server_close(void);

/* A path in the directory; a new string. */
char *server_path(const char *format, ...) _printf_(1, 2);

/* The file that a server logs the requests of that port to; a new string. */
char *server_log(Port port);

unsigned server_port(Port port);

/* Pieces of text for server_config(). */
#define SERVER_PIECES(...)                                                                         \
        (const char *const[])                                                                      \
        {                                                                                          \
                __VA_ARGS__, NULL                                                                  \
        }

/*
 * Writes the pieces, up to NULL, to a file of that name and returns its path, a new string.
 * @DIR@ becomes the directory, @NAME@ the number of that port and @NAME.LOG@ its log, with the
 * names of the enumeration and "-" for "_".
 */
char *server_config(const char *name, const char *const *pieces);

/* Starts a server that listens on that port; server_await() waits until it does. */
void server_launch(Port port, const char *const *argv);
void server_await(Port port);
void server_start(Port port, const char *const *argv); /* both */

/* The process of a port, 0 when that of another serves it. */
pid_t server_pid(Port port);

/* Runs a program to its end, with a file as its input; not NULL. */
void server_run(const char *input, const char *const *argv);
