/*
 * The enumerations that manager and worker share, with their names on the wire.
 */
#pragma once

#include "dbus/dosvc-wire.h"

#define ENUM_JOB_STATE(name, text) JOB_##name,
typedef enum JobState { DOSVC_JOB_STATES(ENUM_JOB_STATE) JOB_STATES_MAX } JobState;

#define ENUM_JOB_TYPE(name, text) JOB_TYPE_##name,
typedef enum JobType { DOSVC_JOB_TYPES(ENUM_JOB_TYPE) JOB_TYPES_MAX } JobType;

#define ENUM_PRIORITY(name, text) PRIORITY_##name,
typedef enum Priority { DOSVC_PRIORITIES(ENUM_PRIORITY) PRIORITIES_MAX } Priority;

#define ENUM_AUTH_TARGET(name, text) AUTH_TARGET_##name,
typedef enum AuthTarget { DOSVC_AUTH_TARGETS(ENUM_AUTH_TARGET) AUTH_TARGETS_MAX } AuthTarget;

#define ENUM_AUTH_SCHEME(name, text) AUTH_SCHEME_##name,
typedef enum AuthScheme { DOSVC_AUTH_SCHEMES(ENUM_AUTH_SCHEME) AUTH_SCHEMES_MAX } AuthScheme;

#define ENUM_PROXY_USAGE(name, text) PROXY_USAGE_##name,
typedef enum ProxyUsage { DOSVC_PROXY_USAGES(ENUM_PROXY_USAGE) PROXY_USAGES_MAX } ProxyUsage;

#define ENUM_ERROR_CONTEXT(name, text) ERROR_CONTEXT_##name,
typedef enum ErrorContext {
        DOSVC_ERROR_CONTEXTS(ENUM_ERROR_CONTEXT) ERROR_CONTEXTS_MAX
} ErrorContext;

/* Name on the wire; the value must be in range. */
const char *job_state_to_string(JobState state);
const char *job_type_to_string(JobType type);
const char *auth_target_to_string(AuthTarget target);
const char *auth_scheme_to_string(AuthScheme scheme);
const char *error_context_to_string(ErrorContext context);

/* Value of a name, or -EINVAL. */
int job_state_from_string(const char *s);
int job_type_from_string(const char *s);
int auth_target_from_string(const char *s);
int auth_scheme_from_string(const char *s);
int error_context_from_string(const char *s);
