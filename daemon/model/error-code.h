/*
 * Numbers of the original for the Error property of a job (spec section 7) and their names.
 * HTTP statuses are 0x80190000 | status, named "http-<status>".
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define ERROR_CODE_HTTP(status) (0x80190000u | (uint32_t) (status))

#define ERROR_CODES(X)                                                                             \
        X(ACCESS_DENIED, 0x80070005u, "access-denied")                                             \
        X(PATH_NOT_FOUND, 0x80070003u, "path-not-found")                                           \
        X(DISK_FULL, 0x80070070u, "disk-full")                                                     \
        X(IO_DEVICE, 0x8007045Du, "io-error")                                                      \
        X(NOT_A_FILE, 0x80070057u, "not-a-regular-file")                                           \
        X(READ_ONLY, 0x80070013u, "read-only-file-system")                                         \
        X(NO_PROGRESS, 0x80200024u, "no-progress")                                                 \
        X(INVALID_SERVER_RESPONSE, 0x8020001Bu, "invalid-server-response")                         \
        X(INSUFFICIENT_RANGE_SUPPORT, 0x80200013u, "insufficient-range-support")                   \
        X(INVALID_RANGE, 0x8020002Bu, "invalid-range")                                             \
        X(CONNECT_FAILURE, 0x8020002Du, "connect-failure")                                         \
        X(CONNECTION_CLOSED, 0x8020002Eu, "connection-closed")                                     \
        X(NAME_RESOLUTION_FAILURE, 0x80200031u, "name-resolution-failure")                         \
        X(PROXY_NAME_RESOLUTION_FAILURE, 0x80200035u, "proxy-name-resolution-failure")             \
        X(SECURE_CHANNEL_FAILURE, 0x80200038u, "secure-channel-failure")                           \
        X(TIMEOUT, 0x8020003Bu, "timeout")                                                         \
        X(TRUST_FAILURE, 0x8020003Cu, "trust-failure")                                             \
        X(UNKNOWN_ERROR, 0x8020003Du, "transport-error")                                           \
        X(INVALID_PROXY_INFO, 0x8020003Fu, "invalid-proxy-info")                                   \
        X(VALIDATION_FAILED, 0x80200053u, "validation-failed")                                     \
        X(REMOTE_FILE_CHANGED, 0x80200073u, "remote-file-changed")                                 \
        X(REDIRECT_FAILED, 0x80072F7Cu, "redirect-failed")                                         \
        X(PROXY_DETECTION_FAILED, 0x80072F94u, "proxy-detection-failed")                           \
        X(MAXIMUM_DOWNLOAD_TIME, 0x80200054u, "maximum-download-time")                             \
        X(WORKER_FAILED, 0x80200069u, "worker-failed")                                             \
        X(FILE_IN_USE, 0x80070020u, "file-in-use")                                                 \
        X(CREDENTIALS_LOST, 0x80200040u, "credentials-lost")                                       \
        X(CERTIFICATE_DATE, 0x80072F05u, "certificate-date-invalid")                               \
        X(CERTIFICATE_NAME, 0x80072F06u, "certificate-name-invalid")                               \
        X(CERTIFICATE_NEEDED, 0x80072F0Cu, "client-certificate-needed")                            \
        X(UNKNOWN_AUTHORITY, 0x80072F0Du, "unknown-certificate-authority")                         \
        X(REVOCATION_UNKNOWN, 0x80072F19u, "revocation-check-failed")                              \
        X(CERTIFICATE_REVOKED, 0x80072F8Au, "certificate-revoked")                                 \
        X(CERTIFICATE_USAGE, 0x80072F93u, "certificate-wrong-usage")                               \
        X(CLIENT_KEY, 0x80072F9Au, "client-key-unusable")                                          \
        X(CERTIFICATE_FILE, 0x80072F8Fu, "certificate-file-unusable")

#define ERROR_CODE_ENUM(name, number, text) ERROR_CODE_##name = (int) (number),
enum { ERROR_CODES(ERROR_CODE_ENUM) };

/* Longest name: "proxy-name-resolution-failure". */
#define ERROR_CODE_NAME_MAX 32

/* Writes the name of the code, "0x%08x" when it has none; returns buffer. */
const char *error_code_name(uint32_t code, char buffer[static ERROR_CODE_NAME_MAX]);
