/*
 * Property UMask and what comes of it: a published file is as alice's own open(2) would have made
 * or left it, by a worker in its sandbox. What the cases are is in tests/unit/test-file-access.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/http-server.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define WAIT_MSEC 20000

#define INVALID_ARGS SD_BUS_ERROR_INVALID_ARGS
#define PROPERTIES   "org.freedesktop.DBus.Properties"

static const unsigned char content[] = "what the server has";
static HttpServer server;
static char *dir;   /* alice's */
static char *local; /* the file to be, in it */
static char *job;   /* hers, with that file */

static void serve(HttpRequest *request)
{
        http_serve(request,
                   &(HttpContent){ .data = content,
                                   .size_bytes = sizeof(content),
                                   .etag = "\"one\"" });
}

static void start(void)
{
        _cleanup_free_ char *url = NULL;

        fixture_start();
        http_server_start(&server, serve, fixture.dir);
        url = http_server_url(&server, "/file");
        dir = temp_dir_path(fixture.dir, "alice");
        temp_dir_make(dir, 0755, USERS_ALICE_UID);
        local = temp_dir_path(dir, "file");
        job = client_create_for(fixture.alice, url, local);
}

static void stop(void)
{
        http_server_stop(&server);
}

static const char *try_umask(sd_bus *bus, uint32_t mask)
{
        return client_try(bus,
                          job,
                          PROPERTIES,
                          "Set",
                          "ssv",
                          DOSVC_JOB_INTERFACE,
                          "UMask",
                          "u",
                          mask);
}

static uint32_t umask_of(const char *path)
{
        return (uint32_t) client_number(fixture.alice, path, DOSVC_JOB_INTERFACE, "UMask", 'u');
}

/* A default ACL, by which bob may read and write. */
static void give_bob_access(void)
{
        static const struct {
                struct posix_acl_xattr_header header;
                struct posix_acl_xattr_entry entries[5];
        } acl = {
                { POSIX_ACL_XATTR_VERSION },
                { { ACL_USER_OBJ, 7, UINT32_MAX },
                  { ACL_USER, 6, USERS_BOB_UID },
                  { ACL_GROUP_OBJ, 0, UINT32_MAX },
                  { ACL_MASK, 7, UINT32_MAX },
                  { ACL_OTHER, 0, UINT32_MAX } },
        };

        ck_assert_int_eq(setxattr(dir, "system.posix_acl_default", &acl, sizeof(acl), 0), 0);
}

static void open_as_alice(const char *path, mode_t mask)
{
        pid_t pid = fork();
        int status;

        if (pid == 0) {
                users_become(USERS_ALICE_UID);
                (void) umask(mask);
                _exit(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) < 0);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
}

static void assert_alike(const char *path, const char *other)
{
        char acls[2][1024] = { { 0 } };
        struct stat st, st_other;

        (void) getxattr(path, "system.posix_acl_access", acls[0], sizeof(acls[0]));
        (void) getxattr(other, "system.posix_acl_access", acls[1], sizeof(acls[1]));
        ck_assert_mem_eq(acls[0], acls[1], sizeof(acls[0]));
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_eq(stat(other, &st_other), 0);
        ck_assert_uint_eq(st.st_mode, st_other.st_mode);
        ck_assert_uint_eq(st.st_uid, st_other.st_uid);
        ck_assert_uint_eq(st.st_gid, st_other.st_gid);
}

static void assert_published(void)
{
        size_t size;
        _cleanup_free_ char *data = temp_dir_read(local, &size);

        ck_assert_uint_eq(size, sizeof(content));
        ck_assert_mem_eq(data, content, size);
}

/* ---- the property ---------------------------------------------------------------------------- */

START_TEST(it_is_022_unless_set_and_outlives_the_service)
{
        ck_assert_uint_eq(umask_of(job), 022);
        ck_assert_pstr_eq(try_umask(fixture.alice, 0), NULL);
        fixture_crash();
        ck_assert_uint_eq(umask_of(job), 0);
        ck_assert_pstr_eq(try_umask(fixture.alice, 0777), NULL);
        ck_assert_pstr_eq(try_umask(fixture.alice, 01000), INVALID_ARGS);
        ck_assert_pstr_eq(try_umask(fixture.alice, UINT32_MAX), INVALID_ARGS);
        ck_assert_pstr_eq(try_umask(fixture.root, 022), SD_BUS_ERROR_ACCESS_DENIED);
        ck_assert_pstr_eq(try_umask(fixture.bob, 022), SD_BUS_ERROR_UNKNOWN_OBJECT);
        ck_assert_uint_eq(umask_of(job), 0777);
}
END_TEST

START_TEST(create_job_takes_it_as_an_option)
{
        sd_bus_message *reply = NULL;
        const char *path;

        ck_assert_int_ge(sd_bus_call_method(fixture.alice,
                                            DOSVC_BUS_NAME,
                                            DOSVC_MANAGER_PATH,
                                            DOSVC_MANAGER_INTERFACE,
                                            "CreateJob",
                                            NULL,
                                            &reply,
                                            "ssa{sv}",
                                            "name",
                                            "download",
                                            1,
                                            "UMask",
                                            "u",
                                            (uint32_t) 077),
                         0);
        ck_assert_int_gt(sd_bus_message_read(reply, "o", &path), 0);
        ck_assert_uint_eq(umask_of(path), 077);
        sd_bus_message_unref(reply);
}
END_TEST

/* ---- published files ------------------------------------------------------------------------- */

static const mode_t masks[] = { 022, 002, 077, 0 };

static void publish_as_by_open(mode_t mask)
{
        _cleanup_free_ char *other = temp_dir_path(dir, "other");

        ck_assert_pstr_eq(try_umask(fixture.alice, mask), NULL);
        client_fetch(fixture.alice, job, WAIT_MSEC);
        assert_published();
        open_as_alice(other, mask);
        assert_alike(local, other);
}

START_TEST(a_new_file_has_the_mode_that_the_umask_leaves)
{
        struct stat st;

        publish_as_by_open(masks[_i]);
        ck_assert_int_eq(stat(local, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0666 & ~masks[_i]);
}
END_TEST

START_TEST(a_default_acl_of_the_directory_is_followed)
{
        give_bob_access();
        publish_as_by_open(masks[_i]);
}
END_TEST

START_TEST(a_set_group_id_directory_gives_its_group)
{
        struct stat st;

        ck_assert_int_eq(chown(dir, USERS_ALICE_UID, USERS_READERS_GID), 0);
        ck_assert_int_eq(chmod(dir, 02770), 0);
        publish_as_by_open(masks[_i]);
        ck_assert_int_eq(stat(local, &st), 0);
        ck_assert_uint_eq(st.st_gid, USERS_READERS_GID);
}
END_TEST

/* Alice is in the group of readers, so that she may keep it. */
START_TEST(a_replaced_file_keeps_mode_group_and_acl)
{
        static const mode_t modes[] = { 0600, 0664, 0640, 0444 };
        _cleanup_free_ char *as_it_was = temp_dir_path(dir, "as-it-was");

        if (_i >= 4)
                give_bob_access();
        open_as_alice(local, 022);
        ck_assert_int_eq(chown(local, USERS_ALICE_UID, USERS_READERS_GID), 0);
        ck_assert_int_eq(chmod(local, modes[_i % 4]), 0);
        ck_assert_int_eq(link(local, as_it_was), 0);
        client_fetch(fixture.alice, job, WAIT_MSEC);
        assert_published();
        assert_alike(local, as_it_was);
}
END_TEST

/* Before Complete it is nobody else's, whatever the directory says. */
START_TEST(a_temporary_file_is_its_owners_alone)
{
        struct dirent *entry;
        unsigned n = 0;
        DIR *entries;

        give_bob_access();
        ck_assert_pstr_eq(try_umask(fixture.alice, 0), NULL);
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "transferred", WAIT_MSEC);
        entries = opendir(dir);
        ck_assert_ptr_nonnull(entries);
        while ((entry = readdir(entries))) {
                struct stat st;

                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                ck_assert_int_eq(fstatat(dirfd(entries), entry->d_name, &st, 0), 0);
                ck_assert_uint_eq(st.st_mode & 07777, 0600);
                n++;
        }
        (void) closedir(entries);
        ck_assert_uint_eq(n, 1);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("umask");
        TCase *property = fixture_case(suite, "property", start);
        TCase *files = fixture_case(suite, "files", start);

        tcase_add_checked_fixture(property, NULL, stop);
        tcase_add_checked_fixture(files, NULL, stop);
        tcase_add_test(property, it_is_022_unless_set_and_outlives_the_service);
        tcase_add_test(property, create_job_takes_it_as_an_option);
        tcase_add_loop_test(files, a_new_file_has_the_mode_that_the_umask_leaves, 0, 4);
        tcase_add_loop_test(files, a_default_acl_of_the_directory_is_followed, 0, 4);
        tcase_add_loop_test(files, a_set_group_id_directory_gives_its_group, 0, 4);
        tcase_add_loop_test(files, a_replaced_file_keeps_mode_group_and_acl, 0, 8);
        tcase_add_test(files, a_temporary_file_is_its_owners_alone);
        return fixture_play(suite, 0);
}
