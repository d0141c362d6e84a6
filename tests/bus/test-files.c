/*
 * What is wanted of a file beyond its names: checksums, ranges, and other places to fetch it from
 * (spec sections 2.4, 2.6 and 3.5).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "model/file-ranges.h"
#include "tests/lib/client.h"
#include "tests/lib/http-server.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define ERROR(name)  DOSVC_ERROR_PREFIX name
#define INVALID_ARGS "org.freedesktop.DBus.Error.InvalidArgs"

#define URL       "http://127.0.0.1:9/file"
#define WAIT_MSEC 20000

#define MD5    "0123456789ABCDEF0123456789abcdef"
#define SHA256 MD5 MD5

#define CONTENT_SIZE (256U * 1024)

static unsigned char first[CONTENT_SIZE], second[CONTENT_SIZE];
static HttpServer server;
static char *job; /* alice's, without files */

/* Both places have the same validators, so that only the name tells them apart. */
static void serve(HttpRequest *request)
{
        bool other = strncmp(request->path, "/second/", 8) == 0;
        HttpContent content = { .data = other ? second : first,
                                .size_bytes = CONTENT_SIZE,
                                .etag = "\"same\"" };

        if (!other && strcmp(request->path, "/first/stalls") == 0) {
                http_printf(request,
                            "HTTP/1.1 200 OK\r\nContent-Length: %u\r\nETag: \"same\"\r\n\r\n",
                            CONTENT_SIZE);
                http_write(request, first, CONTENT_SIZE / 2);
                (void) pause(); /* until the client goes */
        }
        http_serve(request, &content);
}

static void start(void)
{
        fixture_start();
        http_server_start(&server, serve, fixture.dir);
        job = client_create(fixture.alice, "files");
}

static void stop(void)
{
        http_server_stop(&server);
}

static uint64_t files(void)
{
        return client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, "FilesTotal", 'u');
}

static const char *file_path(unsigned n)
{
        static char path[256];

        (void) snprintf(path, sizeof(path), "%s/file/%u", job, n);
        return path;
}

static const char *file_string(unsigned n, const char *property)
{
        return client_string(fixture.alice, file_path(n), DOSVC_FILE_INTERFACE, property);
}

/* A local name that no file has yet. */
static const char *new_name(void)
{
        static char name[32];
        static unsigned n;

        (void) snprintf(name, sizeof(name), "/tmp/new-%u", n++);
        return name;
}

/* AddFile with one option of a string, or two. */
static const char *try_checksum(const char *key, const char *value, const char *other)
{
        if (!other)
                return client_try(fixture.alice,
                                  job,
                                  DOSVC_JOB_INTERFACE,
                                  "AddFile",
                                  "ssa{sv}",
                                  URL,
                                  new_name(),
                                  1,
                                  key,
                                  "s",
                                  value);
        return client_try(fixture.alice,
                          job,
                          DOSVC_JOB_INTERFACE,
                          "AddFile",
                          "ssa{sv}",
                          URL,
                          new_name(),
                          2,
                          key,
                          "s",
                          value,
                          other,
                          "s",
                          value);
}

START_TEST(a_checksum_is_kept_with_its_file)
{
        ck_assert_pstr_eq(try_checksum("md5", MD5, NULL), NULL);
        ck_assert_str_eq(file_string(0, "Checksum"), "md5:0123456789abcdef0123456789abcdef");
        ck_assert_pstr_eq(try_checksum("sha256", SHA256, NULL), NULL);
        fixture_crash();
        ck_assert_str_eq(file_string(0, "Checksum"), "md5:0123456789abcdef0123456789abcdef");
        ck_assert_int_eq(strncmp(file_string(1, "Checksum"), "sha256:0123", 11), 0);
        ck_assert_str_eq(file_string(1, "RestartReason"), "");
        ck_assert_uint_eq(
                client_number(fixture.alice, file_path(1), DOSVC_FILE_INTERFACE, "Restarts", 'u'),
                0);
}
END_TEST

START_TEST(a_bad_checksum_is_refused)
{
        ck_assert_pstr_eq(try_checksum("sha256", MD5, NULL), INVALID_ARGS);
        ck_assert_pstr_eq(try_checksum("md5", "xyz", NULL), INVALID_ARGS);
        ck_assert_pstr_eq(try_checksum("sha384", SHA256, NULL), INVALID_ARGS);
        ck_assert_pstr_eq(try_checksum("md5", MD5, "md5"), INVALID_ARGS);
        ck_assert_pstr_eq(try_checksum("md5", MD5, "sha1"), INVALID_ARGS);
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     job,
                                     DOSVC_JOB_INTERFACE,
                                     "AddFile",
                                     "ssa{sv}",
                                     URL,
                                     "/tmp/x",
                                     1,
                                     "md5",
                                     "u",
                                     5),
                          INVALID_ARGS);
        ck_assert_uint_eq(files(), 0);
}
END_TEST

/* AddFile with these ranges; n may be 0. */
static const char *try_ranges(const FileRange *ranges, size_t n)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *m = NULL;
        static char *name;
        int r;

        free(STEAL_PTR(name));
        r = sd_bus_message_new_method_call(fixture.alice,
                                           &m,
                                           DOSVC_BUS_NAME,
                                           job,
                                           DOSVC_JOB_INTERFACE,
                                           "AddFile");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", URL, new_name());
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "ranges");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "a(tt)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(tt)");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = sd_bus_message_append(m,
                                          "(tt)",
                                          ranges[i].offset_bytes,
                                          ranges[i].length_bytes);
        for (int i = 0; r >= 0 && i < 4; i++)
                r = sd_bus_message_close_container(m);
        ck_assert_int_ge(r, 0);
        r = sd_bus_call(fixture.alice, m, 0, &error, NULL);
        sd_bus_message_unref(m);
        if (r < 0)
                name = strdup(error.name);
        sd_bus_error_free(&error);
        return name;
}

static void assert_ranges(unsigned n_file, const FileRange *ranges, size_t n)
{
        sd_bus_message *reply = NULL;
        FileRange range;
        size_t i = 0;

        ck_assert_int_ge(sd_bus_get_property(fixture.alice,
                                             DOSVC_BUS_NAME,
                                             file_path(n_file),
                                             DOSVC_FILE_INTERFACE,
                                             "Ranges",
                                             NULL,
                                             &reply,
                                             "a(tt)"),
                         0);
        ck_assert_int_ge(sd_bus_message_enter_container(reply, 'a', "(tt)"), 0);
        while (sd_bus_message_read(reply, "(tt)", &range.offset_bytes, &range.length_bytes) > 0) {
                ck_assert_uint_lt(i, n);
                ck_assert_uint_eq(range.offset_bytes, ranges[i].offset_bytes);
                ck_assert_uint_eq(range.length_bytes, ranges[i].length_bytes);
                i++;
        }
        ck_assert_uint_eq(i, n);
        sd_bus_message_unref(reply);
}

START_TEST(ranges_are_kept_in_their_order)
{
        static const FileRange ranges[] = { { 1000, DOSVC_SIZE_UNKNOWN }, { 0, 10 }, { 10, 990 } };

        ck_assert_pstr_eq(try_ranges(ranges, ARRAY_SIZE(ranges)), NULL);
        client_add_file(fixture.alice, job, URL, "/tmp/whole");
        assert_ranges(0, ranges, ARRAY_SIZE(ranges));
        assert_ranges(1, NULL, 0);
        fixture_crash();
        assert_ranges(0, ranges, ARRAY_SIZE(ranges));
}
END_TEST

START_TEST(bad_ranges_are_refused_by_name)
{
        static const FileRange none = { 5, 0 }, nowhere = { DOSVC_SIZE_UNKNOWN, 1 },
                               far = { DOSVC_SIZE_UNKNOWN - 1, 5 };
        static const FileRange twice[] = { { 5, 5 }, { 5, 5 } },
                               tail[] = { { 5, UINT64_MAX }, { 9, 1 } };
        FileRange many[501];

        for (size_t i = 0; i < ARRAY_SIZE(many); i++)
                many[i] = (FileRange){ i, 1 };
        ck_assert_pstr_eq(try_ranges(NULL, 0), INVALID_ARGS);
        ck_assert_pstr_eq(try_ranges(&none, 1), ERROR("InvalidRange"));
        ck_assert_pstr_eq(try_ranges(&nowhere, 1), ERROR("InvalidRange"));
        ck_assert_pstr_eq(try_ranges(&far, 1), ERROR("InvalidRange"));
        ck_assert_pstr_eq(try_ranges(twice, 2), ERROR("OverlappingRanges"));
        ck_assert_pstr_eq(try_ranges(tail, 2), ERROR("OverlappingRanges"));
        ck_assert_pstr_eq(try_ranges(many, ARRAY_SIZE(many)), ERROR("TooManyRanges"));
        ck_assert_uint_eq(files(), 0);
        ck_assert_pstr_eq(try_ranges(many, 500), NULL);
        ck_assert_uint_eq(files(), 1);
}
END_TEST

/* AddFiles with two files; the URLs say which. */
static const char *try_pair(const char *local, const char *other)
{
        return client_try(fixture.alice,
                          job,
                          DOSVC_JOB_INTERFACE,
                          "AddFiles",
                          "a(ss)",
                          2,
                          URL "/one",
                          local,
                          URL "/other?token=secret",
                          other);
}

static void assert_clash(const char *error, const char *message)
{
        ck_assert_pstr_eq(error, INVALID_ARGS);
        ck_assert_str_eq(client_last_message(), message);
}

START_TEST(two_files_of_a_job_never_have_one_local_name)
{
        client_add_file(fixture.alice, job, URL "/first?token=secret", "/tmp/x");
        assert_clash(client_try_add_file(fixture.alice, job, URL "/second", "/tmp/x"),
                     "Local name '/tmp/x' cannot be that of " URL "/second, because file 0 of the "
                     "job, " URL "/first, has it");
        assert_clash(try_pair("/tmp/y", "/tmp/x"),
                     "Local name '/tmp/x' cannot be that of " URL "/other, because file 0 of the "
                     "job, " URL "/first, has it");
        assert_clash(try_pair("/tmp/y", "/tmp/y"),
                     "Local name '/tmp/y' cannot be that of " URL "/other, because file 1 of the "
                     "job, " URL "/one, has it");
        ck_assert_uint_eq(files(), 1);
        fixture_crash();
        ck_assert_pstr_eq(client_try_add_file(fixture.alice, job, URL, "/tmp/x"), INVALID_ARGS);
        ck_assert_pstr_eq(try_pair("/tmp/y", "/tmp/z"), NULL);
        ck_assert_pstr_eq(client_try_add_file(fixture.alice, job, URL, "/tmp/z"), INVALID_ARGS);
        ck_assert_uint_eq(files(), 3);
}
END_TEST

/* Otherwise two spellings of one place would be two names. */
START_TEST(a_place_has_one_spelling)
{
        static const char *const names[] = { "/tmp//x", "//tmp/x", "/tmp/./x", "/tmp/a/../x" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                ck_assert_pstr_eq(client_try_add_file(fixture.alice, job, URL, names[i]),
                                  INVALID_ARGS);
        ck_assert_uint_eq(files(), 0);
}
END_TEST

START_TEST(another_job_may_want_the_same_place)
{
        char *other = client_create(fixture.alice, "other");

        client_add_file(fixture.alice, job, URL, "/tmp/x");
        client_add_file(fixture.alice, other, URL, "/tmp/x");
        free(other);
}
END_TEST

static const char *try_rename(sd_bus *bus, unsigned n, const char *remote)
{
        return client_try(bus, file_path(n), DOSVC_FILE_INTERFACE, "SetRemoteName", "s", remote);
}

START_TEST(a_file_gets_another_remote_name)
{
        client_add_file(fixture.alice, job, URL, "/tmp/x");
        ck_assert_pstr_eq(try_rename(fixture.alice, 0, "http://user:word@127.0.0.1:9/other"), NULL);
        ck_assert_str_eq(file_string(0, "RemoteName"), "http://127.0.0.1:9/other");
        ck_assert_int_eq(client_remove_credentials(fixture.alice, job, "server", "basic"), 1);
        ck_assert_pstr_eq(try_rename(fixture.alice, 0, "ftp://127.0.0.1/"), INVALID_ARGS);
        ck_assert_pstr_eq(try_rename(fixture.alice, 0, ""), INVALID_ARGS);
        ck_assert_pstr_eq(try_rename(fixture.alice, 1, URL), SD_BUS_ERROR_UNKNOWN_OBJECT);
        ck_assert_pstr_eq(try_rename(fixture.bob, 0, URL), SD_BUS_ERROR_UNKNOWN_OBJECT);
        ck_assert_pstr_eq(try_rename(fixture.root, 0, URL), SD_BUS_ERROR_ACCESS_DENIED);
        fixture_crash();
        ck_assert_str_eq(file_string(0, "RemoteName"), "http://127.0.0.1:9/other");
}
END_TEST

static void assert_file(const char *path, const unsigned char *content)
{
        size_t size;
        char *data = temp_dir_read(path, &size);

        ck_assert_uint_eq(size, CONTENT_SIZE);
        ck_assert_int_eq(memcmp(data, content, size), 0);
        free(data);
}

/* Half of it came from a place that stalls; its validators would say that the other fits. */
START_TEST(a_running_job_goes_on_at_the_new_place_from_the_first_byte)
{
        _cleanup_free_ char *from = http_server_url(&server, "/first/stalls");
        _cleanup_free_ char *to = http_server_url(&server, "/second/file");
        char *local = fixture_alice_file("renamed");

        (void) unlink(local);
        client_add_file(fixture.alice, job, from, local);
        client_call(fixture.alice, job, "Resume");
        client_wait_bytes(fixture.alice, job, CONTENT_SIZE / 4, WAIT_MSEC);
        ck_assert_pstr_eq(try_rename(fixture.alice, 0, to), NULL);
        client_wait_state(fixture.alice, job, "transferred", WAIT_MSEC);
        ck_assert_int_eq(client_complete(fixture.alice, job), 0);
        assert_file(local, second);
}
END_TEST

/* The same for a job that has been stopped: the record on disk knows the old place's half. */
START_TEST(a_stopped_job_goes_on_at_the_new_place_from_the_first_byte)
{
        _cleanup_free_ char *from = http_server_url(&server, "/first/stalls");
        _cleanup_free_ char *to = http_server_url(&server, "/second/file");
        char *local = fixture_alice_file("renamed");

        (void) unlink(local);
        client_add_file(fixture.alice, job, from, local);
        client_call(fixture.alice, job, "Resume");
        client_wait_bytes(fixture.alice, job, CONTENT_SIZE / 4, WAIT_MSEC);
        client_call(fixture.alice, job, "Suspend");
        process_nap_msec(300);
        ck_assert_pstr_eq(try_rename(fixture.alice, 0, to), NULL);
        if (_i)
                fixture_crash();
        ck_assert_uint_eq(client_number(fixture.alice,
                                        file_path(0),
                                        DOSVC_FILE_INTERFACE,
                                        "BytesTransferred",
                                        't'),
                          0);
        client_fetch(fixture.alice, job, WAIT_MSEC);
        assert_file(local, second);
}
END_TEST

START_TEST(a_file_that_is_whole_stays_whole)
{
        _cleanup_free_ char *from = http_server_url(&server, "/first/file");
        char *local = fixture_alice_file("whole");

        (void) unlink(local);
        client_add_file(fixture.alice, job, from, local);
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "transferred", WAIT_MSEC);
        ck_assert_pstr_eq(try_rename(fixture.alice, 0, URL), NULL);
        ck_assert_str_eq(client_state(fixture.alice, job), "transferred");
        ck_assert_int_eq(client_complete(fixture.alice, job), 0);
        assert_file(local, first);
}
END_TEST

static const char *try_prefix(const char *old, const char *new, uint32_t *ret_changed)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        static char *name;
        int r;

        free(STEAL_PTR(name));
        r = sd_bus_call_method(fixture.alice,
                               DOSVC_BUS_NAME,
                               job,
                               DOSVC_JOB_INTERFACE,
                               "ReplaceRemotePrefix",
                               &error,
                               &reply,
                               "ss",
                               old,
                               new);
        if (r < 0)
                name = strdup(error.name);
        else
                ck_assert_int_gt(sd_bus_message_read(reply, "u", ret_changed), 0);
        sd_bus_error_free(&error);
        sd_bus_message_unref(reply);
        return name;
}

START_TEST(a_prefix_is_replaced_where_it_is_one)
{
        uint32_t changed = 99;

        client_add_file(fixture.alice, job, "http://a.example/x/1", "/tmp/1");
        client_add_file(fixture.alice, job, "http://b.example/x/2", "/tmp/2");
        client_add_file(fixture.alice, job, "http://a.example/x/3?http://a.example/x/", "/tmp/3");
        ck_assert_pstr_eq(try_prefix("http://A.example/", "https://c.example/", &changed), NULL);
        ck_assert_uint_eq(changed, 0);
        ck_assert_pstr_eq(try_prefix("http://a.example/x/", "https://c.example/y/", &changed),
                          NULL);
        ck_assert_uint_eq(changed, 2);
        ck_assert_str_eq(file_string(0, "RemoteName"), "https://c.example/y/1");
        ck_assert_str_eq(file_string(1, "RemoteName"), "http://b.example/x/2");
        ck_assert_str_eq(file_string(2, "RemoteName"), "https://c.example/y/3?http://a.example/x/");
}
END_TEST

START_TEST(a_prefix_that_makes_no_url_changes_nothing)
{
        uint32_t changed = 99;

        client_add_file(fixture.alice, job, "http://a.example/", "/tmp/1");
        client_add_file(fixture.alice, job, "http://a.example/x", "/tmp/2");
        ck_assert_pstr_eq(try_prefix("", "http://b/", &changed), INVALID_ARGS);
        ck_assert_pstr_eq(try_prefix("http://a", "", &changed), INVALID_ARGS);
        ck_assert_pstr_eq(try_prefix("http://a.example/", "http://b:", &changed), INVALID_ARGS);
        ck_assert_pstr_eq(try_prefix("http://", "ftp://", &changed), INVALID_ARGS);
        ck_assert_uint_eq(changed, 99);
        ck_assert_str_eq(file_string(0, "RemoteName"), "http://a.example/");
        ck_assert_str_eq(file_string(1, "RemoteName"), "http://a.example/x");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("files");
        TCase *wishes = fixture_case(suite, "wishes", start);
        TCase *places = fixture_case(suite, "places", start);

        http_fill(first, sizeof(first), 1);
        http_fill(second, sizeof(second), 2);
        tcase_add_checked_fixture(wishes, NULL, stop);
        tcase_add_test(wishes, a_checksum_is_kept_with_its_file);
        tcase_add_test(wishes, a_bad_checksum_is_refused);
        tcase_add_test(wishes, ranges_are_kept_in_their_order);
        tcase_add_test(wishes, bad_ranges_are_refused_by_name);
        tcase_add_test(wishes, two_files_of_a_job_never_have_one_local_name);
        tcase_add_test(wishes, a_place_has_one_spelling);
        tcase_add_test(wishes, another_job_may_want_the_same_place);
        tcase_add_checked_fixture(places, NULL, stop);
        tcase_add_test(places, a_file_gets_another_remote_name);
        tcase_add_test(places, a_running_job_goes_on_at_the_new_place_from_the_first_byte);
        tcase_add_loop_test(places,
                            a_stopped_job_goes_on_at_the_new_place_from_the_first_byte,
                            0,
                            2);
        tcase_add_test(places, a_file_that_is_whole_stays_whole);
        tcase_add_test(places, a_prefix_is_replaced_where_it_is_one);
        tcase_add_test(places, a_prefix_that_makes_no_url_changes_nothing);
        return fixture_play(suite, 0);
}
