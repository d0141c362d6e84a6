/*
 * org.dosvc1.Manager as a whole: what the service is and what it allows.
 */
#include "internal.h"

struct dosvc_service {
        char *version;
        char *credential_store;
        char *credential_persistence;
        char **features;
        char **protocols;
        char **schemes;
        uint32_t jobs_total;
        uint32_t max_jobs_per_user;
        uint32_t max_files_per_job;
};

#define SERVICE_FIELD(name, type, member)                                                          \
        {                                                                                          \
                name, type, offsetof(dosvc_service, member), NULL                                  \
        }

static const PropertyField service_fields[] = {
        SERVICE_FIELD("Version", "s", version),
        SERVICE_FIELD("Features", "as", features),
        SERVICE_FIELD("SupportedProtocols", "as", protocols),
        SERVICE_FIELD("SupportedSchemes", "as", schemes),
        SERVICE_FIELD("CredentialStore", "s", credential_store),
        SERVICE_FIELD("CredentialPersistence", "s", credential_persistence),
        SERVICE_FIELD("JobsTotal", "u", jobs_total),
        SERVICE_FIELD("MaxJobsPerUser", "u", max_jobs_per_user),
        SERVICE_FIELD("MaxFilesPerJob", "u", max_files_per_job),
};

EXPORT dosvc_service *dosvc_service_free(dosvc_service *service)
{
        if (!service)
                return NULL;
        properties_done(service_fields, ARRAY_SIZE(service_fields), service);
        free(service);
        return NULL;
}

EXPORT int dosvc_get_service(dosvc_connection *connection, dosvc_service **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        dosvc_service *service;
        int r;

        r = call_new_get_all(connection, DOSVC_MANAGER_PATH, DOSVC_MANAGER_INTERFACE, &m);
        if (r < 0)
                return r;
        r = call_send(connection, m, &reply);
        if (r < 0)
                return r;
        service = calloc(1, sizeof(*service));
        if (!service)
                return error_remember_text(connection, -ENOMEM, NULL);
        r = properties_read(reply, service_fields, ARRAY_SIZE(service_fields), service);
        if (r < 0) {
                dosvc_service_free(service);
                return error_remember_text(connection, r, NULL);
        }
        *ret = service;
        return 0;
}

static const char *service_text(const char *s)
{
        return s ? s : "";
}

EXPORT const char *dosvc_service_version(const dosvc_service *service)
{
        return service_text(service->version);
}

EXPORT const char *dosvc_service_credential_store(const dosvc_service *service)
{
        return service_text(service->credential_store);
}

EXPORT const char *dosvc_service_credential_persistence(const dosvc_service *service)
{
        return service_text(service->credential_persistence);
}

EXPORT const char *const *dosvc_service_features(const dosvc_service *service)
{
        return string_list_const(service->features);
}

EXPORT const char *const *dosvc_service_protocols(const dosvc_service *service)
{
        return string_list_const(service->protocols);
}

EXPORT const char *const *dosvc_service_schemes(const dosvc_service *service)
{
        return string_list_const(service->schemes);
}

EXPORT uint32_t dosvc_service_jobs_total(const dosvc_service *service)
{
        return service->jobs_total;
}

EXPORT uint32_t dosvc_service_max_jobs_per_user(const dosvc_service *service)
{
        return service->max_jobs_per_user;
}

EXPORT uint32_t dosvc_service_max_files_per_job(const dosvc_service *service)
{
        return service->max_files_per_job;
}
