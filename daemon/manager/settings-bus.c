#include "manager/settings-bus.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

#include "manager/bus-error.h"
#include "model/bypass.h"
#include "model/enums.h"
#include "model/limits.h"
#include "model/url.h"

/* ---- reading --------------------------------------------------------------------------------- */

int settings_bus_append_proxy(const Job *job, sd_bus_message *m)
{
        int r;

        r = sd_bus_message_open_container(m, 'r', "sasas");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", proxy_usage_to_string(job->proxy_usage));
        if (r >= 0)
                r = sd_bus_message_append_strv(m, job->settings.proxies);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, job->settings.proxy_bypass);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int settings_bus_append_security_flags(const Job *job, sd_bus_message *m)
{
        int r = sd_bus_message_open_container(m, 'a', "s");

        for (unsigned flag = 0; r >= 0 && flag < SECURITY_FLAGS_MAX; flag++)
                if (job->settings.security_flags & 1U << flag)
                        r = sd_bus_message_append(m,
                                                  "s",
                                                  security_flag_to_string((SecurityFlag) flag));
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* ---- writing --------------------------------------------------------------------------------- */

static int
read_proxies(sd_bus_message *m, char ***ret, size_t *length, bool parse, sd_bus_error *error)
{
        _cleanup_(strings_freep) char **list = NULL;
        const char *entry;
        int r;

        r = strings_copy(NULL, &list);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read(m, "s", &entry)) > 0) {
                _cleanup_free_ char *url = NULL;
                const char *reason = "";

                *length += strlen(entry) + 1;
                if (*length > LIMIT_PROXY_LIST)
                        return bus_error_set(
                                error,
                                -E2BIG,
                                "The lists of ProxySettings must have at most %d characters",
                                LIMIT_PROXY_LIST);
                r = parse ? url_parse_proxy(entry, &url, &reason) : bypass_check(entry, &reason);
                if (r == -EINVAL)
                        return bus_error_set(error, r, "Entry of ProxySettings %s", reason);
                if (r >= 0)
                        r = strings_append(&list, url ? url : entry);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(list);
        return 0;
}

int settings_bus_set_proxy(BusEdge *edge,
                           const Caller *caller,
                           Job *job,
                           const char *name,
                           sd_bus_message *m,
                           sd_bus_error *error)
{
        _cleanup_(strings_freep) char **proxies = NULL, **bypass = NULL;
        size_t proxies_length = 0, bypass_length = 0;
        const char *text;
        int usage, r;

        r = sd_bus_message_enter_container(m, 'r', "sasas");
        if (r >= 0)
                r = sd_bus_message_read(m, "s", &text);
        if (r >= 0)
                r = read_proxies(m, &proxies, &proxies_length, true, error);
        if (r >= 0)
                r = read_proxies(m, &bypass, &bypass_length, false, error);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        usage = proxy_usage_from_string(text);
        if (usage < 0)
                return bus_error_set(error,
                                     -EINVAL,
                                     "Unknown proxy usage '%s': expected preconfig, none, "
                                     "override or autodetect",
                                     text);
        if (usage == PROXY_USAGE_OVERRIDE ? strings_count(proxies) == 0
                                          : strings_count(proxies) + strings_count(bypass) > 0)
                return bus_error_set(error,
                                     -EINVAL,
                                     "Proxy usage override needs a list of proxies, the others "
                                     "take none");
        r = manager_set_proxy(edge->manager, caller, job, (ProxyUsage) usage, proxies, bypass);
        return r < 0 ? bus_error_set_verb(error, r, job) : 0;
}

int settings_bus_set_redirect_policy(BusEdge *edge,
                                     const Caller *caller,
                                     Job *job,
                                     const char *name,
                                     sd_bus_message *m,
                                     sd_bus_error *error)
{
        const char *text;
        int policy, r;

        r = sd_bus_message_read(m, "s", &text);
        if (r < 0)
                return r;
        policy = redirect_policy_from_string(text);
        if (policy < 0)
                return bus_error_set(error,
                                     -EINVAL,
                                     "Unknown redirect policy '%s': expected allow-silent or "
                                     "allow-report, each also with +https-to-http, or disallow",
                                     text);
        r = manager_set_redirect_policy(edge->manager, caller, job, (RedirectPolicy) policy);
        return r < 0 ? bus_error_set_verb(error, r, job) : 0;
}

int settings_bus_set_security_flags(BusEdge *edge,
                                    const Caller *caller,
                                    Job *job,
                                    const char *name,
                                    sd_bus_message *m,
                                    sd_bus_error *error)
{
        unsigned flags = 0;
        const char *text;
        int flag, r;

        r = sd_bus_message_enter_container(m, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read(m, "s", &text)) > 0) {
                flag = security_flag_from_string(text);
                if (flag < 0)
                        return bus_error_set(error,
                                             -EOPNOTSUPP,
                                             "There is no security flag '%s': expected "
                                             "enable-crl-check, ignore-cert-cn-invalid, "
                                             "ignore-cert-date-invalid, ignore-unknown-ca or "
                                             "ignore-cert-wrong-usage",
                                             text);
                flags |= 1U << flag;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        r = manager_set_security_flags(edge->manager, caller, job, flags);
        return r < 0 ? bus_error_set_verb(error, r, job) : 0;
}

int settings_bus_set_ca_certificate(BusEdge *edge,
                                    const Caller *caller,
                                    Job *job,
                                    const char *name,
                                    sd_bus_message *m,
                                    sd_bus_error *error)
{
        const char *text, *reason;
        int r = sd_bus_message_read(m, "s", &text);

        if (r < 0)
                return r;
        if (text[0] != '\0' && settings_check_path(text, &reason) < 0)
                return bus_error_set(error, -EINVAL, "%s %s, or empty", name, reason);
        r = manager_set_ca_certificate(edge->manager, caller, job, text);
        return r < 0 ? bus_error_set_verb(error, r, job) : 0;
}

int settings_bus_set_ticket_cache(BusEdge *edge,
                                  const Caller *caller,
                                  Job *job,
                                  const char *name,
                                  sd_bus_message *m,
                                  sd_bus_error *error)
{
        const char *text, *reason;
        int r = sd_bus_message_read(m, "s", &text);

        if (r < 0)
                return r;
        if (text[0] != '\0') {
                r = settings_check_ticket_cache(text, &reason);
                if (r < 0)
                        return bus_error_set(error, r, "%s '%s' %s, or empty", name, text, reason);
        }
        r = manager_set_ticket_cache(edge->manager, caller, job, text);
        return r < 0 ? bus_error_set_verb(error, r, job) : 0;
}
