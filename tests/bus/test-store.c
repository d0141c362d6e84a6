/*
 * The service and its database: damaged, from a newer version, on a disk that is full.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/install-root.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define URL "http://127.0.0.1:9/file"

static uint64_t jobs(void)
{
        return client_number(fixture.alice,
                             DOSVC_MANAGER_PATH,
                             DOSVC_MANAGER_INTERFACE,
                             "JobsTotal",
                             'u');
}

static char *state_file(const char *name)
{
        return temp_dir_path(fixture.daemon.state_dir, name);
}

/* The one file that begins so; a new string, NULL if there is none. */
static char *find_state_file(const char *prefix)
{
        DIR *directory = opendir(fixture.daemon.state_dir);
        const struct dirent *entry;
        char *found = NULL;

        ck_assert_ptr_nonnull(directory);
        while (!found && (entry = readdir(directory)))
                if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
                        found = state_file(entry->d_name);
        (void) closedir(directory);
        return found;
}

/* Damage ------------------------------------------------------------------------------------- */

static void cut_off(const char *path)
{
        struct stat st;

        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_eq(truncate(path, st.st_size / 2), 0);
}

/* In the middle of a row, where only its sum can tell. */
static void flip_bits(const char *path)
{
        size_t size;
        char *data = temp_dir_read(path, &size);
        char *at = memmem(data, size, "precious", 8);
        FILE *file = fopen(path, "r+e");

        ck_assert_ptr_nonnull(at);
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fseek(file, at - data, SEEK_SET), 0);
        ck_assert_int_ne(fputc('P', file), EOF);
        ck_assert_int_eq(fclose(file), 0);
        free(data);
}

static void overwrite(const char *path)
{
        FILE *file = fopen(path, "r+e");

        ck_assert_ptr_nonnull(file);
        for (int i = 0; i < 4096; i++)
                ck_assert_int_ne(fputc(i * 7 % 251, file), EOF);
        ck_assert_int_eq(fclose(file), 0);
}

static void (*const damages[])(const char *path) = { cut_off, flip_bits, overwrite };

START_TEST(a_damaged_database_is_put_aside_and_the_service_starts)
{
        _cleanup_free_ char *path = state_file("jobs.db"), *aside = NULL, *log = NULL;
        char *job;

        for (int i = 0; i < 20; i++)
                client_add_file(fixture.alice,
                                client_create(fixture.alice, "precious"),
                                URL,
                                "/tmp/x");
        daemon_stop(&fixture.daemon);
        damages[_i](path);
        daemon_start(&fixture.daemon);
        ck_assert_uint_eq(jobs(), 0);
        aside = find_state_file("jobs.db.damaged-");
        ck_assert_ptr_nonnull(aside);
        log = temp_dir_read(fixture.daemon.log, NULL);
        ck_assert_msg(strstr(log, "is damaged, starting without jobs"), "%s", log);
        ck_assert_msg(strstr(log, "it is kept as"), "%s", log);

        /* The new one is as good as any. */
        job = client_create(fixture.alice, "new");
        fixture_crash();
        ck_assert_uint_eq(jobs(), 1);
        ck_assert_str_eq(client_state(fixture.alice, job), "suspended");
}
END_TEST

START_TEST(a_newer_database_is_refused_and_kept)
{
        _cleanup_free_ char *path = state_file("jobs.db"), *before = NULL, *after = NULL;
        _cleanup_free_ char *log = NULL, *state = NULL, *address = NULL;
        static const unsigned char version[] = { 0, 0, 3, 0xe8 }; /* user_version, at byte 60 */
        size_t size, size_after;
        FILE *file;

        (void) client_create(fixture.alice, "kept");
        daemon_stop(&fixture.daemon);
        file = fopen(path, "r+e");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fseek(file, 60, SEEK_SET), 0);
        ck_assert_uint_eq(fwrite(version, 1, sizeof(version), file), sizeof(version));
        ck_assert_int_eq(fclose(file), 0);
        before = temp_dir_read(path, &size);

        ck_assert_int_ge(asprintf(&state, "--state-directory=%s", fixture.daemon.state_dir), 0);
        ck_assert_int_ge(asprintf(&address, "DBUS_SYSTEM_BUS_ADDRESS=%s", fixture.bus.address), 0);
        ck_assert_int_eq(process_run(&(ProcessSpec){
                                 .argv = PROCESS_ARGV(install_root_daemon("dosvcd"),
                                                      state,
                                                      "--config=/dev/null"),
                                 .environment = PROCESS_ARGV(address),
                                 .output = fixture.daemon.log,
                         }),
                         EXIT_FAILURE);
        after = temp_dir_read(path, &size_after);
        ck_assert_uint_eq(size, size_after);
        ck_assert_mem_eq(before, after, size);
        log = temp_dir_read(fixture.daemon.log, NULL);
        ck_assert_msg(strstr(log, "written by a newer version"), "%s", log);
        ck_assert_ptr_null(find_state_file("jobs.db.damaged-"));
}
END_TEST

/* A full disk -------------------------------------------------------------------------------- */

/* The state directory on a file system of its own, of half a megabyte. */
static void start_small(void)
{
        char options[128];

        fixture_start();
        daemon_stop(&fixture.daemon);
        (void) snprintf(options,
                        sizeof(options),
                        "size=512k,mode=0700,uid=%u,gid=%u",
                        USERS_DOSVC_UID,
                        USERS_DOSVC_UID);
        ck_assert_int_eq(mount("tmpfs", fixture.daemon.state_dir, "tmpfs", 0, options), 0);
        daemon_start(&fixture.daemon);
}

static void stop_small(void)
{
        if (fixture.daemon.pid)
                daemon_stop(&fixture.daemon);
        ck_assert_int_eq(umount2(fixture.daemon.state_dir, MNT_DETACH), 0);
}

/* Takes what is left of the file system. */
static void fill_disk(void)
{
        _cleanup_free_ char *path = state_file("filler");
        static const char block[4096];
        FILE *file = fopen(path, "we");

        ck_assert_ptr_nonnull(file);
        setbuf(file, NULL);
        while (fwrite(block, 1, sizeof(block), file) == sizeof(block))
                ;
        (void) fclose(file);
}

static void free_disk(void)
{
        _cleanup_free_ char *path = state_file("filler");

        ck_assert_int_eq(unlink(path), 0);
}

static const char *try_create(void)
{
        return client_try(fixture.alice,
                          DOSVC_MANAGER_PATH,
                          DOSVC_MANAGER_INTERFACE,
                          "CreateJob",
                          "ssa{sv}",
                          "a job with a name that takes some space in the store of the service",
                          "download",
                          0);
}

static const char *try_describe(const char *job, const char *text)
{
        return client_try(fixture.alice,
                          job,
                          "org.freedesktop.DBus.Properties",
                          "Set",
                          "ssv",
                          DOSVC_JOB_INTERFACE,
                          "Description",
                          "s",
                          text);
}

START_TEST(on_a_full_disk_calls_fail_and_change_nothing)
{
        char *job = client_create(fixture.alice, "there");
        const char *error = NULL;
        uint64_t n = 1;

        ck_assert_pstr_eq(try_describe(job, "before"), NULL);
        fill_disk();
        while (n < 5000 && !(error = try_create()))
                n++;
        ck_assert_pstr_eq(error, DOSVC_ERROR_PREFIX "NoSpace");
        for (int i = 0; i < 50; i++)
                ck_assert_pstr_eq(try_create(), DOSVC_ERROR_PREFIX "NoSpace");
        ck_assert_pstr_eq(try_describe(job, "after"), DOSVC_ERROR_PREFIX "NoSpace");
        ck_assert_pstr_eq(client_try_add_file(fixture.alice, job, URL, "/tmp/x"),
                          DOSVC_ERROR_PREFIX "NoSpace");

        for (int i = 0; i < 2; i++) { /* what memory says, and what the disk says */
                ck_assert_uint_eq(jobs(), n);
                ck_assert_str_eq(
                        client_string(fixture.alice, job, DOSVC_JOB_INTERFACE, "Description"),
                        "before");
                ck_assert_uint_eq(
                        client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, "FilesTotal", 'u'),
                        0);
                if (i == 0)
                        fixture_crash();
        }

        free_disk();
        ck_assert_pstr_eq(try_create(), NULL);
        ck_assert_pstr_eq(try_describe(job, "after"), NULL);
        fixture_crash();
        ck_assert_uint_eq(jobs(), n + 1);
}
END_TEST

/* The same without a restart in between. */
START_TEST(with_room_again_the_service_goes_on)
{
        char *job = client_create(fixture.alice, "there");

        client_add_file(fixture.alice, job, URL, "/tmp/x");
        fill_disk();
        for (int i = 0; i < 5000 && !try_create(); i++)
                ;
        ck_assert_pstr_eq(client_try_call(fixture.alice, job, "Resume"),
                          DOSVC_ERROR_PREFIX "NoSpace");
        ck_assert_str_eq(client_state(fixture.alice, job), "suspended");
        free_disk();
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "transient-error", 20000);
        client_call(fixture.alice, job, "Cancel");
        ck_assert_pstr_eq(client_try_call(fixture.alice, job, "Resume"),
                          SD_BUS_ERROR_UNKNOWN_OBJECT);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("store");
        TCase *damage = fixture_case(suite, "damage", fixture_start);
        TCase *full = fixture_case(suite, "full", start_small);

        tcase_add_loop_test(damage,
                            a_damaged_database_is_put_aside_and_the_service_starts,
                            0,
                            ARRAY_SIZE(damages));
        tcase_add_test(damage, a_newer_database_is_refused_and_kept);
        tcase_add_checked_fixture(full, NULL, stop_small);
        tcase_add_test(full, on_a_full_disk_calls_fail_and_change_nothing);
        tcase_add_test(full, with_room_again_the_service_goes_on);
        return fixture_play(suite, 0);
}
