/*
 * Jobs: making them, adding files, credentials, control, writable properties.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"

/* Complete answers when the last bytes of large files are on disk. */
#define COMPLETE_TIMEOUT_USEC (600 * 1000000ULL)

EXPORT int dosvc_job_find(dosvc_connection *connection, const char *job)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        char path[JOB_PATH_SIZE];
        int r;

        r = job_path(connection, job, path);
        if (r >= 0)
                r = call_new(connection, DOSVC_MANAGER_PATH, DOSVC_MANAGER_INTERFACE, "GetJob", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", job);
        if (r < 0)
                return error_remember_text(connection, r, NULL);
        return call_send(connection, m, NULL);
}

EXPORT int dosvc_job_create(dosvc_connection *connection, const char *display_name, char *ret_id)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        const char *path;
        int r;

        r = call_new(connection, DOSVC_MANAGER_PATH, DOSVC_MANAGER_INTERFACE, "CreateJob", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ssa{sv}", display_name ? display_name : "", "download", 0);
        if (r < 0)
                return error_remember_text(connection, r, NULL);
        r = call_send(connection, m, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "o", &path);
        if (r >= 0 && !job_id_from_path(path, ret_id))
                r = -EBADMSG;
        return r < 0 ? error_remember_text(connection, r, NULL) : 0;
}

EXPORT int dosvc_job_add_file(dosvc_connection *connection,
                              const char *job,
                              const char *remote_name,
                              const char *local_name,
                              uint32_t *ret_index)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        const char *path;
        uint32_t index;
        int r;

        r = call_new_job(connection, job, "AddFile", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ssa{sv}", remote_name, local_name, 0);
        if (r < 0)
                return error_remember_text(connection, r, NULL);
        r = call_send(connection, m, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "o", &path);
        if (r >= 0)
                r = file_index_from_path(path, &index);
        if (r < 0)
                return error_remember_text(connection, r, NULL);
        if (ret_index)
                *ret_index = index;
        return 0;
}

EXPORT int dosvc_job_add_files(dosvc_connection *connection,
                               const char *job,
                               const char *const *remote_names,
                               const char *const *local_names,
                               size_t n_files)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = call_new_job(connection, job, "AddFiles", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(m, 'a', "(ss)");
        for (size_t i = 0; r >= 0 && i < n_files; i++)
                r = sd_bus_message_append(m, "(ss)", remote_names[i], local_names[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r < 0)
                return error_remember_text(connection, r, NULL);
        return call_send(connection, m, NULL);
}

/* A call with two texts. */
static int job_call_texts(dosvc_connection *c,
                          const char *job,
                          const char *member,
                          const char *first,
                          const char *second,
                          sd_bus_message **ret_reply)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = call_new_job(c, job, member, &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ss", first, second);
        if (r < 0)
                return error_remember_text(c, r, NULL);
        return call_send(c, m, ret_reply);
}

static int
file_path(dosvc_connection *c, const char *job, uint32_t index, char ret[static FILE_PATH_SIZE])
{
        char path[JOB_PATH_SIZE];
        int r;

        r = job_path(c, job, path);
        if (r < 0)
                return r;
        (void) snprintf(ret, FILE_PATH_SIZE, "%s/file/%u", path, index);
        return 0;
}

EXPORT int dosvc_job_replace_remote_prefix(dosvc_connection *connection,
                                           const char *job,
                                           const char *old_prefix,
                                           const char *new_prefix,
                                           uint32_t *ret_changed)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        uint32_t changed;
        int r;

        r = job_call_texts(connection, job, "ReplaceRemotePrefix", old_prefix, new_prefix, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "u", &changed);
        if (r < 0)
                return error_remember_text(connection, r, NULL);
        if (ret_changed)
                *ret_changed = changed;
        return 0;
}

EXPORT int dosvc_file_set_remote_name(dosvc_connection *connection,
                                      const char *job,
                                      uint32_t index,
                                      const char *remote_name)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        char file[FILE_PATH_SIZE];
        int r;

        r = file_path(connection, job, index, file);
        if (r < 0)
                return r;
        r = call_new(connection, file, DOSVC_FILE_INTERFACE, "SetRemoteName", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", remote_name);
        if (r < 0)
                return error_remember_text(connection, r, NULL);
        return call_send(connection, m, NULL);
}

EXPORT int dosvc_file_get_response_headers(dosvc_connection *connection,
                                           const char *job,
                                           uint32_t index,
                                           char **ret)
{
        char file[FILE_PATH_SIZE];
        int r;

        r = file_path(connection, job, index, file);
        return r < 0 ? r
                     : call_get_string(connection,
                                       file,
                                       DOSVC_FILE_INTERFACE,
                                       "ResponseHeaders",
                                       ret);
}

/* A call without arguments whose answer says nothing. */
static int job_command(dosvc_connection *c, const char *job, const char *member)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = call_new_job(c, job, member, &m);
        return r < 0 ? r : call_send(c, m, NULL);
}

EXPORT int dosvc_job_resume(dosvc_connection *connection, const char *job)
{
        return job_command(connection, job, "Resume");
}

EXPORT int dosvc_job_suspend(dosvc_connection *connection, const char *job)
{
        return job_command(connection, job, "Suspend");
}

EXPORT int dosvc_job_cancel(dosvc_connection *connection, const char *job)
{
        return job_command(connection, job, "Cancel");
}

EXPORT int dosvc_job_take_ownership(dosvc_connection *connection, const char *job)
{
        return job_command(connection, job, "TakeOwnership");
}

int job_read_answer(dosvc_connection *c, sd_bus_message *reply)
{
        int answer, r;

        r = sd_bus_message_read(reply, "b", &answer);
        return r < 0 ? error_remember_text(c, r, NULL) : answer;
}

EXPORT int dosvc_job_complete(dosvc_connection *connection, const char *job)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        uint64_t timeout_usec;
        int r;

        r = call_new_job(connection, job, "Complete", &m);
        if (r < 0)
                return r;
        timeout_usec = connection->timeout_usec;
        if (timeout_usec < COMPLETE_TIMEOUT_USEC)
                timeout_usec = COMPLETE_TIMEOUT_USEC;
        r = call_send_timeout(connection, m, timeout_usec, &reply);
        return r < 0 ? r : job_read_answer(connection, reply);
}

/* Both keys are left out when there is neither: the implicit credentials. */
static int
job_append_credentials(sd_bus_message *m, const char *scheme, const char *user_name, int secret_fd)
{
        const char *key = strcmp(scheme, "bearer") == 0 ? "token-fd" : "password-fd";
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && user_name)
                r = sd_bus_message_append(m, "{sv}", "user-name", "s", user_name);
        if (r >= 0 && secret_fd >= 0)
                r = sd_bus_message_append(m, "{sv}", key, "h", secret_fd);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

EXPORT int dosvc_job_set_credentials_fd(dosvc_connection *connection,
                                        const char *job,
                                        const char *target,
                                        const char *scheme,
                                        const char *user_name,
                                        int secret_fd)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = call_new_job(connection, job, "SetCredentials", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_sensitive(m);
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", target, scheme);
        if (r >= 0)
                r = job_append_credentials(m, scheme, user_name, secret_fd);
        if (r < 0)
                return error_remember_text(connection, r, NULL);
        return call_send(connection, m, NULL);
}

int job_seal_secret(const void *secret, size_t size)
{
        _cleanup_close_ int fd = memfd_create("dosvc-secret", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

        if (fd < 0)
                return -errno;
        for (size_t done = 0; done < size;) {
                ssize_t n = pwrite(fd, (const char *) secret + done, size - done, (off_t) done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                done += (size_t) n;
        }
        if (fcntl(fd, F_ADD_SEALS, seals) < 0)
                return -errno;
        return steal_fd(&fd);
}

EXPORT int dosvc_job_set_credentials(dosvc_connection *connection,
                                     const char *job,
                                     const char *target,
                                     const char *scheme,
                                     const char *user_name,
                                     const void *secret,
                                     size_t secret_size)
{
        _cleanup_close_ int fd = -EBADF;

        if (secret) {
                fd = job_seal_secret(secret, secret_size);
                if (fd < 0)
                        return error_remember_text(connection, fd, NULL);
        }
        return dosvc_job_set_credentials_fd(connection, job, target, scheme, user_name, fd);
}

EXPORT int dosvc_job_remove_credentials(dosvc_connection *connection,
                                        const char *job,
                                        const char *target,
                                        const char *scheme)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = job_call_texts(connection, job, "RemoveCredentials", target, scheme, &reply);
        return r < 0 ? r : job_read_answer(connection, reply);
}

int job_new_set(dosvc_connection *c, const char *job, const char *property, sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        char path[JOB_PATH_SIZE];
        int r;

        r = job_path(c, job, path);
        if (r >= 0)
                r = call_new(c, path, "org.freedesktop.DBus.Properties", "Set", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ss", DOSVC_JOB_INTERFACE, property);
        if (r < 0)
                return error_remember_text(c, r, NULL);
        *ret = STEAL_PTR(m);
        return 0;
}

int job_set_string(dosvc_connection *c, const char *job, const char *property, const char *value)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = job_new_set(c, job, property, &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "v", "s", value);
        if (r < 0)
                return error_remember_text(c, r, NULL);
        return call_send(c, m, NULL);
}

EXPORT int
dosvc_job_set_display_name(dosvc_connection *connection, const char *job, const char *name)
{
        return job_set_string(connection, job, "DisplayName", name);
}

EXPORT int
dosvc_job_set_description(dosvc_connection *connection, const char *job, const char *text)
{
        return job_set_string(connection, job, "Description", text);
}

EXPORT int
dosvc_job_set_priority(dosvc_connection *connection, const char *job, const char *priority)
{
        return job_set_string(connection, job, "Priority", priority);
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

        r = job_new_set(connection, job, "ProxySettings", &m);
        if (r < 0)
                return r;
        r = job_append_proxy(m, usage, proxies, bypass);
        if (r < 0)
                return error_remember_text(connection, r, NULL);
        return call_send(connection, m, NULL);
}
