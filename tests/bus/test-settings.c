/*
 * The properties of a job that its worker goes by, and its client certificate, as alice, bob and
 * root see them. Their effect on requests is in tests/net/test-settings and test-certificates.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define ERROR(name)   DOSVC_ERROR_PREFIX name
#define ACCESS_DENIED SD_BUS_ERROR_ACCESS_DENIED
#define INVALID_ARGS  SD_BUS_ERROR_INVALID_ARGS
#define NO_OBJECT     SD_BUS_ERROR_UNKNOWN_OBJECT
#define PROPERTIES    "org.freedesktop.DBus.Properties"
#define MARKER        "marker-4711"
#define TOKEN         "X-Token: " MARKER

static char *job;

static void start(void)
{
        fixture_start();
        job = client_create_for(fixture.alice, "http://127.0.0.1:9/x", USERS_ALICE_HOME "/x");
}

static const char *try_text(sd_bus *bus, const char *property, const char *value)
{
        return client_try_set_text(bus, job, property, value);
}

static const char *try_list(sd_bus *bus, const char *property, const char *a, const char *b)
{
        return client_try_set_list(bus, job, property, CLIENT_LIST(a, b));
}

/* The strings of a property joined with commas, or the name of the error. */
static const char *list_of(sd_bus *bus, const char *property)
{
        static char text[40000];
        sd_bus_error error = SD_BUS_ERROR_NULL;
        char **strings = NULL;

        text[0] = '\0';
        if (sd_bus_get_property_strv(bus,
                                     DOSVC_BUS_NAME,
                                     job,
                                     DOSVC_JOB_INTERFACE,
                                     property,
                                     &error,
                                     &strings) < 0) {
                (void) snprintf(text, sizeof(text), "%s", error.name);
                sd_bus_error_free(&error);
                return text;
        }
        for (char **s = strings; s && *s; s++) {
                (void) snprintf(text + strlen(text),
                                sizeof(text) - strlen(text),
                                "%s%s",
                                *text ? "," : "",
                                *s);
                free(*s);
        }
        free(strings);
        return text;
}

static const char *text_of(const char *property)
{
        return client_string(fixture.alice, job, DOSVC_JOB_INTERFACE, property);
}

/* Plain ones ----------------------------------------------------------------------------- */

static void assert_defaults(void)
{
        ck_assert_str_eq(text_of("RedirectPolicy"), "allow-silent");
        ck_assert_str_eq(list_of(fixture.alice, "SecurityFlags"), "");
        ck_assert_str_eq(text_of("CACertificate"), "");
        ck_assert_str_eq(text_of("TicketCache"), "");
        ck_assert_str_eq(list_of(fixture.alice, "CustomHeaders"), "");
}

START_TEST(they_have_their_defaults)
{
        assert_defaults();
}
END_TEST

START_TEST(they_are_kept_and_outlive_the_service)
{
        ck_assert_pstr_eq(try_text(fixture.alice, "RedirectPolicy", "allow-report+https-to-http"),
                          NULL);
        ck_assert_pstr_eq(
                try_list(fixture.alice, "SecurityFlags", "ignore-unknown-ca", "enable-crl-check"),
                NULL);
        ck_assert_pstr_eq(try_text(fixture.alice, "CACertificate", "/etc/own.pem"), NULL);
        ck_assert_pstr_eq(try_text(fixture.alice, "TicketCache", "KEYRING:mine"), NULL);
        if (_i)
                fixture_crash();
        ck_assert_str_eq(text_of("RedirectPolicy"), "allow-report+https-to-http");
        ck_assert_str_eq(list_of(fixture.alice, "SecurityFlags"),
                         "enable-crl-check,ignore-unknown-ca");
        ck_assert_str_eq(text_of("CACertificate"), "/etc/own.pem");
        ck_assert_str_eq(text_of("TicketCache"), "KEYRING:mine");
        ck_assert_pstr_eq(try_text(fixture.alice, "CACertificate", ""), NULL);
        ck_assert_pstr_eq(try_list(fixture.alice, "SecurityFlags", NULL, NULL), NULL);
        ck_assert_str_eq(text_of("CACertificate"), "");
        ck_assert_str_eq(list_of(fixture.alice, "SecurityFlags"), "");
}
END_TEST

static const struct {
        const char *property, *value, *error;
} bad_texts[] = {
        { "RedirectPolicy", "", INVALID_ARGS },
        { "RedirectPolicy", "follow", INVALID_ARGS },
        { "RedirectPolicy", "disallow+https-to-http", INVALID_ARGS },
        { "CACertificate", "own.pem", INVALID_ARGS },
        { "CACertificate", "/a\nb", INVALID_ARGS },
        { "TicketCache", "cache", INVALID_ARGS },
        { "TicketCache", "FILE:cache", INVALID_ARGS },
        { "TicketCache", "MEMORY:x", ERROR("NotSupported") },
};

START_TEST(a_bad_value_is_refused_and_changes_nothing)
{
        ck_assert_pstr_eq(try_text(fixture.alice, bad_texts[_i].property, bad_texts[_i].value),
                          bad_texts[_i].error);
        assert_defaults();
}
END_TEST

START_TEST(an_unknown_flag_is_not_supported_and_named)
{
        ck_assert_pstr_eq(
                try_list(fixture.alice, "SecurityFlags", "ignore-unknown-ca", "ignore-all"),
                ERROR("NotSupported"));
        ck_assert_ptr_nonnull(strstr(client_last_message(), "'ignore-all'"));
        ck_assert_str_eq(list_of(fixture.alice, "SecurityFlags"), "");
}
END_TEST

START_TEST(they_are_options_of_create_job)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        const char *path;

        ck_assert_int_ge(sd_bus_call_method(fixture.alice,
                                            DOSVC_BUS_NAME,
                                            DOSVC_MANAGER_PATH,
                                            DOSVC_MANAGER_INTERFACE,
                                            "CreateJob",
                                            &error,
                                            &reply,
                                            "ssa{sv}",
                                            "n",
                                            "download",
                                            2,
                                            "CustomHeaders",
                                            "as",
                                            1,
                                            TOKEN,
                                            "RedirectPolicy",
                                            "s",
                                            "disallow"),
                         0);
        ck_assert_int_gt(sd_bus_message_read(reply, "o", &path), 0);
        free(job);
        job = strdup(path);
        sd_bus_message_unref(reply);
        ck_assert_str_eq(list_of(fixture.alice, "CustomHeaders"), TOKEN);
        ck_assert_str_eq(text_of("RedirectPolicy"), "disallow");
}
END_TEST

/* Headers -------------------------------------------------------------------------------- */

START_TEST(only_the_owner_reads_and_writes_headers)
{
        ck_assert_pstr_eq(try_list(fixture.root, "CustomHeaders", TOKEN, NULL), ACCESS_DENIED);
        ck_assert_pstr_eq(try_list(fixture.bob, "CustomHeaders", TOKEN, NULL), NO_OBJECT);
        ck_assert_pstr_eq(try_list(fixture.alice, "CustomHeaders", TOKEN, "B: c"), NULL);
        ck_assert_str_eq(list_of(fixture.alice, "CustomHeaders"), TOKEN ",B: c");
        ck_assert_str_eq(list_of(fixture.root, "CustomHeaders"), ACCESS_DENIED);
        ck_assert_str_eq(list_of(fixture.bob, "CustomHeaders"), NO_OBJECT);
        ck_assert_pstr_eq(try_list(fixture.alice, "CustomHeaders", NULL, NULL), NULL);
        ck_assert_str_eq(list_of(fixture.alice, "CustomHeaders"), "");
}
END_TEST

/* Whatever a message holds that came to us, in a form that can be searched. */
static char *dump(sd_bus_message *m)
{
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);

        ck_assert_ptr_nonnull(out);
        ck_assert_int_ge(sd_bus_message_dump(m, out, 0), 0);
        (void) fclose(out);
        return text;
}

START_TEST(get_all_and_managed_objects_leave_them_out)
{
        sd_bus *const callers[] = { fixture.alice, fixture.root };
        static const struct {
                const char *interface, *member;
                bool manager;
        } calls[] = {
                { PROPERTIES, "GetAll", false },
                { "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", true },
        };

        ck_assert_pstr_eq(try_list(fixture.alice, "CustomHeaders", TOKEN, NULL), NULL);
        for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
                sd_bus_error error = SD_BUS_ERROR_NULL;
                _cleanup_free_ char *text = NULL;
                sd_bus_message *reply = NULL;

                ck_assert_int_ge(sd_bus_call_method(callers[i],
                                                    DOSVC_BUS_NAME,
                                                    calls[_i].manager ? DOSVC_MANAGER_PATH : job,
                                                    calls[_i].interface,
                                                    calls[_i].member,
                                                    &error,
                                                    &reply,
                                                    calls[_i].manager ? NULL : "s",
                                                    DOSVC_JOB_INTERFACE),
                                 0);
                text = dump(reply);
                ck_assert_ptr_nonnull(strstr(text, "SecurityFlags"));
                ck_assert_ptr_null(strstr(text, "CustomHeaders"));
                ck_assert_ptr_null(strstr(text, MARKER));
                sd_bus_message_unref(reply);
        }
}
END_TEST

typedef struct Heard {
        unsigned invalidated, leaked;
} Heard;

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_free_ char *text = dump(m);
        Heard *heard = userdata;

        heard->invalidated += strstr(text, "CustomHeaders") != NULL;
        heard->leaked += strstr(text, MARKER) != NULL;
        return 0;
}

START_TEST(a_change_is_told_without_the_value)
{
        sd_bus *const listeners[] = { fixture.alice, fixture.root };
        Heard heard[2] = { 0 };

        for (size_t i = 0; i < 2; i++) {
                ck_assert_int_ge(sd_bus_match_signal(listeners[i],
                                                     NULL,
                                                     NULL,
                                                     NULL,
                                                     PROPERTIES,
                                                     "PropertiesChanged",
                                                     on_changed,
                                                     &heard[i]),
                                 0);
                ck_assert_pstr_eq(client_try(listeners[i],
                                             DOSVC_MANAGER_PATH,
                                             DOSVC_MANAGER_INTERFACE,
                                             "Subscribe",
                                             "a{sv}",
                                             i,
                                             "all-users",
                                             "b",
                                             1),
                                  NULL);
        }
        ck_assert_pstr_eq(try_list(fixture.alice, "CustomHeaders", TOKEN, NULL), NULL);
        for (size_t i = 0; i < 2; i++)
                ck_assert(PROCESS_WAIT_UNTIL(
                        5000,
                        (sd_bus_process(listeners[i], NULL), heard[i].invalidated > 0)));
        for (size_t i = 0; i < 2; i++)
                ck_assert_uint_eq(heard[i].leaked, 0);
}
END_TEST

START_TEST(a_header_of_the_services_own_is_refused_and_named)
{
        static const char *const lines[] = { "Host: elsewhere",
                                             "range: bytes=0-1",
                                             "Proxy-Authorization: Basic x",
                                             "Content-Length: 5" };
        _cleanup_free_ char *name =
                strndup(lines[_i], (size_t) (strchr(lines[_i], ':') - lines[_i]));

        ck_assert_pstr_eq(try_list(fixture.alice, "CustomHeaders", "A: b", lines[_i]),
                          INVALID_ARGS);
        ck_assert_ptr_nonnull(strstr(client_last_message(), name));
        ck_assert_str_eq(list_of(fixture.alice, "CustomHeaders"), "");
}
END_TEST

START_TEST(a_bad_line_is_refused_without_its_value)
{
        static const char *const lines[] = { "X-A: " MARKER "\r\nX-B: c",
                                             "X-A: " MARKER "\nX-B: c",
                                             "no colon " MARKER,
                                             ": " MARKER };

        ck_assert_pstr_eq(try_list(fixture.alice, "CustomHeaders", lines[_i], NULL), INVALID_ARGS);
        ck_assert_ptr_null(strstr(client_last_message(), MARKER));
}
END_TEST

START_TEST(headers_have_a_limit)
{
        size_t size = 16384 - 3 + (size_t) _i;
        _cleanup_free_ char *line = malloc(size + 1);

        ck_assert_ptr_nonnull(line);
        memset(line, 'x', size);
        memcpy(line, "A: ", 3);
        line[size] = '\0';
        ck_assert_pstr_eq(try_list(fixture.alice, "CustomHeaders", line, NULL),
                          _i ? ERROR("StringTooLong") : NULL);
}
END_TEST

/* No file of the service, and no line of its log, has them in the clear. */
START_TEST(headers_are_in_no_file)
{
        _cleanup_free_ char *log = NULL;
        const char *const files[] = { "jobs.db", "jobs.db-wal" };

        ck_assert_pstr_eq(try_list(fixture.alice, "CustomHeaders", TOKEN, NULL), NULL);
        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                _cleanup_free_ char *path = temp_dir_path(fixture.daemon.state_dir, files[i]);
                _cleanup_free_ char *text = NULL;
                size_t size = 0;

                text = temp_dir_read(path, &size);
                ck_assert_ptr_null(memmem(text, size, MARKER, strlen(MARKER)));
        }
        log = temp_dir_read(fixture.daemon.log, NULL);
        ck_assert_ptr_null(strstr(log, MARKER));
}
END_TEST

START_TEST(a_new_owner_finds_none_of_it)
{
        ck_assert_pstr_eq(try_list(fixture.alice, "CustomHeaders", TOKEN, NULL), NULL);
        ck_assert_pstr_eq(try_text(fixture.alice, "TicketCache", "KCM:"), NULL);
        ck_assert_pstr_eq(try_text(fixture.alice, "RedirectPolicy", "disallow"), NULL);
        client_call(fixture.root, job, "TakeOwnership");
        ck_assert_str_eq(list_of(fixture.root, "CustomHeaders"), "");
        ck_assert_str_eq(client_string(fixture.root, job, DOSVC_JOB_INTERFACE, "TicketCache"), "");
        ck_assert_str_eq(client_string(fixture.root, job, DOSVC_JOB_INTERFACE, "RedirectPolicy"),
                         "disallow");
        ck_assert_str_eq(list_of(fixture.alice, "CustomHeaders"), NO_OBJECT);
}
END_TEST

/* The client certificate ----------------------------------------------------------------- */

static const char *try_certificate(sd_bus *bus, const char *key, const char *value)
{
        return client_try(bus,
                          job,
                          DOSVC_JOB_INTERFACE,
                          "SetClientCertificate",
                          "a{sv}",
                          2,
                          "certificate",
                          "s",
                          "/etc/own.pem",
                          key,
                          "s",
                          value);
}

START_TEST(only_the_owner_sets_and_removes_the_certificate)
{
        ck_assert_pstr_eq(try_certificate(fixture.root, "key", "/k"), ACCESS_DENIED);
        ck_assert_pstr_eq(try_certificate(fixture.bob, "key", "/k"), NO_OBJECT);
        ck_assert_pstr_eq(try_certificate(fixture.alice, "key", "/k"), NULL);
        ck_assert_pstr_eq(client_try_call(fixture.root, job, "RemoveClientCertificate"),
                          ACCESS_DENIED);
        ck_assert_pstr_eq(client_try_call(fixture.bob, job, "RemoveClientCertificate"), NO_OBJECT);
        ck_assert_pstr_eq(client_try_call(fixture.alice, job, "RemoveClientCertificate"), NULL);
}
END_TEST

START_TEST(what_is_no_certificate_is_refused)
{
        static const struct {
                const char *key, *value, *error;
        } cases[] = {
                { "key", "relative.pem", INVALID_ARGS },
                { "key", "", INVALID_ARGS },
                { "key", "pkcs11:token=mine", ERROR("NotSupported") },
                { "certificate", "/twice.pem", INVALID_ARGS },
                { "unknown", "x", INVALID_ARGS },
                { "password", "a\nb", ERROR("InvalidCredentials") },
                { "password-fd", "not a descriptor", INVALID_ARGS },
                { "password", "right", NULL },
        };

        ck_assert_pstr_eq(try_certificate(fixture.alice, cases[_i].key, cases[_i].value),
                          cases[_i].error);
}
END_TEST

START_TEST(a_certificate_is_needed)
{
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     job,
                                     DOSVC_JOB_INTERFACE,
                                     "SetClientCertificate",
                                     "a{sv}",
                                     1,
                                     "key",
                                     "s",
                                     "/k"),
                          INVALID_ARGS);
        ck_assert_ptr_nonnull(strstr(client_last_message(), "certificate"));
}
END_TEST

START_TEST(the_password_of_a_key_may_come_in_a_descriptor)
{
        int ends[2];

        ck_assert_int_eq(pipe(ends), 0);
        ck_assert_int_eq((int) write(ends[1], "secret", 6), 6);
        (void) close(ends[1]);
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     job,
                                     DOSVC_JOB_INTERFACE,
                                     "SetClientCertificate",
                                     "a{sv}",
                                     2,
                                     "certificate",
                                     "s",
                                     "/c",
                                     "password-fd",
                                     "h",
                                     ends[0]),
                          NULL);
        (void) close(ends[0]);
}
END_TEST

START_TEST(the_password_of_a_key_has_a_limit)
{
        char password[1025];

        memset(password, 'x', sizeof(password));
        password[1023 + _i] = '\0';
        ck_assert_pstr_eq(try_certificate(fixture.alice, "password", password),
                          _i ? ERROR("PasswordTooLarge") : NULL);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("settings");
        TCase *plain = fixture_case(suite, "plain", start);
        TCase *headers = fixture_case(suite, "headers", start);
        TCase *certificate = fixture_case(suite, "certificate", start);

        tcase_add_test(plain, they_have_their_defaults);
        tcase_add_loop_test(plain, they_are_kept_and_outlive_the_service, 0, 2);
        tcase_add_loop_test(plain,
                            a_bad_value_is_refused_and_changes_nothing,
                            0,
                            ARRAY_SIZE(bad_texts));
        tcase_add_test(plain, an_unknown_flag_is_not_supported_and_named);
        tcase_add_test(plain, they_are_options_of_create_job);

        tcase_add_test(headers, only_the_owner_reads_and_writes_headers);
        tcase_add_loop_test(headers, get_all_and_managed_objects_leave_them_out, 0, 2);
        tcase_add_test(headers, a_change_is_told_without_the_value);
        tcase_add_loop_test(headers, a_header_of_the_services_own_is_refused_and_named, 0, 4);
        tcase_add_loop_test(headers, a_bad_line_is_refused_without_its_value, 0, 4);
        tcase_add_loop_test(headers, headers_have_a_limit, 0, 2);
        tcase_add_test(headers, headers_are_in_no_file);
        tcase_add_test(headers, a_new_owner_finds_none_of_it);

        tcase_add_test(certificate, only_the_owner_sets_and_removes_the_certificate);
        tcase_add_loop_test(certificate, what_is_no_certificate_is_refused, 0, 8);
        tcase_add_test(certificate, a_certificate_is_needed);
        tcase_add_test(certificate, the_password_of_a_key_may_come_in_a_descriptor);
        tcase_add_loop_test(certificate, the_password_of_a_key_has_a_limit, 0, 2);
        return suite;
}

int main(void)
{
        return fixture_play(make_suite(), 0);
}
