/*
 * Answers that would be larger than the bus carries: they are refused with the way to get them in
 * pages, the pages are complete, and neither the service's connection nor another user notices.
 * On dbus-daemon with its built-in limits, and on dbus-broker.
 */
#include <dosvc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/http-server.h"
#include "tests/lib/install-root.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define ERROR(name) DOSVC_ERROR_PREFIX name

#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"

#define FILES_MAX  10000U /* MaxFilesPerJob, as it is unless configured */
#define BATCH      1000U  /* of AddFiles; long names and all, some 6 MB */
#define NAME_BYTES 4000U  /* with a host, directories and a number in front: nearly all */
#define URL_BYTES  2100U

#define SLOW_BYTES (8U << 20) /* three seconds or more */

static HttpServer server;
static unsigned char slow_content[SLOW_BYTES];
static char *service;  /* unique name of the service when the test began */
static char *bobs_job; /* is being transferred meanwhile */
static char *bobs_file;

static void serve(HttpRequest *request)
{
        request->piece_bytes = 64U << 10;
        request->piece_msec = 25;
        http_serve(request,
                   &(HttpContent){ .data = slow_content,
                                   .size_bytes = sizeof(slow_content),
                                   .etag = "\"slow\"" });
}

static char *owner_of_name(void)
{
        sd_bus_creds *creds;
        const char *name;
        char *copy;

        ck_assert_int_ge(sd_bus_get_name_creds(fixture.root,
                                               DOSVC_BUS_NAME,
                                               SD_BUS_CREDS_UNIQUE_NAME,
                                               &creds),
                         0);
        ck_assert_int_ge(sd_bus_creds_get_unique_name(creds, &name), 0);
        copy = strdup(name);
        sd_bus_creds_unref(creds);
        return copy;
}

static void start_bobs_download(void)
{
        _cleanup_free_ char *url = NULL;

        http_fill(slow_content, sizeof(slow_content), 7);
        http_server_start(&server, serve, fixture.dir);
        url = http_server_url(&server, "/slow");
        service = owner_of_name();
        bobs_file = fixture_bob_file("slow");
        bobs_job = client_create_for(fixture.bob, url, bobs_file);
        client_call(fixture.bob, bobs_job, "Resume");
        client_wait_state(fixture.bob, bobs_job, "transferring", 15000);
}

static void start(void)
{
        fixture_start();
        start_bobs_download();
}

static void start_on_broker(void)
{
        fixture_start_on_broker();
        start_bobs_download();
}

/* The same connection of the service all the time, and not one attempt more than it took. */
static void finish(void)
{
        _cleanup_free_ char *now = owner_of_name(), *content = NULL;
        size_t size;

        ck_assert_str_eq(now, service);
        client_wait_state(fixture.bob, bobs_job, "transferred", 30000);
        ck_assert_uint_eq(
                client_number(fixture.bob, bobs_job, DOSVC_JOB_INTERFACE, "ErrorCount", 'u'),
                0);
        ck_assert_int_eq(client_complete(fixture.bob, bobs_job), 0);
        content = temp_dir_read(bobs_file, &size);
        ck_assert_uint_eq(size, sizeof(slow_content));
        ck_assert_mem_eq(content, slow_content, size);
        ck_assert_uint_eq(http_server_count(&server), 1);
        http_server_stop(&server);
        fixture_stop();
}

/* "/home/alice/downloads/<i>/xxx…/xxx…" and a URL, both of nearly the longest kind. */
static void append_long_file(sd_bus_message *m, unsigned i)
{
        char url[URL_BYTES + 64], local[NAME_BYTES + 64];
        size_t n;

        n = (size_t) snprintf(url, sizeof(url), "http://127.0.0.1:1/%05u/", i);
        memset(url + n, 'u', URL_BYTES - n);
        url[URL_BYTES] = '\0';
        n = (size_t) snprintf(local, sizeof(local), USERS_ALICE_HOME "/downloads/%05u/", i);
        for (; n < NAME_BYTES; n++)
                local[n] = n % 200 == 0 ? '/' : 'l';
        local[NAME_BYTES] = '\0';
        ck_assert_int_ge(sd_bus_message_append(m, "(ss)", url, local), 0);
}

static void append_short_file(sd_bus_message *m, unsigned i)
{
        char url[64], local[64];

        (void) snprintf(url, sizeof(url), "http://127.0.0.1:1/%05u", i);
        (void) snprintf(local, sizeof(local), USERS_ALICE_HOME "/downloads/%05u", i);
        ck_assert_int_ge(sd_bus_message_append(m, "(ss)", url, local), 0);
}

static char *fill_job(void (*append)(sd_bus_message *m, unsigned i))
{
        char *job = client_create(fixture.alice, "large");

        for (unsigned first = 0; first < FILES_MAX; first += BATCH) {
                sd_bus_message *m;

                ck_assert_int_ge(sd_bus_message_new_method_call(fixture.alice,
                                                                &m,
                                                                DOSVC_BUS_NAME,
                                                                job,
                                                                DOSVC_JOB_INTERFACE,
                                                                "AddFiles"),
                                 0);
                ck_assert_int_ge(sd_bus_message_open_container(m, 'a', "(ss)"), 0);
                for (unsigned i = first; i < first + BATCH; i++)
                        append(m, i);
                ck_assert_int_ge(sd_bus_message_close_container(m), 0);
                ck_assert_int_ge(sd_bus_call(fixture.alice, m, 0, NULL, NULL), 0);
                sd_bus_message_unref(m);
        }
        return job;
}

static const char *try_managed_objects(sd_bus *bus)
{
        return client_try(bus, DOSVC_MANAGER_PATH, OBJECT_MANAGER, "GetManagedObjects", "");
}

/* A page of ListFilesFiltered; returns how many rows it had, whose numbers follow each other. */
static size_t read_page(const char *job, uint64_t offset, uint64_t limit)
{
        sd_bus_message *reply;
        const char *path, *remote, *local;
        uint64_t got, total;
        size_t n = 0;
        int completed;

        ck_assert_int_ge(sd_bus_call_method(fixture.alice,
                                            DOSVC_BUS_NAME,
                                            job,
                                            DOSVC_JOB_INTERFACE,
                                            "ListFilesFiltered",
                                            NULL,
                                            &reply,
                                            "a{sv}",
                                            2,
                                            "offset",
                                            "t",
                                            offset,
                                            "limit",
                                            "t",
                                            limit),
                         0);
        ck_assert_int_ge(sd_bus_message_enter_container(reply, 'a', "(ossttb)"), 0);
        while (sd_bus_message_read(reply,
                                   "(ossttb)",
                                   &path,
                                   &remote,
                                   &local,
                                   &got,
                                   &total,
                                   &completed) > 0) {
                ck_assert_uint_eq(strtoul(strrchr(path, '/') + 1, NULL, 10), offset + n);
                ck_assert_uint_eq(strtoul(remote + strlen("http://127.0.0.1:1/"), NULL, 10),
                                  offset + n);
                n++;
        }
        sd_bus_message_unref(reply);
        return n;
}

START_TEST(the_largest_job_is_listed_in_pages)
{
        _cleanup_free_ char *job = fill_job(append_long_file);
        uint64_t offset = 0;
        size_t n, n_pages = 0;

        ck_assert_pstr_eq(client_try_call(fixture.alice, job, "ListFiles"), ERROR("LimitExceeded"));
        ck_assert_ptr_nonnull(strstr(client_last_message(), "ListFilesFiltered"));
        ck_assert_pstr_eq(try_managed_objects(fixture.alice), ERROR("LimitExceeded"));
        ck_assert_ptr_nonnull(strstr(client_last_message(), "ListFilesFiltered"));

        for (; (n = read_page(job, offset, UINT64_MAX - 1)) > 0; offset += n)
                n_pages++;
        ck_assert_uint_eq(offset, FILES_MAX);
        ck_assert_uint_gt(n_pages, 20); /* of 1 MiB each */
        ck_assert_uint_eq(read_page(job, FILES_MAX - 1, 5), 1);
        ck_assert_uint_eq(read_page(job, 3, 5), 5);
        ck_assert_uint_eq(read_page(job, UINT64_MAX, 5), 0);
        client_call(fixture.alice, job, "Cancel");
}
END_TEST

/* Runs dosvcctl as alice with its output in a file; returns its lines. */
static unsigned count_lines(const char *verb, const char *argument)
{
        _cleanup_free_ char *program = strdup(install_root_command("dosvcctl"));
        _cleanup_free_ char *out = temp_dir_path(fixture.dir, "out"), *address = NULL, *text = NULL;
        unsigned n = 0;

        temp_dir_write(out, "");
        ck_assert_int_eq(chmod(out, 0666), 0);
        ck_assert_int_gt(asprintf(&address, "DBUS_SYSTEM_BUS_ADDRESS=%s", fixture.bus.address), 0);
        ck_assert_int_eq(
                process_run(&(ProcessSpec){
                        .argv = PROCESS_ARGV(program, "--no-legend", verb, argument),
                        .environment =
                                (const char *const[]){ address, install_root_library_path(), NULL },
                        .output = out,
                        .uid = USERS_ALICE_UID,
                }),
                0);
        text = temp_dir_read(out, NULL);
        for (const char *c = text; *c; c++)
                n += *c == '\n';
        return n;
}

START_TEST(library_and_tool_read_the_largest_job)
{
        _cleanup_free_ char *job = fill_job(append_long_file);
        const char *id = strrchr(job, '/') + 1;
        dosvc_connection *connection;
        dosvc_file_list *files;

        ck_assert_int_eq(setenv("DBUS_SYSTEM_BUS_ADDRESS", fixture.bus.address, 1), 0);
        ck_assert_int_eq(dosvc_open(0, &connection), 0);
        ck_assert_int_eq(dosvc_job_list_files(connection, id, &files), 0);
        ck_assert_uint_eq(dosvc_file_list_size(files), FILES_MAX);
        for (unsigned i = 0; i < FILES_MAX; i++)
                ck_assert_uint_eq(strtoul(dosvc_file_list_remote_name(files, i) +
                                                  strlen("http://127.0.0.1:1/"),
                                          NULL,
                                          10),
                                  i);
        dosvc_file_list_free(files);
        dosvc_close(connection);
        ck_assert_uint_eq(count_lines("files", id), FILES_MAX);
        client_call(fixture.alice, job, "Cancel");
}
END_TEST

START_TEST(many_objects_are_too_many_for_one_answer)
{
        char *jobs[6];

        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
                jobs[i] = fill_job(append_short_file);
        ck_assert_pstr_eq(try_managed_objects(fixture.alice), ERROR("LimitExceeded"));
        ck_assert_pstr_eq(try_managed_objects(fixture.root), ERROR("LimitExceeded"));
        ck_assert_pstr_eq(try_managed_objects(fixture.bob), NULL);
        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
                client_call(fixture.alice, jobs[i], "Cancel");
                free(jobs[i]);
        }
        ck_assert_pstr_eq(try_managed_objects(fixture.root), NULL);
}
END_TEST

static unsigned n_too_many; /* lists that were refused because there were others */

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        unsigned *n_answers = userdata;

        (*n_answers)++;
        /* Each is too large in the end. */
        ck_assert(sd_bus_message_is_method_error(m, ERROR("LimitExceeded")));
        if (strstr(sd_bus_message_get_error(m)->message, "Too many long lists"))
                n_too_many++;
        return 0;
}

static void ask_for_objects(sd_bus *bus, unsigned *n_answers)
{
        ck_assert_int_ge(sd_bus_call_method_async(bus,
                                                  NULL,
                                                  DOSVC_BUS_NAME,
                                                  DOSVC_MANAGER_PATH,
                                                  OBJECT_MANAGER,
                                                  "GetManagedObjects",
                                                  on_answer,
                                                  n_answers,
                                                  ""),
                         0);
        ck_assert_int_ge(sd_bus_flush(bus), 0);
}

/* What has arrived by now. */
static void take_answers(sd_bus *bus)
{
        int r;

        while ((r = sd_bus_process(bus, NULL)) > 0)
                ;
        ck_assert_int_eq(r, 0);
}

static void wait_for_answers(const unsigned *n_answers, unsigned n)
{
        take_answers(fixture.alice);
        while (*n_answers < n) {
                ck_assert_int_ge(sd_bus_wait(fixture.alice, 10000000), 0);
                take_answers(fixture.alice);
        }
}

START_TEST(a_long_list_lets_others_pass)
{
        _cleanup_free_ char *job = fill_job(append_long_file);
        unsigned n_answers = 0;

        for (unsigned i = 0; i < 3; i++)
                ask_for_objects(fixture.alice, &n_answers);
        (void) client_state(fixture.bob, bobs_job);
        take_answers(fixture.alice);
        ck_assert_uint_lt(n_answers, 3);
        wait_for_answers(&n_answers, 3);
        ck_assert_uint_eq(n_too_many, 0);
        client_call(fixture.alice, job, "Cancel");
}
END_TEST

/* Those that are too many are refused; those who leave give their places back. */
START_TEST(one_user_has_so_many_long_lists_and_others_have_theirs)
{
        _cleanup_free_ char *job = fill_job(append_long_file);
        sd_bus *gone = bus_open(&fixture.bus, USERS_ALICE_UID);
        unsigned n_answers = 0, n_gone = 0;

        for (unsigned i = 0; i < 3; i++)
                ask_for_objects(gone, &n_gone);
        for (unsigned i = 0; i < 20; i++)
                ask_for_objects(fixture.alice, &n_answers);
        sd_bus_close_unref(gone);
        ck_assert_pstr_eq(try_managed_objects(fixture.bob), NULL);
        wait_for_answers(&n_answers, 20);
        ck_assert_uint_gt(n_too_many, 10);
        ck_assert_uint_eq(read_page(job, 0, 100), 100);
        client_call(fixture.alice, job, "Cancel");
}
END_TEST

static TCase *new_case(Suite *suite, const char *name, void (*begin)(void))
{
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, begin, finish);
        tcase_set_timeout(tcase, 120);
        suite_add_tcase(suite, tcase);
        return tcase;
}

int main(void)
{
        Suite *suite = suite_create("large");
        TCase *daemon = new_case(suite, "dbus-daemon", start);
        TCase *broker = new_case(suite, "dbus-broker", start_on_broker);

        tcase_add_test(daemon, the_largest_job_is_listed_in_pages);
        tcase_add_test(daemon, library_and_tool_read_the_largest_job);
        tcase_add_test(daemon, many_objects_are_too_many_for_one_answer);
        tcase_add_test(daemon, a_long_list_lets_others_pass);
        tcase_add_test(daemon, one_user_has_so_many_long_lists_and_others_have_theirs);
        tcase_add_test(broker, the_largest_job_is_listed_in_pages);
        tcase_add_test(broker, many_objects_are_too_many_for_one_answer);
        return fixture_play(suite, 0);
}
