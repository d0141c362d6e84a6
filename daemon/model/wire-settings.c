#include "model/wire-settings.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"

#include "model/wire-codec.h"

/* ---- one value ------------------------------------------------------------------------------- */

static int append_flags(sd_bus_message *m, const char *const *names, uint64_t flags)
{
        int r = sd_bus_message_open_container(m, 'a', "s");

        for (unsigned i = 0; r >= 0 && names[i]; i++)
                if (flags & UINT64_C(1) << i)
                        r = sd_bus_message_append(m, "s", names[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int wire_append_setting(sd_bus_message *m, const JobSettings *settings, SettingId id)
{
        const SettingInfo *info = &setting_infos[id];
        const void *member = setting_member(settings, id);
        uint64_t number = setting_number(settings, id);

        switch (info->type) {
        case SETTING_TYPE_TEXT: /* sd-bus writes NULL as "" */
                return sd_bus_message_append(m, "s", *(char *const *) member);
        case SETTING_TYPE_TEXTS:
                return sd_bus_message_append_strv(m, *(char **const *) member);
        case SETTING_TYPE_CHOICE:
                return sd_bus_message_append(m, "s", info->names[number]);
        case SETTING_TYPE_FLAGS:
                return append_flags(m, info->names, number);
        case SETTING_TYPE_BOOL:
                return sd_bus_message_append(m, "b", (int) number);
        case SETTING_TYPE_U32:
                return sd_bus_message_append(m, "u", (uint32_t) number);
        case SETTING_TYPE_U64:
        case SETTING_TYPE_SECRET:
        default:
                return sd_bus_message_append(m, "t", number);
        }
}

/* Each entry counts for one character at least. */
static int read_texts(sd_bus_message *m, uint64_t max, char ***ret)
{
        _cleanup_(strings_freep) char **texts = NULL;
        const char *text;
        uint64_t n = 0;
        int r = sd_bus_message_enter_container(m, 'a', "s");

        while (r >= 0 && (r = sd_bus_message_read(m, "s", &text)) > 0)
                r = ++n > max ? -E2BIG : strings_append(&texts, text);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(texts);
        return 0;
}

static int read_names(sd_bus_message *m, SettingId id, SettingValue *value, SettingFault *fault)
{
        const char *name;
        int r = sd_bus_message_enter_container(m, 'a', "s");

        while (r >= 0 && (r = sd_bus_message_read(m, "s", &name)) > 0)
                r = setting_add_name(id, name, value, fault);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* sd-bus' boolean is an int, and its other numbers are as wide as they are. */
static int read_number(sd_bus_message *m, SettingType type, uint64_t *ret)
{
        uint32_t narrow = 0;
        int flag = 0, r;

        if (type == SETTING_TYPE_U64)
                return sd_bus_message_read(m, "t", ret);
        r = type == SETTING_TYPE_BOOL ? sd_bus_message_read(m, "b", &flag)
                                      : sd_bus_message_read(m, "u", &narrow);
        if (r >= 0)
                *ret = type == SETTING_TYPE_BOOL ? flag != 0 : narrow;
        return r;
}

static int read_value(sd_bus_message *m, SettingId id, SettingValue *value, SettingFault *fault)
{
        SettingType type = setting_infos[id].type;
        int r;

        switch (type) {
        case SETTING_TYPE_TEXT:
                return sd_bus_message_read(m, "s", &value->text);
        case SETTING_TYPE_TEXTS:
                return read_texts(m, setting_infos[id].max, &value->texts);
        case SETTING_TYPE_CHOICE:
                r = sd_bus_message_read(m, "s", &value->text);
                return r < 0 ? r : setting_add_name(id, value->text, value, fault);
        case SETTING_TYPE_FLAGS:
                return read_names(m, id, value, fault);
        case SETTING_TYPE_BOOL:
        case SETTING_TYPE_U32:
        case SETTING_TYPE_U64:
                return read_number(m, type, &value->number);
        case SETTING_TYPE_SECRET:
        default:
                return -EINVAL;
        }
}

int wire_read_setting(sd_bus_message *m, SettingId id, SettingValue *ret, SettingFault *fault)
{
        SettingValue value = { 0 };
        int r;

        fault->text[0] = '\0';
        r = read_value(m, id, &value, fault);
        if (r >= 0)
                r = setting_check(id, &value, fault);
        if (r < 0) {
                setting_value_done(&value);
                return r;
        }
        *ret = value;
        return 0;
}

/* ---- all settings for a worker --------------------------------------------------------------- */

static int append_secret(sd_bus_message *m, const Secret *secret)
{
        _cleanup_close_ int fd =
                fd_new_sealed("dosvc-setting", secret_data(secret), secret_size(secret));

        return fd < 0 ? fd : sd_bus_message_append(m, "h", fd);
}

static int append_entry(sd_bus_message *m, const JobSettings *settings, SettingId id)
{
        const SettingInfo *info = &setting_infos[id];
        int r = wire_open_entry(m, info->name, info->signature);

        if (r >= 0)
                r = info->type == SETTING_TYPE_SECRET
                            ? append_secret(m, *(Secret *const *) setting_member(settings, id))
                            : wire_append_setting(m, settings, id);
        return r < 0 ? r : wire_close_entry(m);
}

int wire_append_settings(sd_bus_message *m, const JobSettings *settings, unsigned flags)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (unsigned id = 0; r >= 0 && id < SETTINGS_MAX; id++)
                if (setting_has((SettingId) id, flags) &&
                    !setting_is_default(settings, (SettingId) id))
                        r = append_entry(m, settings, (SettingId) id);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Into a member that holds nothing yet. */
static int read_secret(sd_bus_message *m, JobSettings *settings, SettingId id)
{
        const SettingInfo *info = &setting_infos[id];
        Secret **member = (Secret **) (void *) ((char *) settings + info->offset);
        int fd, r;

        if (sd_bus_message_read_basic(m, 'h', &fd) <= 0)
                return -EBADMSG;
        r = secret_read_fd(fd, info->max, member);
        if (r < 0)
                return r;
        return info->is_good && !info->is_good(*member) ? -EBADMSG : 0;
}

/* Defaults are not sent: a text or a list that comes holds something. */
static int read_plain(sd_bus_message *m, JobSettings *settings, SettingId id)
{
        SettingFault fault;
        SettingValue value;
        int r = wire_read_setting(m, id, &value, &fault);

        if (r < 0)
                return r;
        r = setting_infos[id].type == SETTING_TYPE_TEXT && str_is_empty(value.text)
                    ? -EBADMSG
                    : setting_set(settings, id, &value);
        setting_value_done(&value);
        return r;
}

/* One entry; a name may come once. */
static int read_entry(sd_bus_message *m, unsigned flags, JobSettings *settings, SettingSet *seen)
{
        const SettingInfo *info;
        const char *name;
        SettingId id;
        int r;

        if (sd_bus_message_read_basic(m, 's', &name) <= 0)
                return -EBADMSG;
        id = setting_find(name);
        if (id == SETTINGS_MAX || *seen & SETTING_BIT(id) || !setting_has(id, flags))
                return -EBADMSG;
        info = &setting_infos[id];
        if (sd_bus_message_enter_container(m, 'v', info->signature) <= 0)
                return -EBADMSG;
        *seen |= SETTING_BIT(id);
        r = info->type == SETTING_TYPE_SECRET ? read_secret(m, settings, id)
                                              : read_plain(m, settings, id);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_entries(sd_bus_message *m, unsigned flags, JobSettings *settings)
{
        SettingSet seen = 0;
        int r;

        if (sd_bus_message_enter_container(m, 'a', "{sv}") <= 0)
                return -EBADMSG;
        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = read_entry(m, flags, settings, &seen);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

int wire_read_settings(sd_bus_message *m, unsigned flags, JobSettings *ret)
{
        JobSettings settings;
        int r;

        job_settings_init(&settings);
        r = read_entries(m, flags, &settings);
        if (r < 0) {
                job_settings_done(&settings);
                return r == -ENOMEM ? r : -EBADMSG;
        }
        *ret = settings;
        return 0;
}
