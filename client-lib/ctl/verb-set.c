/*
 * set, and the options that say the same when a job is made.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

#define LIST_MAX 64

/* Splits text, which is changed, at commas and spaces; the list ends with NULL. */
static bool set_split(char *text, const char *list[static LIST_MAX + 1])
{
        char *rest = NULL;
        size_t n = 0;

        for (char *word = strtok_r(text, ", ", &rest); word; word = strtok_r(NULL, ", ", &rest)) {
                if (n == LIST_MAX)
                        return false;
                list[n++] = word;
        }
        list[n] = NULL;
        return true;
}

static ExitStatus set_too_many(void)
{
        ctl_error("More than %d hosts are too many.", LIST_MAX);
        return EXIT_USAGE;
}

/* "none", "preconfig" and "autodetect" are usages; anything else is a list of proxies. */
static int set_proxy(Ctl *ctl, const char *id, char *value, const char *const *bypass)
{
        const char *proxies[LIST_MAX + 1];

        if (strcmp(value, "none") == 0 || strcmp(value, "preconfig") == 0 ||
            strcmp(value, "autodetect") == 0)
                return dosvc_job_set_proxy(ctl->connection, id, value, NULL, NULL);
        if (!set_split(value, proxies))
                return -E2BIG;
        return dosvc_job_set_proxy(ctl->connection, id, "override", proxies, bypass);
}

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
        const char *bypass[LIST_MAX + 1];
        dosvc_job_info *info;
        int r;

        if (!set_split(value, bypass))
                return set_too_many();
        r = dosvc_job_get_info(ctl->connection, id, &info);
        if (r < 0)
                return ctl_fail(ctl, r, "Cannot look at %s", id);
        r = dosvc_job_set_proxy(ctl->connection,
                                id,
                                dosvc_job_info_proxy_usage(info),
                                dosvc_job_info_proxies(info),
                                bypass);
        dosvc_job_info_free(info);
        return r < 0 ? ctl_fail(ctl, r, "Cannot set the hosts that need no proxy") : EXIT_DONE;
}

static ExitStatus set_key_name(Ctl *ctl, const char *id, char *value)
{
        int r = dosvc_job_set_display_name(ctl->connection, id, value);

        return r < 0 ? ctl_fail(ctl, r, "Cannot set the display name") : EXIT_DONE;
}

static ExitStatus set_key_description(Ctl *ctl, const char *id, char *value)
{
        int r = dosvc_job_set_description(ctl->connection, id, value);

        return r < 0 ? ctl_fail(ctl, r, "Cannot set the description") : EXIT_DONE;
}

static ExitStatus set_key_priority(Ctl *ctl, const char *id, char *value)
{
        int r = dosvc_job_set_priority(ctl->connection, id, value);

        return r < 0 ? ctl_fail(ctl, r, "Cannot set the priority") : EXIT_DONE;
}

static ExitStatus set_key_redirect(Ctl *ctl, const char *id, char *value)
{
        int r = dosvc_job_set_redirect_policy(ctl->connection, id, value);

        return r < 0 ? ctl_fail(ctl, r, "Cannot set the redirect policy") : EXIT_DONE;
}

static ExitStatus set_key_security(Ctl *ctl, const char *id, char *value)
{
        const char *flags[LIST_MAX + 1];
        int r;

        if (!set_split(value, flags)) {
                ctl_error("More than %d flags are too many.", LIST_MAX);
                return EXIT_USAGE;
        }
        r = dosvc_job_set_security_flags(ctl->connection, id, flags);
        return r < 0 ? ctl_fail(ctl, r, "Cannot set the security flags") : EXIT_DONE;
}

static ExitStatus set_key_authorities(Ctl *ctl, const char *id, char *value)
{
        int r = dosvc_job_set_ca_certificate(ctl->connection, id, value);

        return r < 0 ? ctl_fail(ctl, r, "Cannot set the certificate authorities") : EXIT_DONE;
}

static ExitStatus set_key_ticket_cache(Ctl *ctl, const char *id, char *value)
{
        int r = dosvc_job_set_ticket_cache(ctl->connection, id, value);

        return r < 0 ? ctl_fail(ctl, r, "Cannot set the ticket cache") : EXIT_DONE;
}

static const struct {
        const char *key;
        ExitStatus (*set)(Ctl *ctl, const char *id, char *value);
} set_keys[] = {
        { "display-name", set_key_name },         { "description", set_key_description },
        { "priority", set_key_priority },         { "proxy", set_key_proxy },
        { "proxy-bypass", set_key_bypass },       { "redirect-policy", set_key_redirect },
        { "security-flags", set_key_security },   { "ca-certificate", set_key_authorities },
        { "ticket-cache", set_key_ticket_cache },
};

static ExitStatus set_assignment(Ctl *ctl, const char *id, char *assignment)
{
        char *equals = strchr(assignment, '=');

        if (!equals) {
                ctl_error("'%s' is not KEY=VALUE.", assignment);
                return EXIT_USAGE;
        }
        *equals = '\0';
        for (size_t i = 0; i < sizeof(set_keys) / sizeof(set_keys[0]); i++)
                if (strcmp(set_keys[i].key, assignment) == 0)
                        return set_keys[i].set(ctl, id, equals + 1);
        ctl_error("There is no key '%s'. Keys are: display-name, description, priority, proxy, "
                  "proxy-bypass, redirect-policy, security-flags, ca-certificate, ticket-cache.",
                  assignment);
        return EXIT_USAGE;
}

ExitStatus verb_set(Ctl *ctl, int argc, char **argv)
{
        char id[DOSVC_ID_SIZE];
        ExitStatus status = ctl_find_job(ctl, argv[0], id);

        for (int i = 1; status == EXIT_DONE && i < argc; i++)
                status = set_assignment(ctl, id, argv[i]);
        return status;
}

/* The service opens the file, from another directory. */
static ExitStatus set_authorities_of_caller(Ctl *ctl, const char *id)
{
        char *path = realpath(ctl->ca_certificate, NULL);
        ExitStatus status;

        if (!path) {
                ctl_error("Cannot find %s: %s.", ctl->ca_certificate, strerror(errno));
                return EXIT_USAGE;
        }
        status = set_key_authorities(ctl, id, path);
        free(path);
        return status;
}

ExitStatus ctl_set_options(Ctl *ctl, const char *id)
{
        const struct {
                const char *value;
                ExitStatus (*set)(Ctl *ctl, const char *id, char *value);
        } options[] = {
                { ctl->description, set_key_description },
                { ctl->priority, set_key_priority },
                { ctl->proxy, set_key_proxy },
        };
        ExitStatus status = EXIT_DONE;

        for (size_t i = 0; status == EXIT_DONE && i < sizeof(options) / sizeof(options[0]); i++) {
                char *value;

                if (!options[i].value)
                        continue;
                value = strdup(options[i].value);
                if (!value)
                        return ctl_out_of_memory();
                status = options[i].set(ctl, id, value);
                free(value);
        }
        if (status == EXIT_DONE && ctl->ca_certificate)
                status = set_authorities_of_caller(ctl, id);
        if (status == EXIT_DONE && ctl->n_headers > 0) {
                int r = dosvc_job_set_headers(ctl->connection,
                                              id,
                                              (const char *const *) ctl->headers);

                if (r < 0)
                        status = ctl_fail(ctl, r, "Cannot set the headers");
        }
        return status;
}
