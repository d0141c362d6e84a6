/*
 * Values that manager and worker share: enumerations with their names on the wire, the
 * record of a file, and the rules that can be judged from text alone.
 *
 * The checks return 0 or a negative errno of dbus/dosvc-wire.h and say in *ret_reason,
 * a static sentence part ("must be an absolute path"), what was expected; who calls
 * names the offending value. Nothing here touches the disk or the network.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#define SPEC_ENUM_JOB_STATE(name, text) JOB_##name,
typedef enum JobState { DOSVC_JOB_STATES(SPEC_ENUM_JOB_STATE) JOB_STATES_MAX } JobState;

#define SPEC_ENUM_JOB_TYPE(name, text) JOB_TYPE_##name,
typedef enum JobType { DOSVC_JOB_TYPES(SPEC_ENUM_JOB_TYPE) JOB_TYPES_MAX } JobType;

#define SPEC_ENUM_PRIORITY(name, text) PRIORITY_##name,
typedef enum Priority { DOSVC_PRIORITIES(SPEC_ENUM_PRIORITY) PRIORITIES_MAX } Priority;

#define SPEC_ENUM_AUTH_TARGET(name, text) AUTH_TARGET_##name,
typedef enum AuthTarget { DOSVC_AUTH_TARGETS(SPEC_ENUM_AUTH_TARGET) AUTH_TARGETS_MAX } AuthTarget;

#define SPEC_ENUM_AUTH_SCHEME(name, text) AUTH_SCHEME_##name,
typedef enum AuthScheme { DOSVC_AUTH_SCHEMES(SPEC_ENUM_AUTH_SCHEME) AUTH_SCHEMES_MAX } AuthScheme;

#define SPEC_ENUM_PROXY_USAGE(name, text) PROXY_USAGE_##name,
typedef enum ProxyUsage { DOSVC_PROXY_USAGES(SPEC_ENUM_PROXY_USAGE) PROXY_USAGES_MAX } ProxyUsage;

#define SPEC_ENUM_ERROR_CONTEXT(name, text) ERROR_CONTEXT_##name,
typedef enum ErrorContext {
        DOSVC_ERROR_CONTEXTS(SPEC_ENUM_ERROR_CONTEXT) ERROR_CONTEXTS_MAX
} ErrorContext;

/* Name on the wire; the value must be in range. */
const char *job_type_to_string(JobType type);
int job_type_from_string(const char *s);
const char *job_state_to_string(JobState state);
const char *priority_to_string(Priority priority);
const char *auth_target_to_string(AuthTarget target);
const char *auth_scheme_to_string(AuthScheme scheme);
const char *proxy_usage_to_string(ProxyUsage usage);
const char *error_context_to_string(ErrorContext context);

/* Value of a name, or -EINVAL. */
int job_state_from_string(const char *s);
int priority_from_string(const char *s);
int auth_target_from_string(const char *s);
int auth_scheme_from_string(const char *s);
int proxy_usage_from_string(const char *s);
int error_context_from_string(const char *s);

/* A part of a remote file; length DOSVC_SIZE_UNKNOWN: to its end. */
typedef struct FileRange {
        uint64_t offset_bytes;
        uint64_t length_bytes;
} FileRange;

/* What dbus/worker-wire.h calls FileRecord. Strings are owned and never NULL once set. */
typedef struct FileRecord {
        char *remote_name;
        char *local_name;
        char *temp_name;
        char *etag;
        char *last_modified;
        char *effective_url;
        char *headers;
        char *checksum;
        char *restart_reason;
        char *named_url;   /* the owner's name where a reported redirect put another; "" = none */
        FileRange *ranges; /* owned */
        uint32_t n_ranges;
        uint32_t restarts;
        uint64_t inode; /* of the temporary file; 0: not known to be there */
        uint64_t offset_bytes;
        uint64_t total_bytes; /* DOSVC_SIZE_UNKNOWN */
        uint32_t index;
        bool finished;
} FileRecord;

/*
 * The remote name that the owner gave. Credentials, headers and certificates are for its origin;
 * a place that a server's redirect named gets none of them.
 */
const char *file_record_owners_name(const FileRecord *record);

/* Takes copies; the other strings are empty, the size unknown. -ENOMEM. */
int file_record_init(FileRecord *record, uint32_t index, const char *remote, const char *local);
/* Deep copy into uninitialised memory. -ENOMEM. */
int file_record_copy(FileRecord *record, const FileRecord *from);
/* Frees the strings; accepts zeroed and half-filled records. */
void file_record_done(FileRecord *record);

/*
 * Length in UTF-16 code units, the "characters" of the original. -EILSEQ: not UTF-8
 * (surrogates and overlong forms included).
 */
int spec_utf16_length(const char *s, size_t size_bytes, size_t *ret_units);

/*
 * UTF-8 as ISO 8859-1, never longer; ret NULL: only looks. -EILSEQ: not UTF-8, or with other
 * characters.
 */
int spec_to_latin1(const char *s, size_t size_bytes, char *ret, size_t *ret_size);

/* Display name and description: UTF-8 without control characters. -EILSEQ is -EINVAL here; -E2BIG.
 */
int spec_check_label(const char *s, size_t limit_units, const char **ret_reason);

/*
 * http or https URL with a host, only legal characters, at most LIMIT_REMOTE_NAME. -EINVAL.
 * Moves user info out of the URL: *ret_url is without it (and without fragment); *ret_user and
 * *ret_password are decoded, NULL when absent; the password is in locked memory's stead a
 * plain string only for this moment: hand it to the vault and erase it.
 */
int spec_parse_remote_name(const char *s,
                           char **ret_url,
                           char **ret_user,
                           char **ret_password,
                           const char **ret_reason);

/* Absolute, no "." or ".." part, no trailing slash, PATH_MAX and NAME_MAX, no control characters.
 * -EINVAL. */
int spec_check_local_name(const char *s, const char **ret_reason);

/*
 * User name for a scheme: UTF-16 limit -ENAMETOOLONG; control characters, bad UTF-8, a colon for
 * basic or what is not in ISO 8859-1 for ntlm -EILSEQ.
 */
int spec_check_user_name(AuthScheme scheme, const char *s, const char **ret_reason);

/*
 * Password or token for a scheme, not NUL-terminated: -EMSGSIZE over the limit; NUL, control
 * characters, bad UTF-8, what is not in ISO 8859-1 for ntlm or no token for bearer -EILSEQ.
 */
int spec_check_password(AuthScheme scheme,
                        const char *s,
                        size_t size_bytes,
                        const char **ret_reason);

/*
 * The parts wanted of a file (spec section 3.5): at least one (-EINVAL), at most
 * LIMIT_RANGES_PER_FILE (-ETOOMANYREFS); each with a length and an end that can be counted
 * (-ERANGE); no two with a byte in common (-EOVERFLOW). Their order is the caller's. -ENOMEM.
 */
int spec_check_ranges(const FileRange *ranges, size_t n_ranges, const char **ret_reason);

/*
 * The digest that a file must have, as hexadecimal digits, for "sha256", "sha512", "sha1" or
 * "md5"; *ret is "algorithm:digits" in lower case. -ENOENT: another algorithm; -EINVAL: not such
 * a digest; -ENOMEM.
 */
int spec_parse_checksum(const char *algorithm,
                        const char *digits,
                        char **ret,
                        const char **ret_reason);

/*
 * One entry of a proxy list, [http=|https=][http://|https://]host[:port]: for URLs of which
 * protocol (without: for those that no other entry names), how the proxy is spoken to, and where
 * it is, without user info or path. *ret_entry is its normal form, "[http=|https=]scheme://
 * host:port". -EINVAL.
 */
int spec_parse_proxy(const char *s, char **ret_entry, const char **ret_reason);

/* "scheme://host:port/" of an http or https URL, the default port filled in. -EINVAL, -ENOMEM. */
int spec_origin(const char *url, char **ret_origin);

/* scheme://host:port of both URLs are equal, default ports filled in (RFC 6454 section 5). */
bool spec_same_origin(const char *a, const char *b);
