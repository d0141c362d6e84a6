/*
 * libdosvc: downloads that survive log-off, crash and reboot, handed to the service dosvcd.
 *
 *      #include <dosvc.h>
 *      #include <stdio.h>
 *
 *      int main(void)
 *      {
 *              dosvc_connection *c;
 *              char job[DOSVC_ID_SIZE];
 *              int status = 0;
 *
 *              if (dosvc_open(0, &c) < 0 || dosvc_job_create(c, "photos", job) < 0 ||
 *                  dosvc_job_add_file(c, job, "https://example.com/a.iso",
 *                                     "/srv/a.iso", NULL) < 0 ||
 *                  dosvc_job_resume(c, job) < 0 ||
 *                  dosvc_job_wait(c, job, NULL, DOSVC_FOREVER, NULL) < 0 ||
 *                  dosvc_job_complete(c, job) < 0) {
 *                      fprintf(stderr, "%s\n", dosvc_last_error_message(c));
 *                      status = 1;
 *              }
 *              dosvc_close(c);
 *              return status;
 *      }
 *
 * What the D-Bus interfaces org.dosvc1.Manager, .Job and .File offer, this header offers: each
 * method and signal has a function or an event, whose comment names it; properties and options are
 * reached by their names (dosvc_values), the common ones by functions of their own besides. What a
 * member means in full is in the interfaces' XML, installed in dbus-1/interfaces.
 *
 * Conventions
 *
 * Results. A function that returns int gives 0, or a positive value that its comment explains;
 * or a negative errno, and then writes to no output parameter; dosvc_open() sets its own to NULL. A
 * call sends a message (several where its comment says so) and waits for the answer; it cannot be
 * interrupted by a signal,
 * dosvc_job_wait() can. Errors of any call:
 *
 *      -EINVAL        an argument that is not acceptable (org.freedesktop.DBus.Error.InvalidArgs),
 *                     or no connection
 *      -ENOENT        there is no such job, or it is another user's (NotFound, UnknownObject)
 *      -EACCES        only the owner may, or only root (AccessDenied)
 *      -EBADFD        not in the state that the job is in (InvalidState)
 *      -ENOSPC        the service's disk is full (NoSpace)
 *      -EBADR         the service, an older one, does not know the method or property
 *                     (UnknownMethod, UnknownProperty)
 *      -EIO           the service failed (Failed, and errors that have no errno of their own)
 *      -EHOSTUNREACH  the service is not on the bus and could not be started
 *      -ETIMEDOUT     the service did not answer in time (dosvc_set_timeout())
 *      -ECONNRESET, -ENOTCONN   the bus has gone; open a new connection
 *      -ENOMEM        no memory here
 *      -ECHILD        the connection was opened before fork(2), by the parent
 *
 * "Errors" in a comment lists those that come besides. After an error that came from the service,
 * dosvc_last_error_message() is a sentence that can be shown to people.
 *
 * Strings are UTF-8, end with NUL and stay the caller's when they are arguments. A string that an
 * accessor gives belongs to the object that it was taken from, and lives as long. Lists of strings
 * end with a NULL pointer. Objects are freed by the function of their name, which accepts NULL.
 *
 * Sizes are bytes, DOSVC_UNKNOWN_SIZE where nobody knows yet. Points in time are microseconds
 * since the epoch, 0 = never. Time spans that are arguments are microseconds; those that are
 * properties are seconds.
 *
 * A connection and what was made with it is used by one thread at a time.
 *
 * The library keeps no copy of a secret that it is given, and erases what it had to copy.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The version of this header, and "MAJOR.MINOR.PATCH" of the library that runs, which may be a
 * later one: what a header declares is in every library of the same or a later version, until the
 * number in the library's name (libdosvc.so.0) changes. Since 0.1.
 */
#define DOSVC_VERSION_MAJOR                       0
#define DOSVC_VERSION_MINOR                       1
#define DOSVC_VERSION_PATCH                       0
#define DOSVC_VERSION_NUMBER(major, minor, patch) (((major) << 16) | ((minor) << 8) | (patch))
/* To be compared: #if DOSVC_VERSION >= DOSVC_VERSION_NUMBER(0, 2, 0) */
#define DOSVC_VERSION                                                                              \
        DOSVC_VERSION_NUMBER(DOSVC_VERSION_MAJOR, DOSVC_VERSION_MINOR, DOSVC_VERSION_PATCH)
const char *dosvc_version(void);

/* Room for the id of a job: 32 lower-case hex digits and NUL. */
#define DOSVC_ID_SIZE 33

#define DOSVC_UNKNOWN_SIZE ((uint64_t) -1)
#define DOSVC_FOREVER      ((uint64_t) -1)

/*
 * Words of the service, all since 0.1; a later one may know more.
 *
 *      state     queued connecting transferring suspended error transient-error transferred
 *                acknowledged cancelled (the last two are final, the job is gone then)
 *      priority  foreground high normal low
 *      target    server proxy
 *      scheme    basic digest ntlm negotiate passport bearer
 *      proxy     preconfig none override autodetect
 */

/* ------------------------------------------------------------------- connection */

typedef struct dosvc_connection dosvc_connection;

/* The user instance, on the session bus, instead of the system's. */
#define DOSVC_OPEN_USER 1u
/* Calls fail with -EHOSTUNREACH instead of starting a service that is not running. */
#define DOSVC_OPEN_NO_START 2u

/*
 * Connects to the bus; the service itself is started by the first call. The new connection is
 * freed with dosvc_close(); after an error *ret is NULL, which every function takes and answers
 * with -EINVAL. Since 0.1.
 * Errors: those of connect(2) to the bus, -ENOMEDIUM (no address of a session bus is known),
 * -EINVAL (unknown flag).
 */
int dosvc_open(unsigned int flags, dosvc_connection **ret);

/* Ends subscription and connection. Returns NULL. Since 0.1. */
dosvc_connection *dosvc_close(dosvc_connection *connection);

/*
 * How long a call waits for its answer, 25 s unless set; dosvc_job_complete() waits at least ten
 * minutes, because the files' last bytes are written then. Since 0.1.
 */
void dosvc_set_timeout(dosvc_connection *connection, uint64_t timeout_usec);

/*
 * D-Bus name of the error of the last call that failed ("org.dosvc1.Error.NotFound"), and its
 * message. Never NULL. The name is "" when the error did not come over the bus; the message is
 * then a description of the errno. connection NULL: of the last dosvc_open() of this thread that
 * failed. Valid until the next call. Since 0.1.
 */
const char *dosvc_last_error_name(const dosvc_connection *connection);
const char *dosvc_last_error_message(const dosvc_connection *connection);

/* ----------------------------------------------------------------- named values */

/*
 * Values under names: the properties that an object had at one moment, or options for a call. The
 * names are those of the D-Bus interfaces, so that properties and options which came after this
 * library can be read and given as well.
 */
typedef struct dosvc_values dosvc_values;

/* Types of values, with their signatures on the bus; more may come. */
#define DOSVC_TYPE_NONE    0 /* there is no value of that name */
#define DOSVC_TYPE_STRING  1 /* s, o */
#define DOSVC_TYPE_STRINGS 2 /* as, ao */
#define DOSVC_TYPE_NUMBER  3 /* u, t, and other ones without a sign */
#define DOSVC_TYPE_BOOLEAN 4 /* b */
#define DOSVC_TYPE_RANGES  5 /* a(tt): offset and length of each */
#define DOSVC_TYPE_VALUES  6 /* a structure, or an array of anything else: its members */
#define DOSVC_TYPE_OTHER   7 /* a type that this library cannot give */

/* An empty set, NULL without memory; dosvc_values_free() frees it and returns NULL. Since 0.1. */
dosvc_values *dosvc_values_new(void);
dosvc_values *dosvc_values_free(dosvc_values *values);

/*
 * Each sets a value, in place of one of that name, and copies what it is given; strings NULL is an
 * empty list. A number is 64 bits on the bus, or what a property of a job has there. Since 0.1.
 * Errors: -ENOMEM, and then nothing has changed.
 */
int dosvc_values_set_string(dosvc_values *values, const char *name, const char *value);
int dosvc_values_set_strings(dosvc_values *values, const char *name, const char *const *strings);
int dosvc_values_set_number(dosvc_values *values, const char *name, uint64_t number);
int dosvc_values_set_boolean(dosvc_values *values, const char *name, int boolean);
/* Adds a range to those of that name; length DOSVC_UNKNOWN_SIZE: to the end. Since 0.1. */
int dosvc_values_add_range(dosvc_values *values,
                           const char *name,
                           uint64_t offset,
                           uint64_t length);

/* The number of values, and the name of each in the order of the service; i < size. Since 0.1. */
size_t dosvc_values_size(const dosvc_values *values);
const char *dosvc_values_name(const dosvc_values *values, size_t i);
/* One of DOSVC_TYPE_. Since 0.1. */
int dosvc_values_type(const dosvc_values *values, const char *name);

/*
 * Each gives the value of that name. Pointers lead into the values, and are good until these are
 * changed or freed. Since 0.1.
 * Errors: -ENOENT (there is no such value: an older service does not have it), -EPROTOTYPE (it has
 * another type).
 */
int dosvc_values_get_string(const dosvc_values *values, const char *name, const char **ret);
int dosvc_values_get_strings(const dosvc_values *values, const char *name, const char *const **ret);
int dosvc_values_get_number(const dosvc_values *values, const char *name, uint64_t *ret);
int dosvc_values_get_boolean(const dosvc_values *values, const char *name, int *ret);
/* 1 and the range at that position, or 0 if there are not so many. Since 0.1. */
int dosvc_values_get_range(const dosvc_values *values,
                           const char *name,
                           size_t i,
                           uint64_t *ret_offset,
                           uint64_t *ret_length);
/*
 * The members of a structure or array, which are named "0", "1" ... by their position; in a
 * dictionary they have its keys as names. Since 0.1.
 */
int dosvc_values_get_values(const dosvc_values *values, const char *name, const dosvc_values **ret);

/* ---------------------------------------------------------------------- service */

/*
 * Properties of org.dosvc1.Manager, as they were at one moment: dosvc_values, with the accessors
 * below besides. One that the service does not have reads as "", an empty list or 0 there.
 */
typedef dosvc_values dosvc_service;

/* Properties.GetAll of org.dosvc1.Manager. Since 0.1. */
int dosvc_get_service(dosvc_connection *connection, dosvc_service **ret);
dosvc_service *dosvc_service_free(dosvc_service *service);

const char *dosvc_service_version(const dosvc_service *service);
/* "keyring" or "secret-service"; "persistent", or "volatile": credentials go when the service ends.
 */
const char *dosvc_service_credential_store(const dosvc_service *service);
const char *dosvc_service_credential_persistence(const dosvc_service *service);
/* Lists; never NULL. */
const char *const *dosvc_service_features(const dosvc_service *service);
const char *const *dosvc_service_protocols(const dosvc_service *service);
const char *const *dosvc_service_schemes(const dosvc_service *service);
/* The caller's jobs, and the limits of a user and of a job. */
uint32_t dosvc_service_jobs_total(const dosvc_service *service);
uint32_t dosvc_service_max_jobs_per_user(const dosvc_service *service);
uint32_t dosvc_service_max_files_per_job(const dosvc_service *service);

/*
 * The service reads its configuration again; root only. Manager.Reload. Since 0.1.
 * Errors: -EINVAL (a file has a mistake, which the message names with file and line; the old
 * configuration stays), -EACCES.
 */
int dosvc_reload(dosvc_connection *connection);

/* ------------------------------------------------------------------ finding jobs */

/* All users' jobs instead of one's own; root only. Also for dosvc_subscribe(). */
#define DOSVC_ALL_USERS 1u

/*
 * Jobs in the order in which they came to their owner. A long list is read in several steps, of
 * some thousand jobs each: jobs that are made or go away meanwhile may be in it or not, all others
 * are in it once.
 */
typedef struct dosvc_job_list dosvc_job_list;

/*
 * Manager.ListJobs with its keys all-users, state, offset and limit. state: only jobs in that
 * state, NULL = all. Since 0.1.
 * Errors: -EACCES (DOSVC_ALL_USERS, caller is not root), -EINVAL (no such state), -ENOBUFS (too
 * many long lists at once).
 */
int dosvc_list_jobs(dosvc_connection *connection,
                    unsigned int flags,
                    const char *state,
                    dosvc_job_list **ret);
dosvc_job_list *dosvc_job_list_free(dosvc_job_list *list);

size_t dosvc_job_list_size(const dosvc_job_list *list);
/* i < size. */
const char *dosvc_job_list_id(const dosvc_job_list *list, size_t i);
uint32_t dosvc_job_list_owner(const dosvc_job_list *list, size_t i);
const char *dosvc_job_list_display_name(const dosvc_job_list *list, size_t i);
const char *dosvc_job_list_type(const dosvc_job_list *list, size_t i);
const char *dosvc_job_list_state(const dosvc_job_list *list, size_t i);
uint64_t dosvc_job_list_bytes_transferred(const dosvc_job_list *list, size_t i);
uint64_t dosvc_job_list_bytes_total(const dosvc_job_list *list, size_t i);

/* 0 if the caller can see a job of that id, -ENOENT if not. Manager.GetJob. Since 0.1. */
int dosvc_job_find(dosvc_connection *connection, const char *job);

/* ------------------------------------------------------------- making a download */

/*
 * Makes a suspended download job of the caller; ret_id has room for DOSVC_ID_SIZE bytes.
 * display_name: at most 256 UTF-16 units, no control characters, need not be unique; NULL is "".
 * The files get the permissions that the umask(2) of the calling process leaves (property UMask).
 * Manager.CreateJob. Since 0.1.
 * Errors: -E2BIG (name too long), -EUSERS (the user has too many jobs), -EACCES (the caller's uid
 * has no entry in the user database).
 */
int dosvc_job_create(dosvc_connection *connection, const char *display_name, char *ret_id);

/*
 * The same with more to say. type: of the job, NULL is "download". options: any writable property
 * of org.dosvc1.Job under its name ("Priority", "MinimumRetryDelay"), NULL = none; DisplayName wins
 * over the argument. Numbers are set by calls of their own as soon as there is a job, which is
 * cancelled again if one is refused; the rest is part of the creation. Since 0.1.
 * Errors: also those of dosvc_job_set_number(), -EINVAL (an unknown option, or one of another type
 * than the property's), -EOPNOTSUPP (type "upload").
 */
int dosvc_job_create_with(dosvc_connection *connection,
                          const char *display_name,
                          const char *type,
                          const dosvc_values *options,
                          char *ret_id);

/*
 * Adds a file. remote_name: http or https URL, nothing is escaped; user info becomes credentials
 * (server, basic) and leaves the URL. local_name: absolute path. ret_index: position in the job,
 * from 0; may be NULL. Whether the owner may write there is found out when the transfer starts.
 * Job.AddFile. Since 0.1.
 * Errors: -EINVAL, -EMFILE (the job has too many files).
 */
int dosvc_job_add_file(dosvc_connection *connection,
                       const char *job,
                       const char *remote_name,
                       const char *local_name,
                       uint32_t *ret_index);

/*
 * The same with options, which may be NULL:
 *
 *      sha256, sha512, sha1, md5   string, one of them: the digest that the file must have, in
 *                                  hexadecimal digits; a file with another one is an error of the
 *                                  job ("validation-failed") and never published
 *      ranges                      ranges: the parts of the remote file that are wanted, 1 to 500
 *                                  without overlaps; the local file holds them one behind the
 *                                  other, in this order
 *
 *      dosvc_values *options = dosvc_values_new();
 *
 *      if (!options || dosvc_values_set_string(options, "sha256", digest) < 0 ||
 *          dosvc_job_add_file_with(c, job, url, path, options, NULL) < 0)
 *              ...
 *      dosvc_values_free(options);
 *
 * Job.AddFile. Since 0.1.
 * Errors: also -EINVAL (an unknown option, a bad digest, two of them), -ERANGE (a range without
 * length, or beyond what can be counted), -EOVERFLOW (ranges overlap), -ETOOMANYREFS (too many).
 */
int dosvc_job_add_file_with(dosvc_connection *connection,
                            const char *job,
                            const char *remote_name,
                            const char *local_name,
                            const dosvc_values *options,
                            uint32_t *ret_index);

/* n_files pairs of names at once, all or none. Job.AddFiles. Since 0.1. Errors: as above. */
int dosvc_job_add_files(dosvc_connection *connection,
                        const char *job,
                        const char *const *remote_names,
                        const char *const *local_names,
                        size_t n_files);

/* The files of a job, in the order of adding. */
typedef struct dosvc_file_list dosvc_file_list;

/*
 * Job.ListFilesFiltered with its keys offset and limit, as often as it takes (Job.ListFiles is the
 * same without pages). Since 0.1. Errors: -ENOBUFS as above.
 */
int dosvc_job_list_files(dosvc_connection *connection, const char *job, dosvc_file_list **ret);
dosvc_file_list *dosvc_file_list_free(dosvc_file_list *list);

size_t dosvc_file_list_size(const dosvc_file_list *list);
/* i < size. completed: 1 when the file is whole and waits for dosvc_job_complete(). */
const char *dosvc_file_list_remote_name(const dosvc_file_list *list, size_t i);
const char *dosvc_file_list_local_name(const dosvc_file_list *list, size_t i);
uint64_t dosvc_file_list_bytes_transferred(const dosvc_file_list *list, size_t i);
uint64_t dosvc_file_list_bytes_total(const dosvc_file_list *list, size_t i);
int dosvc_file_list_completed(const dosvc_file_list *list, size_t i);

/*
 * All properties of the file at that position: Checksum, Ranges, Restarts, RestartReason and the
 * rest of org.dosvc1.File. *ret is freed with dosvc_values_free(). Properties.GetAll. Since 0.1.
 */
int dosvc_file_get_info(dosvc_connection *connection,
                        const char *job,
                        uint32_t index,
                        dosvc_values **ret);

/*
 * Header lines of the last response to the file at that position, without cookies and
 * authentication. *ret is freed with free(3). File.ResponseHeaders. Since 0.1.
 */
int dosvc_file_get_response_headers(dosvc_connection *connection,
                                    const char *job,
                                    uint32_t index,
                                    char **ret);

/* -------------------------------------------------------------------- credentials */

/*
 * Sets the credentials that answer a server's 401 (target "server") or a proxy's 407 ("proxy") in
 * that scheme; one set a pair, a second call replaces it. Sent only when asked for, kept sealed,
 * gone with the job; no call gives them back. If the scheme is not known, set all that fit: which
 * one a server refused is not reported. Owner only, root is not exempt. Allowed in every state;
 * after an error, set new ones and resume.
 *
 *      user_name and secret      user name (at most 300 UTF-16 units) and password (at most 65536;
 *                                no bytes is a password too), not NUL-terminated
 *      user_name NULL            scheme bearer: secret is the token
 *      both NULL                 negotiate: the Kerberos tickets of the job's owner, as they are
 *                                when they are needed; ntlm takes it too, and has none on Linux
 *
 * User names are "DOMAIN\user" for ntlm, and "user", "user@REALM" or "REALM\user" for negotiate.
 *
 * The secret travels in a sealed memory file, not over the bus; the caller's copy is the caller's
 * to erase. Job.SetCredentials with user-name and with password-fd or token-fd (never with password
 * or token, which would cross the bus). Since 0.1.
 * Errors: -EDESTADDRREQ (unknown target), -EPROTONOSUPPORT (unknown scheme), -EINVAL (a user name
 * or password that the scheme needs is missing, or only one of them is there), -ENAMETOOLONG (user
 * name), -EMSGSIZE (password), -EILSEQ (control characters, bad UTF-8, colon in the user name of
 * basic, not ISO 8859-1 for ntlm), -ENOKEY (the credential store refuses), -ENOBUFS (too many
 * credentials of one user).
 */
int dosvc_job_set_credentials(dosvc_connection *connection,
                              const char *job,
                              const char *target,
                              const char *scheme,
                              const char *user_name,
                              const void *secret,
                              size_t secret_size);

/*
 * The same with the secret in a descriptor: the reading end of a pipe, which the service reads to
 * its end within 5 s, or a memfd with F_SEAL_WRITE. It stays the caller's. Since 0.1.
 * Errors: also -EILSEQ for another kind of descriptor, or one that does not end in time.
 */
int dosvc_job_set_credentials_fd(dosvc_connection *connection,
                                 const char *job,
                                 const char *target,
                                 const char *scheme,
                                 const char *user_name,
                                 int secret_fd);

/*
 * Erases one pair. 1 if there was one, 0 if not. Job.RemoveCredentials. Since 0.1.
 * Errors: -EDESTADDRREQ, -EPROTONOSUPPORT.
 */
int dosvc_job_remove_credentials(dosvc_connection *connection,
                                 const char *job,
                                 const char *target,
                                 const char *scheme);

/*
 * Replaces the beginning of the URL of every file of the job that begins with old_prefix, letter by
 * letter, all or none of them. An unfinished file starts again at its new URL; a finished one stays
 * as it is. A job in state "error" needs dosvc_job_resume() afterwards. *ret_changed, which may be
 * NULL: the number of files that were changed; 0 is no error. Job.ReplaceRemotePrefix. Since 0.1.
 * Errors: -EINVAL (an empty prefix, or a result that is no URL), -EBADFD.
 */
int dosvc_job_replace_remote_prefix(dosvc_connection *connection,
                                    const char *job,
                                    const char *old_prefix,
                                    const char *new_prefix,
                                    uint32_t *ret_changed);

/*
 * Another URL for one file, with the same effects. index: its place in the order of adding, from 0.
 * File.SetRemoteName. Since 0.1. Errors: -EINVAL (no URL), -EBADFD.
 */
int dosvc_file_set_remote_name(dosvc_connection *connection,
                               const char *job,
                               uint32_t index,
                               const char *remote_name);

/* ------------------------------------------------------------------------ control */

/* Starts or goes on; retries at once. Job.Resume. Since 0.1. Errors: -ENODATA (no files). */
int dosvc_job_resume(dosvc_connection *connection, const char *job);

/* Stops, keeping what was fetched. Job.Suspend. Since 0.1. */
int dosvc_job_suspend(dosvc_connection *connection, const char *job);

/* Ends the job and removes all it fetched. Job.Cancel. Since 0.1. */
int dosvc_job_cancel(dosvc_connection *connection, const char *job);

/*
 * Gives the files their names and ends the job, if all of them are finished. Job.CompleteWhole.
 * Since 0.1.
 * Errors: -EBADFD (some are not, and nothing has changed), -ENODATA (there are none), those of
 * putting the files in place (-EACCES, -ENOSPC, -EIO): the job stays and may be completed again.
 */
int dosvc_job_complete(dosvc_connection *connection, const char *job);

/*
 * The same for the files that are finished; what is unfinished is given up, and removed. 0 if all
 * files were finished, 1 if only some or none. Job.Complete. Since 0.1. Errors: as above, but for
 * unfinished files.
 */
int dosvc_job_complete_partial(dosvc_connection *connection, const char *job);

/*
 * Makes the caller, who must be root, the owner; erases credentials, headers, client
 * certificate and ticket cache. Job.TakeOwnership. Since 0.1.
 */
int dosvc_job_take_ownership(dosvc_connection *connection, const char *job);

/*
 * The writable properties of a job with their values, as the service says that it has them, in its
 * order: names, types and values of what can be set. CustomHeaders is not among them, because only
 * dosvc_job_get_headers() may give it. *ret is freed with dosvc_values_free(). Two calls:
 * Properties.GetAll and Introspectable.Introspect. Since 0.1.
 */
int dosvc_job_get_settings(dosvc_connection *connection, const char *job, dosvc_values **ret);

/*
 * One property of a job, as the value of its name. So are read those that dosvc_job_get_info()
 * leaves out because only the owner may see them: "CredentialSlots" has a value for each pair that
 * is set, with its target as "0" and its scheme as "1". *ret is freed with dosvc_values_free(). Job
 * by Properties.Get. Since 0.1. Errors: -EBADR (no such property).
 */
int dosvc_job_get_property(dosvc_connection *connection,
                           const char *job,
                           const char *property,
                           dosvc_values **ret);

/*
 * Each sets the writable property of a job that has that name ("RedirectPolicy"), by one
 * Properties.Set. dosvc_job_set_number() reads the property first, because a number must have the
 * width that the service gives it. strings NULL is an empty list. Since 0.1.
 * Errors: -EINVAL (a value that the property cannot have, or of another type), -EBADR (no such
 * property), -EROFS (it cannot be written), and those that the property has: -E2BIG, -EOPNOTSUPP.
 */
int dosvc_job_set_string(dosvc_connection *connection,
                         const char *job,
                         const char *property,
                         const char *value);
int dosvc_job_set_strings(dosvc_connection *connection,
                          const char *job,
                          const char *property,
                          const char *const *strings);
int dosvc_job_set_number(dosvc_connection *connection,
                         const char *job,
                         const char *property,
                         uint64_t number);
int dosvc_job_set_boolean(dosvc_connection *connection,
                          const char *job,
                          const char *property,
                          int boolean);

/*
 * Writable properties of a job by name, each one Properties.Set. Since 0.1.
 * Errors: -E2BIG (longer than 256 and 1024 UTF-16 units; a proxy list of more than 4000).
 */
int dosvc_job_set_display_name(dosvc_connection *connection, const char *job, const char *name);
int dosvc_job_set_description(dosvc_connection *connection, const char *job, const char *text);
int dosvc_job_set_priority(dosvc_connection *connection, const char *job, const char *priority);
/*
 * proxies, with usage "override": "[http=|https=][http://|https://]host[:port]", tried in order
 * while they cannot be reached; bypass: hosts reached directly, "www.example.com",
 * "*.example.com", "192.0.2.0/24", "<local>". Lists, or NULL for empty ones. Transfers that run go
 * on; the next request of the job goes by the new proxies.
 */
int dosvc_job_set_proxy(dosvc_connection *connection,
                        const char *job,
                        const char *usage,
                        const char *const *proxies,
                        const char *const *bypass);
/*
 * policy: "allow-silent", "allow-report", each also with "+https-to-http", or "disallow"; it holds
 * from the next redirect on.
 * flags: a list of "enable-crl-check", "ignore-cert-cn-invalid", "ignore-cert-date-invalid",
 * "ignore-unknown-ca", "ignore-cert-wrong-usage", or NULL for none; -EOPNOTSUPP for another.
 * path: of a PEM file with the authorities to trust instead of the system's; NULL is "", none.
 * cache: the Kerberos credential cache for implicit Negotiate; NULL is "", the owner's default.
 */
int dosvc_job_set_redirect_policy(dosvc_connection *connection,
                                  const char *job,
                                  const char *policy);
int dosvc_job_set_security_flags(dosvc_connection *connection,
                                 const char *job,
                                 const char *const *flags);
int dosvc_job_set_ca_certificate(dosvc_connection *connection, const char *job, const char *path);
int dosvc_job_set_ticket_cache(dosvc_connection *connection, const char *job, const char *cache);

/*
 * Header lines, "Name: value", for each request to the origin of the remote names that the owner
 * gave; NULL or an empty list removes them. They are sealed like credentials, and neither set nor
 * read by root. Property CustomHeaders. Since 0.1.
 * Errors: -EINVAL (a line that is no header, or one that the service sets itself), -E2BIG (more
 * than 16384 UTF-16 units), -ENOKEY, -ENOBUFS.
 */
int dosvc_job_set_headers(dosvc_connection *connection,
                          const char *job,
                          const char *const *headers);
/*
 * The lines, each with "\n" behind it, in one string that is freed with free(3); "" = none. Errors:
 * -ENOKEY (they are lost).
 */
int dosvc_job_get_headers(dosvc_connection *connection, const char *job, char **ret);

/*
 * The client certificate for servers that ask for one. certificate, key: paths of PEM files that
 * the service opens with the owner's rights; key NULL: in the certificate's file. password: of an
 * encrypted key, not NUL-terminated, at most 1023 bytes; NULL: none. It travels in a sealed memory
 * file. Owner only, root is not exempt. Job.SetClientCertificate with certificate, key and
 * password-fd (never with password, which would cross the bus). Since 0.1.
 * Errors: -EOPNOTSUPP (a pkcs11: URI), -EMSGSIZE, -EILSEQ, -ENOKEY, -ENOBUFS.
 */
int dosvc_job_set_client_certificate(dosvc_connection *connection,
                                     const char *job,
                                     const char *certificate,
                                     const char *key,
                                     const void *password,
                                     size_t password_size);
/* 1 if there was one, 0 if not. Job.RemoveClientCertificate. Since 0.1. */
int dosvc_job_remove_client_certificate(dosvc_connection *connection, const char *job);

/* ---------------------------------------------------------------- looking at a job */

/*
 * All properties of a job but CustomHeaders, as they were at one moment: dosvc_values, with the
 * accessors below besides. One that the service does not have reads as "", an empty list or 0
 * there.
 *
 *      uint64_t delay_sec;
 *
 *      r = dosvc_values_get_number(info, "MinimumRetryDelay", &delay_sec);
 */
typedef dosvc_values dosvc_job_info;

/* Properties.GetAll of org.dosvc1.Job. Since 0.1. */
int dosvc_job_get_info(dosvc_connection *connection, const char *job, dosvc_job_info **ret);
dosvc_job_info *dosvc_job_info_free(dosvc_job_info *info);

const char *dosvc_job_info_id(const dosvc_job_info *info);
uint32_t dosvc_job_info_owner(const dosvc_job_info *info);
const char *dosvc_job_info_type(const dosvc_job_info *info);
const char *dosvc_job_info_state(const dosvc_job_info *info);
/* One sentence for people: what the job does or waits for. */
const char *dosvc_job_info_status(const dosvc_job_info *info);

/*
 * The last error, while it stands: a number of BITS (0x80190191 for HTTP status 401), 0 = none;
 * its name ("http-401"); what it is about ("remote-file"); a description; the URL concerned; the
 * position of the file, -1 = none. Strings are "" when there is no error.
 */
uint32_t dosvc_job_info_error_code(const dosvc_job_info *info);
const char *dosvc_job_info_error_name(const dosvc_job_info *info);
const char *dosvc_job_info_error_context(const dosvc_job_info *info);
const char *dosvc_job_info_error_description(const dosvc_job_info *info);
const char *dosvc_job_info_error_url(const dosvc_job_info *info);
int64_t dosvc_job_info_error_file(const dosvc_job_info *info);
/* Failed attempts so far. */
uint32_t dosvc_job_info_error_count(const dosvc_job_info *info);

uint32_t dosvc_job_info_files_total(const dosvc_job_info *info);
uint32_t dosvc_job_info_files_transferred(const dosvc_job_info *info);
uint64_t dosvc_job_info_bytes_total(const dosvc_job_info *info);
uint64_t dosvc_job_info_bytes_transferred(const dosvc_job_info *info);
/* Bytes a second. */
uint64_t dosvc_job_info_rate(const dosvc_job_info *info);

uint64_t dosvc_job_info_creation_time(const dosvc_job_info *info);
uint64_t dosvc_job_info_modification_time(const dosvc_job_info *info);
uint64_t dosvc_job_info_transfer_completion_time(const dosvc_job_info *info);
uint64_t dosvc_job_info_next_attempt_time(const dosvc_job_info *info);

const char *dosvc_job_info_display_name(const dosvc_job_info *info);
const char *dosvc_job_info_description(const dosvc_job_info *info);
const char *dosvc_job_info_priority(const dosvc_job_info *info);
const char *dosvc_job_info_proxy_usage(const dosvc_job_info *info);
/* Lists; never NULL. */
const char *const *dosvc_job_info_proxies(const dosvc_job_info *info);
const char *const *dosvc_job_info_proxy_bypass(const dosvc_job_info *info);
const char *dosvc_job_info_redirect_policy(const dosvc_job_info *info);
const char *const *dosvc_job_info_security_flags(const dosvc_job_info *info);
/* "" = not set. */
const char *dosvc_job_info_ca_certificate(const dosvc_job_info *info);
const char *dosvc_job_info_ticket_cache(const dosvc_job_info *info);

/* ------------------------------------------------------------------------- events */

/* An event; it is valid inside the callback only. */
typedef struct dosvc_event dosvc_event;

/* A job was made. Manager.JobNew. */
#define DOSVC_EVENT_NEW 1
/* A job is gone; state is "acknowledged" or "cancelled". Manager.JobRemoved. */
#define DOSVC_EVENT_REMOVED 2
/* A job is in another state; state and previous are set. Job.StateChanged. */
#define DOSVC_EVENT_STATE 3
/* Live figures: bytes_transferred, bytes_total, rate. Job.Progress. */
#define DOSVC_EVENT_PROGRESS 4
/* Other properties of a job changed; read them. Properties.PropertiesChanged. */
#define DOSVC_EVENT_CHANGED 5
/*
 * The service has left the bus, or is back and the subscription has been made anew: what
 * happened in between was not reported. Both have no job.
 */
#define DOSVC_EVENT_SERVICE_GONE 6
#define DOSVC_EVENT_SERVICE_BACK 7

/* One of the above; ignore others. */
int dosvc_event_type(const dosvc_event *event);
/* "" where the event has none. */
const char *dosvc_event_job(const dosvc_event *event);
const char *dosvc_event_state(const dosvc_event *event);
const char *dosvc_event_previous_state(const dosvc_event *event);
/* 0 where the event has none. */
uint64_t dosvc_event_bytes_transferred(const dosvc_event *event);
uint64_t dosvc_event_bytes_total(const dosvc_event *event);
uint64_t dosvc_event_rate(const dosvc_event *event);

/*
 * Called from dosvc_dispatch() and dosvc_job_wait(), never from another call. It may make calls,
 * but may neither dispatch, wait nor close.
 */
typedef void (*dosvc_event_callback)(void *userdata, const dosvc_event *event);

/*
 * Asks for the events of one job, or with job NULL of all jobs of the caller (DOSVC_ALL_USERS: of
 * everybody, root only). progress_interval_msec: from 100 to 3600000, or 0 for no progress events.
 * A connection has one subscription, a second call replaces it. It is renewed when the service
 * comes back. Manager.Subscribe with its options all-users, job and progress-interval. Since 0.1.
 * Errors: -ENOBUFS (too many subscribers).
 */
int dosvc_subscribe(dosvc_connection *connection,
                    unsigned int flags,
                    const char *job,
                    uint64_t progress_interval_msec,
                    dosvc_event_callback callback,
                    void *userdata);

/* Ends it; no error when there is none. Manager.Unsubscribe. Since 0.1. */
int dosvc_unsubscribe(dosvc_connection *connection);

/*
 * For loops of one's own: poll(2) the descriptor for the events (which change) until the timeout in
 * milliseconds (-1 = none) is over, then dispatch until it returns 0. The descriptor belongs to
 * the connection. Since 0.1.
 */
int dosvc_get_fd(dosvc_connection *connection);
int dosvc_get_events(dosvc_connection *connection);
int dosvc_get_timeout(dosvc_connection *connection, int *ret_timeout_msec);

/*
 * Handles what has come, calling the callback; never blocks. 1: something was done, call again; 0:
 * nothing was there. Since 0.1. Errors: -EBUSY (called from the callback).
 */
int dosvc_dispatch(dosvc_connection *connection);

/*
 * Waits until the job is in one of the states, and gives it in *ret_state (may be NULL; valid
 * until the next call). states: a list; NULL means every state that the job does not leave by
 * itself: suspended error transferred. The final ones always end the wait. 0 is success: the job
 * is transferred or acknowledged, or in a state that the list names. Without a subscription one
 * is made for the time of the call; one that is there must cover the job, and its callback is
 * called from in here (a program that has the bus at hand but not this library calls Job.Wait). A
 * service that goes away is waited for, until the time is over, and not
 * started: who has stopped it wants it stopped. Since 0.1.
 * Errors: -EREMOTEIO (the job failed; dosvc_last_error_message() is the description of its error),
 * -ECANCELED (the job was cancelled), -EBADFD (it is suspended), each unless the list names that
 * state; -ETIMEDOUT (timeout_usec is over; DOSVC_FOREVER = none), -EINTR (a signal handler ran),
 * -EBUSY (called from the callback), -ENOENT (the job is not there).
 */
int dosvc_job_wait(dosvc_connection *connection,
                   const char *job,
                   const char *const *states,
                   uint64_t timeout_usec,
                   const char **ret_state);

#ifdef __cplusplus
}
#endif
