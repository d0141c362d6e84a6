/*
 * What of a job says how it talks to servers: redirects, certificates, headers.
 */
#include <string.h>

#include "internal.h"

EXPORT int
dosvc_job_set_redirect_policy(dosvc_connection *connection, const char *job, const char *policy)
{
        return job_set_string(connection, job, "RedirectPolicy", policy);
}

static int job_set_list(dosvc_connection *c,
                        const char *job,
                        const char *property,
                        const char *const *list,
                        int sensitive)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = job_new_set(c, job, property, &m);
        if (r < 0)
                return r;
        if (sensitive)
                r = sd_bus_message_sensitive(m);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "as");
        if (r >= 0)
                r = string_list_append(m, list);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r < 0)
                return error_remember_text(c, r, NULL);
        return call_send(c, m, NULL);
}

EXPORT int dosvc_job_set_security_flags(dosvc_connection *connection,
                                        const char *job,
                                        const char *const *flags)
{
        return job_set_list(connection, job, "SecurityFlags", flags, 0);
}

EXPORT int
dosvc_job_set_ca_certificate(dosvc_connection *connection, const char *job, const char *path)
{
        return job_set_string(connection, job, "CACertificate", path ? path : "");
}

EXPORT int
dosvc_job_set_ticket_cache(dosvc_connection *connection, const char *job, const char *cache)
{
        return job_set_string(connection, job, "TicketCache", cache ? cache : "");
}

EXPORT int
dosvc_job_set_headers(dosvc_connection *connection, const char *job, const char *const *headers)
{
        return job_set_list(connection, job, "CustomHeaders", headers, 1);
}

/* "a\nb\n" of the list. */
static char *job_join_lines(char *const *lines)
{
        size_t size = 1;
        char *text, *at;

        for (char *const *line = lines; line && *line; line++)
                size += strlen(*line) + 1;
        text = at = malloc(size);
        for (char *const *line = lines; text && line && *line; line++) {
                at = stpcpy(at, *line);
                *at++ = '\n';
        }
        if (text)
                *at = '\0';
        return text;
}

EXPORT int dosvc_job_get_headers(dosvc_connection *connection, const char *job, char **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        char path[JOB_PATH_SIZE], **lines = NULL, *text = NULL;
        int r;

        r = job_path(connection, job, path);
        if (r >= 0)
                r = call_new(connection, path, "org.freedesktop.DBus.Properties", "Get", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ss", DOSVC_JOB_INTERFACE, "CustomHeaders");
        if (r < 0)
                return error_remember_text(connection, r, NULL);
        r = call_send(connection, m, &reply);
        if (r < 0)
                return r;
        (void) sd_bus_message_sensitive(reply);
        r = sd_bus_message_enter_container(reply, 'v', "as");
        if (r >= 0)
                r = string_list_read(reply, &lines);
        if (r >= 0)
                text = job_join_lines(lines);
        for (size_t i = 0; lines && lines[i]; i++)
                explicit_bzero(lines[i], strlen(lines[i]));
        string_list_free(lines);
        if (!text)
                return error_remember_text(connection, r < 0 ? r : -ENOMEM, NULL);
        *ret = text;
        return 0;
}

static int
job_append_certificate(sd_bus_message *m, const char *certificate, const char *key, int password_fd)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}", "certificate", "s", certificate);
        if (r >= 0 && key)
                r = sd_bus_message_append(m, "{sv}", "key", "s", key);
        if (r >= 0 && password_fd >= 0)
                r = sd_bus_message_append(m, "{sv}", "password-fd", "h", password_fd);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

EXPORT int dosvc_job_set_client_certificate(dosvc_connection *connection,
                                            const char *job,
                                            const char *certificate,
                                            const char *key,
                                            const void *password,
                                            size_t password_size)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (password) {
                fd = job_seal_secret(password, password_size);
                if (fd < 0)
                        return error_remember_text(connection, fd, NULL);
        }
        r = call_new_job(connection, job, "SetClientCertificate", &m);
        if (r < 0)
                return r;
        r = job_append_certificate(m, certificate, key, fd);
        if (r < 0)
                return error_remember_text(connection, r, NULL);
        return call_send(connection, m, NULL);
}

EXPORT int dosvc_job_remove_client_certificate(dosvc_connection *connection, const char *job)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        int r;

        r = call_new_job(connection, job, "RemoveClientCertificate", &m);
        if (r >= 0)
                r = call_send(connection, m, &reply);
        return r < 0 ? r : job_read_answer(connection, reply);
}
