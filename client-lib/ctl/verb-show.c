/*
 * list, show, files, status, explain: looking, for people and for programs.
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
#include "ctl/table.h"

/* -------------------------------------------------------------------- properties */

typedef const char *(*show_text_t)(const dosvc_job_info *info);
typedef uint32_t (*show_number_t)(const dosvc_job_info *info);
typedef uint64_t (*show_wide_t)(const dosvc_job_info *info);
typedef const char *const *(*show_list_t)(const dosvc_job_info *info);

/* One property: how it is called in text and in JSON, and exactly one way to read it. */
typedef struct ShowProperty {
        const char *name;
        const char *key;
        show_text_t text;
        show_number_t number;
        show_wide_t size;
        show_wide_t time;
        show_list_t list;
} ShowProperty;

static const ShowProperty show_properties[] = {
        { "Id", "id", .text = dosvc_job_info_id },
        { "DisplayName", "display_name", .text = dosvc_job_info_display_name },
        { "Description", "description", .text = dosvc_job_info_description },
        { "Owner", "owner", .number = dosvc_job_info_owner },
        { "Type", "type", .text = dosvc_job_info_type },
        { "State", "state", .text = dosvc_job_info_state },
        { "Status", "status", .text = dosvc_job_info_status },
        { "Priority", "priority", .text = dosvc_job_info_priority },
        { "FilesTotal", "files_total", .number = dosvc_job_info_files_total },
        { "FilesTransferred", "files_transferred", .number = dosvc_job_info_files_transferred },
        { "BytesTotal", "bytes_total", .size = dosvc_job_info_bytes_total },
        { "BytesTransferred", "bytes_transferred", .size = dosvc_job_info_bytes_transferred },
        { "Rate", "rate", .size = dosvc_job_info_rate },
        { "CreationTime", "creation_time", .time = dosvc_job_info_creation_time },
        { "ModificationTime", "modification_time", .time = dosvc_job_info_modification_time },
        { "TransferCompletionTime",
          "transfer_completion_time",
          .time = dosvc_job_info_transfer_completion_time },
        { "NextAttemptTime", "next_attempt_time", .time = dosvc_job_info_next_attempt_time },
        { "ProxyUsage", "proxy_usage", .text = dosvc_job_info_proxy_usage },
        { "Proxies", "proxies", .list = dosvc_job_info_proxies },
        { "ProxyBypass", "proxy_bypass", .list = dosvc_job_info_proxy_bypass },
        { "RedirectPolicy", "redirect_policy", .text = dosvc_job_info_redirect_policy },
        { "SecurityFlags", "security_flags", .list = dosvc_job_info_security_flags },
        { "CACertificate", "ca_certificate", .text = dosvc_job_info_ca_certificate },
        { "TicketCache", "ticket_cache", .text = dosvc_job_info_ticket_cache },
        { "ErrorCount", "error_count", .number = dosvc_job_info_error_count },
        { "ErrorCode", "error_code", .number = dosvc_job_info_error_code },
        { "ErrorName", "error_name", .text = dosvc_job_info_error_name },
        { "ErrorContext", "error_context", .text = dosvc_job_info_error_context },
        { "ErrorDescription", "error_description", .text = dosvc_job_info_error_description },
        { "ErrorUrl", "error_url", .text = dosvc_job_info_error_url },
};

#define N_PROPERTIES (sizeof(show_properties) / sizeof(show_properties[0]))

static void show_print_list(const char *const *list)
{
        for (size_t i = 0; list[i]; i++)
                (void) printf("%s%s", i > 0 ? " " : "", list[i]);
}

/* Raw numbers and UTC, for scripts; nothing for what is unknown or never was. */
static void
show_print_value(const Ctl *ctl, const ShowProperty *property, const dosvc_job_info *info)
{
        char buffer[FORMAT_SIZE], *clean;

        if (property->text) {
                clean = ctl_clean(ctl, property->text(info));
                (void) fputs(clean, stdout);
                free(clean);
        } else if (property->number) {
                (void) printf("%" PRIu32, property->number(info));
        } else if (property->size) {
                if (property->size(info) != DOSVC_UNKNOWN_SIZE)
                        (void) printf("%" PRIu64, property->size(info));
        } else if (property->time) {
                if (property->time(info) != 0)
                        (void) fputs(format_time_utc(buffer, property->time(info)), stdout);
        } else {
                show_print_list(property->list(info));
        }
}

static bool show_is_wanted(const Ctl *ctl, const char *name)
{
        for (size_t i = 0; i < ctl->n_properties; i++)
                if (strcmp(ctl->properties[i], name) == 0)
                        return true;
        return ctl->n_properties == 0;
}

static bool show_is_property(const char *name)
{
        for (size_t i = 0; i < N_PROPERTIES; i++)
                if (strcmp(show_properties[i].name, name) == 0)
                        return true;
        return false;
}

static json_t *show_json_value(const ShowProperty *property, const dosvc_job_info *info)
{
        if (property->text)
                return json_string(property->text(info));
        if (property->number)
                return json_integer(property->number(info));
        if (property->size)
                return ctl_json_size(property->size(info));
        if (property->time)
                return ctl_json_time(property->time(info));
        return ctl_json_strings(property->list(info));
}

static json_t *show_json(const Ctl *ctl, const dosvc_job_info *info)
{
        json_t *object = json_pack("{si}", "schema", 1);

        for (size_t i = 0; object && i < N_PROPERTIES; i++)
                if (!ctl || show_is_wanted(ctl, show_properties[i].name))
                        (void) json_object_set_new(object,
                                                   show_properties[i].key,
                                                   show_json_value(&show_properties[i], info));
        return object;
}

json_t *ctl_json_job(const dosvc_job_info *info)
{
        return show_json(NULL, info);
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

ExitStatus verb_show(Ctl *ctl, int argc, char **argv)
{
        dosvc_job_info *info;
        ExitStatus status;

        for (size_t i = 0; i < ctl->n_properties; i++) {
                if (show_is_property(ctl->properties[i]))
                        continue;
                ctl_error("There is no property '%s'; 'dosvcctl show JOB' names them all.",
                          ctl->properties[i]);
                return EXIT_USAGE;
        }
        status = show_get(ctl, argv[0], &info);
        if (status != EXIT_DONE)
                return status;
        if (ctl->json) {
                ctl_print_json(ctl, show_json(ctl, info));
        } else {
                for (size_t i = 0; i < N_PROPERTIES; i++) {
                        if (!show_is_wanted(ctl, show_properties[i].name))
                                continue;
                        if (!ctl->value_only)
                                (void) printf("%s=", show_properties[i].name);
                        show_print_value(ctl, &show_properties[i], info);
                        (void) putchar('\n');
                }
        }
        dosvc_job_info_free(info);
        return EXIT_DONE;
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

/* ------------------------------------------------------------------------- files */

static json_t *files_json(const dosvc_file_list *list)
{
        json_t *array = json_array();

        for (size_t i = 0; i < dosvc_file_list_size(list); i++)
                (void) json_array_append_new(
                        array,
                        json_pack("{siss ss so so sb}",
                                  "schema",
                                  1,
                                  "remote_name",
                                  dosvc_file_list_remote_name(list, i),
                                  "local_name",
                                  dosvc_file_list_local_name(list, i),
                                  "bytes_transferred",
                                  ctl_json_size(dosvc_file_list_bytes_transferred(list, i)),
                                  "bytes_total",
                                  ctl_json_size(dosvc_file_list_bytes_total(list, i)),
                                  "completed",
                                  dosvc_file_list_completed(list, i)));
        return array;
}

static bool files_add_row(const Ctl *ctl, Table *table, const dosvc_file_list *list, size_t i)
{
        uint64_t total = dosvc_file_list_bytes_total(list, i);
        char percent[FORMAT_SIZE], size[FORMAT_SIZE];
        char *remote = ctl_clean(ctl, dosvc_file_list_remote_name(list, i));
        char *local = ctl_clean(ctl, dosvc_file_list_local_name(list, i));
        const char *done =
                format_percent(percent, dosvc_file_list_bytes_transferred(list, i), total);
        bool completed = dosvc_file_list_completed(list, i), added;

        added = table_add(table,
                          (const char *[]){ completed ? "whole" : done,
                                            format_size(size, total),
                                            local,
                                            remote });
        free(remote);
        free(local);
        return added;
}

static ExitStatus files_print_table(const Ctl *ctl, const dosvc_file_list *list)
{
        static const char *const headers[] = { ">DONE", ">SIZE", "FILE", "URL", NULL };
        Table *table = table_new(headers);
        bool added = table;

        for (size_t i = 0; added && i < dosvc_file_list_size(list); i++)
                added = files_add_row(ctl, table, list, i);
        if (!added) {
                table_free(table);
                return ctl_out_of_memory();
        }
        table_print(table, stdout, !ctl->no_legend);
        table_free(table);
        return EXIT_DONE;
}

ExitStatus verb_files(Ctl *ctl, int argc, char **argv)
{
        char id[DOSVC_ID_SIZE];
        ExitStatus status = ctl_find_job(ctl, argv[0], id);
        dosvc_file_list *list;
        int r;

        if (status != EXIT_DONE)
                return status;
        r = dosvc_job_list_files(ctl->connection, id, &list);
        if (r < 0)
                return ctl_fail(ctl, r, "Cannot list the files of %s", argv[0]);
        if (ctl->json)
                ctl_print_json(ctl, files_json(list));
        else
                status = files_print_table(ctl, list);
        dosvc_file_list_free(list);
        return status;
}

/* ------------------------------------------------------------------------ status */

static json_t *status_json_service(const dosvc_service *service)
{
        return json_pack("{siss so so so ss ss sI sI sI}",
                         "schema",
                         1,
                         "version",
                         dosvc_service_version(service),
                         "features",
                         ctl_json_strings(dosvc_service_features(service)),
                         "supported_protocols",
                         ctl_json_strings(dosvc_service_protocols(service)),
                         "supported_schemes",
                         ctl_json_strings(dosvc_service_schemes(service)),
                         "credential_store",
                         dosvc_service_credential_store(service),
                         "credential_persistence",
                         dosvc_service_credential_persistence(service),
                         "jobs_total",
                         (json_int_t) dosvc_service_jobs_total(service),
                         "max_jobs_per_user",
                         (json_int_t) dosvc_service_max_jobs_per_user(service),
                         "max_files_per_job",
                         (json_int_t) dosvc_service_max_files_per_job(service));
}

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
                ctl_print_json(ctl, status_json_service(service));
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
        json_t *object = ctl_json_job(info);

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
                      *meaning ? meaning : "is in a state of its own",
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
