/*
 * Rights of root, alice and bob, tested as root, alice and bob: a foreign job does not exist for
 * bob; root may look, stop, start, cancel and take over, and may not touch what is the owner's
 * (spec section 5.1, statements 27 and 28 of section 9).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/users.h"

#define ERROR(name)   DOSVC_ERROR_PREFIX name
#define ACCESS_DENIED SD_BUS_ERROR_ACCESS_DENIED
#define NO_OBJECT     SD_BUS_ERROR_UNKNOWN_OBJECT

static char *job;      /* alice's, with one file */
static char *file;     /* its object */
static const char *id; /* last part of job */

static void start(void)
{
        fixture_start();
        job = client_create_for(fixture.alice,
                                "http://127.0.0.1:9/secret-name",
                                USERS_ALICE_HOME "/secret-path");
        ck_assert_int_ge(asprintf(&file, "%s/file/0", job), 0);
        id = strrchr(job, '/') + 1;
}

typedef struct Call {
        const char *member, *types;
        const char *root; /* what root gets: an error, or NULL */
} Call;

static const Call calls[] = {
        { "ListFiles", NULL, NULL },
        { "Resume", NULL, NULL },
        { "Suspend", NULL, NULL },
        { "Complete", NULL, ACCESS_DENIED },
        { "AddFile", "ssa{sv}", ACCESS_DENIED },
        { "AddFiles", "a(ss)", ACCESS_DENIED },
        { "SetCredentials", "ssa{sv}", ACCESS_DENIED },
        { "RemoveCredentials", "ss", ACCESS_DENIED },
        { "Cancel", NULL, NULL },
};

static const char *try(sd_bus *bus, const Call *call)
{
        static const char url[] = "http://127.0.0.1:9/x", path[] = USERS_ALICE_HOME "/x";
        const char *i = DOSVC_JOB_INTERFACE, *m = call->member;

        if (!call->types)
                return client_try(bus, job, i, m, NULL);
        if (strcmp(call->types, "ss") == 0)
                return client_try(bus, job, i, m, "ss", "server", "basic");
        if (strcmp(call->types, "a(ss)") == 0)
                return client_try(bus, job, i, m, "a(ss)", 1, url, path);
        if (strcmp(m, "AddFile") == 0)
                return client_try(bus, job, i, m, "ssa{sv}", url, path, 0);
        return client_try(bus,
                          job,
                          i,
                          m,
                          "ssa{sv}",
                          "server",
                          "basic",
                          2,
                          "user-name",
                          "s",
                          "u",
                          "password",
                          "s",
                          "p");
}

/* 9.27, and the rule that a foreign job and one that is not there look the same. */
START_TEST(a_foreign_job_does_not_exist)
{
        static const Call take = { "TakeOwnership", NULL, NULL };
        char message[512];

        for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
                ck_assert_pstr_eq(try(fixture.bob, &calls[i]), NO_OBJECT);
        ck_assert_pstr_eq(try(fixture.bob, &take), NO_OBJECT);
        ck_assert_str_eq(client_state(fixture.alice, job), "suspended");

        (void) try(fixture.bob, &calls[0]);
        (void) snprintf(message, sizeof(message), "%s", client_last_message());
        job[strlen(job) - 1] = (char) (job[strlen(job) - 1] == 'f' ? '0' : 'f');
        ck_assert_pstr_eq(try(fixture.bob, &calls[0]), NO_OBJECT);
        ck_assert_uint_eq(strlen(message), strlen(client_last_message()));
}
END_TEST

START_TEST(properties_of_a_foreign_job_do_not_exist)
{
        static const char *const properties[] = { "State", "Error",    "Owner",
                                                  "Id",    "Priority", "NoSuchThing" };

        for (size_t i = 0; i < ARRAY_SIZE(properties); i++)
                ck_assert_pstr_eq(client_try(fixture.bob,
                                             job,
                                             "org.freedesktop.DBus.Properties",
                                             "Get",
                                             "ss",
                                             DOSVC_JOB_INTERFACE,
                                             properties[i]),
                                  NO_OBJECT);
        ck_assert_pstr_eq(client_try(fixture.bob,
                                     job,
                                     "org.freedesktop.DBus.Properties",
                                     "GetAll",
                                     "s",
                                     DOSVC_JOB_INTERFACE),
                          NO_OBJECT);
        ck_assert_pstr_eq(client_try(fixture.bob,
                                     file,
                                     "org.freedesktop.DBus.Properties",
                                     "Get",
                                     "ss",
                                     DOSVC_FILE_INTERFACE,
                                     "RemoteName"),
                          NO_OBJECT);
        ck_assert_pstr_eq(client_try(fixture.bob,
                                     job,
                                     "org.freedesktop.DBus.Properties",
                                     "Set",
                                     "ssv",
                                     DOSVC_JOB_INTERFACE,
                                     "DisplayName",
                                     "s",
                                     "mine"),
                          NO_OBJECT);
        ck_assert_str_eq(client_string(fixture.alice, job, DOSVC_JOB_INTERFACE, "DisplayName"),
                         "test");
}
END_TEST

static const char *try_get_job(sd_bus *bus, const char *which)
{
        return client_try(bus, DOSVC_MANAGER_PATH, DOSVC_MANAGER_INTERFACE, "GetJob", "s", which);
}

START_TEST(get_job_finds_only_what_the_caller_may_see)
{
        ck_assert_pstr_eq(try_get_job(fixture.alice, id), NULL);
        ck_assert_pstr_eq(try_get_job(fixture.root, id), NULL);
        ck_assert_pstr_eq(try_get_job(fixture.bob, id), ERROR("NotFound"));
        ck_assert_pstr_eq(try_get_job(fixture.bob, "0123456789abcdef0123456789abcdef"),
                          ERROR("NotFound"));
}
END_TEST

START_TEST(root_has_its_column_of_the_table)
{
        for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
                ck_assert_pstr_eq(try(fixture.root, &calls[i]), calls[i].root);
}
END_TEST

START_TEST(root_may_look)
{
        ck_assert_uint_eq(client_number(fixture.root, job, DOSVC_JOB_INTERFACE, "Owner", 'u'),
                          USERS_ALICE_UID);
        ck_assert_str_eq(client_string(fixture.root, file, DOSVC_FILE_INTERFACE, "RemoteName"),
                         "http://127.0.0.1:9/secret-name");
}
END_TEST

/* 9.28 in as far as it can be seen on the bus; that they are gone shows tests/net. */
START_TEST(root_takes_a_job_over_and_its_credentials_go)
{
        client_set_password(fixture.alice, job, "server", "basic", "u", "p");
        ck_assert_pstr_eq(client_try_call(fixture.alice, job, "TakeOwnership"), ACCESS_DENIED);

        client_call(fixture.root, job, "TakeOwnership");
        ck_assert_uint_eq(client_number(fixture.root, job, DOSVC_JOB_INTERFACE, "Owner", 'u'), 0);
        ck_assert_int_eq(client_remove_credentials(fixture.root, job, "server", "basic"), 0);
        ck_assert_pstr_eq(client_try_call(fixture.alice, job, "Resume"), NO_OBJECT);
        ck_assert_pstr_eq(try_get_job(fixture.alice, id), ERROR("NotFound"));

        /* The owner himself: 5.2, "calling the method removes the credentials". */
        client_set_password(fixture.root, job, "server", "basic", "u", "p");
        client_call(fixture.root, job, "TakeOwnership");
        ck_assert_int_eq(client_remove_credentials(fixture.root, job, "server", "basic"), 0);
}
END_TEST

static size_t count_rows(sd_bus *bus, const char *key)
{
        sd_bus_message *reply = client_list_jobs(bus, key);
        size_t n = 0;

        while (sd_bus_message_skip(reply, "(oussstt)") > 0)
                n++;
        sd_bus_message_unref(reply);
        return n;
}

START_TEST(lists_hold_ones_own_jobs)
{
        free(client_create(fixture.bob, "of bob"));
        ck_assert_uint_eq(count_rows(fixture.alice, NULL), 1);
        ck_assert_uint_eq(count_rows(fixture.bob, NULL), 1);
        ck_assert_uint_eq(count_rows(fixture.root, NULL), 0);
        ck_assert_uint_eq(count_rows(fixture.root, "all-users"), 2);
        ck_assert_pstr_eq(client_try(fixture.bob,
                                     DOSVC_MANAGER_PATH,
                                     DOSVC_MANAGER_INTERFACE,
                                     "ListJobs",
                                     "a{sv}",
                                     1,
                                     "all-users",
                                     "b",
                                     1),
                          ACCESS_DENIED);
        ck_assert_pstr_eq(client_try(fixture.bob,
                                     DOSVC_MANAGER_PATH,
                                     DOSVC_MANAGER_INTERFACE,
                                     "Subscribe",
                                     "a{sv}",
                                     1,
                                     "all-users",
                                     "b",
                                     1),
                          ACCESS_DENIED);
        ck_assert_uint_eq(client_number(fixture.bob,
                                        DOSVC_MANAGER_PATH,
                                        DOSVC_MANAGER_INTERFACE,
                                        "JobsTotal",
                                        'u'),
                          1);
}
END_TEST

/* The reply of a call without arguments as text. */
static char *ask(sd_bus *bus, const char *path, const char *interface, const char *member)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        ck_assert_msg(sd_bus_call_method(bus,
                                         DOSVC_BUS_NAME,
                                         path,
                                         interface,
                                         member,
                                         &error,
                                         &reply,
                                         NULL) >= 0,
                      "%s: %s",
                      member,
                      error.message);
        ck_assert_int_ge(sd_bus_message_dump(reply, out, 0), 0);
        (void) fclose(out);
        sd_bus_message_unref(reply);
        return text;
}

START_TEST(managed_objects_and_introspection_are_the_callers)
{
        static const struct {
                const char *path, *interface, *member;
        } questions[] = {
                { DOSVC_MANAGER_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects" },
                { DOSVC_JOB_PREFIX, "org.freedesktop.DBus.Introspectable", "Introspect" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
                const char *path = questions[i].path, *interface = questions[i].interface;
                const char *member = questions[i].member;

                ck_assert_ptr_nonnull(strstr(ask(fixture.alice, path, interface, member), id));
                ck_assert_ptr_nonnull(strstr(ask(fixture.root, path, interface, member), id));
                ck_assert_ptr_null(strstr(ask(fixture.bob, path, interface, member), id));
        }
        ck_assert_ptr_null(strstr(ask(fixture.bob,
                                      DOSVC_MANAGER_PATH,
                                      "org.freedesktop.DBus.ObjectManager",
                                      "GetManagedObjects"),
                                  "secret-"));
}
END_TEST

static int count_signal(sd_bus_message *signal, void *userdata, sd_bus_error *ret_error)
{
        unsigned *n = userdata;

        (*n)++;
        return 0;
}

static void listen_to_all(sd_bus *bus, unsigned *n)
{
        ck_assert_int_ge(
                sd_bus_match_signal(bus, NULL, DOSVC_BUS_NAME, NULL, NULL, NULL, count_signal, n),
                0);
}

static void subscribe(sd_bus *bus)
{
        ck_assert_pstr_eq(client_try(bus,
                                     DOSVC_MANAGER_PATH,
                                     DOSVC_MANAGER_INTERFACE,
                                     "Subscribe",
                                     "a{sv}",
                                     0),
                          NULL);
}

static void process_for(sd_bus *bus, unsigned msec)
{
        uint64_t deadline = process_now_msec() + msec;

        while (process_now_msec() < deadline) {
                while (sd_bus_process(bus, NULL) > 0)
                        continue;
                ck_assert_int_ge(sd_bus_wait(bus, 20000), 0);
        }
}

START_TEST(signals_go_to_the_subscriber_who_may_see_them)
{
        unsigned alice = 0, bob = 0, silent = 0;
        sd_bus *other = bus_open(&fixture.bus, USERS_ALICE_UID);
        char *second;

        listen_to_all(fixture.alice, &alice);
        listen_to_all(fixture.bob, &bob);
        listen_to_all(other, &silent);
        subscribe(fixture.alice);
        subscribe(fixture.bob);

        second = client_create_for(fixture.alice, "http://127.0.0.1:9/x", USERS_ALICE_HOME "/x");
        client_call(fixture.alice, second, "Resume");
        process_for(fixture.alice, 500);
        client_call(fixture.alice, second, "Cancel");
        process_for(fixture.alice, 500);
        process_for(fixture.bob, 200);
        process_for(other, 200);

        ck_assert_uint_ge(alice, 4); /* JobNew, StateChanged twice, JobRemoved */
        ck_assert_uint_eq(bob, 0);
        ck_assert_uint_eq(silent, 0); /* did not subscribe */

        ck_assert_pstr_eq(client_try(fixture.alice,
                                     DOSVC_MANAGER_PATH,
                                     DOSVC_MANAGER_INTERFACE,
                                     "Unsubscribe",
                                     NULL),
                          NULL);
        process_for(fixture.alice, 100);
        alice = 0;
        free(client_create(fixture.alice, "unheard"));
        process_for(fixture.alice, 300);
        ck_assert_uint_eq(alice, 0);
        sd_bus_flush_close_unref(other);
}
END_TEST

START_TEST(a_subscription_is_for_jobs_that_the_caller_may_see)
{
        static const char *const foreign = "/org/dosvc1/job/0123456789abcdef0123456789abcdef";

        ck_assert_pstr_eq(client_try(fixture.bob,
                                     DOSVC_MANAGER_PATH,
                                     DOSVC_MANAGER_INTERFACE,
                                     "Subscribe",
                                     "a{sv}",
                                     1,
                                     "job",
                                     "o",
                                     job),
                          ERROR("NotFound"));
        ck_assert_pstr_eq(client_try(fixture.bob,
                                     DOSVC_MANAGER_PATH,
                                     DOSVC_MANAGER_INTERFACE,
                                     "Subscribe",
                                     "a{sv}",
                                     1,
                                     "job",
                                     "o",
                                     foreign),
                          ERROR("NotFound"));
}
END_TEST

/* The uid is asked of the bus: a caller who has gone when the answer comes is nobody. */
START_TEST(callers_that_vanish_do_nothing)
{
        for (int i = 0; i < 50; i++) {
                sd_bus *visitor = bus_open(&fixture.bus, i % 2 ? USERS_BOB_UID : USERS_ALICE_UID);

                ck_assert_int_ge(sd_bus_call_method_async(visitor,
                                                          NULL,
                                                          DOSVC_BUS_NAME,
                                                          job,
                                                          DOSVC_JOB_INTERFACE,
                                                          i % 2 ? "Cancel" : "ListFiles",
                                                          NULL,
                                                          NULL,
                                                          NULL),
                                 0);
                sd_bus_flush_close_unref(visitor);
        }
        ck_assert_str_eq(client_state(fixture.alice, job), "suspended");
}
END_TEST

/* A flood by one user leaves another's calls quick. */
START_TEST(one_users_flood_does_not_starve_another)
{
        pid_t flood = fork();
        uint64_t began;

        if (flood == 0) {
                sd_bus *bus = bus_open(&fixture.bus, USERS_BOB_UID);

                for (;;)
                        if (sd_bus_call_method_async(bus,
                                                     NULL,
                                                     DOSVC_BUS_NAME,
                                                     DOSVC_MANAGER_PATH,
                                                     DOSVC_MANAGER_INTERFACE,
                                                     "ListJobs",
                                                     NULL,
                                                     NULL,
                                                     "a{sv}",
                                                     0) < 0)
                                _exit(0);
        }
        process_nap_msec(300);
        for (int i = 0; i < 10; i++) {
                began = process_now_msec();
                ck_assert_str_eq(client_state(fixture.alice, job), "suspended");
                ck_assert_uint_lt(process_now_msec() - began, 3000);
        }
        process_kill(&flood);
}
END_TEST

/* 64 calls with 16 descriptors each, of somebody whom the service has yet to ask about. */
static void send_descriptors(sd_bus *bus)
{
        for (int i = 0; i < 64; i++) {
                sd_bus_message *m = NULL;

                ck_assert_int_ge(sd_bus_message_new_method_call(bus,
                                                                &m,
                                                                DOSVC_BUS_NAME,
                                                                DOSVC_MANAGER_PATH,
                                                                DOSVC_MANAGER_INTERFACE,
                                                                "ListJobs"),
                                 0);
                for (int fd = 0; fd < 16; fd++)
                        ck_assert_int_ge(sd_bus_message_append(m, "h", STDERR_FILENO), 0);
                ck_assert_int_ge(sd_bus_send(bus, m, NULL), 0);
                sd_bus_message_unref(m);
        }
        ck_assert_int_ge(sd_bus_flush(bus), 0);
}

/* As systemd starts a service. */
static void start_with_usual_limits(void)
{
        struct rlimit files;

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
        files.rlim_cur = 1024;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
        start();
}

START_TEST(descriptors_of_strangers_do_not_end_the_service)
{
        sd_bus *strangers[16];

        for (size_t i = 0; i < ARRAY_SIZE(strangers); i++)
                strangers[i] = bus_open(&fixture.bus, USERS_BOB_UID);
        for (size_t i = 0; i < ARRAY_SIZE(strangers); i++)
                send_descriptors(strangers[i]);
        ck_assert_str_eq(client_state(fixture.alice, job), "suspended");
        for (size_t i = 0; i < ARRAY_SIZE(strangers); i++)
                sd_bus_flush_close_unref(strangers[i]);
}
END_TEST

static void add_many_files(sd_bus *bus)
{
        sd_bus_message *m = NULL, *reply = NULL;
        char *path = client_create(bus, "many");

        ck_assert_int_ge(sd_bus_message_new_method_call(bus,
                                                        &m,
                                                        DOSVC_BUS_NAME,
                                                        path,
                                                        DOSVC_JOB_INTERFACE,
                                                        "AddFiles"),
                         0);
        ck_assert_int_ge(sd_bus_message_open_container(m, 'a', "(ss)"), 0);
        for (int i = 0; i < 10000; i++) {
                char local[32];

                (void) snprintf(local, sizeof(local), "/dir/%d", i);
                ck_assert_int_ge(sd_bus_message_append(m, "(ss)", "http://host/a", local), 0);
        }
        ck_assert_int_ge(sd_bus_message_close_container(m), 0);
        ck_assert_int_ge(sd_bus_call(bus, m, 0, NULL, &reply), 0);
        sd_bus_message_unref(reply);
        sd_bus_message_unref(m);
        free(path);
}

START_TEST(more_objects_than_a_message_holds_are_refused_quickly)
{
        uint64_t began;

        for (int i = 0; i < 10; i++)
                add_many_files(fixture.bob);
        began = process_now_msec();
        ck_assert_str_eq(client_try(fixture.bob,
                                    DOSVC_MANAGER_PATH,
                                    "org.freedesktop.DBus.ObjectManager",
                                    "GetManagedObjects",
                                    NULL),
                         DOSVC_ERROR_PREFIX "LimitExceeded");
        ck_assert_uint_lt(process_now_msec() - began, 2000);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("permissions");
        TCase *foreign = fixture_case(suite, "foreign", start);
        TCase *superuser = fixture_case(suite, "root", start);
        TCase *views = fixture_case(suite, "views", start);
        TCase *signals = fixture_case(suite, "signals", start);
        TCase *floods = fixture_case(suite, "floods", start);
        TCase *objects = fixture_case(suite, "objects", start);
        TCase *descriptors = fixture_case(suite, "descriptors", start_with_usual_limits);

        tcase_add_test(foreign, a_foreign_job_does_not_exist);
        tcase_add_test(foreign, properties_of_a_foreign_job_do_not_exist);
        tcase_add_test(foreign, get_job_finds_only_what_the_caller_may_see);

        tcase_add_test(superuser, root_has_its_column_of_the_table);
        tcase_add_test(superuser, root_may_look);
        tcase_add_test(superuser, root_takes_a_job_over_and_its_credentials_go);

        tcase_add_test(views, lists_hold_ones_own_jobs);
        tcase_add_test(views, managed_objects_and_introspection_are_the_callers);

        tcase_add_test(signals, signals_go_to_the_subscriber_who_may_see_them);
        tcase_add_test(signals, a_subscription_is_for_jobs_that_the_caller_may_see);

        tcase_add_test(floods, callers_that_vanish_do_nothing);
        tcase_add_test(floods, one_users_flood_does_not_starve_another);
        tcase_add_test(objects, more_objects_than_a_message_holds_are_refused_quickly);
        tcase_add_test(descriptors, descriptors_of_strangers_do_not_end_the_service);
        return suite;
}

int main(void)
{
        return fixture_play(make_suite(), 0);
}
