/*
 * org.dosvc1.Job and org.dosvc1.File as a whole. The accessors are names for properties: one that
 * the service does not have, an older one for instance, reads as nothing.
 */
#include "internal.h"

/* Members of the property Error, by their position in it. */
#define ERROR_CODE        "0"
#define ERROR_NAME        "1"
#define ERROR_CONTEXT     "2"
#define ERROR_DESCRIPTION "3"
#define ERROR_URL         "4"
#define ERROR_FILE        "5"

/* Of ProxySettings. */
#define PROXY_USAGE  "0"
#define PROXY_LIST   "1"
#define PROXY_BYPASS "2"

EXPORT dosvc_job_info *dosvc_job_info_free(dosvc_job_info *info)
{
        return dosvc_values_free(info);
}

EXPORT int dosvc_job_get_info(dosvc_connection *connection, const char *job, dosvc_job_info **ret)
{
        char path[JOB_PATH_SIZE];
        int r = job_path(connection, job, path);

        return r < 0 ? r : properties_get_all(connection, path, DOSVC_JOB_INTERFACE, ret);
}

EXPORT int dosvc_file_get_info(dosvc_connection *connection,
                               const char *job,
                               uint32_t index,
                               dosvc_values **ret)
{
        char path[FILE_PATH_SIZE];
        int r = file_path(connection, job, index, path);

        return r < 0 ? r : properties_get_all(connection, path, DOSVC_FILE_INTERFACE, ret);
}

#define INFO(type, accessor, expression)                                                           \
        EXPORT type dosvc_job_info_##accessor(const dosvc_job_info *info)                          \
        {                                                                                          \
                return expression;                                                                 \
        }

/* clang-format off */
INFO(const char *, id, values_text(info, "Id"))
INFO(uint32_t, owner, (uint32_t) values_number(info, "Owner"))
INFO(const char *, type, values_text(info, "Type"))
INFO(const char *, state, values_text(info, "State"))
INFO(const char *, status, values_text(info, "Status"))
INFO(const char *, error_name, values_text(values_inner(info, "Error"), ERROR_NAME))
INFO(const char *, error_context, values_text(values_inner(info, "Error"), ERROR_CONTEXT))
INFO(const char *, error_description, values_text(values_inner(info, "Error"), ERROR_DESCRIPTION))
INFO(const char *, error_url, values_text(values_inner(info, "Error"), ERROR_URL))
INFO(uint32_t, error_code, (uint32_t) values_number(values_inner(info, "Error"), ERROR_CODE))
INFO(uint32_t, error_count, (uint32_t) values_number(info, "ErrorCount"))
INFO(uint32_t, files_total, (uint32_t) values_number(info, "FilesTotal"))
INFO(uint32_t, files_transferred, (uint32_t) values_number(info, "FilesTransferred"))
INFO(uint64_t, bytes_total, values_number(info, "BytesTotal"))
INFO(uint64_t, bytes_transferred, values_number(info, "BytesTransferred"))
INFO(uint64_t, rate, values_number(info, "Rate"))
INFO(uint64_t, creation_time, values_number(info, "CreationTime"))
INFO(uint64_t, modification_time, values_number(info, "ModificationTime"))
INFO(uint64_t, transfer_completion_time, values_number(info, "TransferCompletionTime"))
INFO(uint64_t, next_attempt_time, values_number(info, "NextAttemptTime"))
INFO(const char *, display_name, values_text(info, "DisplayName"))
INFO(const char *, description, values_text(info, "Description"))
INFO(const char *, priority, values_text(info, "Priority"))
INFO(const char *, proxy_usage, values_text(values_inner(info, "ProxySettings"), PROXY_USAGE))
INFO(const char *const *, proxies, values_list(values_inner(info, "ProxySettings"), PROXY_LIST))
INFO(const char *const *, proxy_bypass, values_list(values_inner(info, "ProxySettings"), PROXY_BYPASS))
INFO(const char *, redirect_policy, values_text(info, "RedirectPolicy"))
INFO(const char *const *, security_flags, values_list(info, "SecurityFlags"))
INFO(const char *, ca_certificate, values_text(info, "CACertificate"))
INFO(const char *, ticket_cache, values_text(info, "TicketCache"))
/* clang-format on */

EXPORT int64_t dosvc_job_info_error_file(const dosvc_job_info *info)
{
        const char *path = values_text(values_inner(info, "Error"), ERROR_FILE);
        uint32_t index;

        return file_index_from_path(path, &index) < 0 ? -1 : (int64_t) index;
}
