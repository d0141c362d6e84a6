/*
 * The settings of a job that a worker must know besides its files and the credentials that are
 * asked for one by one: how redirects, certificates and proxies are treated, and what the owner
 * wants sent along. The manager keeps those of each job, without the two secrets, which are in
 * the vault; the worker gets them complete, in its order (dbus/worker-wire.h).
 *
 * The checks are of url.h's kind: 0 or a negative errno, and in *ret_reason what was expected.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"
#include "base/secret.h"

#define SETTINGS_ENUM_REDIRECT(name, text) REDIRECT_POLICY_##name,
typedef enum RedirectPolicy {
        DOSVC_REDIRECT_POLICIES(SETTINGS_ENUM_REDIRECT) REDIRECT_POLICIES_MAX
} RedirectPolicy;

/* Sets of these are bits 1 << SecurityFlag, which are the numbers of the original. */
#define SETTINGS_ENUM_SECURITY(name, text) SECURITY_FLAG_##name,
typedef enum SecurityFlag {
        DOSVC_SECURITY_FLAGS(SETTINGS_ENUM_SECURITY) SECURITY_FLAGS_MAX
} SecurityFlag;

const char *redirect_policy_to_string(RedirectPolicy policy);
int redirect_policy_from_string(const char *s); /* -EINVAL */
const char *security_flag_to_string(SecurityFlag flag);
int security_flag_from_string(const char *s); /* -EINVAL */

/* The name of the place where a redirect leads becomes the file's. */
bool redirect_policy_reports(RedirectPolicy policy);
/* From https to http, too. */
bool redirect_policy_allows_downgrade(RedirectPolicy policy);

/* Strings are owned and NULL when nothing is set. */
typedef struct TransferSettings {
        char **proxies; /* normal forms of url_parse_proxy(), or what dbus/worker-wire.h says */
        char **proxy_bypass; /* rules of model/bypass.h */
        RedirectPolicy redirect_policy;
        unsigned security_flags;
        char *ca_certificate;        /* path of a PEM file; NULL: the system's authorities */
        char *client_certificate;    /* path of a PEM file; NULL: none */
        char *client_key;            /* the same; NULL: in the certificate's file */
        char *ticket_cache;          /* of Kerberos; NULL: the owner's default */
        uint64_t disk_reserve_bytes; /* to leave free wherever files are written */
        Secret *headers;             /* owned; lines, each ends in "\n"; NULL: none */
        Secret *key_password;        /* owned; NULL: none */
} TransferSettings;

/* Deep copy into uninitialised memory. -ENOMEM. */
int transfer_settings_copy(TransferSettings *settings, const TransferSettings *from);
/* Accepts zeroed and half-filled settings. */
void transfer_settings_done(TransferSettings *settings);

/* Of a PEM file: absolute, at most LIMIT_LOCAL_NAME bytes, no control characters. -EINVAL. */
int settings_check_path(const char *s, const char **ret_reason);

/*
 * An absolute path, or the name of a cache that outlives its process: FILE: and DIR: with an
 * absolute path, KEYRING:, KCM:, API:. -EINVAL; -EOPNOTSUPP: MEMORY: and other kinds.
 */
int settings_check_ticket_cache(const char *s, const char **ret_reason);

/*
 * One header line, "Name: value" (RFC 9110 section 5): the name is a token and not one that the
 * service sets itself or that changes what an answer means, the value has no control characters.
 * -EINVAL; *ret_name is the length of the name then, as far as it is one.
 */
int settings_check_header(const char *line,
                          size_t size_bytes,
                          size_t *ret_name,
                          const char **ret_reason);

/* What a line counts for, in UTF-16 units and with its end; -EILSEQ: not UTF-8. */
int settings_header_units(const char *line, size_t size_bytes, size_t *ret_units);

/* Lines as TransferSettings.headers has them: all good, and within LIMIT_HEADERS. */
bool settings_are_headers(const Secret *headers);
