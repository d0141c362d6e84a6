/*
 * A password from the terminal or from a descriptor, in locked memory that is erased. Never from
 * the command line or the environment.
 */
#pragma once

#include <stddef.h>

typedef struct Password {
        char *data; /* not NUL-terminated */
        size_t size;
        size_t room;
} Password;

void password_done(Password *password);

/*
 * Shows the prompt on the terminal of the process and reads a line without echo. Signals that
 * end or stop the process find the terminal as it was. -ENXIO: there is no terminal;
 * -EMSGSIZE; -EINTR: ended by a signal that the process survives.
 */
int password_ask(const char *prompt, Password *ret);

/* All of the descriptor; one newline at its end is not part of it. -EMSGSIZE, errors of read(2). */
int password_read(int fd, Password *ret);
