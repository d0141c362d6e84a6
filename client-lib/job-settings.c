/*
 * Named functions for the writable properties of a job, and for its client certificate.
 */
#include <string.h>

#include "internal.h"

EXPORT int
dosvc_job_set_display_name(dosvc_connection *connection, const char *job, const char *name)
{
        return dosvc_job_set_string(connection, job, "DisplayName", name);
}

EXPORT int
dosvc_job_set_description(dosvc_connection *connection, const char *job, const char *text)
{
        return dosvc_job_set_string(connection, job, "Description", text);
}

EXPORT int
dosvc_job_set_priority(dosvc_connection *connection, const char *job, const char *priority)
{
        return dosvc_job_set_string(connection, job, "Priority", priority);
}

static int job_append_proxy(sd_bus_message *m,
                            const char *usage,
                            const char *const *proxies,
                            const char *const *bypass)
{
        int r;

        r = sd_bus_message_open_container(m, 'v', "(sasas)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'r', "sasas");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", usage);
        if (r >= 0)
                r = string_list_append(m, proxies);
        if (r >= 0)
                r = string_list_append(m, bypass);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

EXPORT int dosvc_job_set_proxy(dosvc_connection *connection,
                               const char *job,
                               const char *usage,
                               const char *const *proxies,
                               const char *const *bypass)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = properties_new_set(connection, job, "ProxySettings", &m);
        if (r < 0)
                return r;
        r = job_append_proxy(m, usage, proxies, bypass);
        if (r < 0)
                return error_remember_text(connection, r, NULL);
        return call_send(connection, m, NULL);
}

EXPORT int
dosvc_job_set_redirect_policy(dosvc_connection *connection, const char *job, const char *policy)
{
        return dosvc_job_set_string(connection, job, "RedirectPolicy", policy);
}

EXPORT int dosvc_job_set_security_flags(dosvc_connection *connection,
                                        const char *job,
                                        const char *const *flags)
{
        return dosvc_job_set_strings(connection, job, "SecurityFlags", flags);
}

EXPORT int
dosvc_job_set_ca_certificate(dosvc_connection *connection, const char *job, const char *path)
{
        return dosvc_job_set_string(connection, job, "CACertificate", path ? path : "");
}

EXPORT int
dosvc_job_set_ticket_cache(dosvc_connection *connection, const char *job, const char *cache)
{
        return dosvc_job_set_string(connection, job, "TicketCache", cache ? cache : "");
}

EXPORT int
dosvc_job_set_headers(dosvc_connection *connection, const char *job, const char *const *headers)
{
        return dosvc_job_set_strings(connection, job, "CustomHeaders", headers);
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
        _cleanup_message_ sd_bus_message *reply = NULL;
        char path[JOB_PATH_SIZE], **lines = NULL, *text = NULL;
        int r;

        r = job_path(connection, job, path);
        if (r >= 0)
                r = properties_get(connection, path, DOSVC_JOB_INTERFACE, "CustomHeaders", &reply);
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
