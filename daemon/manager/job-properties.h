/*
 * The properties of org.dosvc1.Job: how each is read and written, and which changes of a job touch
 * it. The vtable of job-bus.c is made from these lists and from JOB_PROPERTY_SETTINGS() of
 * model/job-settings.h, in that order; dbus/org.dosvc1.Job.xml has the same order.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "manager/bus-edge.h"

/* Flags of a property in the vtable. */
#define PROPERTY_IS_CONST     SD_BUS_VTABLE_PROPERTY_CONST
#define PROPERTY_IS_ANNOUNCED SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
/* Only Get reads it, and the signal of a change does not show the value. */
#define PROPERTY_IS_HIDDEN                                                                         \
        (SD_BUS_VTABLE_PROPERTY_EXPLICIT | SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION)

/* clang-format off */

/*
 * Properties that nobody writes: X(name, value, changes, vtable flags). The value is a member of
 * Job, U32(member) or U64(member), or BY(signature, function of job-properties.c), or it depends on
 * who asks: FOR(signature, getter of job-bus.c), and then only Get shows it.
 */
#define JOB_READ_PROPERTIES(X) \
        X("Id", BY("s", append_id), 0, PROPERTY_IS_CONST) \
        X("Owner", BY("u", append_owner), JOB_CHANGE_OWNER, PROPERTY_IS_ANNOUNCED) \
        X("Type", BY("s", append_type), 0, PROPERTY_IS_CONST) \
        X("State", BY("s", append_state), JOB_CHANGE_STATE, PROPERTY_IS_ANNOUNCED) \
        X("Status", BY("s", append_status), 0, 0) \
        X("Error", BY("(usssso)", append_error), JOB_CHANGE_ERROR, PROPERTY_IS_ANNOUNCED) \
        X("ErrorCount", U32(error_count), JOB_CHANGE_ERROR, PROPERTY_IS_ANNOUNCED) \
        X("FilesTotal", U32(n_files), JOB_CHANGE_FILES, PROPERTY_IS_ANNOUNCED) \
        X("FilesTransferred", U32(n_finished), JOB_CHANGE_FILES, PROPERTY_IS_ANNOUNCED) \
        X("BytesTotal", BY("t", append_bytes_total), 0, 0) \
        X("BytesTransferred", U64(bytes_transferred), 0, 0) \
        X("Rate", U64(rate_bps), 0, 0) \
        X("CreationTime", U64(created_usec), 0, PROPERTY_IS_CONST) \
        X("ModificationTime", U64(modified_usec), 0, 0) \
        X("TransferCompletionTime", U64(transferred_usec), JOB_CHANGE_TIMES, PROPERTY_IS_ANNOUNCED) \
        X("NextAttemptTime", BY("t", append_next_attempt_time), JOB_CHANGE_STATE | JOB_CHANGE_TIMES, PROPERTY_IS_ANNOUNCED) \
        X("CredentialSlots", FOR("a(ss)", property_credential_slots), JOB_CHANGE_CREDENTIALS, PROPERTY_IS_HIDDEN)

#define PROPERTY_SIGNATURE_U32(member)            "u"
#define PROPERTY_SIGNATURE_U64(member)            "t"
#define PROPERTY_SIGNATURE_BY(signature, append)  signature
#define PROPERTY_SIGNATURE_FOR(signature, getter) signature

/*
 * Writable properties that are not one row of the settings: X(name, signature, append function or
 * NULL, set function, changes, vtable getter, vtable flags).
 */
#define JOB_OTHER_PROPERTIES(X) \
        X("ProxySettings", "(sasas)", settings_bus_append_proxy, settings_bus_set_proxy, \
          JOB_CHANGE_SETTING(SETTING_PROXY_USAGE) | JOB_CHANGE_SETTING(SETTING_PROXIES) | JOB_CHANGE_SETTING(SETTING_PROXY_BYPASS), \
          property_get, PROPERTY_IS_ANNOUNCED) \
        X("CustomHeaders", "as", NULL, headers_bus_set, \
          JOB_CHANGE_SETTING(SETTING_CUSTOM_HEADERS), property_headers, PROPERTY_IS_HIDDEN)

/* clang-format on */

/* Appends the value of a property that is in the table. */
int job_property_append(const Job *job, const char *name, sd_bus_message *m);

/* Appends a{sv}: all properties that are shown to everybody who may see the job. */
int job_properties_append_all(const Job *job, sd_bus_message *m);
/* At least as many bytes as they take in a message, with what is around them. */
size_t job_properties_size(const Job *job);

/* Appends a{sv}: the properties that the changes touch. */
int job_properties_append_changed(const Job *job, JobChanges changes, sd_bus_message *m);

/* Appends as: the names of those that they touch and that are not shown to everybody. */
int job_properties_append_invalidated(JobChanges changes, sd_bus_message *m);

/* Reads the bare value from m and sets it; the name is that of a writable property. */
int job_property_set(BusEdge *edge,
                     const Caller *caller,
                     Job *job,
                     const char *name,
                     sd_bus_message *m,
                     sd_bus_error *error);

/* The same for an option of CreateJob: the variant is next in m, the name may be unknown. */
int job_property_set_option(BusEdge *edge,
                            const Caller *caller,
                            Job *job,
                            const char *name,
                            sd_bus_message *m,
                            sd_bus_error *error);
