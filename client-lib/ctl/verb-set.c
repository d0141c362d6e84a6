/*
 * set, and the options that say the same when a job is made. The keys are what the service says can
 * be written, so that a property that came after this program is set like all others; a few have
 * short names or a form of their own besides.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/property.h"

/* "none", "preconfig" and "autodetect" are usages; anything else is a list of proxies. */
static int set_proxy(Ctl *ctl, const char *id, char *value, const char *const *bypass)
{
        const char **proxies;
        int r;

        if (strcmp(value, "none") == 0 || strcmp(value, "preconfig") == 0 ||
            strcmp(value, "autodetect") == 0)
                return dosvc_job_set_proxy(ctl->connection, id, value, NULL, NULL);
        proxies = property_split(value);
        if (!proxies)
                exit((int) ctl_out_of_memory());
        r = dosvc_job_set_proxy(ctl->connection, id, "override", proxies, bypass);
        free(proxies);
        return r;
}

/* Usage and hosts are one property, of which a key changes a part. */
static ExitStatus set_key_proxy(Ctl *ctl, const char *id, char *value)
{
        dosvc_job_info *info;
        int r;

        r = dosvc_job_get_info(ctl->connection, id, &info);
        if (r < 0)
                return ctl_fail(ctl, r, "Cannot look at %s", id);
        r = set_proxy(ctl, id, value, dosvc_job_info_proxy_bypass(info));
        dosvc_job_info_free(info);
        return r < 0 ? ctl_fail(ctl, r, "Cannot set the proxy") : EXIT_DONE;
}

static ExitStatus set_key_bypass(Ctl *ctl, const char *id, char *value)
{
        const char **bypass = property_split(value);
        dosvc_job_info *info;
        int r;

        if (!bypass)
                return ctl_out_of_memory();
        r = dosvc_job_get_info(ctl->connection, id, &info);
        if (r >= 0) {
                r = dosvc_job_set_proxy(ctl->connection,
                                        id,
                                        dosvc_job_info_proxy_usage(info),
                                        dosvc_job_info_proxies(info),
                                        bypass);
                dosvc_job_info_free(info);
        }
        free(bypass);
        return r < 0 ? ctl_fail(ctl, r, "Cannot set the hosts that need no proxy") : EXIT_DONE;
}

static ExitStatus set_no_headers(const char *id)
{
        ctl_error("Headers may be secret, and every user can read command lines; write them to "
                  "the standard input of: dosvcctl header set %s",
                  id);
        return EXIT_USAGE;
}

/* Keys that are no property's own name: another name for one, or a form of their own. */
static const struct {
        const char *key;
        const char *property;
        ExitStatus (*set)(Ctl *ctl, const char *id, char *value);
} set_keys[] = {
        { "proxy", "ProxySettings", set_key_proxy },
        { "proxy-bypass", "ProxySettings", set_key_bypass },
        { "retry-delay", "MinimumRetryDelay", NULL },
};

#define N_KEYS (sizeof(set_keys) / sizeof(set_keys[0]))

/* Whether one text can be made the property's value. */
static bool set_is_possible(const dosvc_values *settings, const char *property)
{
        switch (dosvc_values_type(settings, property)) {
        case DOSVC_TYPE_STRING:
        case DOSVC_TYPE_STRINGS:
        case DOSVC_TYPE_NUMBER:
        case DOSVC_TYPE_BOOLEAN:
                return true;
        default:
                return false;
        }
}

static ExitStatus set_unknown_key(const dosvc_values *settings, const char *key)
{
        char *keys = NULL;
        size_t size;
        FILE *out = open_memstream(&keys, &size);

        if (!out)
                return ctl_out_of_memory();
        for (size_t i = 0; i < dosvc_values_size(settings); i++) {
                const char *property = dosvc_values_name(settings, i);
                char *words = property_words(property, '-');

                if (words && set_is_possible(settings, property))
                        (void) fprintf(out, ", %s", words);
                free(words);
        }
        for (size_t i = 0; i < N_KEYS; i++)
                if (dosvc_values_type(settings, set_keys[i].property) != DOSVC_TYPE_NONE)
                        (void) fprintf(out, ", %s", set_keys[i].key);
        (void) fclose(out);
        ctl_error("There is no key '%s'. Keys are: %s.", key, *keys ? keys + 2 : "none");
        free(keys);
        return EXIT_USAGE;
}

static ExitStatus set_bad_value(const char *key, const char *value, const char *form)
{
        ctl_error("%s: '%s' is not %s.", key, value, form);
        return EXIT_USAGE;
}

static int set_strings(Ctl *ctl, const char *id, const char *property, char *value)
{
        const char **list = property_split(value);
        int r;

        if (!list)
                exit((int) ctl_out_of_memory());
        r = dosvc_job_set_strings(ctl->connection, id, property, list);
        free(list);
        return r;
}

/* key is the property as the user called it. */
static ExitStatus set_property(Ctl *ctl,
                               const char *id,
                               const dosvc_values *settings,
                               const char *property,
                               const char *key,
                               char *value)
{
        uint64_t number;
        int r, boolean;

        switch (dosvc_values_type(settings, property)) {
        case DOSVC_TYPE_STRING:
                r = dosvc_job_set_string(ctl->connection, id, property, value);
                break;
        case DOSVC_TYPE_STRINGS:
                r = set_strings(ctl, id, property, value);
                break;
        case DOSVC_TYPE_NUMBER:
                if (property_parse_number(property, value, &number) < 0)
                        return set_bad_value(key, value, property_number_form(property));
                r = dosvc_job_set_number(ctl->connection, id, property, number);
                break;
        case DOSVC_TYPE_BOOLEAN:
                if (property_parse_boolean(value, &boolean) < 0)
                        return set_bad_value(key, value, "yes or no");
                r = dosvc_job_set_boolean(ctl->connection, id, property, boolean);
                break;
        default:
                return set_unknown_key(settings, key);
        }
        return r < 0 ? ctl_fail(ctl, r, "Cannot set %s", key) : EXIT_DONE;
}

static ExitStatus
set_assignment(Ctl *ctl, const char *id, const dosvc_values *settings, char *assignment)
{
        char *value = strchr(assignment, '=');

        if (!value) {
                ctl_error("'%s' is not KEY=VALUE.", assignment);
                return EXIT_USAGE;
        }
        *value++ = '\0';
        if (property_is_called("CustomHeaders", assignment))
                return set_no_headers(id);
        for (size_t i = 0; i < N_KEYS; i++) {
                if (strcmp(set_keys[i].key, assignment) != 0)
                        continue;
                if (dosvc_values_type(settings, set_keys[i].property) == DOSVC_TYPE_NONE)
                        return set_unknown_key(settings, assignment);
                if (set_keys[i].set)
                        return set_keys[i].set(ctl, id, value);
                return set_property(ctl, id, settings, set_keys[i].property, assignment, value);
        }
        for (size_t i = 0; i < dosvc_values_size(settings); i++) {
                const char *property = dosvc_values_name(settings, i);

                if (property_is_called(property, assignment))
                        return set_property(ctl, id, settings, property, assignment, value);
        }
        return set_unknown_key(settings, assignment);
}

static void set_show_list(const char *key, const char *const *list)
{
        (void) printf("%s=", key);
        for (size_t i = 0; list[i]; i++)
                (void) printf("%s%s", i > 0 ? "," : "", list[i]);
        (void) putchar('\n');
}

static void set_show_proxy(const dosvc_job_info *settings)
{
        const char *usage = dosvc_job_info_proxy_usage(settings);

        if (strcmp(usage, "override") == 0)
                set_show_list("proxy", dosvc_job_info_proxies(settings));
        else
                (void) printf("proxy=%s\n", usage);
        set_show_list("proxy-bypass", dosvc_job_info_proxy_bypass(settings));
}

static void set_show_key(const Ctl *ctl, const dosvc_values *settings, const char *property)
{
        char *key = property_words(property, '-'), *text = property_text(settings, property);
        char *clean;

        if (!key || !text)
                exit((int) ctl_out_of_memory());
        clean = ctl_clean(ctl, text);
        (void) printf("%s=%s\n", key, clean);
        free(key);
        free(text);
        free(clean);
}

/* Keys with their values, for people who look for one, and for the completion. */
static void set_show_keys(const Ctl *ctl, const dosvc_values *settings)
{
        for (size_t i = 0; i < dosvc_values_size(settings); i++) {
                const char *property = dosvc_values_name(settings, i);

                if (set_is_possible(settings, property))
                        set_show_key(ctl, settings, property);
                else if (strcmp(property, "ProxySettings") == 0)
                        set_show_proxy(settings);
        }
}

ExitStatus verb_set(Ctl *ctl, int argc, char **argv)
{
        char id[DOSVC_ID_SIZE];
        ExitStatus status = ctl_find_job(ctl, argv[0], id);
        dosvc_values *settings;
        int r;

        if (status != EXIT_DONE)
                return status;
        r = dosvc_job_get_settings(ctl->connection, id, &settings);
        if (r < 0)
                return ctl_fail(ctl, r, "Cannot look at %s", argv[0]);
        if (argc == 1 && ctl->json)
                ctl_print_json(ctl, ctl_json_properties(settings));
        else if (argc == 1)
                set_show_keys(ctl, settings);
        for (int i = 1; status == EXIT_DONE && i < argc; i++)
                status = set_assignment(ctl, id, settings, argv[i]);
        dosvc_values_free(settings);
        return status;
}

/* The service opens the file, from another directory. */
static ExitStatus set_authorities(Ctl *ctl, const char *id)
{
        char *path = realpath(ctl->ca_certificate, NULL);
        int r;

        if (!path) {
                ctl_error("Cannot find %s: %s.", ctl->ca_certificate, strerror(errno));
                return EXIT_USAGE;
        }
        r = dosvc_job_set_ca_certificate(ctl->connection, id, path);
        free(path);
        return r < 0 ? ctl_fail(ctl, r, "Cannot set the certificate authorities") : EXIT_DONE;
}

static ExitStatus set_headers(Ctl *ctl, const char *id)
{
        const char **lines = calloc(ctl->headers.n + 2, sizeof(*lines));
        char *agent = NULL;
        size_t n = 0;
        int r;

        if (!lines ||
            (ctl->user_agent && asprintf(&agent, "User-Agent: %s", ctl->user_agent) < 0)) {
                free((void *) lines);
                return ctl_out_of_memory();
        }
        while (n < ctl->headers.n) {
                lines[n] = ctl->headers.words[n];
                n++;
        }
        lines[n] = agent;
        r = dosvc_job_set_headers(ctl->connection, id, lines);
        free((void *) lines);
        free(agent);
        return r < 0 ? ctl_fail(ctl, r, "Cannot set the headers") : EXIT_DONE;
}

static ExitStatus set_option(Ctl *ctl, const char *id, const char *property, const char *value)
{
        int r = value ? dosvc_job_set_string(ctl->connection, id, property, value) : 0;

        return r < 0 ? ctl_fail(ctl, r, "Cannot set %s", property) : EXIT_DONE;
}

ExitStatus ctl_set_options(Ctl *ctl, const char *id)
{
        ExitStatus status = set_option(ctl, id, "Description", ctl->description);
        char *proxy;

        if (status == EXIT_DONE)
                status = set_option(ctl, id, "Priority", ctl->priority);
        if (status == EXIT_DONE && ctl->ca_certificate)
                status = set_authorities(ctl, id);
        if (status == EXIT_DONE && (ctl->headers.n > 0 || ctl->user_agent))
                status = set_headers(ctl, id);
        if (status != EXIT_DONE || !ctl->proxy)
                return status;
        proxy = strdup(ctl->proxy);
        if (!proxy)
                return ctl_out_of_memory();
        status = set_key_proxy(ctl, id, proxy);
        free(proxy);
        return status;
}
