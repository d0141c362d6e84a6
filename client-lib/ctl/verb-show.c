/*
 * list, show, status, explain: looking, for people and for programs.
 */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/format.h"
#include "ctl/property.h"
#include "ctl/table.h"

/* -------------------------------------------------------------------- properties */

/* A walk through the properties of a job, and where it leaves what it finds. */
typedef struct Show {
        const Ctl *ctl;
        const dosvc_job_info *info;
        json_t *object;
        const char *looked_for;
        bool found;
} Show;

static bool show_is_called(const PropertyRow *row, const char *name)
{
        return property_is_called(row->name, name) || property_is_called(row->property, name);
}

static bool show_is_wanted(const Ctl *ctl, const PropertyRow *row)
{
        for (size_t i = 0; i < ctl->properties.n; i++)
                if (show_is_called(row, ctl->properties.words[i]))
                        return true;
        return ctl->properties.n == 0;
}

/* On the bus ErrorFile is an object; it is shown as the number of the file. */
static bool show_is_file(const PropertyRow *row)
{
        return strcmp(row->name, "ErrorFile") == 0;
}

static void show_print_value(const Show *show, const PropertyRow *row)
{
        int64_t file = dosvc_job_info_error_file(show->info);
        char *text, *clean;

        if (show_is_file(row)) {
                if (file >= 0)
                        (void) printf("%" PRId64, file);
                return;
        }
        text = property_text(row->values, row->member);
        if (!text)
                exit((int) ctl_out_of_memory());
        clean = ctl_clean(show->ctl, text);
        (void) fputs(clean, stdout);
        free(clean);
        free(text);
}

static void show_print_row(void *userdata, const PropertyRow *row)
{
        const Show *show = userdata;

        if (!show_is_wanted(show->ctl, row))
                return;
        if (!show->ctl->value_only)
                (void) printf("%s=", row->name);
        show_print_value(show, row);
        (void) putchar('\n');
}

static void show_json_row(void *userdata, const PropertyRow *row)
{
        const Show *show = userdata;
        int64_t file = dosvc_job_info_error_file(show->info);
        json_t *value;
        char *key;

        if (show->ctl && !show_is_wanted(show->ctl, row))
                return;
        if (show_is_file(row))
                value = file < 0 ? json_null() : json_integer(file);
        else
                value = property_json(row->values, row->member);
        key = property_words(row->name, '_');
        if (!key)
                exit((int) ctl_out_of_memory());
        (void) json_object_set_new(show->object, key, value);
        free(key);
}

static json_t *show_json(const Ctl *ctl, const dosvc_job_info *info)
{
        Show show = { .ctl = ctl, .info = info, .object = json_pack("{si}", "schema", 1) };

        property_each(info, show_json_row, &show);
        return show.object;
}

json_t *ctl_json_properties(const dosvc_values *properties)
{
        return show_json(NULL, properties);
}

static ExitStatus show_get(Ctl *ctl, const char *argument, dosvc_job_info **ret)
{
        char id[DOSVC_ID_SIZE];
        ExitStatus status = ctl_find_job(ctl, argument, id);
        int r;

        if (status != EXIT_DONE)
                return status;
        r = dosvc_job_get_info(ctl->connection, id, ret);
        return r < 0 ? ctl_fail(ctl, r, "Cannot look at %s", argument) : EXIT_DONE;
}

static void show_look_for_row(void *userdata, const PropertyRow *row)
{
        Show *show = userdata;

        if (show_is_called(row, show->looked_for))
                show->found = true;
}

static ExitStatus show_check_names(const Ctl *ctl, const dosvc_job_info *info)
{
        for (size_t i = 0; i < ctl->properties.n; i++) {
                Show show = { .looked_for = ctl->properties.words[i] };

                property_each(info, show_look_for_row, &show);
                if (show.found)
                        continue;
                ctl_error("The service has no property '%s' of a job; 'dosvcctl show JOB' names "
                          "them all.",
                          show.looked_for);
                return EXIT_USAGE;
        }
        return EXIT_DONE;
}

ExitStatus verb_show(Ctl *ctl, int argc, char **argv)
{
        Show show = { .ctl = ctl };
        dosvc_job_info *info;
        ExitStatus status = show_get(ctl, argv[0], &info);

        if (status != EXIT_DONE)
                return status;
        show.info = info;
        status = show_check_names(ctl, info);
        if (status == EXIT_DONE && ctl->json)
                ctl_print_json(ctl, show_json(ctl, info));
        else if (status == EXIT_DONE)
                property_each(info, show_print_row, &show);
        dosvc_job_info_free(info);
        return status;
}

/* -------------------------------------------------------------------------- list */

static const char *list_owner_name(char buffer[static FORMAT_SIZE], uint32_t uid)
{
        const struct passwd *entry = getpwuid((uid_t) uid);

        if (entry && strlen(entry->pw_name) < FORMAT_SIZE)
                (void) snprintf(buffer, FORMAT_SIZE, "%s", entry->pw_name);
        else
                (void) snprintf(buffer, FORMAT_SIZE, "%" PRIu32, uid);
        return buffer;
}

static json_t *list_json_row(const dosvc_job_list *list, size_t i)
{
        return json_pack("{siss sIss ssss so so}",
                         "schema",
                         1,
                         "id",
                         dosvc_job_list_id(list, i),
                         "owner",
                         (json_int_t) dosvc_job_list_owner(list, i),
                         "display_name",
                         dosvc_job_list_display_name(list, i),
                         "type",
                         dosvc_job_list_type(list, i),
                         "state",
                         dosvc_job_list_state(list, i),
                         "bytes_transferred",
                         ctl_json_size(dosvc_job_list_bytes_transferred(list, i)),
                         "bytes_total",
                         ctl_json_size(dosvc_job_list_bytes_total(list, i)));
}

/* Ids are cut on a terminal, where they would push everything else off it. */
#define ID_DIGITS_SHORT 8

static bool list_add_row(const Ctl *ctl, Table *table, const dosvc_job_list *list, size_t i)
{
        uint64_t done = dosvc_job_list_bytes_transferred(list, i);
        uint64_t total = dosvc_job_list_bytes_total(list, i);
        char percent[FORMAT_SIZE], size[FORMAT_SIZE], owner[FORMAT_SIZE], id[DOSVC_ID_SIZE];
        char *name = ctl_clean(ctl, dosvc_job_list_display_name(list, i));
        /* Nothing at all has been fetched of a job without files. */
        bool is_empty = total == 0 && strcmp(dosvc_job_list_state(list, i), "suspended") == 0;
        const char *cells[] = { id,
                                dosvc_job_list_state(list, i),
                                is_empty ? "-" : format_percent(percent, done, total),
                                is_empty ? "-" : format_size(size, total),
                                list_owner_name(owner, dosvc_job_list_owner(list, i)),
                                name };
        bool added;

        (void) snprintf(id,
                        sizeof(id),
                        "%.*s",
                        isatty(STDOUT_FILENO) ? ID_DIGITS_SHORT : DOSVC_ID_SIZE - 1,
                        dosvc_job_list_id(list, i));
        added = table_add(table, cells);
        free(name);
        return added;
}

static bool list_is_wanted(const dosvc_job_list *list, size_t i, const char *pattern)
{
        return !pattern || fnmatch(pattern, dosvc_job_list_display_name(list, i), 0) == 0;
}

static ExitStatus list_print_table(const Ctl *ctl, const dosvc_job_list *list, const char *pattern)
{
        static const char *const headers[] = { "ID",    "STATE", ">DONE", ">SIZE",
                                               "OWNER", "NAME",  NULL };
        Table *table = table_new(headers);
        bool added = table;

        for (size_t i = 0; added && i < dosvc_job_list_size(list); i++)
                if (list_is_wanted(list, i, pattern))
                        added = list_add_row(ctl, table, list, i);
        if (!added) {
                table_free(table);
                return ctl_out_of_memory();
        }
        table_set_color(table, 1, ctl_state_color);
        table_print(table, stdout, !ctl->no_legend);
        table_free(table);
        return EXIT_DONE;
}

ExitStatus verb_list(Ctl *ctl, int argc, char **argv)
{
        const char *pattern = argc > 0 ? argv[0] : NULL;
        ExitStatus status = ctl_connect(ctl);
        dosvc_job_list *list;
        int r;

        if (status != EXIT_DONE)
                return status;
        r = dosvc_list_jobs(ctl->connection,
                            ctl->all_users ? DOSVC_ALL_USERS : 0,
                            ctl->state,
                            &list);
        if (r < 0)
                return ctl_fail(ctl, r, "Cannot list the jobs");
        if (ctl->json) {
                json_t *array = json_array();

                for (size_t i = 0; i < dosvc_job_list_size(list); i++)
                        if (list_is_wanted(list, i, pattern))
                                (void) json_array_append_new(array, list_json_row(list, i));
                ctl_print_json(ctl, array);
        } else {
                status = list_print_table(ctl, list, pattern);
        }
        dosvc_job_list_free(list);
        return status;
}

/* ------------------------------------------------------------------------ status */

static void status_print_words(const char *label, const char *const *words)
{
        (void) printf("%s", label);
        for (; *words; words++)
                (void) printf(" %s", *words);
        (void) putchar('\n');
}

static ExitStatus status_of_service(Ctl *ctl)
{
        ExitStatus status = ctl_connect(ctl);
        dosvc_service *service;
        int r;

        if (status != EXIT_DONE)
                return status;
        r = dosvc_get_service(ctl->connection, &service);
        if (r < 0)
                return ctl_fail(ctl, r, "Cannot look at the service");
        if (ctl->json) {
                ctl_print_json(ctl, ctl_json_properties(service));
        } else {
                (void) printf("    Service: dosvcd %s\n", dosvc_service_version(service));
                (void) printf("Credentials: %s, %s\n",
                              dosvc_service_credential_store(service),
                              dosvc_service_credential_persistence(service));
                status_print_words("  Protocols:", dosvc_service_protocols(service));
                status_print_words("    Schemes:", dosvc_service_schemes(service));
                (void) printf("       Jobs: %" PRIu32 " of yours (at most %" PRIu32
                              ", with %" PRIu32 " files each)\n",
                              dosvc_service_jobs_total(service),
                              dosvc_service_max_jobs_per_user(service),
                              dosvc_service_max_files_per_job(service));
        }
        dosvc_service_free(service);
        return EXIT_DONE;
}

static void status_print_progress(const dosvc_job_info *info)
{
        uint64_t done = dosvc_job_info_bytes_transferred(info);
        uint64_t total = dosvc_job_info_bytes_total(info), rate = dosvc_job_info_rate(info);
        char of[FORMAT_SIZE], all[FORMAT_SIZE], percent[FORMAT_SIZE], speed[FORMAT_SIZE],
                eta[FORMAT_SIZE];

        if (dosvc_job_info_files_total(info) == 0) {
                (void) puts("   Progress: no files yet");
                return;
        }
        (void) printf("   Progress: %s of %s (%s), %" PRIu32 " of %" PRIu32 " files\n",
                      format_size(of, done),
                      format_size(all, total),
                      format_percent(percent, done, total),
                      dosvc_job_info_files_transferred(info),
                      dosvc_job_info_files_total(info));
        if (rate > 0)
                (void) printf("       Rate: %s, %s left\n",
                              format_rate(speed, rate),
                              format_eta(eta, done, total, rate));
}

static void status_print_error(const Ctl *ctl, const dosvc_job_info *info)
{
        char *description, buffer[FORMAT_SIZE];

        if (dosvc_job_info_error_code(info) == 0)
                return;
        description = ctl_clean(ctl, dosvc_job_info_error_description(info));
        (void) printf("      Error: %s: %s\n", dosvc_job_info_error_name(info), description);
        free(description);
        if (dosvc_job_info_next_attempt_time(info) != 0)
                (void) printf("Next try at: %s\n",
                              format_time(buffer, dosvc_job_info_next_attempt_time(info)));
}

static void status_print_job(const Ctl *ctl, const dosvc_job_info *info)
{
        const char *state = dosvc_job_info_state(info), *color = ctl_state_color(state);
        char *name = ctl_clean(ctl, dosvc_job_info_display_name(info));
        char *sentence = ctl_clean(ctl, dosvc_job_info_status(info));
        char owner[FORMAT_SIZE], created[FORMAT_SIZE];

        (void) printf("        Job: %s%s%s\n", dosvc_job_info_id(info), *name ? "  " : "", name);
        (void) printf("      State: %s%s%s\n", color, state, *color ? "\033[0m" : "");
        if (*sentence)
                (void) printf("     Status: %s\n", sentence);
        status_print_progress(info);
        (void) printf("   Priority: %s\n", dosvc_job_info_priority(info));
        (void) printf("      Owner: %s\n", list_owner_name(owner, dosvc_job_info_owner(info)));
        (void) printf("    Created: %s\n",
                      format_time(created, dosvc_job_info_creation_time(info)));
        status_print_error(ctl, info);
        free(name);
        free(sentence);
}

ExitStatus verb_status(Ctl *ctl, int argc, char **argv)
{
        dosvc_job_info *info;
        ExitStatus status;

        if (argc == 0)
                return status_of_service(ctl);
        status = show_get(ctl, argv[0], &info);
        if (status != EXIT_DONE)
                return status;
        if (ctl->json)
                ctl_print_json(ctl, show_json(ctl, info));
        else
                status_print_job(ctl, info);
        dosvc_job_info_free(info);
        return EXIT_DONE;
}

/* ----------------------------------------------------------------------- explain */

static json_t *explain_json(const dosvc_job_info *info)
{
        const char *name = dosvc_job_info_error_name(info);
        json_t *object = ctl_json_properties(info);

        (void) json_object_set_new(
                object,
                "meaning",
                json_string(advice_meaning_of_state(dosvc_job_info_state(info))));
        if (dosvc_job_info_error_code(info) != 0) {
                char *hint = ctl_hint_text(advice_hint_of_job(name), dosvc_job_info_id(info));

                (void) json_object_set_new(object, "hint", hint ? json_string(hint) : json_null());
                free(hint);
                (void) json_object_set_new(object,
                                           "exit_code",
                                           json_integer(advice_exit_of_job(name)));
        }
        return object;
}

/* The status has the description of an error in it, while the job waits because of it. */
static void explain_print(const Ctl *ctl, const dosvc_job_info *info)
{
        const char *state = dosvc_job_info_state(info), *meaning = advice_meaning_of_state(state);
        const char *error = dosvc_job_info_error_name(info);
        char *name = ctl_clean(ctl, dosvc_job_info_display_name(info));
        char *sentence = ctl_clean(ctl, dosvc_job_info_status(info));
        char *description = ctl_clean(ctl, dosvc_job_info_error_description(info));

        (void) printf("The job %s %s (%s).\n",
                      *name ? name : dosvc_job_info_id(info),
                      *meaning ? meaning : "is in a state that this dosvcctl does not know",
                      state);
        if (*sentence)
                (void) printf("%s\n", sentence);
        if (dosvc_job_info_error_code(info) != 0) {
                if (!strstr(sentence, description))
                        (void) printf("Last error: %s\n", description);
                (void) printf("The error is called %s (0x%08" PRIx32 "), about: %s.\n",
                              error,
                              dosvc_job_info_error_code(info),
                              dosvc_job_info_error_context(info));
                ctl_hint(ctl, stdout, advice_hint_of_job(error), dosvc_job_info_id(info));
        }
        free(name);
        free(sentence);
        free(description);
}

ExitStatus verb_explain(Ctl *ctl, int argc, char **argv)
{
        dosvc_job_info *info;
        ExitStatus status = show_get(ctl, argv[0], &info);

        if (status != EXIT_DONE)
                return status;
        if (ctl->json)
                ctl_print_json(ctl, explain_json(info));
        else
                explain_print(ctl, info);
        dosvc_job_info_free(info);
        return EXIT_DONE;
}
