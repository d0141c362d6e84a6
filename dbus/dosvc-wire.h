/*
 * The public contract in C: names, enumerations and errors, spelled once for the
 * daemon, the library and the tests. Macros only; org.dosvc1.*.xml beside this
 * file documents each member. Order and strings are part of the contract: new
 * values go to the end of a list.
 */
#pragma once

#define DOSVC_BUS_NAME          "org.dosvc1"
#define DOSVC_MANAGER_PATH      "/org/dosvc1"
#define DOSVC_JOB_PREFIX        "/org/dosvc1/job"
#define DOSVC_MANAGER_INTERFACE "org.dosvc1.Manager"
#define DOSVC_JOB_INTERFACE     "org.dosvc1.Job"
#define DOSVC_FILE_INTERFACE    "org.dosvc1.File"

/* Sizes that are not known (BG_SIZE_UNKNOWN) and "to the end" (BG_LENGTH_TO_EOF). */
#define DOSVC_SIZE_UNKNOWN UINT64_MAX

/* BG_JOB_STATE, spec section 3.1; the position is the number of the original. */
#define DOSVC_JOB_STATES(X)                                                                        \
        X(QUEUED, "queued")                                                                        \
        X(CONNECTING, "connecting")                                                                \
        X(TRANSFERRING, "transferring")                                                            \
        X(SUSPENDED, "suspended")                                                                  \
        X(ERROR, "error")                                                                          \
        X(TRANSIENT_ERROR, "transient-error")                                                      \
        X(TRANSFERRED, "transferred")                                                              \
        X(ACKNOWLEDGED, "acknowledged")                                                            \
        X(CANCELLED, "cancelled")

/* Kinds of jobs that the service takes. */
#define DOSVC_JOB_TYPES(X) X(DOWNLOAD, "download")

/* BG_JOB_PRIORITY. */
#define DOSVC_PRIORITIES(X)                                                                        \
        X(FOREGROUND, "foreground")                                                                \
        X(HIGH, "high")                                                                            \
        X(NORMAL, "normal")                                                                        \
        X(LOW, "low")

/* BG_AUTH_TARGET less one. */
#define DOSVC_AUTH_TARGETS(X)                                                                      \
        X(SERVER, "server")                                                                        \
        X(PROXY, "proxy")

/* BG_AUTH_SCHEME less one, and bearer (RFC 6750). */
#define DOSVC_AUTH_SCHEMES(X)                                                                      \
        X(BASIC, "basic")                                                                          \
        X(DIGEST, "digest")                                                                        \
        X(NTLM, "ntlm")                                                                            \
        X(NEGOTIATE, "negotiate")                                                                  \
        X(PASSPORT, "passport")                                                                    \
        X(BEARER, "bearer")

/* BG_JOB_PROXY_USAGE. */
#define DOSVC_PROXY_USAGES(X)                                                                      \
        X(PRECONFIG, "preconfig")                                                                  \
        X(NONE, "none")                                                                            \
        X(OVERRIDE, "override")                                                                    \
        X(AUTODETECT, "autodetect")

/* BG_HTTP_REDIRECT_POLICY_*, spec section 4.2. */
#define DOSVC_REDIRECT_POLICIES(X)                                                                 \
        X(ALLOW_SILENT, "allow-silent")                                                            \
        X(ALLOW_REPORT, "allow-report")                                                            \
        X(DISALLOW, "disallow")                                                                    \
        X(ALLOW_SILENT_DOWNGRADE, "allow-silent+https-to-http")                                    \
        X(ALLOW_REPORT_DOWNGRADE, "allow-report+https-to-http")

/* BG_SSL_*, spec section 4.3; 1 << position is the number of the original. */
#define DOSVC_SECURITY_FLAGS(X)                                                                    \
        X(ENABLE_CRL_CHECK, "enable-crl-check")                                                    \
        X(IGNORE_CERT_CN_INVALID, "ignore-cert-cn-invalid")                                        \
        X(IGNORE_CERT_DATE_INVALID, "ignore-cert-date-invalid")                                    \
        X(IGNORE_UNKNOWN_CA, "ignore-unknown-ca")                                                  \
        X(IGNORE_CERT_WRONG_USAGE, "ignore-cert-wrong-usage")

/* BG_ERROR_CONTEXT. */
#define DOSVC_ERROR_CONTEXTS(X)                                                                    \
        X(NONE, "none")                                                                            \
        X(UNKNOWN, "unknown")                                                                      \
        X(GENERAL_QUEUE_MANAGER, "queue-manager")                                                  \
        X(QUEUE_MANAGER_NOTIFICATION, "notification")                                              \
        X(LOCAL_FILE, "local-file")                                                                \
        X(REMOTE_FILE, "remote-file")                                                              \
        X(GENERAL_TRANSPORT, "transport")                                                          \
        X(REMOTE_APPLICATION, "remote-application")

/*
 * Errors of method calls: D-Bus name, errno, number of the original. One errno a name,
 * so that sd_bus_error_add_map() carries an errno across the bus unchanged: inside the
 * daemon a failed call is -errno, and a client of libdosvc gets the same value back.
 * AccessDenied (EACCES) and InvalidArgs (EINVAL) are D-Bus' own names.
 */
#define DOSVC_ERROR_PREFIX "org.dosvc1.Error."

#define DOSVC_ERRORS(X)                                                                            \
        X("org.dosvc1.Error.NotFound", ENOENT, 0x80200001u)                                        \
        X("org.dosvc1.Error.InvalidState", EBADFD, 0x80200002u)                                    \
        X("org.dosvc1.Error.Empty", ENODATA, 0x80200003u)                                          \
        X("org.dosvc1.Error.StringTooLong", E2BIG, 0x80200021u)                                    \
        X("org.dosvc1.Error.UserNameTooLarge", ENAMETOOLONG, 0x80200025u)                          \
        X("org.dosvc1.Error.PasswordTooLarge", EMSGSIZE, 0x80200026u)                              \
        X("org.dosvc1.Error.InvalidAuthTarget", EDESTADDRREQ, 0x80200027u)                         \
        X("org.dosvc1.Error.InvalidAuthScheme", EPROTONOSUPPORT, 0x80200028u)                      \
        X("org.dosvc1.Error.InvalidRange", ERANGE, 0x8020002Bu)                                    \
        X("org.dosvc1.Error.OverlappingRanges", EOVERFLOW, 0x8020002Cu)                            \
        X("org.dosvc1.Error.InvalidCredentials", EILSEQ, 0x80200040u)                              \
        X("org.dosvc1.Error.TooManyJobs", EUSERS, 0x80200049u)                                     \
        X("org.dosvc1.Error.TooManyFiles", EMFILE, 0x80200051u)                                    \
        X("org.dosvc1.Error.TooManyRanges", ETOOMANYREFS, 0x80200052u)                             \
        X("org.dosvc1.Error.NotSupported", EOPNOTSUPP, 0x80004001u)                                \
        X("org.dosvc1.Error.CredentialStoreUnavailable", ENOKEY, 0x8007000Eu)                      \
        X("org.dosvc1.Error.LimitExceeded", ENOBUFS, 0x8007000Eu)                                  \
        X("org.dosvc1.Error.NoSpace", ENOSPC, 0x80070070u)                                         \
        X("org.dosvc1.Error.Failed", EIO, 0x80004005u)

/*
 * Errors of a job: identifier, number of the original, name in the property Error, and class as
 * a rule. A TRANSIENT error is retried by the service; a FATAL one waits for the owner. The
 * documentation of the property names the exceptions. HTTP statuses are no rows: they are
 * 0x80190000 | status, named "http-<status>".
 */
#define DOSVC_JOB_ERRORS(X)                                                                        \
        X(ACCESS_DENIED, 0x80070005u, "access-denied", FATAL)                                      \
        X(PATH_NOT_FOUND, 0x80070003u, "path-not-found", FATAL)                                    \
        X(TEMPORARY_FILE_GONE, 0x80070002u, "temporary-file-gone", FATAL)                          \
        X(DISK_FULL, 0x80070070u, "disk-full", TRANSIENT)                                          \
        X(IO_DEVICE, 0x8007045Du, "io-error", TRANSIENT)                                           \
        X(NOT_A_FILE, 0x80070057u, "not-a-regular-file", FATAL)                                    \
        X(READ_ONLY, 0x80070013u, "read-only-file-system", FATAL)                                  \
        X(INVALID_SERVER_RESPONSE, 0x8020001Bu, "invalid-server-response", TRANSIENT)              \
        X(INSUFFICIENT_RANGE_SUPPORT, 0x80200013u, "insufficient-range-support", FATAL)            \
        X(INVALID_RANGE, 0x8020002Bu, "invalid-range", FATAL)                                      \
        X(CONNECT_FAILURE, 0x8020002Du, "connect-failure", TRANSIENT)                              \
        X(CONNECTION_CLOSED, 0x8020002Eu, "connection-closed", TRANSIENT)                          \
        X(NAME_RESOLUTION_FAILURE, 0x80200031u, "name-resolution-failure", TRANSIENT)              \
        X(PROXY_NAME_RESOLUTION_FAILURE, 0x80200035u, "proxy-name-resolution-failure", TRANSIENT)  \
        X(SECURE_CHANNEL_FAILURE, 0x80200038u, "secure-channel-failure", TRANSIENT)                \
        X(TIMEOUT, 0x8020003Bu, "timeout", TRANSIENT)                                              \
        X(TRUST_FAILURE, 0x8020003Cu, "trust-failure", FATAL)                                      \
        X(UNKNOWN_ERROR, 0x8020003Du, "transport-error", TRANSIENT)                                \
        X(INVALID_PROXY_INFO, 0x8020003Fu, "invalid-proxy-info", FATAL)                            \
        X(VALIDATION_FAILED, 0x80200053u, "validation-failed", FATAL)                              \
        X(REMOTE_FILE_CHANGED, 0x80200073u, "remote-file-changed", TRANSIENT)                      \
        X(REDIRECT_FAILED, 0x80072F7Cu, "redirect-failed", FATAL)                                  \
        X(PROXY_DETECTION_FAILED, 0x80072F94u, "proxy-detection-failed", TRANSIENT)                \
        X(MAXIMUM_DOWNLOAD_TIME, 0x80200054u, "maximum-download-time", FATAL)                      \
        X(WORKER_FAILED, 0x80200069u, "worker-failed", TRANSIENT)                                  \
        X(FILE_IN_USE, 0x80070020u, "file-in-use", TRANSIENT)                                      \
        X(CREDENTIALS_LOST, 0x80200040u, "credentials-lost", FATAL)                                \
        X(CERTIFICATE_DATE, 0x80072F05u, "certificate-date-invalid", FATAL)                        \
        X(CERTIFICATE_NAME, 0x80072F06u, "certificate-name-invalid", FATAL)                        \
        X(CERTIFICATE_NEEDED, 0x80072F0Cu, "client-certificate-needed", FATAL)                     \
        X(UNKNOWN_AUTHORITY, 0x80072F0Du, "unknown-certificate-authority", FATAL)                  \
        X(REVOCATION_UNKNOWN, 0x80072F19u, "revocation-check-failed", FATAL)                       \
        X(CERTIFICATE_REVOKED, 0x80072F8Au, "certificate-revoked", FATAL)                          \
        X(CERTIFICATE_USAGE, 0x80072F93u, "certificate-wrong-usage", FATAL)                        \
        X(CLIENT_KEY, 0x80072F9Au, "client-key-unusable", FATAL)                                   \
        X(CERTIFICATE_FILE, 0x80072F8Fu, "certificate-file-unusable", FATAL)
