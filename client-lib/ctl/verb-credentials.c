/*
 * cred set and cred remove. Passwords come from the terminal or from a descriptor and leave in a
 * sealed memory file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

#define SCHEMES_MAX 6

/* The schemes that take a user name and a password, and that the service can answer with. */
#define SCHEMES_DEFAULT "basic,digest"

#define SCHEMES_ALL "basic,digest,ntlm,negotiate,passport,bearer"

static ExitStatus cred_split(char *text, const char *schemes[static SCHEMES_MAX], size_t *ret_n)
{
        char *rest = NULL;
        size_t n = 0;

        for (char *word = strtok_r(text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
                if (n == SCHEMES_MAX) {
                        ctl_error("There are only %d schemes.", SCHEMES_MAX);
                        return EXIT_USAGE;
                }
                schemes[n++] = word;
        }
        if (n == 0) {
                ctl_error("--scheme= names no scheme.");
                return EXIT_USAGE;
        }
        *ret_n = n;
        return EXIT_DONE;
}

static const char *cred_target(const Ctl *ctl)
{
        return ctl->target ? ctl->target : "server";
}

/* Asks for a token if the scheme is bearer, otherwise for a password. */
static ExitStatus cred_ask(const Ctl *ctl, const char *scheme, Password *password)
{
        bool token = strcmp(scheme, "bearer") == 0;
        char *prompt, *login = ctl_clean(ctl, ctl->login ? ctl->login : "");
        int r;

        if (token)
                r = asprintf(&prompt, "Token for the %s: ", cred_target(ctl));
        else
                r = asprintf(&prompt, "Password of %s for the %s: ", login, cred_target(ctl));
        free(login);
        if (r < 0)
                return ctl_out_of_memory();
        r = password_ask(prompt, password);
        free(prompt);
        if (r >= 0)
                return EXIT_DONE;
        if (r == -ENXIO)
                ctl_error("There is no terminal to ask for the password; use --password-fd=N.");
        else
                ctl_error("Cannot read the password: %s.", strerror(-r));
        return r == -EINTR ? EXIT_INTERRUPTED : EXIT_FAILED;
}

static ExitStatus cred_get_secret(Ctl *ctl, const char *scheme)
{
        int r;

        if (ctl->password_fd < 0 && ctl->no_ask_password) {
                ctl_error("A password is needed; use --password-fd=N.");
                return EXIT_CREDENTIALS;
        }
        if (ctl->password_fd < 0)
                return cred_ask(ctl, scheme, &ctl->password);
        r = password_read(ctl->password_fd, &ctl->password);
        if (r >= 0)
                return EXIT_DONE;
        ctl_error("Cannot read the password from descriptor %d: %s.",
                  ctl->password_fd,
                  strerror(-r));
        return EXIT_FAILED;
}

/* Without a login and a password, ntlm and negotiate mean the owner's own logon. */
static bool cred_is_implicit(const Ctl *ctl, const char *scheme)
{
        return !ctl->login && ctl->password_fd < 0 && !ctl->ask_password &&
               (strcmp(scheme, "ntlm") == 0 || strcmp(scheme, "negotiate") == 0);
}

static const char *cred_schemes(const Ctl *ctl)
{
        return ctl->scheme ? ctl->scheme : SCHEMES_DEFAULT;
}

static bool cred_is_wanted(const Ctl *ctl)
{
        return ctl->login || ctl->scheme || ctl->ask_password || ctl->password_fd >= 0;
}

static ExitStatus cred_read(Ctl *ctl)
{
        const char *scheme = cred_schemes(ctl);

        if (cred_is_implicit(ctl, scheme))
                return EXIT_DONE;
        if (!ctl->login && strcmp(scheme, "bearer") != 0) {
                ctl_error("A user name is needed: --login=NAME");
                return EXIT_USAGE;
        }
        return cred_get_secret(ctl, scheme);
}

static ExitStatus cred_set(Ctl *ctl, const char *id)
{
        char *text = strdup(cred_schemes(ctl));
        const char *schemes[SCHEMES_MAX];
        ExitStatus status;
        size_t n = 0;

        if (!text)
                return ctl_out_of_memory();
        status = cred_split(text, schemes, &n);
        for (size_t i = 0; status == EXIT_DONE && i < n; i++) {
                int r = dosvc_job_set_credentials(ctl->connection,
                                                  id,
                                                  cred_target(ctl),
                                                  schemes[i],
                                                  ctl->login,
                                                  ctl->password.data,
                                                  ctl->password.size);

                if (r < 0)
                        status = ctl_fail(ctl,
                                          r,
                                          "Cannot set the %s credentials for the %s",
                                          schemes[i],
                                          cred_target(ctl));
        }
        free(text);
        return status;
}

ExitStatus ctl_read_credentials(Ctl *ctl)
{
        return cred_is_wanted(ctl) ? cred_read(ctl) : EXIT_DONE;
}

ExitStatus ctl_set_credentials(Ctl *ctl, const char *id)
{
        return cred_is_wanted(ctl) ? cred_set(ctl, id) : EXIT_DONE;
}

static ExitStatus cred_remove(Ctl *ctl, const char *id)
{
        char *text = strdup(ctl->scheme ? ctl->scheme : SCHEMES_ALL);
        const char *schemes[SCHEMES_MAX];
        size_t n, removed = 0;
        ExitStatus status;

        if (!text)
                return ctl_out_of_memory();
        status = cred_split(text, schemes, &n);
        for (size_t i = 0; status == EXIT_DONE && i < n; i++) {
                int r = dosvc_job_remove_credentials(ctl->connection,
                                                     id,
                                                     cred_target(ctl),
                                                     schemes[i]);

                if (r < 0)
                        status = ctl_fail(ctl, r, "Cannot remove the %s credentials", schemes[i]);
                else
                        removed += (size_t) r;
        }
        free(text);
        if (status == EXIT_DONE && removed == 0)
                ctl_note(ctl, "There were none.");
        return status;
}

/* Calls slot() for each pair of target and scheme that is set. */
static void cred_each_slot(const dosvc_values *slots,
                           void (*slot)(void *userdata, const char *target, const char *scheme),
                           void *userdata)
{
        for (size_t i = 0; i < dosvc_values_size(slots); i++) {
                const dosvc_values *pair;
                const char *target, *scheme;

                if (dosvc_values_get_values(slots, dosvc_values_name(slots, i), &pair) >= 0 &&
                    dosvc_values_get_string(pair, "0", &target) >= 0 &&
                    dosvc_values_get_string(pair, "1", &scheme) >= 0)
                        slot(userdata, target, scheme);
        }
}

static void cred_print_slot(void *userdata, const char *target, const char *scheme)
{
        (void) printf("%s %s\n", target, scheme);
}

static void cred_add_slot(void *userdata, const char *target, const char *scheme)
{
        (void) json_array_append_new(
                userdata,
                json_pack("{siss ss}", "schema", 1, "target", target, "scheme", scheme));
}

static ExitStatus cred_list(Ctl *ctl, const char *id)
{
        const dosvc_values *slots;
        dosvc_values *values;
        int r = dosvc_job_get_property(ctl->connection, id, "CredentialSlots", &values);

        if (r < 0)
                return ctl_fail(ctl, r, "Cannot list the credentials");
        if (dosvc_values_get_values(values, "CredentialSlots", &slots) >= 0) {
                if (ctl->json) {
                        json_t *array = json_array();

                        cred_each_slot(slots, cred_add_slot, array);
                        ctl_print_json(ctl, array);
                } else {
                        cred_each_slot(slots, cred_print_slot, NULL);
                }
        }
        dosvc_values_free(values);
        return EXIT_DONE;
}

ExitStatus verb_cred(Ctl *ctl, int argc, char **argv)
{
        bool set = strcmp(argv[0], "set") == 0, list = strcmp(argv[0], "list") == 0;
        char id[DOSVC_ID_SIZE];
        ExitStatus status;

        if (!set && !list && strcmp(argv[0], "remove") != 0) {
                ctl_error("'cred %s' is unknown; there are 'cred set', 'cred list' and 'cred "
                          "remove'.",
                          argv[0]);
                return EXIT_USAGE;
        }
        status = ctl_find_job(ctl, argv[1], id);
        if (status != EXIT_DONE)
                return status;
        if (list)
                return cred_list(ctl, id);
        if (!set)
                return cred_remove(ctl, id);
        status = cred_read(ctl);
        return status == EXIT_DONE ? cred_set(ctl, id) : status;
}
