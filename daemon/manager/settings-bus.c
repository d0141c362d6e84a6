#include "manager/settings-bus.h"

#include <errno.h>

#include "base/str.h"

#include "manager/bus-error.h"
#include "model/wire-settings.h"

/* Reads and checks one value; the error speaks of the property. */
static int read_value(sd_bus_message *m,
                      const char *property,
                      SettingId id,
                      SettingValue *ret,
                      sd_bus_error *error)
{
        SettingFault fault;
        int r = wire_read_setting(m, id, ret, &fault);

        if (r >= 0 && setting_infos[id].type == SETTING_TYPE_TEXTS)
                r = setting_check_size(id, ret, &fault);
        if (r < 0 && fault.text[0] != '\0')
                return bus_error_set(error, r, "%s %s", property, fault.text);
        return r;
}

static int set(BusEdge *edge,
               const Caller *caller,
               Job *job,
               const ManagerSetting *settings,
               size_t n_settings,
               sd_bus_error *error)
{
        int r = manager_set_settings(edge->manager, caller, job, settings, n_settings);

        return r < 0 ? bus_error_set_verb(error, r, job) : 0;
}

int settings_bus_set(BusEdge *edge,
                     const Caller *caller,
                     Job *job,
                     SettingId id,
                     sd_bus_message *m,
                     sd_bus_error *error)
{
        ManagerSetting setting = { .id = id };
        int r = read_value(m, setting_infos[id].name, id, &setting.value, error);

        /* Only clients are held to this: an administrator may configure a shorter delay. */
        if (id == SETTING_MINIMUM_RETRY_DELAY && setting.value.number < ATTEMPTS_MIN_DELAY_SEC)
                setting.value.number = ATTEMPTS_MIN_DELAY_SEC;
        if (r >= 0)
                r = set(edge, caller, job, &setting, 1, error);
        setting_value_done(&setting.value);
        return r;
}

/* ---- ProxySettings --------------------------------------------------------------------------- */

static const SettingId proxy_parts[] = {
        SETTING_PROXY_USAGE,
        SETTING_PROXIES,
        SETTING_PROXY_BYPASS,
};

int settings_bus_append_proxy(const Job *job, sd_bus_message *m)
{
        int r = sd_bus_message_open_container(m, 'r', "sasas");

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(proxy_parts); i++)
                r = wire_append_setting(m, &job->settings, proxy_parts[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int read_proxy(sd_bus_message *m,
                      ManagerSetting parts[static ARRAY_SIZE(proxy_parts)],
                      sd_bus_error *error)
{
        int r = sd_bus_message_enter_container(m, 'r', "sasas");

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(proxy_parts); i++) {
                parts[i].id = proxy_parts[i];
                r = read_value(m, "ProxySettings", proxy_parts[i], &parts[i].value, error);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* The lists and the usage must make sense together. */
static int check_proxy(const ManagerSetting *parts, sd_bus_error *error)
{
        size_t proxies = strings_count(parts[1].value.texts);
        size_t rules = strings_count(parts[2].value.texts);
        bool good =
                parts[0].value.number == PROXY_USAGE_OVERRIDE ? proxies > 0 : proxies + rules == 0;

        return good ? 0
                    : bus_error_set(error,
                                    -EINVAL,
                                    "Proxy usage override needs a list of proxies, the others "
                                    "take none");
}

int settings_bus_set_proxy(BusEdge *edge,
                           const Caller *caller,
                           Job *job,
                           sd_bus_message *m,
                           sd_bus_error *error)
{
        ManagerSetting parts[ARRAY_SIZE(proxy_parts)] = { 0 };
        int r = read_proxy(m, parts, error);

        if (r >= 0)
                r = check_proxy(parts, error);
        if (r >= 0)
                r = set(edge, caller, job, parts, ARRAY_SIZE(parts), error);
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                setting_value_done(&parts[i].value);
        return r;
}
