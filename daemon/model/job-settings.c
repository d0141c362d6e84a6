#include "model/job-settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#include "model/setting-checks.h"

/* ---- the list as data ------------------------------------------------------------------------ */

#define INFO(id, name_, type_, member_, initial_, flags_)                                          \
        [SETTING_##id] = { .name = (name_),                                                        \
                           .signature = SETTING_SIGNATURE_##type_,                                 \
                           .flags = (flags_),                                                      \
                           .offset = offsetof(JobSettings, member_),                               \
                           .initial = (initial_),                                                  \
                           SETTING_INFO_##type_ },

const SettingInfo setting_infos[SETTINGS_MAX] = { JOB_SETTINGS(INFO) };

SettingId setting_find(const char *name)
{
        unsigned id = 0;

        while (id < SETTINGS_MAX && strcmp(setting_infos[id].name, name) != 0)
                id++;
        return (SettingId) id;
}

/* ---- what values mean ------------------------------------------------------------------------ */

bool redirect_policy_reports(RedirectPolicy policy)
{
        return policy == REDIRECT_POLICY_ALLOW_REPORT ||
               policy == REDIRECT_POLICY_ALLOW_REPORT_DOWNGRADE;
}

bool redirect_policy_allows_downgrade(RedirectPolicy policy)
{
        return policy == REDIRECT_POLICY_ALLOW_SILENT_DOWNGRADE ||
               policy == REDIRECT_POLICY_ALLOW_REPORT_DOWNGRADE;
}

/* ---- judging values -------------------------------------------------------------------------- */

/* A longer value would hide the reason, and half of it might not be UTF-8. */
#define QUOTED_MAX 200

void setting_value_done(SettingValue *value)
{
        strings_free(value->texts);
        *value = (SettingValue){ 0 };
}

/* Says that the value is not what the reason asks for; a short value is quoted. */
static void set_fault(SettingFault *fault, const char *value, const char *reason)
{
        if (value && strlen(value) <= QUOTED_MAX)
                (void) snprintf(fault->text, sizeof(fault->text), "'%s' %s", value, reason);
        else
                (void) snprintf(fault->text, sizeof(fault->text), "%s", reason);
}

static void set_names_fault(SettingFault *fault, const char *value, const char *const *names)
{
        char reason[512] = "must be one of ";

        for (; *names; names++) {
                size_t length = strlen(reason);

                (void) snprintf(reason + length,
                                sizeof(reason) - length,
                                "%s%s",
                                *names,
                                names[1] ? ", " : "");
        }
        set_fault(fault, value, reason);
}

static int find_name(const char *const *names, const char *name)
{
        for (int i = 0; names[i]; i++)
                if (strcmp(names[i], name) == 0)
                        return i;
        return -EINVAL;
}

int setting_add_name(SettingId id, const char *name, SettingValue *value, SettingFault *fault)
{
        const SettingInfo *info = &setting_infos[id];
        int found = find_name(info->names, name);

        if (found < 0) {
                set_names_fault(fault, name, info->names);
                /* A flag that is missing here may exist elsewhere, as those of the original do. */
                return info->type == SETTING_TYPE_FLAGS ? -EOPNOTSUPP : -EINVAL;
        }
        if (info->type == SETTING_TYPE_FLAGS)
                value->number |= UINT64_C(1) << found;
        else
                value->number = (uint64_t) found;
        return 0;
}

static int check_text(const SettingInfo *info, const SettingValue *value, SettingFault *fault)
{
        const char *reason = "is not valid";
        int r = str_is_empty(value->text) ? 0 : info->check(value->text, &reason);

        if (r < 0)
                set_fault(fault, value->text, reason);
        return r;
}

static int check_number(const SettingInfo *info, uint64_t number, SettingFault *fault)
{
        if (number >= info->min && number <= info->max)
                return 0;
        (void) snprintf(fault->text,
                        sizeof(fault->text),
                        "must be between %" PRIu64 " and %" PRIu64,
                        info->min,
                        info->max);
        return -EINVAL;
}

/* Replaces each entry by its normal form. */
static int check_texts(const SettingInfo *info, SettingValue *value, SettingFault *fault)
{
        for (char **entry = value->texts; entry && *entry; entry++) {
                const char *reason = "is not valid";
                char *normal = NULL;
                int r = info->normalize(*entry, &normal, &reason);

                if (r < 0) {
                        set_fault(fault, *entry, reason);
                        return r;
                }
                free(*entry);
                *entry = normal;
        }
        return 0;
}

int setting_check_size(SettingId id, const SettingValue *value, SettingFault *fault)
{
        uint64_t size = 0;

        for (char **entry = value->texts; entry && *entry; entry++)
                size += strlen(*entry) + 1;
        if (size <= setting_infos[id].max)
                return 0;
        (void) snprintf(fault->text,
                        sizeof(fault->text),
                        "must have at most %" PRIu64 " characters",
                        setting_infos[id].max);
        return -E2BIG;
}

int setting_check(SettingId id, SettingValue *value, SettingFault *fault)
{
        const SettingInfo *info = &setting_infos[id];

        switch (info->type) {
        case SETTING_TYPE_TEXT:
                return check_text(info, value, fault);
        case SETTING_TYPE_TEXTS:
                return check_texts(info, value, fault);
        case SETTING_TYPE_BOOL:
        case SETTING_TYPE_U32:
        case SETTING_TYPE_U64:
        case SETTING_TYPE_CHOICE:
        case SETTING_TYPE_FLAGS:
        case SETTING_TYPE_SECRET:
        default:
                return check_number(info, value->number, fault);
        }
}

/* ---- settings -------------------------------------------------------------------------------- */

const void *setting_member(const JobSettings *settings, SettingId id)
{
        return (const char *) settings + setting_infos[id].offset;
}

static void *member_of(JobSettings *settings, SettingId id)
{
        return (char *) settings + setting_infos[id].offset;
}

uint64_t setting_number(const JobSettings *settings, SettingId id)
{
        const void *member = setting_member(settings, id);

        switch (setting_infos[id].type) {
        case SETTING_TYPE_BOOL:
                return *(const bool *) member;
        case SETTING_TYPE_U32:
                return *(const uint32_t *) member;
        case SETTING_TYPE_U64:
                return *(const uint64_t *) member;
        case SETTING_TYPE_CHOICE:
        case SETTING_TYPE_FLAGS:
                return *(const unsigned *) member;
        case SETTING_TYPE_TEXT:
        case SETTING_TYPE_TEXTS:
        case SETTING_TYPE_SECRET:
        default:
                return 0;
        }
}

bool setting_is_default(const JobSettings *settings, SettingId id)
{
        const void *member = setting_member(settings, id);

        switch (setting_infos[id].type) {
        case SETTING_TYPE_TEXT:
                return str_is_empty(*(char *const *) member);
        case SETTING_TYPE_TEXTS:
                return strings_count(*(char **const *) member) == 0;
        case SETTING_TYPE_SECRET:
                return !*(Secret *const *) member;
        case SETTING_TYPE_BOOL:
        case SETTING_TYPE_U32:
        case SETTING_TYPE_U64:
        case SETTING_TYPE_CHOICE:
        case SETTING_TYPE_FLAGS:
        default:
                return setting_number(settings, id) == setting_infos[id].initial;
        }
}

bool setting_is_stored(SettingId id)
{
        return setting_infos[id].type != SETTING_TYPE_SECRET &&
               !(setting_infos[id].flags & SETTING_OF_ORDER);
}

static void set_number(JobSettings *settings, SettingId id, uint64_t number)
{
        void *member = member_of(settings, id);

        switch (setting_infos[id].type) {
        case SETTING_TYPE_BOOL:
                *(bool *) member = number != 0;
                break;
        case SETTING_TYPE_U32:
                *(uint32_t *) member = (uint32_t) number;
                break;
        case SETTING_TYPE_U64:
                *(uint64_t *) member = number;
                break;
        case SETTING_TYPE_CHOICE:
        case SETTING_TYPE_FLAGS:
                *(unsigned *) member = (unsigned) number;
                break;
        case SETTING_TYPE_TEXT:
        case SETTING_TYPE_TEXTS:
        case SETTING_TYPE_SECRET:
        default:
                break;
        }
}

/* "" is stored as NULL, so that a setting that is not set costs no memory. */
static int set_text(char **member, const char *text)
{
        if (!str_is_empty(text))
                return str_set(member, text);
        free(*member);
        *member = NULL;
        return 0;
}

static int set_texts(char ***member, char *const *texts)
{
        char **copy = NULL;
        int r = strings_count(texts) > 0 ? strings_copy(texts, &copy) : 0;

        if (r < 0)
                return r;
        strings_free(*member);
        *member = copy;
        return 0;
}

int setting_set(JobSettings *settings, SettingId id, const SettingValue *value)
{
        switch (setting_infos[id].type) {
        case SETTING_TYPE_TEXT:
                return set_text(member_of(settings, id), value->text);
        case SETTING_TYPE_TEXTS:
                return set_texts(member_of(settings, id), value->texts);
        case SETTING_TYPE_BOOL:
        case SETTING_TYPE_U32:
        case SETTING_TYPE_U64:
        case SETTING_TYPE_CHOICE:
        case SETTING_TYPE_FLAGS:
        case SETTING_TYPE_SECRET:
        default:
                set_number(settings, id, value->number);
                return 0;
        }
}

/* An empty text or list needs no memory, so that this cannot fail. */
void setting_reset(JobSettings *settings, SettingId id)
{
        (void) setting_set(settings, id, &(SettingValue){ .number = setting_infos[id].initial });
}

bool setting_has(SettingId id, unsigned flags)
{
        return (setting_infos[id].flags & flags) == flags;
}

static bool same_texts(char *const *a, char *const *b)
{
        size_t n = strings_count(a);

        if (strings_count(b) != n)
                return false;
        for (size_t i = 0; i < n; i++)
                if (!str_equal(a[i], b[i]))
                        return false;
        return true;
}

/* Secrets are not looked into: two of them count as different. */
static bool is_same(const JobSettings *settings, const JobSettings *other, SettingId id)
{
        const void *a = setting_member(settings, id), *b = setting_member(other, id);

        switch (setting_infos[id].type) {
        case SETTING_TYPE_TEXT:
                return str_is_empty(*(char *const *) a)
                               ? str_is_empty(*(char *const *) b)
                               : str_equal(*(char *const *) a, *(char *const *) b);
        case SETTING_TYPE_TEXTS:
                return same_texts(*(char **const *) a, *(char **const *) b);
        case SETTING_TYPE_SECRET:
                return !*(Secret *const *) a && !*(Secret *const *) b;
        case SETTING_TYPE_BOOL:
        case SETTING_TYPE_U32:
        case SETTING_TYPE_U64:
        case SETTING_TYPE_CHOICE:
        case SETTING_TYPE_FLAGS:
        default:
                return setting_number(settings, id) == setting_number(other, id);
        }
}

#define SETTING_EXCHANGE(id, name, type, member_, initial, flags_)                                 \
        if (setting_has(SETTING_##id, flags)) {                                                    \
                SETTING_C_##type kept = settings->member_;                                         \
                if (!is_same(settings, other, SETTING_##id))                                       \
                        differing |= SETTING_BIT(SETTING_##id);                                    \
                settings->member_ = other->member_;                                                \
                other->member_ = kept;                                                             \
        }

SettingSet job_settings_exchange(JobSettings *settings, JobSettings *other, unsigned flags)
{
        SettingSet differing = 0;

        JOB_SETTINGS(SETTING_EXCHANGE)
        return differing;
}

void job_settings_init(JobSettings *settings)
{
        *settings = (JobSettings){ 0 };
        for (unsigned id = 0; id < SETTINGS_MAX; id++)
                set_number(settings, (SettingId) id, setting_infos[id].initial);
}

static int copy_secret(Secret **member, const Secret *from)
{
        return from ? secret_new_copy(secret_data(from), secret_size(from), member) : 0;
}

static int copy_setting(JobSettings *settings, const JobSettings *from, SettingId id)
{
        const void *member = setting_member(from, id);

        switch (setting_infos[id].type) {
        case SETTING_TYPE_TEXT:
                return set_text(member_of(settings, id), *(char *const *) member);
        case SETTING_TYPE_TEXTS:
                return set_texts(member_of(settings, id), *(char **const *) member);
        case SETTING_TYPE_SECRET:
                return copy_secret(member_of(settings, id), *(Secret *const *) member);
        case SETTING_TYPE_BOOL:
        case SETTING_TYPE_U32:
        case SETTING_TYPE_U64:
        case SETTING_TYPE_CHOICE:
        case SETTING_TYPE_FLAGS:
        default:
                set_number(settings, id, setting_number(from, id));
                return 0;
        }
}

int job_settings_copy(JobSettings *settings, const JobSettings *from)
{
        JobSettings copy = { 0 };
        int r = 0;

        for (unsigned id = 0; r >= 0 && id < SETTINGS_MAX; id++)
                r = copy_setting(&copy, from, (SettingId) id);
        if (r < 0) {
                job_settings_done(&copy);
                return r;
        }
        *settings = copy;
        return 0;
}

void job_settings_done(JobSettings *settings)
{
        for (unsigned id = 0; id < SETTINGS_MAX; id++) {
                void *member = member_of(settings, (SettingId) id);

                if (setting_infos[id].type == SETTING_TYPE_TEXT)
                        free(*(char **) member);
                else if (setting_infos[id].type == SETTING_TYPE_TEXTS)
                        strings_free(*(char ***) member);
                else if (setting_infos[id].type == SETTING_TYPE_SECRET)
                        secret_free(*(Secret **) member);
        }
        *settings = (JobSettings){ 0 };
}

/* ---- as text --------------------------------------------------------------------------------- */

static int format_flags(const char *const *names, uint64_t flags, char **ret)
{
        _cleanup_(strings_freep) char **set = NULL;
        int r = strings_copy(NULL, &set);

        for (unsigned i = 0; r >= 0 && names[i]; i++)
                if (flags & UINT64_C(1) << i)
                        r = strings_append(&set, names[i]);
        return r < 0 ? r : strings_to_lines(set, ret);
}

int setting_format(const JobSettings *settings, SettingId id, char **ret)
{
        const SettingInfo *info = &setting_infos[id];
        const void *member = setting_member(settings, id);
        const char *text;

        switch (info->type) {
        case SETTING_TYPE_TEXT:
                text = *(char *const *) member;
                return str_set(ret, text ? text : "");
        case SETTING_TYPE_TEXTS:
                return strings_to_lines(*(char **const *) member, ret);
        case SETTING_TYPE_CHOICE:
                return str_set(ret, info->names[setting_number(settings, id)]);
        case SETTING_TYPE_FLAGS:
                return format_flags(info->names, setting_number(settings, id), ret);
        case SETTING_TYPE_BOOL:
        case SETTING_TYPE_U32:
        case SETTING_TYPE_U64:
        case SETTING_TYPE_SECRET:
        default:
                return str_format(ret, "%" PRIu64, setting_number(settings, id));
        }
}

static uint64_t largest_number(SettingType type)
{
        return type == SETTING_TYPE_BOOL ? 1 : type == SETTING_TYPE_U32 ? UINT32_MAX : UINT64_MAX;
}

static int parse_names(SettingId id, char *const *names, SettingValue *value)
{
        int r = 0;

        for (; r >= 0 && *names; names++)
                r = setting_add_name(id, *names, value, &(SettingFault){ 0 });
        return r < 0 ? -EINVAL : 0;
}

int setting_parse(JobSettings *settings, SettingId id, const char *text)
{
        const SettingInfo *info = &setting_infos[id];
        SettingValue value = { .text = text };
        int r = 0;

        if (info->type == SETTING_TYPE_TEXTS || info->names)
                r = strings_from_lines(text, &value.texts);
        else if (info->type != SETTING_TYPE_TEXT)
                r = str_parse_u64(text, largest_number(info->type), &value.number) < 0 ? -EINVAL
                                                                                       : 0;
        if (r >= 0 && info->type == SETTING_TYPE_CHOICE && strings_count(value.texts) != 1)
                r = -EINVAL;
        if (r >= 0 && info->names)
                r = parse_names(id, value.texts, &value);
        if (r >= 0)
                r = setting_set(settings, id, &value);
        setting_value_done(&value);
        return r;
}
