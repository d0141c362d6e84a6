/*
 * The vault of alice's user instance on a private session bus with a real gnome-keyring, and
 * without. The test process becomes alice itself, since the vault lives in its process.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

#include "manager/vault.h"
#include "tests/lib/bus-fixture.h"
#include "tests/lib/install-root.h"
#include "tests/lib/process.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define SECRETS_NAME "org.freedesktop.secrets"
#define SECRETS_PATH "/org/freedesktop/secrets"
#define LOGIN_PATH   SECRETS_PATH "/collection/login"

static char *root_dir; /* owned by main(): outlives failed tests */

static char *dir; /* owned by the fixture, as are the next */
static char *data_dir;
static Bus bus;
static sd_bus *connection;
static pid_t keyring;
static sd_event *event;
static Vault *vault;

/* Fixture --------------------------------------------------------------------------------- */

static void setup(void)
{
        char name[32];

        (void) snprintf(name, sizeof(name), "%d", (int) getpid());
        dir = temp_dir_path(root_dir, name);
        data_dir = temp_dir_path(dir, "data");
        temp_dir_make(dir, 0700, USERS_ALICE_UID);
        users_become(USERS_ALICE_UID);
        temp_dir_make(data_dir, 0700, USERS_ALICE_UID);

        bus_start(&bus, BUS_SESSION, dir, 0);
        ck_assert_int_eq(setenv("DBUS_SESSION_BUS_ADDRESS", bus.address, 1), 0);
        ck_assert_int_eq(setenv("XDG_RUNTIME_DIR", dir, 1), 0);
        ck_assert_int_eq(setenv("XDG_DATA_HOME", data_dir, 1), 0);
        ck_assert_int_ge(sd_bus_open_user(&connection), 0);
        ck_assert_int_eq(sd_event_new(&event), 0);
}

static void teardown(void)
{
        vault = vault_free(vault);
        event = sd_event_unref(event);
        connection = sd_bus_flush_close_unref(connection);
        process_stop(&keyring);
        bus_stop(&bus);
        free(data_dir);
        free(dir);
}

static bool keyring_is_there(void)
{
        sd_bus_message *reply = NULL;
        int there = 0;

        ck_assert_int_ge(sd_bus_call_method(connection,
                                            "org.freedesktop.DBus",
                                            "/org/freedesktop/DBus",
                                            "org.freedesktop.DBus",
                                            "NameHasOwner",
                                            NULL,
                                            &reply,
                                            "s",
                                            SECRETS_NAME),
                         0);
        ck_assert_int_ge(sd_bus_message_read(reply, "b", &there), 0);
        (void) sd_bus_message_unref(reply);
        return there;
}

/* unlocked: with its login keyring, made at the first time, open under a fixed password. */
static void keyring_start(bool unlocked)
{
        _cleanup_free_ char *log = temp_dir_path(dir, "keyring.log");
        static const char run[] = "exec gnome-keyring-daemon --foreground --components=secrets %s";
        static const char unlock[] = "--unlock <<.\nlogin password\n.\n";
        char script[256];

        (void) snprintf(script, sizeof(script), run, unlocked ? unlock : "");
        keyring = process_start(&(ProcessSpec){
                .argv = PROCESS_ARGV("/bin/sh", "-c", script),
                .output = log,
        });
        ck_assert(PROCESS_WAIT_UNTIL(10000, keyring_is_there()));
        /* It takes its name first and opens the login keyring then. */
        if (unlocked)
                ck_assert(PROCESS_WAIT_UNTIL(10000,
                                             sd_bus_call_method(connection,
                                                                SECRETS_NAME,
                                                                LOGIN_PATH,
                                                                "org.freedesktop.DBus.Peer",
                                                                "Ping",
                                                                NULL,
                                                                NULL,
                                                                NULL) >= 0));
}

static void keyring_stop(void)
{
        process_stop(&keyring);
        ck_assert(PROCESS_WAIT_UNTIL(10000, !keyring_is_there()));
}

static void keyring_lock(void)
{
        ck_assert_int_ge(sd_bus_call_method(connection,
                                            SECRETS_NAME,
                                            SECRETS_PATH,
                                            "org.freedesktop.Secret.Service",
                                            "Lock",
                                            NULL,
                                            NULL,
                                            "ao",
                                            1,
                                            LOGIN_PATH),
                         0);
}

static void on_ready(void *userdata, int result)
{
        ck_assert_int_eq(result, 0);
        *(bool *) userdata = true;
}

/* A new start of the service. */
static void open_vault(void)
{
        _cleanup_free_ char *path = strdup(install_root_daemon("dosvc-secret"));
        _cleanup_close_ int dir_fd = -EBADF;
        const uint64_t give_up = process_now_msec() + 20000;
        bool ready = false;

        *strrchr(path, '/') = '\0';
        dir_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        vault = vault_free(vault);
        ck_assert_int_eq(vault_new(event, VAULT_USER, dir_fd, on_ready, &ready, &vault), 0);
        while (!ready) {
                ck_assert_uint_lt(process_now_msec(), give_up);
                ck_assert_int_ge(sd_event_run(event, 100 * USEC_PER_MSEC), 0);
        }
}

static const VaultLabel label = {
        .job.bytes = { 7 },
        .owner_uid = USERS_ALICE_UID,
        .scheme = AUTH_SCHEME_DIGEST,
        .user_name = "alice",
};

static VaultRow seal(void)
{
        _cleanup_(secret_freep) Secret *secret = NULL;
        VaultRow row;

        ck_assert_int_eq(secret_new_copy("password", 8, &secret), 0);
        ck_assert_int_eq(vault_seal(vault, &label, secret, &row), 0);
        return row;
}

static int try_open(const VaultRow *row)
{
        _cleanup_(secret_freep) Secret *secret = NULL;
        int r = vault_open(vault, &label, row, &secret);

        if (r == 0)
                ck_assert_str_eq(secret_data(secret), "password");
        return r;
}

/* What secret-tool says of the item: the secret itself, or "". A new string. */
static char *look_up(void)
{
        _cleanup_free_ char *path = temp_dir_path(dir, "lookup");

        temp_dir_write(path, "");
        (void) process_run(&(ProcessSpec){
                .argv = PROCESS_ARGV("secret-tool",
                                     "lookup",
                                     "xdg:schema",
                                     "org.dosvc1.VaultKey",
                                     "purpose",
                                     "vault"),
                .output = path,
        });
        return temp_dir_read(path, NULL);
}

static void expect_item(void)
{
        _cleanup_free_ char *text = look_up();

        ck_assert_uint_eq(strlen(text), 64);
        ck_assert_uint_eq(strspn(text, "0123456789abcdef"), 64);
}

/* ------------------------------------------------------------------------------------------ */

START_TEST(the_first_start_makes_a_key_and_the_next_finds_it)
{
        VaultRow row;

        keyring_start(true);
        open_vault();
        ck_assert(vault_is_persistent(vault));
        ck_assert_str_eq(vault_store_name(vault), "secret-service");
        expect_item();
        row = seal();
        ck_assert(row.persistent);

        open_vault();
        ck_assert(vault_is_persistent(vault));
        ck_assert_int_eq(try_open(&row), 0);
        vault_row_done(&row);
}
END_TEST

START_TEST(the_key_outlives_the_keyring_daemon)
{
        VaultRow row;

        keyring_start(true);
        open_vault();
        row = seal();
        keyring_stop();
        keyring_start(true);
        open_vault();
        ck_assert_int_eq(try_open(&row), 0);
        vault_row_done(&row);
}
END_TEST

START_TEST(a_locked_collection_loses_nothing)
{
        VaultRow row, later;

        keyring_start(true);
        open_vault();
        row = seal();
        keyring_lock();
        open_vault();
        ck_assert(!vault_is_persistent(vault));
        ck_assert_int_eq(try_open(&row), -ENOKEY);
        ck_assert(!vault_row_is_lost(vault, &row));
        later = seal();
        ck_assert_int_eq(try_open(&later), 0);

        keyring_stop();
        keyring_start(true);
        open_vault();
        ck_assert_int_eq(try_open(&row), 0);
        ck_assert(vault_row_is_lost(vault, &later));
        vault_row_done(&row);
        vault_row_done(&later);
}
END_TEST

START_TEST(an_item_that_is_no_key_is_replaced)
{
        keyring_start(true);
        ck_assert_int_eq(process_run(&(ProcessSpec){
                                 .argv = PROCESS_ARGV("/bin/sh",
                                                      "-c",
                                                      "printf garbage | secret-tool store"
                                                      " --label=x xdg:schema"
                                                      " org.dosvc1.VaultKey purpose vault"),
                         }),
                         0);
        open_vault();
        ck_assert(vault_is_persistent(vault));
        expect_item();
}
END_TEST

START_TEST(another_key_in_the_store_loses_the_rows)
{
        VaultRow row;

        keyring_start(true);
        open_vault();
        row = seal();
        ck_assert_int_eq(process_run(&(ProcessSpec){
                                 .argv = PROCESS_ARGV("secret-tool", "clear", "purpose", "vault"),
                         }),
                         0);
        open_vault();
        ck_assert(vault_is_persistent(vault));
        ck_assert_int_eq(try_open(&row), -ENOKEY);
        ck_assert(vault_row_is_lost(vault, &row));
        vault_row_done(&row);
}
END_TEST

START_TEST(without_a_default_collection_none_is_made)
{
        _cleanup_free_ char *keyrings = temp_dir_path(data_dir, "keyrings/login.keyring");

        keyring_start(false);
        open_vault();
        ck_assert(!vault_is_persistent(vault));
        ck_assert_int_ne(access(keyrings, F_OK), 0);
        ck_assert(keyring_is_there());
}
END_TEST

START_TEST(without_a_secret_service_the_key_is_volatile)
{
        const uint64_t began = process_now_msec();
        VaultRow row;

        open_vault();
        ck_assert(!vault_is_persistent(vault));
        ck_assert_uint_lt(process_now_msec() - began, 3000);
        row = seal();
        ck_assert_int_eq(try_open(&row), 0);
        vault_row_done(&row);
}
END_TEST

START_TEST(without_a_bus_none_is_started)
{
        _cleanup_free_ char *machine = temp_dir_path(USERS_ALICE_HOME, ".dbus");

        ck_assert_int_eq(unsetenv("DBUS_SESSION_BUS_ADDRESS"), 0);
        ck_assert_int_eq(setenv("XDG_RUNTIME_DIR", data_dir, 1), 0);
        open_vault();
        ck_assert(!vault_is_persistent(vault));
        ck_assert_int_ne(access(machine, F_OK), 0);
}
END_TEST

START_TEST(the_bus_of_the_runtime_directory_is_found)
{
        keyring_start(true);
        ck_assert_int_eq(unsetenv("DBUS_SESSION_BUS_ADDRESS"), 0);
        open_vault();
        ck_assert(vault_is_persistent(vault));
}
END_TEST

/* Its owner, this test, never reads a message. */
START_TEST(a_service_that_never_answers_delays_the_start_by_its_deadline)
{
        const uint64_t began = process_now_msec();

        ck_assert_int_ge(sd_bus_request_name(connection, SECRETS_NAME, 0), 0);
        open_vault();
        ck_assert(!vault_is_persistent(vault));
        ck_assert_uint_ge(process_now_msec() - began, 4900);
        ck_assert_uint_lt(process_now_msec() - began, 8000);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("vault-secret-service");
        TCase *there = tcase_create("there"), *absent = tcase_create("absent");

        tcase_add_checked_fixture(there, setup, teardown);
        tcase_set_timeout(there, 60);
        tcase_add_test(there, the_first_start_makes_a_key_and_the_next_finds_it);
        tcase_add_test(there, the_key_outlives_the_keyring_daemon);
        tcase_add_test(there, a_locked_collection_loses_nothing);
        tcase_add_test(there, an_item_that_is_no_key_is_replaced);
        tcase_add_test(there, another_key_in_the_store_loses_the_rows);
        tcase_add_test(there, the_bus_of_the_runtime_directory_is_found);
        suite_add_tcase(suite, there);

        tcase_add_checked_fixture(absent, setup, teardown);
        tcase_set_timeout(absent, 60);
        tcase_add_test(absent, without_a_default_collection_none_is_made);
        tcase_add_test(absent, without_a_secret_service_the_key_is_volatile);
        tcase_add_test(absent, without_a_bus_none_is_started);
        tcase_add_test(absent, a_service_that_never_answers_delays_the_start_by_its_deadline);
        suite_add_tcase(suite, absent);
        return suite;
}

int main(void)
{
        SRunner *runner;
        int failed;

        users_setup();
        root_dir = temp_dir_new();
        runner = srunner_create(make_suite());
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        root_dir = temp_dir_remove(root_dir);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
