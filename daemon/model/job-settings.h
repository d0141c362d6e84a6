/*
 * The settings of a job: one row of JOB_SETTINGS() each. The struct and its default values, copying
 * and freeing, the bits of PropertiesChanged, the rows of the store, what a worker is told, and the
 * property of org.dosvc1.Job with its vtable entry and its option of CreateJob all follow from the
 * row. A new setting needs its row here, its documentation in dbus/org.dosvc1.Job.xml and the code
 * that goes by it.
 *
 * A row is X(id, name, type, member, default, flags). The name is that of the property, the key on
 * the private link (dbus/worker-wire.h) and the key in the store. The types are:
 *
 *   TEXT(check)           s   char *; NULL or "": not set, and then not checked
 *   TEXTS(normalize, max) as  char **; normalize checks one entry and makes its normal form; max
 *                             characters from a client in all entries together, one for the end of
 *                             each counted; an entry has no line end
 *   BOOL                  b   bool
 *   U32(min, max)         u   uint32_t
 *   U64(min, max)         t   uint64_t
 *   CHOICE(list)          s   unsigned, a value of the enumeration that is made from the list
 *   FLAGS(list)           as  unsigned, a set of bits 1 << value of that enumeration
 *   SECRET(check, max)    h   Secret *, max bytes; the vault keeps it (manager/sealed.h),
 *                             and the member is used in a worker's copy only
 *
 * A default that the administrator may change is a member of Config.job_defaults besides.
 *
 * The store keeps the settings that differ from their defaults. It keeps a setting that this
 * version does not know, and nobody sees it, so that a newer version finds it again. A CHOICE or
 * FLAGS that gains a value needs a new version of the schema, because an older program takes a name
 * that it does not know for damage.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dbus/dosvc-wire.h"
#include "dbus/worker-wire.h"

#include "base/macro.h"
#include "base/secret.h"

#include "model/enums.h"
#include "model/limits.h"
#include "model/url.h"

#define SETTING_ENUM_REDIRECT(name, text) REDIRECT_POLICY_##name,
typedef enum RedirectPolicy {
        DOSVC_REDIRECT_POLICIES(SETTING_ENUM_REDIRECT) REDIRECT_POLICIES_MAX
} RedirectPolicy;

/* The place where a redirect leads becomes the remote name of the file. */
bool redirect_policy_reports(RedirectPolicy policy);
/* Redirects from https to http are followed, too. */
bool redirect_policy_allows_downgrade(RedirectPolicy policy);

/* Sets of these are bits 1 << SecurityFlag, which are the numbers of the original. */
#define SETTING_ENUM_SECURITY(name, text) SECURITY_FLAG_##name,
typedef enum SecurityFlag {
        DOSVC_SECURITY_FLAGS(SETTING_ENUM_SECURITY) SECURITY_FLAGS_MAX
} SecurityFlag;

/* A worker finds its proxies in its list, or asks the manager for those of each origin. */
#define SETTING_ENUM_SOURCE(name, text) PROXY_SOURCE_##name,
typedef enum ProxySource {
        WORKER_PROXY_SOURCES(SETTING_ENUM_SOURCE) PROXY_SOURCES_MAX
} ProxySource;

typedef enum SettingFlag {
        SETTING_FOR_WORKER = 1 << 0,    /* a worker is told it when it starts */
        SETTING_RENEWS_WORKER = 1 << 1, /* a change gives an active job a new worker, which knows */
        SETTING_MOVES_JOB = 1 << 2,     /* a change may move the job in the queue, or end it */
        SETTING_MOVES_TIMERS = 1 << 3,  /* a change may move the job's timers */
        SETTING_OF_OWNER = 1 << 4,      /* TakeOwnership takes it back */
        SETTING_IS_HIDDEN = 1 << 5,     /* no property shows it, so no signal tells of a change */
        SETTING_OF_ORDER = 1 << 6,      /* the manager decides it for each worker; not stored */
        SETTING_CHANGES_LIVE = 1 << 7,  /* a change is told to the worker that runs (Changed) */
} SettingFlag;

/* A worker goes by such a setting from its start to its end, or by its latest value. */
#define SETTING_FOR_NEW_WORKER (SETTING_FOR_WORKER | SETTING_RENEWS_WORKER)
#define SETTING_FOR_ANY_WORKER (SETTING_FOR_WORKER | SETTING_CHANGES_LIVE)

/* clang-format off */
/* Each of these is a property of its own that can be read, written, and given to CreateJob. */
#define JOB_PROPERTY_SETTINGS(X) \
        X(DISPLAY_NAME, "DisplayName", TEXT(setting_check_display_name), display_name, 0, 0) \
        X(DESCRIPTION, "Description", TEXT(setting_check_description), description, 0, 0) \
        X(PRIORITY, "Priority", CHOICE(DOSVC_PRIORITIES), priority, PRIORITY_NORMAL, SETTING_MOVES_JOB) \
        X(AUTO_COMPLETE, "AutoComplete", BOOL, auto_complete, 0, SETTING_MOVES_JOB) \
        X(MINIMUM_RETRY_DELAY, "MinimumRetryDelay", U64(0, UINT32_MAX), minimum_retry_delay_sec, 60, SETTING_MOVES_TIMERS) \
        X(NO_PROGRESS_TIMEOUT, "NoProgressTimeout", U64(0, UINT32_MAX), no_progress_timeout_sec, 1209600, SETTING_MOVES_TIMERS) \
        X(MAXIMUM_DOWNLOAD_TIME, "MaximumDownloadTime", U64(1, UINT32_MAX), maximum_download_time_sec, 7776000, SETTING_MOVES_TIMERS) \
        X(REDIRECT_POLICY, "RedirectPolicy", CHOICE(DOSVC_REDIRECT_POLICIES), redirect_policy, REDIRECT_POLICY_ALLOW_SILENT, SETTING_FOR_ANY_WORKER) \
        X(SECURITY_FLAGS, "SecurityFlags", FLAGS(DOSVC_SECURITY_FLAGS), security_flags, 0, SETTING_FOR_NEW_WORKER) \
        X(CA_CERTIFICATE, "CACertificate", TEXT(setting_check_path), ca_certificate, 0, SETTING_FOR_NEW_WORKER) \
        X(TICKET_CACHE, "TicketCache", TEXT(setting_check_ticket_cache), ticket_cache, 0, SETTING_FOR_NEW_WORKER | SETTING_OF_OWNER) \
        X(UMASK, "UMask", U32(0, 0777), umask, 022, 0)

/*
 * The parts of property ProxySettings (settings-bus.c), the headers that only the owner reads
 * (headers-bus.c), the parts of SetClientCertificate, and what the manager adds for a worker.
 */
#define JOB_INNER_SETTINGS(X) \
        X(PROXY_USAGE, "ProxyUsage", CHOICE(DOSVC_PROXY_USAGES), proxy_usage, PROXY_USAGE_PRECONFIG, SETTING_CHANGES_LIVE) \
        X(PROXIES, "Proxies", TEXTS(url_parse_proxy, LIMIT_PROXY_LIST), proxies, 0, SETTING_FOR_ANY_WORKER) \
        X(PROXY_BYPASS, "ProxyBypass", TEXTS(setting_normalize_bypass, LIMIT_PROXY_LIST), proxy_bypass, 0, SETTING_FOR_ANY_WORKER) \
        X(PROXY_SOURCE, "ProxySource", CHOICE(WORKER_PROXY_SOURCES), proxy_source, PROXY_SOURCE_LIST, SETTING_FOR_ANY_WORKER | SETTING_OF_ORDER) \
        X(CUSTOM_HEADERS, "CustomHeaders", SECRET(setting_are_headers, LIMIT_HEADERS_BYTES), headers, 0, SETTING_FOR_NEW_WORKER | SETTING_OF_OWNER) \
        X(CLIENT_CERTIFICATE, "ClientCertificate", TEXT(setting_check_path), client_certificate, 0, SETTING_FOR_NEW_WORKER | SETTING_OF_OWNER | SETTING_IS_HIDDEN) \
        X(CLIENT_KEY, "ClientKey", TEXT(setting_check_path), client_key, 0, SETTING_FOR_NEW_WORKER | SETTING_OF_OWNER | SETTING_IS_HIDDEN) \
        X(KEY_PASSWORD, "KeyPassword", SECRET(NULL, LIMIT_PASSWORD_BYTES), key_password, 0, SETTING_FOR_NEW_WORKER | SETTING_OF_OWNER | SETTING_IS_HIDDEN) \
        X(DISK_RESERVE, "DiskReserve", U64(0, UINT64_MAX), disk_reserve_bytes, 0, SETTING_FOR_WORKER | SETTING_OF_ORDER)

/* clang-format on */

#define JOB_SETTINGS(X) JOB_PROPERTY_SETTINGS(X) JOB_INNER_SETTINGS(X)

#define SETTING_ENUM_ID(id, name, type, member, initial, flags) SETTING_##id,
typedef enum SettingId { JOB_SETTINGS(SETTING_ENUM_ID) SETTINGS_MAX } SettingId;

/* Sets of settings are bits 1 << id; a job's changes take the other bits (manager/job.h). */
typedef uint64_t SettingSet;
#define SETTING_BIT(id) (UINT64_C(1) << (id))
_Static_assert(SETTINGS_MAX <= 48, "a set of settings fits into the changes of a job");
/* A worker chooses its proxies by these. */
#define SETTINGS_OF_PROXIES                                                                        \
        (SETTING_BIT(SETTING_PROXIES) | SETTING_BIT(SETTING_PROXY_BYPASS) |                        \
         SETTING_BIT(SETTING_PROXY_SOURCE))

#define SETTING_C_TEXT(check)           char *
#define SETTING_C_TEXTS(normalize, max) char **
#define SETTING_C_BOOL                  bool
#define SETTING_C_U32(min, max)         uint32_t
#define SETTING_C_U64(min, max)         uint64_t
#define SETTING_C_CHOICE(list)          unsigned
#define SETTING_C_FLAGS(list)           unsigned
#define SETTING_C_SECRET(check, max)    Secret *

/* The pointers are owned. */
#define SETTING_MEMBER(id, name, type, member, initial, flags) SETTING_C_##type member;
typedef struct JobSettings {
        JOB_SETTINGS(SETTING_MEMBER)
} JobSettings;

/* D-Bus signatures, as literals for a vtable. */
#define SETTING_SIGNATURE_TEXT(check)           "s"
#define SETTING_SIGNATURE_TEXTS(normalize, max) "as"
#define SETTING_SIGNATURE_BOOL                  "b"
#define SETTING_SIGNATURE_U32(min, max)         "u"
#define SETTING_SIGNATURE_U64(min, max)         "t"
#define SETTING_SIGNATURE_CHOICE(list)          "s"
#define SETTING_SIGNATURE_FLAGS(list)           "as"
#define SETTING_SIGNATURE_SECRET(check, max)    "h"

#define SETTING_NAME(name, text) text,
#define SETTING_NAMES(list)      ((const char *const[]){ list(SETTING_NAME) NULL })

/* clang-format off */
#define SETTING_INFO_TEXT(check_)            .type = SETTING_TYPE_TEXT, .check = (check_)
#define SETTING_INFO_TEXTS(normalize_, max_) .type = SETTING_TYPE_TEXTS, .normalize = (normalize_), .max = (max_)
#define SETTING_INFO_BOOL                    .type = SETTING_TYPE_BOOL, .max = 1
#define SETTING_INFO_U32(min_, max_)         .type = SETTING_TYPE_U32, .min = (min_), .max = (max_)
#define SETTING_INFO_U64(min_, max_)         .type = SETTING_TYPE_U64, .min = (min_), .max = (max_)
#define SETTING_INFO_CHOICE(list)            .type = SETTING_TYPE_CHOICE, .names = SETTING_NAMES(list), .max = UINT64_MAX
#define SETTING_INFO_FLAGS(list)             .type = SETTING_TYPE_FLAGS, .names = SETTING_NAMES(list), .max = UINT64_MAX
#define SETTING_INFO_SECRET(is_good_, max_)  .type = SETTING_TYPE_SECRET, .is_good = (is_good_), .max = (max_)
/* clang-format on */

typedef enum SettingType {
        SETTING_TYPE_TEXT,
        SETTING_TYPE_TEXTS,
        SETTING_TYPE_BOOL,
        SETTING_TYPE_U32,
        SETTING_TYPE_U64,
        SETTING_TYPE_CHOICE,
        SETTING_TYPE_FLAGS,
        SETTING_TYPE_SECRET,
} SettingType;

/* A row of the list as data. Members that its type does not need are zero. */
typedef struct SettingInfo {
        const char *name;
        const char *signature;
        SettingType type;
        unsigned flags;
        size_t offset; /* in JobSettings */
        uint64_t initial;
        uint64_t min;
        uint64_t max;             /* also the characters of TEXTS and the bytes of a SECRET */
        const char *const *names; /* of CHOICE and FLAGS, up to NULL */
        int (*check)(const char *s, const char **ret_reason);
        int (*normalize)(const char *s, char **ret, const char **ret_reason);
        bool (*is_good)(const Secret *secret); /* NULL: every secret is */
} SettingInfo;

extern const SettingInfo setting_infos[SETTINGS_MAX];

/* SETTINGS_MAX: no setting has that name. */
SettingId setting_find(const char *name);

/* A value of any type; members that the setting's type does not use are ignored. */
typedef struct SettingValue {
        uint64_t number;  /* BOOL, U32, U64, CHOICE, FLAGS */
        const char *text; /* TEXT; borrowed; NULL is "" */
        char **texts;     /* TEXTS; NULL is an empty list; setting_value_done() frees it */
} SettingValue;

void setting_value_done(SettingValue *value);

/* The fault of a value, as the rest of a sentence that begins with the name of the setting. */
typedef struct SettingFault {
        char text[1024];
} SettingFault;

/*
 * Judges a value that came from outside and brings it into its normal form. Errors of the row's
 * check, -EINVAL, -E2BIG; fault says what was expected. -ENOMEM.
 */
int setting_check(SettingId id, SettingValue *value, SettingFault *fault);

/* TEXTS of a client: not longer than their row allows. -E2BIG. */
int setting_check_size(SettingId id, const SettingValue *value, SettingFault *fault);

/* Adds the named value to a FLAGS, or makes it that of a CHOICE. As setting_check(). */
int setting_add_name(SettingId id, const char *name, SettingValue *value, SettingFault *fault);

/* Every setting has its default, which owns nothing. */
void job_settings_init(JobSettings *settings);
/* Deep copy into uninitialised memory. -ENOMEM. */
int job_settings_copy(JobSettings *settings, const JobSettings *from);
/* Accepts zeroed and half-filled settings. */
void job_settings_done(JobSettings *settings);

const void *setting_member(const JobSettings *settings, SettingId id);
/* The number of a BOOL, U32, U64, CHOICE or FLAGS. */
uint64_t setting_number(const JobSettings *settings, SettingId id);
bool setting_is_default(const JobSettings *settings, SettingId id);
/* The setting has all of these flags. */
bool setting_has(SettingId id, unsigned flags);
/* The store's table of settings keeps it. */
bool setting_is_stored(SettingId id);

/* Copies a checked value of any type but SECRET. -ENOMEM leaves the setting as it was. */
int setting_set(JobSettings *settings, SettingId id, const SettingValue *value);
void setting_reset(JobSettings *settings, SettingId id);
/* Exchanges those that setting_has() the flags, returns which differ; two secrets always do. */
SettingSet job_settings_exchange(JobSettings *settings, JobSettings *other, unsigned flags);

/* The setting as one text and back, for the store. -ENOMEM; -EINVAL: not such a text. */
int setting_format(const JobSettings *settings, SettingId id, char **ret);
int setting_parse(JobSettings *settings, SettingId id, const char *text);
