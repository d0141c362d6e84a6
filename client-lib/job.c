/*
 * Jobs: making them, adding files, credentials, control.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"

/* Complete is answered when the last bytes of large files are on disk, which may take minutes. */
#define COMPLETE_TIMEOUT_USEC (600 * 1000000ULL)

/* The umask of a job unless it is set. */
#define UMASK_DEFAULT 022

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

/* The first kind is the one that a job is of unless the caller says otherwise. */
static const char *const job_types[] = {
#define JOB_TYPE_NAME(id, name) name,
        DOSVC_JOB_TYPES(JOB_TYPE_NAME)
#undef JOB_TYPE_NAME
};

static int job_call_create(dosvc_connection *c,
                           const char *display_name,
                           const char *type,
                           const dosvc_values *options,
                           char id[static DOSVC_ID_SIZE])
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        const char *path;
        int r;

        r = call_new(c, DOSVC_MANAGER_PATH, DOSVC_MANAGER_INTERFACE, "CreateJob", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_sensitive(m);
        if (r >= 0)
                r = sd_bus_message_append(m,
                                          "ss",
                                          display_name ? display_name : "",
                                          type ? type : job_types[0]);
        if (r >= 0)
                r = values_append(m, options, DOSVC_TYPE_NUMBER);
        if (r < 0)
                return error_remember_text(c, r, NULL);
        r = call_send(c, m, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "o", &path);
        if (r >= 0 && !job_id_from_path(path, id))
                r = -EBADMSG;
        return r < 0 ? error_remember_text(c, r, NULL) : 0;
}

/*
 * The type of a number on the bus is known only when there is a job whose property can be read. The
 * job is suspended, so that nothing can happen before all values are there.
 */
static int job_set_numbers(dosvc_connection *c, const char *id, const dosvc_values *options)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && options && i < dosvc_values_size(options); i++) {
                const char *name = dosvc_values_name(options, i);
                uint64_t number;

                if (dosvc_values_get_number(options, name, &number) >= 0)
                        r = dosvc_job_set_number(c, id, name, number);
        }
        return r;
}

/* The umask of this process; -1 if the kernel does not say, since reading it by umask(2) sets it.
 */
static int job_read_umask(void)
{
        char line[128];
        int found = -1;
        FILE *status = fopen("/proc/self/status", "re");

        while (status && found < 0 && fgets(line, sizeof(line), status))
                if (strncmp(line, "Umask:", 6) == 0)
                        found = (int) (strtoul(line + 6, NULL, 8) & 0777);
        if (status)
                (void) fclose(status);
        return found;
}

/* A service that has no such property goes by a mask of its own. */
static int job_set_umask(dosvc_connection *c, const char *id, const dosvc_values *options)
{
        int mask, r;

        if (options && dosvc_values_type(options, "UMask") != DOSVC_TYPE_NONE)
                return 0;
        mask = job_read_umask();
        if (mask < 0 || mask == UMASK_DEFAULT)
                return 0;
        r = dosvc_job_set_number(c, id, "UMask", (uint64_t) mask);
        return r == -EBADR ? 0 : r;
}

EXPORT int dosvc_job_create_with(dosvc_connection *connection,
                                 const char *display_name,
                                 const char *type,
                                 const dosvc_values *options,
                                 char *ret_id)
{
        char id[DOSVC_ID_SIZE];
        int r;

        r = job_call_create(connection, display_name, type, options, id);
        if (r < 0)
                return r;
        r = job_set_numbers(connection, id, options);
        if (r >= 0)
                r = job_set_umask(connection, id, options);
        if (r < 0) {
                HeldError held = error_hold(connection);

                (void) dosvc_job_cancel(connection, id);
                error_put_back(connection, held);
                return r;
        }
        memcpy(ret_id, id, sizeof(id));
        return 0;
}

EXPORT int dosvc_job_create(dosvc_connection *connection, const char *display_name, char *ret_id)
{
        return dosvc_job_create_with(connection, display_name, NULL, NULL, ret_id);
}

EXPORT int dosvc_job_add_file_with(dosvc_connection *connection,
                                   const char *job,
                                   const char *remote_name,
                                   const char *local_name,
                                   const dosvc_values *options,
                                   uint32_t *ret_index)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        const char *path;
        uint32_t index;
        int r;

        r = call_new_job(connection, job, "AddFile", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ss", remote_name, local_name);
        if (r >= 0)
                r = values_append(m, options, DOSVC_TYPE_NONE);
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

EXPORT int dosvc_job_add_file(dosvc_connection *connection,
                              const char *job,
                              const char *remote_name,
                              const char *local_name,
                              uint32_t *ret_index)
{
        return dosvc_job_add_file_with(connection, job, remote_name, local_name, NULL, ret_index);
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
                     : properties_get_string(connection,
                                             file,
                                             DOSVC_FILE_INTERFACE,
                                             "ResponseHeaders",
                                             ret);
}

/* A call without arguments and without a result. */
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

static int job_call_complete(dosvc_connection *c,
                             const char *job,
                             const char *member,
                             sd_bus_message **ret_reply)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        uint64_t timeout_usec;
        int r;

        r = call_new_job(c, job, member, &m);
        if (r < 0)
                return r;
        timeout_usec = c->timeout_usec;
        if (timeout_usec < COMPLETE_TIMEOUT_USEC)
                timeout_usec = COMPLETE_TIMEOUT_USEC;
        return call_send_timeout(c, m, timeout_usec, ret_reply);
}

EXPORT int dosvc_job_complete(dosvc_connection *connection, const char *job)
{
        _cleanup_message_ sd_bus_message *reply = NULL;

        return job_call_complete(connection, job, "CompleteWhole", &reply);
}

EXPORT int dosvc_job_complete_partial(dosvc_connection *connection, const char *job)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r = job_call_complete(connection, job, "Complete", &reply);

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
