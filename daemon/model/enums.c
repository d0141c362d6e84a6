#include "model/enums.h"

#include "model/enum-strings.h"

ENUM_DEFINE_STRINGS(JobState, job_state, DOSVC_JOB_STATES);
ENUM_DEFINE_STRINGS(JobType, job_type, DOSVC_JOB_TYPES);
ENUM_DEFINE_STRINGS(AuthTarget, auth_target, DOSVC_AUTH_TARGETS);
ENUM_DEFINE_STRINGS(AuthScheme, auth_scheme, DOSVC_AUTH_SCHEMES);
ENUM_DEFINE_STRINGS(ErrorContext, error_context, DOSVC_ERROR_CONTEXTS);
