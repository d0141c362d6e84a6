/*
 * header and cert: settings of a job that may be secret. They are no keys of set, because every
 * user can read command lines in the list of processes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

#define HEADERS_MAX 256

static void header_free(char **lines, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                explicit_bzero(lines[i], strlen(lines[i]));
                free(lines[i]);
        }
}

/* Lines of the standard input, without their ends; empty ones do not count. */
static ExitStatus header_read(char *lines[static HEADERS_MAX + 1], size_t *ret_n)
{
        size_t size = 0;
        char *line = NULL;
        ssize_t length;

        while ((length = getline(&line, &size, stdin)) >= 0) {
                while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
                        line[--length] = '\0';
                if (length == 0)
                        continue;
                if (*ret_n == HEADERS_MAX) {
                        ctl_error("More than %d headers are too many.", HEADERS_MAX);
                        break;
                }
                lines[*ret_n] = strdup(line);
                if (!lines[*ret_n])
                        break;
                (*ret_n)++;
        }
        if (line)
                explicit_bzero(line, size);
        free(line);
        if (!feof(stdin))
                return ferror(stdin) || *ret_n == HEADERS_MAX ? EXIT_USAGE : ctl_out_of_memory();
        lines[*ret_n] = NULL;
        return EXIT_DONE;
}

static ExitStatus header_set(Ctl *ctl, const char *id)
{
        char *lines[HEADERS_MAX + 1] = { NULL };
        size_t n = 0;
        ExitStatus status = header_read(lines, &n);

        if (status == EXIT_DONE) {
                const char *list[HEADERS_MAX + 1];
                int r;

                for (size_t i = 0; i <= n; i++)
                        list[i] = lines[i];
                r = dosvc_job_set_headers(ctl->connection, id, list);
                if (r < 0)
                        status = ctl_fail(ctl, r, "Cannot set the headers");
        }
        header_free(lines, n);
        return status;
}

static ExitStatus header_show(Ctl *ctl, const char *id)
{
        char *text;
        int r = dosvc_job_get_headers(ctl->connection, id, &text);

        if (r < 0)
                return ctl_fail(ctl, r, "Cannot read the headers");
        (void) fputs(text, stdout);
        explicit_bzero(text, strlen(text));
        free(text);
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

static ExitStatus header_remove(Ctl *ctl, const char *id)
{
        int r = dosvc_job_set_headers(ctl->connection, id, NULL);

        return r < 0 ? ctl_fail(ctl, r, "Cannot remove the headers") : EXIT_DONE;
}

ExitStatus verb_header(Ctl *ctl, int argc, char **argv)
{
        static const struct {
                const char *name;
                ExitStatus (*run)(Ctl *ctl, const char *id);
        } words[] = {
                { "set", header_set },
                { "show", header_show },
                { "remove", header_remove },
        };
        char id[DOSVC_ID_SIZE];
        ExitStatus status;

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                if (strcmp(words[i].name, argv[0]) == 0) {
                        status = ctl_find_job(ctl, argv[1], id);
                        return status == EXIT_DONE ? words[i].run(ctl, id) : status;
                }
        ctl_error("'header %s' is unknown; there are 'header set', 'header show' and 'header "
                  "remove'.",
                  argv[0]);
        return EXIT_USAGE;
}

/* The service opens the files, from another directory: it needs absolute paths. */
static ExitStatus cert_path(const char *name, char **ret)
{
        *ret = realpath(name, NULL);
        if (*ret)
                return EXIT_DONE;
        if (errno == ENOMEM)
                return ctl_out_of_memory();
        ctl_error("Cannot find %s: %s.", name, strerror(errno));
        return EXIT_USAGE;
}

static ExitStatus cert_password(Ctl *ctl)
{
        int r = 0;

        if (ctl->password_fd >= 0)
                r = password_read(ctl->password_fd, &ctl->password);
        else if (ctl->ask_password)
                r = password_ask("Password of the key: ", &ctl->password);
        if (r >= 0)
                return EXIT_DONE;
        ctl_error("Cannot read the password: %s.", strerror(-r));
        return r == -EINTR ? EXIT_INTERRUPTED : EXIT_FAILED;
}

static ExitStatus cert_set(Ctl *ctl, const char *id, const char *name, const char *key_name)
{
        char *certificate = NULL, *key = NULL;
        ExitStatus status = cert_path(name, &certificate);

        if (status == EXIT_DONE && key_name)
                status = cert_path(key_name, &key);
        if (status == EXIT_DONE)
                status = cert_password(ctl);
        if (status == EXIT_DONE) {
                int r = dosvc_job_set_client_certificate(ctl->connection,
                                                         id,
                                                         certificate,
                                                         key,
                                                         ctl->password.data,
                                                         ctl->password.size);

                if (r < 0)
                        status = ctl_fail(ctl, r, "Cannot set the certificate");
        }
        free(certificate);
        free(key);
        return status;
}

static ExitStatus cert_remove(Ctl *ctl, const char *id)
{
        int r = dosvc_job_remove_client_certificate(ctl->connection, id);

        if (r == 0)
                ctl_note(ctl, "There was none.");
        return r < 0 ? ctl_fail(ctl, r, "Cannot remove the certificate") : EXIT_DONE;
}

ExitStatus verb_cert(Ctl *ctl, int argc, char **argv)
{
        bool set = strcmp(argv[0], "set") == 0 && argc >= 3;
        char id[DOSVC_ID_SIZE];
        ExitStatus status;

        if (!set && (strcmp(argv[0], "remove") != 0 || argc != 2)) {
                ctl_error("There are 'cert set JOB FILE [KEYFILE]' and 'cert remove JOB'.");
                return EXIT_USAGE;
        }
        status = ctl_find_job(ctl, argv[1], id);
        if (status != EXIT_DONE)
                return status;
        return set ? cert_set(ctl, id, argv[2], argc > 3 ? argv[3] : NULL) : cert_remove(ctl, id);
}
