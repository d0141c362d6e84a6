#include "model/wire-settings.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "dbus/worker-wire.h"

#include "base/fd.h"
#include "base/str.h"

#include "model/limits.h"
#include "model/url.h"
#include "model/wire-codec.h"

typedef enum SettingType {
        SETTING_STRING,
        SETTING_STRINGS,
        SETTING_SECRET,
        SETTING_SIZE,
        SETTING_POLICY,
        SETTING_FLAGS,
} SettingType;

static const char *const setting_signatures[] = {
        [SETTING_STRING] = "s", [SETTING_STRINGS] = "as", [SETTING_SECRET] = "h",
        [SETTING_SIZE] = "t",   [SETTING_POLICY] = "s",   [SETTING_FLAGS] = "as",
};

/* limit: bytes of a secret, entries of a list. */
static const struct {
        const char *key;
        SettingType type;
        size_t offset;
        size_t limit;
} setting_keys[] = {
#define SETTING(key, type, member, limit)                                                          \
        {                                                                                          \
                key, SETTING_##type, offsetof(TransferSettings, member), limit                     \
        }
        SETTING("proxies", STRINGS, proxies, LIMIT_PROXY_LIST),
        SETTING("proxy-bypass", STRINGS, proxy_bypass, LIMIT_PROXY_LIST),
        SETTING("redirect-policy", POLICY, redirect_policy, 0),
        SETTING("security-flags", FLAGS, security_flags, SECURITY_FLAGS_MAX),
        SETTING("ca-certificate", STRING, ca_certificate, 0),
        SETTING("client-certificate", STRING, client_certificate, 0),
        SETTING("client-key", STRING, client_key, 0),
        SETTING("key-password", SECRET, key_password, LIMIT_PASSWORD_BYTES),
        SETTING("headers", SECRET, headers, LIMIT_HEADERS_BYTES),
        SETTING("ticket-cache", STRING, ticket_cache, 0),
        SETTING("disk-reserve", SIZE, disk_reserve_bytes, 0),
};

static int append_secret(sd_bus_message *m, const Secret *secret)
{
        _cleanup_close_ int fd =
                fd_new_sealed("dosvc-setting", secret_data(secret), secret_size(secret));

        return fd < 0 ? fd : sd_bus_message_append(m, "h", fd);
}

static int append_flags(sd_bus_message *m, unsigned flags)
{
        int r = sd_bus_message_open_container(m, 'a', "s");

        for (unsigned flag = 0; r >= 0 && flag < SECURITY_FLAGS_MAX; flag++)
                if (flags & 1U << flag)
                        r = sd_bus_message_append(m,
                                                  "s",
                                                  security_flag_to_string((SecurityFlag) flag));
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_setting(sd_bus_message *m, SettingType type, const void *member)
{
        switch (type) {
        case SETTING_STRING:
                return sd_bus_message_append(m, "s", *(char *const *) member);
        case SETTING_STRINGS:
                return sd_bus_message_append_strv(m, *(char **const *) member);
        case SETTING_SECRET:
                return append_secret(m, *(Secret *const *) member);
        case SETTING_SIZE:
                return sd_bus_message_append(m, "t", *(const uint64_t *) member);
        case SETTING_POLICY:
                return sd_bus_message_append(
                        m,
                        "s",
                        redirect_policy_to_string(*(const RedirectPolicy *) member));
        case SETTING_FLAGS:
        default:
                return append_flags(m, *(const unsigned *) member);
        }
}

static bool is_default(SettingType type, const void *member)
{
        switch (type) {
        case SETTING_STRING:
        case SETTING_SECRET:
                return !*(void *const *) member;
        case SETTING_STRINGS:
                return strings_count(*(char **const *) member) == 0;
        case SETTING_SIZE:
                return *(const uint64_t *) member == 0;
        case SETTING_POLICY:
                return *(const RedirectPolicy *) member == REDIRECT_POLICY_ALLOW_SILENT;
        case SETTING_FLAGS:
        default:
                return *(const unsigned *) member == 0;
        }
}

int wire_append_settings(sd_bus_message *m, const TransferSettings *settings)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(setting_keys); i++) {
                const void *member = (const char *) settings + setting_keys[i].offset;
                SettingType type = setting_keys[i].type;

                if (is_default(type, member))
                        continue;
                r = sd_bus_message_open_container(m, 'e', "sv");
                if (r >= 0)
                        r = sd_bus_message_append(m, "s", setting_keys[i].key);
                if (r >= 0)
                        r = sd_bus_message_open_container(m, 'v', setting_signatures[type]);
                if (r >= 0)
                        r = append_setting(m, type, member);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int read_flags(sd_bus_message *m, size_t limit, unsigned *ret)
{
        _cleanup_(strings_freep) char **names = NULL;
        int r = wire_read_strings(m, limit, &names);

        for (char **name = names; r >= 0 && *name; name++) {
                r = security_flag_from_string(*name);
                if (r >= 0)
                        *ret |= 1U << r;
        }
        return r == -EINVAL ? -EBADMSG : r;
}

static int read_secret(sd_bus_message *m, size_t limit, Secret **ret)
{
        int fd, r;

        if (sd_bus_message_read_basic(m, 'h', &fd) <= 0)
                return -EBADMSG;
        r = secret_read_fd(fd, limit, ret);
        return r < 0 && r != -ENOMEM ? -EBADMSG : r;
}

static int copy_text(char **ret, const char *s)
{
        if (s[0] == '\0' || strlen(s) > LIMIT_WORKER_TEXT)
                return -EBADMSG;
        *ret = strdup(s);
        return *ret ? 0 : -ENOMEM;
}

static int read_setting(sd_bus_message *m, SettingType type, size_t limit, void *member)
{
        const char *text;
        int r;

        switch (type) {
        case SETTING_STRINGS:
                return wire_read_strings(m, limit, (char ***) member);
        case SETTING_SECRET:
                return read_secret(m, limit, (Secret **) member);
        case SETTING_SIZE:
                return sd_bus_message_read_basic(m, 't', member) > 0 ? 0 : -EBADMSG;
        case SETTING_FLAGS:
                return read_flags(m, limit, (unsigned *) member);
        case SETTING_STRING:
        case SETTING_POLICY:
        default:
                break;
        }
        if (sd_bus_message_read_basic(m, 's', &text) <= 0)
                return -EBADMSG;
        if (type == SETTING_STRING)
                return copy_text((char **) member, text);
        r = redirect_policy_from_string(text);
        if (r < 0)
                return -EBADMSG;
        *(RedirectPolicy *) member = (RedirectPolicy) r;
        return 0;
}

/* One entry; a key may come once. */
static int read_setting_entry(sd_bus_message *m, TransferSettings *settings, unsigned *seen)
{
        const char *key;
        size_t i = 0;
        int r;

        if (sd_bus_message_read_basic(m, 's', &key) <= 0)
                return -EBADMSG;
        while (i < ARRAY_SIZE(setting_keys) && !str_equal(setting_keys[i].key, key))
                i++;
        if (i == ARRAY_SIZE(setting_keys) || *seen & 1U << i ||
            sd_bus_message_enter_container(m, 'v', setting_signatures[setting_keys[i].type]) <= 0)
                return -EBADMSG;
        *seen |= 1U << i;
        r = read_setting(m,
                         setting_keys[i].type,
                         setting_keys[i].limit,
                         (char *) settings + setting_keys[i].offset);
        return r >= 0 && sd_bus_message_exit_container(m) < 0 ? -EBADMSG : r;
}

static bool is_path(const char *s)
{
        const char *reason;

        return !s || settings_check_path(s, &reason) >= 0;
}

/* A list, or the one word that says what is to be asked. */
static int check_proxies(char *const *proxies)
{
        const char *reason;
        int r = 0;

        if (proxies && *proxies && !proxies[1] &&
            (str_equal(*proxies, WORKER_PROXIES_SESSION) ||
             str_equal(*proxies, WORKER_PROXIES_AUTODETECT)))
                return 0;
        for (; r >= 0 && proxies && *proxies; proxies++) {
                _cleanup_free_ char *url = NULL;

                r = url_parse_proxy(*proxies, &url, &reason);
        }
        return r == -EINVAL ? -EBADMSG : r;
}

/* The values must be ones that the manager lets through. */
static int check_settings(const TransferSettings *settings)
{
        const char *reason;
        int r = check_proxies(settings->proxies);

        if (r < 0)
                return r;
        if (!is_path(settings->ca_certificate) || !is_path(settings->client_certificate) ||
            !is_path(settings->client_key))
                return -EBADMSG;
        if (settings->ticket_cache &&
            settings_check_ticket_cache(settings->ticket_cache, &reason) < 0)
                return -EBADMSG;
        return settings->headers && !settings_are_headers(settings->headers) ? -EBADMSG : 0;
}

int wire_read_settings(sd_bus_message *m, TransferSettings *ret)
{
        TransferSettings settings = { 0 };
        unsigned seen = 0;
        int r;

        if (sd_bus_message_enter_container(m, 'a', "{sv}") <= 0)
                return -EBADMSG;
        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = read_setting_entry(m, &settings, &seen);
                if (r >= 0 && sd_bus_message_exit_container(m) < 0)
                        r = -EBADMSG;
                if (r < 0)
                        break;
        }
        if (r < 0 && r != -ENOMEM)
                r = -EBADMSG;
        if (r >= 0 && sd_bus_message_exit_container(m) < 0)
                r = -EBADMSG;
        if (r >= 0)
                r = check_settings(&settings);
        if (r < 0) {
                transfer_settings_done(&settings);
                return r;
        }
        *ret = settings;
        return 0;
}
