/*
 * org.dosvc1.Job as a whole: all properties in one GetAll, and their accessors.
 */
#include <string.h>

#include "internal.h"

typedef struct JobError {
        uint32_t code;
        char *name;
        char *context;
        char *description;
        char *url;
        int64_t file;
} JobError;

typedef struct JobProxy {
        char *usage;
        char **proxies;
        char **bypass;
} JobProxy;

struct dosvc_job_info {
        char *id;
        char *type;
        char *state;
        char *status;
        char *display_name;
        char *description;
        char *priority;
        char *redirect_policy;
        char **security_flags;
        char *ca_certificate;
        char *ticket_cache;
        JobError error;
        JobProxy proxy;
        uint32_t owner;
        uint32_t error_count;
        uint32_t files_total;
        uint32_t files_transferred;
        uint64_t bytes_total;
        uint64_t bytes_transferred;
        uint64_t rate;
        uint64_t creation_time;
        uint64_t modification_time;
        uint64_t transfer_completion_time;
        uint64_t next_attempt_time;
};

static void job_error_done(JobError *error)
{
        free(error->name);
        free(error->context);
        free(error->description);
        free(error->url);
        *error = (JobError){ .file = -1 };
}

static int job_error_read(sd_bus_message *m, void *into)
{
        const char *name, *context, *description, *url, *file;
        JobError *error = into;
        uint32_t index;
        int r;

        r = sd_bus_message_read(m,
                                "(usssso)",
                                &error->code,
                                &name,
                                &context,
                                &description,
                                &url,
                                &file);
        if (r < 0)
                return r;
        error->name = strdup(name);
        error->context = strdup(context);
        error->description = strdup(description);
        error->url = strdup(url);
        error->file = file_index_from_path(file, &index) < 0 ? -1 : (int64_t) index;
        return error->name && error->context && error->description && error->url ? 0 : -ENOMEM;
}

static void job_proxy_done(JobProxy *proxy)
{
        free(proxy->usage);
        string_list_free(proxy->proxies);
        string_list_free(proxy->bypass);
        *proxy = (JobProxy){ 0 };
}

static int job_proxy_read(sd_bus_message *m, void *into)
{
        JobProxy *proxy = into;
        const char *usage;
        int r;

        r = sd_bus_message_enter_container(m, 'r', "sasas");
        if (r >= 0)
                r = sd_bus_message_read_basic(m, 's', &usage);
        if (r < 0)
                return r;
        proxy->usage = strdup(usage);
        if (!proxy->usage)
                return -ENOMEM;
        r = string_list_read(m, &proxy->proxies);
        if (r >= 0)
                r = string_list_read(m, &proxy->bypass);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

#define INFO_FIELD(name, type, member)                                                             \
        {                                                                                          \
                name, type, offsetof(dosvc_job_info, member), NULL                                 \
        }

static const PropertyField info_fields[] = {
        INFO_FIELD("Id", "s", id),
        INFO_FIELD("Owner", "u", owner),
        INFO_FIELD("Type", "s", type),
        INFO_FIELD("State", "s", state),
        INFO_FIELD("Status", "s", status),
        { "Error", "(usssso)", offsetof(dosvc_job_info, error), job_error_read },
        INFO_FIELD("ErrorCount", "u", error_count),
        INFO_FIELD("FilesTotal", "u", files_total),
        INFO_FIELD("FilesTransferred", "u", files_transferred),
        INFO_FIELD("BytesTotal", "t", bytes_total),
        INFO_FIELD("BytesTransferred", "t", bytes_transferred),
        INFO_FIELD("Rate", "t", rate),
        INFO_FIELD("CreationTime", "t", creation_time),
        INFO_FIELD("ModificationTime", "t", modification_time),
        INFO_FIELD("TransferCompletionTime", "t", transfer_completion_time),
        INFO_FIELD("NextAttemptTime", "t", next_attempt_time),
        INFO_FIELD("DisplayName", "s", display_name),
        INFO_FIELD("Description", "s", description),
        INFO_FIELD("Priority", "s", priority),
        INFO_FIELD("RedirectPolicy", "s", redirect_policy),
        INFO_FIELD("SecurityFlags", "as", security_flags),
        INFO_FIELD("CACertificate", "s", ca_certificate),
        INFO_FIELD("TicketCache", "s", ticket_cache),
        { "ProxySettings", "(sasas)", offsetof(dosvc_job_info, proxy), job_proxy_read },
};

EXPORT dosvc_job_info *dosvc_job_info_free(dosvc_job_info *info)
{
        if (!info)
                return NULL;
        properties_done(info_fields, ARRAY_SIZE(info_fields), info);
        job_error_done(&info->error);
        job_proxy_done(&info->proxy);
        free(info);
        return NULL;
}

EXPORT int dosvc_job_get_info(dosvc_connection *connection, const char *job, dosvc_job_info **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        char path[JOB_PATH_SIZE];
        dosvc_job_info *info;
        int r;

        r = job_path(connection, job, path);
        if (r >= 0)
                r = call_new_get_all(connection, path, DOSVC_JOB_INTERFACE, &m);
        if (r >= 0)
                r = call_send(connection, m, &reply);
        if (r < 0)
                return r;
        info = calloc(1, sizeof(*info));
        if (!info)
                return error_remember_text(connection, -ENOMEM, NULL);
        info->error.file = -1;
        r = properties_read(reply, info_fields, ARRAY_SIZE(info_fields), info);
        if (r < 0) {
                dosvc_job_info_free(info);
                return error_remember_text(connection, r, NULL);
        }
        *ret = info;
        return 0;
}

static const char *info_text(const char *s)
{
        return s ? s : "";
}

EXPORT const char *dosvc_job_info_id(const dosvc_job_info *info)
{
        return info_text(info->id);
}

EXPORT uint32_t dosvc_job_info_owner(const dosvc_job_info *info)
{
        return info->owner;
}

EXPORT const char *dosvc_job_info_type(const dosvc_job_info *info)
{
        return info_text(info->type);
}

EXPORT const char *dosvc_job_info_state(const dosvc_job_info *info)
{
        return info_text(info->state);
}

EXPORT const char *dosvc_job_info_status(const dosvc_job_info *info)
{
        return info_text(info->status);
}

EXPORT uint32_t dosvc_job_info_error_code(const dosvc_job_info *info)
{
        return info->error.code;
}

EXPORT const char *dosvc_job_info_error_name(const dosvc_job_info *info)
{
        return info_text(info->error.name);
}

EXPORT const char *dosvc_job_info_error_context(const dosvc_job_info *info)
{
        return info_text(info->error.context);
}

EXPORT const char *dosvc_job_info_error_description(const dosvc_job_info *info)
{
        return info_text(info->error.description);
}

EXPORT const char *dosvc_job_info_error_url(const dosvc_job_info *info)
{
        return info_text(info->error.url);
}

EXPORT int64_t dosvc_job_info_error_file(const dosvc_job_info *info)
{
        return info->error.file;
}

EXPORT uint32_t dosvc_job_info_error_count(const dosvc_job_info *info)
{
        return info->error_count;
}

EXPORT uint32_t dosvc_job_info_files_total(const dosvc_job_info *info)
{
        return info->files_total;
}

EXPORT uint32_t dosvc_job_info_files_transferred(const dosvc_job_info *info)
{
        return info->files_transferred;
}

EXPORT uint64_t dosvc_job_info_bytes_total(const dosvc_job_info *info)
{
        return info->bytes_total;
}

EXPORT uint64_t dosvc_job_info_bytes_transferred(const dosvc_job_info *info)
{
        return info->bytes_transferred;
}

EXPORT uint64_t dosvc_job_info_rate(const dosvc_job_info *info)
{
        return info->rate;
}

EXPORT uint64_t dosvc_job_info_creation_time(const dosvc_job_info *info)
{
        return info->creation_time;
}

EXPORT uint64_t dosvc_job_info_modification_time(const dosvc_job_info *info)
{
        return info->modification_time;
}

EXPORT uint64_t dosvc_job_info_transfer_completion_time(const dosvc_job_info *info)
{
        return info->transfer_completion_time;
}

EXPORT uint64_t dosvc_job_info_next_attempt_time(const dosvc_job_info *info)
{
        return info->next_attempt_time;
}

EXPORT const char *dosvc_job_info_display_name(const dosvc_job_info *info)
{
        return info_text(info->display_name);
}

EXPORT const char *dosvc_job_info_description(const dosvc_job_info *info)
{
        return info_text(info->description);
}

EXPORT const char *dosvc_job_info_priority(const dosvc_job_info *info)
{
        return info_text(info->priority);
}

EXPORT const char *dosvc_job_info_proxy_usage(const dosvc_job_info *info)
{
        return info_text(info->proxy.usage);
}

EXPORT const char *const *dosvc_job_info_proxies(const dosvc_job_info *info)
{
        return string_list_const(info->proxy.proxies);
}

EXPORT const char *const *dosvc_job_info_proxy_bypass(const dosvc_job_info *info)
{
        return string_list_const(info->proxy.bypass);
}

EXPORT const char *dosvc_job_info_redirect_policy(const dosvc_job_info *info)
{
        return info_text(info->redirect_policy);
}

EXPORT const char *const *dosvc_job_info_security_flags(const dosvc_job_info *info)
{
        return string_list_const(info->security_flags);
}

EXPORT const char *dosvc_job_info_ca_certificate(const dosvc_job_info *info)
{
        return info_text(info->ca_certificate);
}

EXPORT const char *dosvc_job_info_ticket_cache(const dosvc_job_info *info)
{
        return info_text(info->ticket_cache);
}
