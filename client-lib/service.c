/*
 * org.dosvc1.Manager as a whole: what the service is and what it allows.
 */
#include "internal.h"

EXPORT dosvc_service *dosvc_service_free(dosvc_service *service)
{
        return dosvc_values_free(service);
}

EXPORT int dosvc_get_service(dosvc_connection *connection, dosvc_service **ret)
{
        return properties_get_all(connection, DOSVC_MANAGER_PATH, DOSVC_MANAGER_INTERFACE, ret);
}

EXPORT const char *dosvc_service_version(const dosvc_service *service)
{
        return values_text(service, "Version");
}

EXPORT const char *dosvc_service_credential_store(const dosvc_service *service)
{
        return values_text(service, "CredentialStore");
}

EXPORT const char *dosvc_service_credential_persistence(const dosvc_service *service)
{
        return values_text(service, "CredentialPersistence");
}

EXPORT const char *const *dosvc_service_features(const dosvc_service *service)
{
        return values_list(service, "Features");
}

EXPORT const char *const *dosvc_service_protocols(const dosvc_service *service)
{
        return values_list(service, "SupportedProtocols");
}

EXPORT const char *const *dosvc_service_schemes(const dosvc_service *service)
{
        return values_list(service, "SupportedSchemes");
}

EXPORT uint32_t dosvc_service_jobs_total(const dosvc_service *service)
{
        return (uint32_t) values_number(service, "JobsTotal");
}

EXPORT uint32_t dosvc_service_max_jobs_per_user(const dosvc_service *service)
{
        return (uint32_t) values_number(service, "MaxJobsPerUser");
}

EXPORT uint32_t dosvc_service_max_files_per_job(const dosvc_service *service)
{
        return (uint32_t) values_number(service, "MaxFilesPerJob");
}

EXPORT int dosvc_reload(dosvc_connection *connection)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = call_new(connection, DOSVC_MANAGER_PATH, DOSVC_MANAGER_INTERFACE, "Reload", &m);
        return r < 0 ? r : call_send(connection, m, NULL);
}
