/*
 * org.dosvc1.Job and org.dosvc1.File without a server: files and their names, properties, calls
 * in each state (spec section 3.2), and local names that are no place for a file.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/process.h"
#include "tests/lib/servers.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define ERROR(name)  DOSVC_ERROR_PREFIX name
#define INVALID_ARGS "org.freedesktop.DBus.Error.InvalidArgs"

#define URL       "http://127.0.0.1:9/file"
#define WAIT_MSEC 20000

static char *job; /* alice's, without files */

static void start(void)
{
        fixture_start();
        job = client_create(fixture.alice, "job");
}

static uint64_t job_number(const char *property, char type)
{
        return client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, property, type);
}

START_TEST(files_are_numbered_in_the_order_of_adding)
{
        char *path;

        client_add_file(fixture.alice, job, "http://127.0.0.1:9/a?q=1", "/tmp/a");
        client_add_file(fixture.alice, job, "https://example.com/%20b#part", "/tmp/b");
        ck_assert_uint_eq(job_number("FilesTotal", 'u'), 2);
        ck_assert_int_ge(asprintf(&path, "%s/file/1", job), 0);
        ck_assert_str_eq(client_string(fixture.alice, path, DOSVC_FILE_INTERFACE, "LocalName"),
                         "/tmp/b");
        ck_assert_str_eq(client_string(fixture.alice, path, DOSVC_FILE_INTERFACE, "RemoteName"),
                         "https://example.com/%20b");
        ck_assert_uint_eq(
                client_number(fixture.alice, path, DOSVC_FILE_INTERFACE, "BytesTotal", 't'),
                DOSVC_SIZE_UNKNOWN);
        ck_assert_uint_eq(
                client_number(fixture.alice, path, DOSVC_FILE_INTERFACE, "Completed", 'b'),
                0);
        ck_assert_uint_eq(job_number("BytesTotal", 't'), DOSVC_SIZE_UNKNOWN);
}
END_TEST

/* User info is taken out of the URL and becomes the credentials of (server, basic). */
START_TEST(user_info_of_a_url_moves_into_the_vault)
{
        char *path;

        client_add_file(fixture.alice, job, "http://user:pass%20word@127.0.0.1:9/a", "/tmp/a");
        ck_assert_int_ge(asprintf(&path, "%s/file/0", job), 0);
        ck_assert_str_eq(client_string(fixture.alice, path, DOSVC_FILE_INTERFACE, "RemoteName"),
                         "http://127.0.0.1:9/a");
        ck_assert_int_eq(client_remove_credentials(fixture.alice, job, "server", "basic"), 1);
}
END_TEST

static const char *const bad_remote_names[] = {
        "",
        "file",
        "/etc/passwd",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "gopher://127.0.0.1/x",
        "smb://server/share/x",
        "\\\\server\\share\\x",
        "javascript:alert(1)",
        "http:",
        "http://",
        "http:///x",
        "http://127.0.0.1:99999/x",
        "http://127.0.0.1:-1/x",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/a\nb",
        "http://127.0.0.1/a\r\nX-Injected: 1",
        "http://127.0.0.1/\303\244",
        "http://127.0.0.1\t/x",
        " http://127.0.0.1/x",
};

START_TEST(a_bad_remote_name_is_refused)
{
        ck_assert_pstr_eq(client_try_add_file(fixture.alice, job, bad_remote_names[_i], "/tmp/x"),
                          INVALID_ARGS);
        ck_assert_uint_gt(strlen(client_last_message()), 10);
        ck_assert_uint_eq(job_number("FilesTotal", 'u'), 0);
}
END_TEST

static const char *const bad_local_names[] = {
        "",         "x",      "./x",     "../x",      "/tmp/",        "/",   "/tmp/../x",
        "/tmp/./x", "/tmp/.", "/tmp/..", "/tmp/a\nb", "/tmp/\033[2J", "~/x", "/tmp/a\177",
};

START_TEST(a_bad_local_name_is_refused)
{
        ck_assert_pstr_eq(client_try_add_file(fixture.alice, job, URL, bad_local_names[_i]),
                          INVALID_ARGS);
        ck_assert_uint_eq(job_number("FilesTotal", 'u'), 0);
}
END_TEST

START_TEST(names_have_limits)
{
        char local[8192], remote[4096];
        int n;

        (void) snprintf(local, sizeof(local), "/tmp/%0256d", 0);
        ck_assert_pstr_eq(client_try_add_file(fixture.alice, job, URL, local), INVALID_ARGS);
        (void) snprintf(local, sizeof(local), "/tmp/%0255d", 0);
        ck_assert_pstr_eq(client_try_add_file(fixture.alice, job, URL, local), NULL);

        n = 0;
        while (n < 4090)
                n += snprintf(local + n, sizeof(local) - (size_t) n, "/%0100d", 0);
        ck_assert_pstr_eq(client_try_add_file(fixture.alice, job, URL, local), INVALID_ARGS);

        (void) snprintf(remote, sizeof(remote), "http://127.0.0.1:9/%0*d", 2200 - 19, 0);
        ck_assert_uint_eq(strlen(remote), 2200);
        ck_assert_pstr_eq(client_try_add_file(fixture.alice, job, remote, "/tmp/x"), NULL);
        (void) snprintf(remote, sizeof(remote), "http://127.0.0.1:9/%0*d", 2201 - 19, 0);
        ck_assert_pstr_eq(client_try_add_file(fixture.alice, job, remote, "/tmp/x"), INVALID_ARGS);
}
END_TEST

START_TEST(several_files_are_added_all_or_none)
{
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     job,
                                     DOSVC_JOB_INTERFACE,
                                     "AddFiles",
                                     "a(ss)",
                                     2,
                                     URL,
                                     "/tmp/a",
                                     URL,
                                     "relative"),
                          INVALID_ARGS);
        ck_assert_uint_eq(job_number("FilesTotal", 'u'), 0);
        ck_assert_pstr_eq(
                client_try(fixture.alice, job, DOSVC_JOB_INTERFACE, "AddFiles", "a(ss)", 0),
                INVALID_ARGS);
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     job,
                                     DOSVC_JOB_INTERFACE,
                                     "AddFiles",
                                     "a(ss)",
                                     2,
                                     URL,
                                     "/tmp/a",
                                     URL,
                                     "/tmp/b"),
                          NULL);
        ck_assert_uint_eq(job_number("FilesTotal", 'u'), 2);
}
END_TEST

START_TEST(an_unknown_option_of_a_file_is_refused)
{
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     job,
                                     DOSVC_JOB_INTERFACE,
                                     "AddFile",
                                     "ssa{sv}",
                                     URL,
                                     "/tmp/x",
                                     1,
                                     "owner",
                                     "s",
                                     "root"),
                          INVALID_ARGS);
        ck_assert_uint_eq(job_number("FilesTotal", 'u'), 0);
}
END_TEST

static const char *try_set(const char *property, const char *value)
{
        return client_try(fixture.alice,
                          job,
                          "org.freedesktop.DBus.Properties",
                          "Set",
                          "ssv",
                          DOSVC_JOB_INTERFACE,
                          property,
                          "s",
                          value);
}

START_TEST(properties_are_written_and_read)
{
        ck_assert_pstr_eq(try_set("DisplayName", "other"), NULL);
        ck_assert_pstr_eq(try_set("Description", "why"), NULL);
        ck_assert_pstr_eq(try_set("Priority", "foreground"), NULL);
        ck_assert_str_eq(client_string(fixture.alice, job, DOSVC_JOB_INTERFACE, "DisplayName"),
                         "other");
        ck_assert_str_eq(client_string(fixture.alice, job, DOSVC_JOB_INTERFACE, "Description"),
                         "why");
        ck_assert_str_eq(client_string(fixture.alice, job, DOSVC_JOB_INTERFACE, "Priority"),
                         "foreground");

        ck_assert_pstr_eq(try_set("Priority", "Foreground"), INVALID_ARGS);
        ck_assert_pstr_eq(try_set("DisplayName", "a\nb"), INVALID_ARGS);
        ck_assert_pstr_eq(try_set("State", "error"), SD_BUS_ERROR_PROPERTY_READ_ONLY);
        ck_assert_pstr_eq(try_set("NoSuchThing", "x"), SD_BUS_ERROR_UNKNOWN_PROPERTY);
        ck_assert_str_eq(client_string(fixture.alice, job, DOSVC_JOB_INTERFACE, "DisplayName"),
                         "other");
}
END_TEST

static const char *try_proxy(const char *usage, const char *proxy)
{
        return client_try(fixture.alice,
                          job,
                          "org.freedesktop.DBus.Properties",
                          "Set",
                          "ssv",
                          DOSVC_JOB_INTERFACE,
                          "ProxySettings",
                          "(sasas)",
                          usage,
                          proxy ? 1 : 0,
                          proxy,
                          0);
}

START_TEST(proxy_settings_are_checked)
{
        static const struct {
                const char *usage, *proxy, *error;
        } settings[] = {
                { "none", NULL, NULL },
                { "preconfig", NULL, NULL },
                { "override", "proxy.example.com:3128", NULL },
                { "override", "http://proxy.example.com", NULL },
                { "override", NULL, INVALID_ARGS },
                { "none", "proxy.example.com", INVALID_ARGS },
                { "autodetect", NULL, NULL },
                { "autodetect", "proxy.example.com", INVALID_ARGS },
                { "preconfig", "proxy.example.com", INVALID_ARGS },
                { "override", "http=proxy.example.com:3128", NULL },
                { "override", "https=https://proxy.example.com", NULL },
                { "override", "ftp=proxy.example.com", INVALID_ARGS },
                { "override", "http=", INVALID_ARGS },
                { "Override", "proxy.example.com", INVALID_ARGS },
                { "override", "socks5://proxy.example.com", INVALID_ARGS },
                { "override", "http://user:password@proxy.example.com", INVALID_ARGS },
                { "override", "http://proxy.example.com/path", INVALID_ARGS },
                { "override", "", INVALID_ARGS },
                { "override", "proxy:99999", INVALID_ARGS },
        };

        for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
                /* sd_bus_call_methodv() takes no element of an empty array from the arguments. */
                const char *error = settings[i].proxy
                                            ? try_proxy(settings[i].usage, settings[i].proxy)
                                            : client_try(fixture.alice,
                                                         job,
                                                         "org.freedesktop.DBus.Properties",
                                                         "Set",
                                                         "ssv",
                                                         DOSVC_JOB_INTERFACE,
                                                         "ProxySettings",
                                                         "(sasas)",
                                                         settings[i].usage,
                                                         0,
                                                         0);

                ck_assert_msg((error == NULL) == (settings[i].error == NULL) &&
                                      (!error || strcmp(error, settings[i].error) == 0),
                              "%s %s: %s",
                              settings[i].usage,
                              settings[i].proxy,
                              error);
        }
}
END_TEST

START_TEST(bypass_rules_are_checked)
{
        static const struct {
                const char *rule, *error;
        } rules[] = {
                { "www.example.com", NULL },
                { "*.example.com", NULL },
                { "<local>", NULL },
                { "192.0.2.0/24", NULL },
                { "[2001:db8::1]", NULL },
                { "aaa.*", INVALID_ARGS },
                { "www.example.com:80", INVALID_ARGS },
                { "a b", INVALID_ARGS },
                { "", INVALID_ARGS },
                { "192.0.2.0/33", INVALID_ARGS },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
                const char *error = client_try(fixture.alice,
                                               job,
                                               "org.freedesktop.DBus.Properties",
                                               "Set",
                                               "ssv",
                                               DOSVC_JOB_INTERFACE,
                                               "ProxySettings",
                                               "(sasas)",
                                               "override",
                                               1,
                                               "proxy.example.com",
                                               1,
                                               rules[i].rule);

                ck_assert_msg(error ? rules[i].error && strcmp(error, rules[i].error) == 0
                                    : !rules[i].error,
                              "%s: %s",
                              rules[i].rule,
                              error);
        }
        /* The sentence says what is wrong. */
        ck_assert_ptr_nonnull(strstr(client_last_message(), "bits"));
}
END_TEST

/* Spec section 3.2: rows Resume, Suspend, Complete and Cancel of a job that never ran. */
START_TEST(a_job_without_files_cannot_be_resumed)
{
        ck_assert_pstr_eq(client_try_call(fixture.alice, job, "Resume"), ERROR("Empty"));
        ck_assert_str_eq(client_state(fixture.alice, job), "suspended");
        client_call(fixture.alice, job, "Suspend");
        ck_assert_str_eq(client_state(fixture.alice, job), "suspended");
}
END_TEST

START_TEST(a_job_that_never_ran_is_completed_in_part)
{
        client_add_file(fixture.alice, job, URL, "/tmp/x");
        ck_assert_int_eq(client_complete(fixture.alice, job), 1);
        ck_assert_pstr_eq(client_try_call(fixture.alice, job, "ListFiles"),
                          SD_BUS_ERROR_UNKNOWN_OBJECT);
}
END_TEST

START_TEST(a_cancelled_job_is_gone)
{
        client_call(fixture.alice, job, "Cancel");
        ck_assert_pstr_eq(client_try_call(fixture.alice, job, "Resume"),
                          SD_BUS_ERROR_UNKNOWN_OBJECT);
        ck_assert_uint_eq(client_number(fixture.alice,
                                        DOSVC_MANAGER_PATH,
                                        DOSVC_MANAGER_INTERFACE,
                                        "JobsTotal",
                                        'u'),
                          0);
}
END_TEST

/* Nobody listens there: the job waits for another attempt, and says so. */
START_TEST(a_server_that_is_not_there_is_a_transient_error)
{
        char *local = fixture_alice_file("x");

        client_add_file(fixture.alice, job, "http://127.0.0.1:9/x", local);
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "transient-error", WAIT_MSEC);
        ck_assert_str_eq(client_error(fixture.alice, job).name, "connect-failure");
        ck_assert_str_eq(client_error(fixture.alice, job).context, "transport");
        ck_assert_uint_ge(job_number("ErrorCount", 'u'), 1);
        ck_assert_uint_gt(job_number("NextAttemptTime", 't'), 0);
        client_call(fixture.alice, job, "Suspend");
        ck_assert_str_eq(client_state(fixture.alice, job), "suspended");
        ck_assert_uint_eq(job_number("NextAttemptTime", 't'), 0);
        client_call(fixture.alice, job, "Cancel");
}
END_TEST

typedef struct BadPlace {
        const char *name; /* below alice's home unless absolute */
        const char *error;
} BadPlace;

static const BadPlace bad_places[] = {
        { "missing/x", "path-not-found" },        { "/etc/dosvc-test", "access-denied" },
        { USERS_BOB_HOME "/x", "access-denied" }, { "read-only/x", "access-denied" },
        { "directory", "not-a-regular-file" },    { "fifo", "not-a-regular-file" },
        { "/dev/null", "not-a-regular-file" },    { "regular/x", "path-not-found" },
};

static void start_places(void)
{
        static const char *const dirs[] = { "read-only", "directory" };

        start();
        for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
                char *path = fixture_alice_file(dirs[i]);

                temp_dir_make(path, i == 0 ? 0500 : 0700, USERS_ALICE_UID);
        }
        (void) unlink(USERS_ALICE_HOME "/fifo");
        ck_assert_int_eq(mkfifo(USERS_ALICE_HOME "/fifo", 0600), 0);
        ck_assert_int_eq(chown(USERS_ALICE_HOME "/fifo", USERS_ALICE_UID, USERS_ALICE_UID), 0);
        temp_dir_write(USERS_ALICE_HOME "/regular", "");
        ck_assert_int_eq(chown(USERS_ALICE_HOME "/regular", USERS_ALICE_UID, USERS_ALICE_UID), 0);
}

START_TEST(a_place_that_takes_no_file_is_an_error_of_the_job)
{
        const BadPlace *place = &bad_places[_i];
        char *local = place->name[0] == '/' ? strdup(place->name) : fixture_alice_file(place->name);
        char *url = servers_url(SITE_OPEN, "small");
        ClientError error;

        client_add_file(fixture.alice, job, url, local);
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "error", WAIT_MSEC);
        error = client_error(fixture.alice, job);
        ck_assert_str_eq(error.context, "local-file");
        ck_assert_str_eq(error.name, place->error);
        ck_assert_ptr_nonnull(strstr(error.description, local));
        ck_assert_ptr_nonnull(strstr(error.file, "/file/0"));
        client_call(fixture.alice, job, "Cancel");
}
END_TEST

/* Something planted where the file shall be is replaced, never followed. */
START_TEST(a_symlink_in_the_way_is_replaced)
{
        char *local = fixture_alice_file("link"), *victim = fixture_bob_file("victim");
        char *url = servers_url(SITE_OPEN, "small"), *text;
        struct stat st;

        temp_dir_write(victim, "of bob");
        ck_assert_int_eq(chmod(victim, 0666), 0);
        ck_assert_int_eq(chmod(USERS_BOB_HOME, 0777), 0);
        ck_assert_int_eq(symlink(victim, local), 0);
        client_add_file(fixture.alice, job, url, local);
        client_fetch(fixture.alice, job, WAIT_MSEC);
        ck_assert_int_eq(lstat(local, &st), 0);
        ck_assert(S_ISREG(st.st_mode));
        ck_assert_uint_eq(st.st_uid, USERS_ALICE_UID);
        ck_assert_int_eq(st.st_size, SERVERS_SMALL_BYTES);
        text = temp_dir_read(victim, NULL);
        ck_assert_str_eq(text, "of bob");
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("job");
        TCase *files = fixture_case(suite, "files", start);
        TCase *properties = fixture_case(suite, "properties", start);
        TCase *states = fixture_case(suite, "states", start);
        TCase *places = fixture_case(suite, "places", start_places);

        tcase_add_test(files, files_are_numbered_in_the_order_of_adding);
        tcase_add_test(files, user_info_of_a_url_moves_into_the_vault);
        tcase_add_loop_test(files, a_bad_remote_name_is_refused, 0, ARRAY_SIZE(bad_remote_names));
        tcase_add_loop_test(files, a_bad_local_name_is_refused, 0, ARRAY_SIZE(bad_local_names));
        tcase_add_test(files, names_have_limits);
        tcase_add_test(files, several_files_are_added_all_or_none);
        tcase_add_test(files, an_unknown_option_of_a_file_is_refused);

        tcase_add_test(properties, properties_are_written_and_read);
        tcase_add_test(properties, proxy_settings_are_checked);
        tcase_add_test(properties, bypass_rules_are_checked);

        tcase_add_test(states, a_job_without_files_cannot_be_resumed);
        tcase_add_test(states, a_job_that_never_ran_is_completed_in_part);
        tcase_add_test(states, a_cancelled_job_is_gone);
        tcase_add_test(states, a_server_that_is_not_there_is_a_transient_error);

        tcase_add_loop_test(places,
                            a_place_that_takes_no_file_is_an_error_of_the_job,
                            0,
                            ARRAY_SIZE(bad_places));
        tcase_add_test(places, a_symlink_in_the_way_is_replaced);
        return suite;
}

int main(void)
{
        return fixture_play(make_suite(), SERVERS_NGINX);
}
