#include "manager/file-bus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/dosvc-wire.h"

#include "base/log.h"
#include "base/str.h"

#include "manager/bus-error.h"
#include "manager/bus-listing.h"
#include "manager/job-paths.h"
#include "model/checksum.h"
#include "model/file-ranges.h"
#include "model/limits.h"
#include "model/path.h"
#include "model/secret-rules.h"
#include "model/url.h"
#include "model/wire-codec.h"

/* A row of ListFiles without the names: its path and numbers. */
#define FILE_ROW_BYTES 128

/* As in job-properties.c. */
#define PROPERTY_BYTES 42

/* A file to add, or its new remote name. Everything is owned but local_name. */
typedef struct FileRequest {
        char *remote_name; /* without user info */
        char *user_name;   /* of the user info; NULL: there was none */
        Secret *password;
        const char *local_name; /* borrowed from the message */
        char *checksum;
        FileRange *ranges;
        size_t n_ranges;
} FileRequest;

static void file_request_done(FileRequest *request)
{
        free(request->remote_name);
        free(request->user_name);
        secret_free(request->password);
        free(request->checksum);
        free(request->ranges);
}

static ManagerLogin login_of(const FileRequest *request)
{
        return (ManagerLogin){ request->user_name, request->password };
}

/* User info may become credentials, so that it has to keep their rules. */
static int take_password(FileRequest *request, const char *password, sd_bus_error *error)
{
        size_t size = strlen(password);
        const char *reason = "is not valid";
        int r = secret_rules_check_user_name(AUTH_SCHEME_BASIC, request->user_name, &reason);

        if (r >= 0)
                r = secret_rules_check_password(AUTH_SCHEME_BASIC, password, size, &reason);
        if (r < 0)
                return bus_error_set(error, r, "User info of the URL: %s", reason);
        return secret_new_copy(password, size, &request->password);
}

static int refuse_more_files(BusEdge *edge, const Job *job, sd_bus_error *error)
{
        return bus_error_set(error,
                             -EMFILE,
                             "A job may have %" PRIu64
                             " files (MaxFilesPerJob=); this one has %" PRIu32 " already",
                             manager_config(edge->manager)->max_files_per_job,
                             job->n_files);
}

static int parse_remote(FileRequest *request, const char *remote, sd_bus_error *error)
{
        _cleanup_free_ char *password = NULL;
        const char *reason = "is not valid";
        int r = url_parse_remote_name(remote,
                                      &request->remote_name,
                                      &request->user_name,
                                      &password,
                                      &reason);

        if (r == -EINVAL)
                return bus_error_set(error,
                                     r,
                                     "Remote name '%s' %s",
                                     strstr(remote, "://") ? log_url(remote) : remote,
                                     reason);
        if (r >= 0 && request->user_name)
                r = take_password(request, password ? password : "", error);
        if (password)
                secret_erase(password, strlen(password));
        return r;
}

static int
parse_request(FileRequest *request, const char *remote, const char *local, sd_bus_error *error)
{
        const char *reason = "is not valid";
        int r;

        request->local_name = local;
        r = parse_remote(request, remote, error);
        if (r < 0)
                return r;
        r = path_check_local_name(local, &reason);
        return r < 0 ? bus_error_set(error, r, "Local name '%s' %s", local, reason) : 0;
}

/* Enters the value of an option; a wrong type is the caller's mistake. */
static int enter_option(sd_bus_message *m, const char *key, const char *type, sd_bus_error *error)
{
        int r = sd_bus_message_enter_container(m, 'v', type);

        return r == -ENXIO
                       ? bus_error_set(error, -EINVAL, "Option '%s' must have type %s", key, type)
                       : r;
}

static int read_ranges(FileRequest *request, sd_bus_message *m, sd_bus_error *error)
{
        const char *reason = "is not valid";
        size_t n = 0;
        int r;

        if (request->ranges)
                return bus_error_set(error, -EINVAL, "Option 'ranges' is given twice");
        /* One more than allowed, so that the check sees that there are too many. */
        request->ranges = calloc(LIMIT_RANGES_PER_FILE + 1, sizeof(*request->ranges));
        if (!request->ranges)
                return -ENOMEM;
        r = enter_option(m, "ranges", "a(tt)", error);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(tt)");
        while (r >= 0 && n <= LIMIT_RANGES_PER_FILE &&
               (r = sd_bus_message_read(m,
                                        "(tt)",
                                        &request->ranges[n].offset_bytes,
                                        &request->ranges[n].length_bytes)) > 0)
                n++;
        if (r < 0)
                return r;
        request->n_ranges = n;
        r = file_ranges_check(request->ranges, n, &reason);
        if (r < 0)
                return bus_error_set(error, r, "Option 'ranges' %s", reason);
        r = sd_bus_message_exit_container(m);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* bus_entry_t */
static int read_option(void *userdata, const char *key, sd_bus_message *m, sd_bus_error *error)
{
        FileRequest *request = userdata;
        const char *reason = "is not valid", *digits;
        char *checksum;
        int r;

        if (strcmp(key, "ranges") == 0)
                return read_ranges(request, m, error);
        /* Whether an algorithm is known does not depend on the digits. */
        if (checksum_parse(key, "", &checksum, &reason) == -ENOENT)
                return bus_error_set(error, -EINVAL, "Unknown option '%s'", key);
        if (request->checksum)
                return bus_error_set(error, -EINVAL, "A file can have one checksum, not two");
        r = enter_option(m, key, "s", error);
        if (r >= 0)
                r = sd_bus_message_read(m, "s", &digits);
        if (r < 0)
                return r;
        r = checksum_parse(key, digits, &request->checksum, &reason);
        if (r < 0)
                return bus_error_set(error, r, "Option '%s' %s", key, reason);
        return sd_bus_message_exit_container(m);
}

/* Says which two files would have one local name. */
static int set_clash(sd_bus_error *error, const Job *job, const ManagerFile *files, size_t n_files)
{
        ManagerClash clash;
        int r = manager_find_clash(job, files, n_files, &clash);
        _cleanup_free_ char *remote = r > 0 ? strdup(log_url(files[clash.file].remote_name)) : NULL;
        const char *other;

        if (!remote)
                return r < 0 ? r : -ENOMEM;
        other = clash.other < job->n_files ? job->files[clash.other].record.remote_name
                                           : files[clash.other - job->n_files].remote_name;
        return bus_error_set(error,
                             -EINVAL,
                             "Local name '%s' cannot be that of %s, because file %zu of the job, "
                             "%s, has it",
                             files[clash.file].local_name,
                             remote,
                             clash.other,
                             log_url(other));
}

/* Adds all files or none. *ret_first: index of the first. */
static int add_requested(BusEdge *edge,
                         Job *job,
                         sd_bus_message *m,
                         const FileRequest *requests,
                         size_t n_requests,
                         uint32_t *ret_first,
                         sd_bus_error *error)
{
        _cleanup_free_ ManagerFile *files = calloc(n_requests ? n_requests : 1, sizeof(*files));
        const Caller *caller;
        int r;

        if (!files)
                return -ENOMEM;
        r = bus_edge_find_caller(edge, m, &caller, error);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n_requests; i++)
                files[i] = (ManagerFile){
                        .remote_name = requests[i].remote_name,
                        .login = login_of(&requests[i]),
                        .local_name = requests[i].local_name,
                        .checksum = requests[i].checksum,
                        .ranges = requests[i].ranges,
                        .n_ranges = (uint32_t) requests[i].n_ranges,
                };
        r = manager_add_files(edge->manager, caller, job, files, n_requests, ret_first);
        if (r == -EMFILE)
                return refuse_more_files(edge, job, error);
        if (r == -EEXIST)
                return set_clash(error, job, files, n_requests);
        return r < 0 ? bus_error_set_verb(error, r, job) : 0;
}

int file_bus_add_file(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        BusEdge *edge = bus_edge_of(m);
        Job *job = userdata;
        sd_bus_message *reply = NULL;
        const char *remote, *local;
        char path[JOB_PATH_MAX];
        uint32_t first = 0;
        FileRequest request = { 0 };
        int r;

        r = sd_bus_message_read(m, "ss", &remote, &local);
        if (r >= 0)
                r = bus_edge_each_entry(m, "Option", read_option, &request, error);
        if (r >= 0)
                r = parse_request(&request, remote, local, error);
        if (r >= 0)
                r = add_requested(edge, job, m, &request, 1, &first, error);
        file_request_done(&request);
        if (r < 0)
                return r;

        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "o", job_path_of_file(job, first, path));
        return r < 0 ? bus_reply_fail(edge, reply, r) : bus_reply_saved(edge, m, reply);
}

static int reply_files(BusEdge *edge, Job *job, sd_bus_message *m, uint32_t first, size_t n)
{
        sd_bus_message *reply = NULL;
        char path[JOB_PATH_MAX];
        int r;

        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "o");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = sd_bus_message_append(reply,
                                          "o",
                                          job_path_of_file(job, first + (uint32_t) i, path));
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? bus_reply_fail(edge, reply, r) : bus_reply_saved(edge, m, reply);
}

int file_bus_add_files(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        BusEdge *edge = bus_edge_of(m);
        Job *job = userdata;
        FileRequest *requests = NULL;
        size_t n = 0, allocated = 0, limit = manager_config(edge->manager)->max_files_per_job;
        const char *remote, *local;
        uint32_t first = 0;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "(ss)");
        while (r >= 0 && (r = sd_bus_message_read(m, "(ss)", &remote, &local)) > 0) {
                if (n == allocated) {
                        size_t more = allocated ? allocated * 2 : 16;
                        FileRequest *grown = reallocarray(requests, more, sizeof(*grown));

                        if (!grown) {
                                r = -ENOMEM;
                                break;
                        }
                        requests = grown;
                        allocated = more;
                }
                if (n >= limit) {
                        r = refuse_more_files(edge, job, error);
                        break;
                }
                requests[n] = (FileRequest){ 0 };
                r = parse_request(&requests[n++], remote, local, error);
        }
        if (r >= 0 && n == 0)
                r = bus_error_set(error, -EINVAL, "The list of files is empty");
        if (r >= 0)
                r = add_requested(edge, job, m, requests, n, &first, error);
        for (size_t i = 0; i < n; i++)
                file_request_done(&requests[i]);
        free(requests);
        return r < 0 ? r : reply_files(edge, job, m, first, n);
}

/* ---- listing --------------------------------------------------------------------------------- */

static uint32_t count_files(const Job *job)
{
        return job->n_files;
}

static size_t row_size(const Job *job, uint32_t i)
{
        const FileRecord *record = &job->files[i].record;

        return FILE_ROW_BYTES + strlen(record->remote_name) + strlen(record->local_name);
}

static int append_file(const Job *job, uint32_t i, sd_bus_message *reply)
{
        const JobFile *file = &job->files[i];
        char path[JOB_PATH_MAX];

        return sd_bus_message_append(reply,
                                     "(ossttb)",
                                     job_path_of_file(job, i, path),
                                     file->record.remote_name,
                                     file->record.local_name,
                                     file->live_bytes,
                                     file->live_total,
                                     (int) file->record.finished);
}

static const ListingKind files_listing = {
        .row_type = "(ossttb)",
        .advice = "call ListFilesFiltered with the filters 'offset' and 'limit'",
        .count = count_files,
        .size = row_size,
        .append = append_file,
};

int file_bus_list_files(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return listing_answer_job(bus_edge_of(m),
                                  m,
                                  &files_listing,
                                  &LISTING_WHOLE,
                                  userdata,
                                  error);
}

/* bus_entry_t */
static int read_filter(void *userdata, const char *key, sd_bus_message *m, sd_bus_error *error)
{
        int r = listing_read_page(userdata, key, m, error);

        return r == 0 ? bus_error_set(error,
                                      -EINVAL,
                                      "Unknown filter '%s': expected offset or limit",
                                      key)
                      : r;
}

int file_bus_list_files_filtered(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        ListingPage page = LISTING_WHOLE;
        int r = bus_edge_each_entry(m, "Filter", read_filter, &page, error);

        return r < 0 ? r
                     : listing_answer_job(bus_edge_of(m),
                                          m,
                                          &files_listing,
                                          &page,
                                          userdata,
                                          error);
}

/* ---- changing remote names ----------------------------------------------------------------- */

static int rename_files(BusEdge *edge,
                        const Caller *caller,
                        Job *job,
                        const ManagerRename *renames,
                        size_t n,
                        sd_bus_error *error)
{
        int r = manager_set_remote_names(edge->manager, caller, job, renames, n);

        return r < 0 ? bus_error_set_verb(error, r, job) : 0;
}

static int method_set_remote_name(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        BusEdge *edge = bus_edge_of(m);
        const Caller *caller;
        const char *remote;
        uint32_t index;
        FileRequest request = { 0 };
        Job *job;
        int r;

        r = sd_bus_message_read(m, "s", &remote);
        if (r >= 0)
                r = parse_remote(&request, remote, error);
        if (r >= 0)
                r = bus_edge_find_caller(edge, m, &caller, error);
        if (r >= 0)
                r = job_path_find_file_of(edge, m, &job, &index);
        if (r >= 0) {
                r = manager_begin(edge->manager, caller, VERB_SET_REMOTE_NAME, job);
                if (r < 0)
                        (void) bus_error_set_verb(error, r, job);
        }
        if (r >= 0)
                r = rename_files(edge,
                                 caller,
                                 job,
                                 &(ManagerRename){ index, request.remote_name, login_of(&request) },
                                 1,
                                 error);
        file_request_done(&request);
        return r < 0 ? r : bus_reply_saved(edge, m, NULL);
}

static int replace_prefix(BusEdge *edge,
                          const Caller *caller,
                          Job *job,
                          const char *old,
                          const char *new,
                          uint32_t *ret_n,
                          sd_bus_error *error)
{
        ManagerRename *renames = calloc(job->n_files ? job->n_files : 1, sizeof(*renames));
        FileRequest *requests = calloc(job->n_files ? job->n_files : 1, sizeof(*requests));
        uint32_t n = 0;
        int r = renames && requests ? 0 : -ENOMEM;

        for (uint32_t i = 0; r >= 0 && i < job->n_files; i++) {
                const char *name = job->files[i].record.remote_name;
                _cleanup_free_ char *remote = NULL;

                if (!str_starts_with(name, old))
                        continue;
                r = str_format(&remote, "%s%s", new, name + strlen(old));
                if (r >= 0)
                        r = parse_remote(&requests[n], remote, error);
                if (remote)
                        secret_erase(remote, strlen(remote));
                if (r >= 0)
                        renames[n] = (ManagerRename){ i,
                                                      requests[n].remote_name,
                                                      login_of(&requests[n]) };
                n++;
        }
        if (r >= 0 && n > 0)
                r = rename_files(edge, caller, job, renames, n, error);
        for (uint32_t i = 0; requests && i < n; i++)
                file_request_done(&requests[i]);
        free(requests);
        free(renames);
        if (r >= 0)
                *ret_n = n;
        return r;
}

int file_bus_replace_remote_prefix(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        BusEdge *edge = bus_edge_of(m);
        Job *job = userdata;
        sd_bus_message *reply = NULL;
        const Caller *caller;
        const char *old, *new;
        uint32_t n = 0;
        int r;

        r = sd_bus_message_read(m, "ss", &old, &new);
        if (r < 0)
                return r;
        if (old[0] == '\0' || new[0] == '\0')
                return bus_error_set(error, -EINVAL, "Neither prefix may be empty");
        r = bus_edge_find_caller(edge, m, &caller, error);
        if (r < 0)
                return r;
        r = manager_begin(edge->manager, caller, VERB_SET_REMOTE_NAME, job);
        if (r < 0)
                return bus_error_set_verb(error, r, job);
        r = replace_prefix(edge, caller, job, old, new, &n, error);
        if (r < 0)
                return r;
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "u", n);
        return r < 0 ? bus_reply_fail(edge, reply, r) : bus_reply_saved(edge, m, reply);
}

/* ---- properties ------------------------------------------------------------------------------ */

typedef struct Property {
        const char *name, *signature;
        int (*append)(const JobFile *file, sd_bus_message *m);
} Property;

static int append_remote_name(const JobFile *file, sd_bus_message *m)
{
        return sd_bus_message_append(m, "s", file->record.remote_name);
}

static int append_local_name(const JobFile *file, sd_bus_message *m)
{
        return sd_bus_message_append(m, "s", file->record.local_name);
}

static int append_bytes_total(const JobFile *file, sd_bus_message *m)
{
        return sd_bus_message_append(m, "t", file->live_total);
}

static int append_bytes_transferred(const JobFile *file, sd_bus_message *m)
{
        return sd_bus_message_append(m, "t", file->live_bytes);
}

static int append_completed(const JobFile *file, sd_bus_message *m)
{
        return sd_bus_message_append(m, "b", (int) file->record.finished);
}

static int append_response_headers(const JobFile *file, sd_bus_message *m)
{
        return sd_bus_message_append(m, "s", file->record.headers);
}

static int append_ranges(const JobFile *file, sd_bus_message *m)
{
        const FileRecord *record = &file->record;
        int r = sd_bus_message_open_container(m, 'a', "(tt)");

        for (uint32_t i = 0; r >= 0 && i < record->n_ranges; i++)
                r = sd_bus_message_append(m,
                                          "(tt)",
                                          record->ranges[i].offset_bytes,
                                          record->ranges[i].length_bytes);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_checksum(const JobFile *file, sd_bus_message *m)
{
        return sd_bus_message_append(m, "s", file->record.checksum);
}

static int append_restarts(const JobFile *file, sd_bus_message *m)
{
        return sd_bus_message_append(m, "u", file->record.restarts);
}

static int append_restart_reason(const JobFile *file, sd_bus_message *m)
{
        return sd_bus_message_append(m, "s", file->record.restart_reason);
}

static const Property properties[] = {
        { "RemoteName", "s", append_remote_name },
        { "LocalName", "s", append_local_name },
        { "BytesTotal", "t", append_bytes_total },
        { "BytesTransferred", "t", append_bytes_transferred },
        { "Completed", "b", append_completed },
        { "ResponseHeaders", "s", append_response_headers },
        { "Ranges", "a(tt)", append_ranges },
        { "Checksum", "s", append_checksum },
        { "Restarts", "u", append_restarts },
        { "RestartReason", "s", append_restart_reason },
};

static int property_get(sd_bus *bus,
                        const char *path,
                        const char *interface,
                        const char *name,
                        sd_bus_message *reply,
                        void *userdata,
                        sd_bus_error *error)
{
        for (size_t i = 0; i < ARRAY_SIZE(properties); i++)
                if (strcmp(properties[i].name, name) == 0)
                        return properties[i].append(userdata, reply);
        return -ENOENT;
}

int file_properties_append_all(const JobFile *file, sd_bus_message *m)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(properties); i++) {
                r = wire_open_entry(m, properties[i].name, properties[i].signature);
                if (r >= 0)
                        r = properties[i].append(file, m);
                if (r >= 0)
                        r = wire_close_entry(m);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

size_t file_properties_size(const JobFile *file)
{
        const FileRecord *record = &file->record;

        return ARRAY_SIZE(properties) * PROPERTY_BYTES + strlen(record->remote_name) +
               strlen(record->local_name) + strlen(record->headers) + strlen(record->checksum) +
               strlen(record->restart_reason) + record->n_ranges * sizeof(FileRange);
}

/* clang-format off */
static const sd_bus_vtable file_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("SetRemoteName", SD_BUS_ARGS("s", remote_name), SD_BUS_NO_RESULT,
                                method_set_remote_name, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("RemoteName", "s", property_get, 0, 0),
        SD_BUS_PROPERTY("LocalName", "s", property_get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("BytesTotal", "t", property_get, 0, 0),
        SD_BUS_PROPERTY("BytesTransferred", "t", property_get, 0, 0),
        SD_BUS_PROPERTY("Completed", "b", property_get, 0, 0),
        SD_BUS_PROPERTY("ResponseHeaders", "s", property_get, 0, 0),
        SD_BUS_PROPERTY("Ranges", "a(tt)", property_get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Checksum", "s", property_get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Restarts", "u", property_get, 0, 0),
        SD_BUS_PROPERTY("RestartReason", "s", property_get, 0, 0),
        SD_BUS_VTABLE_END,
};
/* clang-format on */

int file_bus_register(BusEdge *edge)
{
        int r = sd_bus_add_fallback_vtable(edge->bus,
                                           NULL,
                                           DOSVC_JOB_PREFIX,
                                           DOSVC_FILE_INTERFACE,
                                           file_vtable,
                                           job_path_find_file,
                                           edge);

        return r < 0 ? r : 0;
}
