/*
 * libdosvc and dosvcctl against the real service: each call and its errors, events, waiting over
 * a crash of the service, and the command line as a user meets it, on a terminal and off it.
 */
#include <dosvc.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>

#include "dbus/dosvc-wire.h"

#include "base/fd.h"
#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/file-hash.h"
#include "tests/lib/process.h"
#include "tests/lib/scene.h"
#include "tests/lib/servers.h"
#include "tests/lib/stage.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define SECOND 1000000ULL
#define WAIT   (30 * SECOND)

#define NO_JOB "0123456789abcdef0123456789abcdef"

static dosvc_connection *alice, *bob, *root;
static char id[DOSVC_ID_SIZE]; /* a job of alice's */
static char *local;            /* where its file goes */

static dosvc_connection *connect_as(uint32_t uid)
{
        dosvc_connection *c = NULL;
        dosvc_service *service = NULL;

        ck_assert_int_eq(setenv("DBUS_SYSTEM_BUS_ADDRESS", scene.bus.address, 1), 0);
        ck_assert_int_eq(seteuid(uid), 0);
        ck_assert_int_eq(dosvc_open(0, &c), 0);
        /* The bus asks for the uid when the connection is made, the daemon at the first call. */
        ck_assert_int_eq(dosvc_get_service(c, &service), 0);
        ck_assert_int_eq(seteuid(0), 0);
        dosvc_service_free(service);
        return c;
}

static void start(void)
{
        scene_start();
        alice = connect_as(USERS_ALICE_UID);
        bob = connect_as(USERS_BOB_UID);
        root = connect_as(0);
        ck_assert_int_eq(dosvc_job_create(alice, "client", id), 0);
        local = scene_alice_file("client-file");
        (void) unlink(local);
}

static void stop(void)
{
        (void) dosvc_close(alice);
        (void) dosvc_close(bob);
        (void) dosvc_close(root);
        (void) unlink(local);
        free(local);
        scene_stop();
}

static void add(Site site, const char *name)
{
        _cleanup_free_ char *url = servers_url(site, name);

        ck_assert_int_eq(dosvc_job_add_file(alice, id, url, local, NULL), 0);
}

static dosvc_job_info *info_of(dosvc_connection *c, const char *job)
{
        dosvc_job_info *info = NULL;

        ck_assert_int_eq(dosvc_job_get_info(c, job, &info), 0);
        return info;
}

static void assert_error(dosvc_connection *c, int r, int expected, const char *name)
{
        ck_assert_msg(r == expected, "%d (%s), not %d", r, dosvc_last_error_message(c), expected);
        ck_assert_str_eq(dosvc_last_error_name(c), name);
        ck_assert_int_gt((int) strlen(dosvc_last_error_message(c)), 0);
}

#define ERROR(name)      DOSVC_ERROR_PREFIX name
#define DBUS_ERROR(name) "org.freedesktop.DBus.Error." name

/* -------------------------------------------------------------------- connection */

START_TEST(a_bus_that_is_not_there_is_an_error_of_open)
{
        dosvc_connection *c = NULL;

        ck_assert_int_eq(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1), 0);
        ck_assert_int_eq(dosvc_open(0, &c), -ENOENT);
        ck_assert_int_eq(dosvc_open(64, &c), -EINVAL);
        ck_assert_ptr_null(c);
        ck_assert_ptr_null(dosvc_close(NULL));
}
END_TEST

START_TEST(a_service_that_is_not_there_is_unreachable)
{
        daemon_stop(&scene.daemon);
        assert_error(alice,
                     dosvc_job_resume(alice, id),
                     -EHOSTUNREACH,
                     DBUS_ERROR("ServiceUnknown"));
        ck_assert_int_eq(dosvc_unsubscribe(alice), 0);
}
END_TEST

START_TEST(the_service_tells_what_it_is)
{
        dosvc_service *service = NULL;
        const char *const *schemes;

        ck_assert_int_eq(dosvc_get_service(alice, &service), 0);
        ck_assert_str_eq(dosvc_service_version(service), VERSION);
        ck_assert_str_eq(dosvc_service_credential_store(service), "keyring");
        ck_assert_str_eq(dosvc_service_credential_persistence(service), "volatile");
        ck_assert_uint_eq(dosvc_service_jobs_total(service), 1);
        ck_assert_uint_gt(dosvc_service_max_jobs_per_user(service), 0);
        ck_assert_uint_gt(dosvc_service_max_files_per_job(service), 0);
        ck_assert_str_eq(dosvc_service_protocols(service)[0], "http");
        ck_assert_ptr_nonnull(dosvc_service_features(service));
        schemes = dosvc_service_schemes(service);
        ck_assert_str_eq(schemes[0], "basic");
        ck_assert_str_eq(schemes[1], "digest");
        ck_assert_ptr_null(dosvc_service_free(service));
        ck_assert_ptr_null(dosvc_service_free(NULL));
}
END_TEST

/* -------------------------------------------------------------------------- jobs */

START_TEST(a_job_is_found_by_its_id_and_by_its_owner_only)
{
        ck_assert_int_eq(dosvc_job_find(alice, id), 0);
        ck_assert_int_eq(dosvc_job_find(root, id), 0);
        assert_error(bob, dosvc_job_find(bob, id), -ENOENT, ERROR("NotFound"));
        assert_error(alice, dosvc_job_find(alice, NO_JOB), -ENOENT, ERROR("NotFound"));
        assert_error(bob, dosvc_job_cancel(bob, id), -ENOENT, DBUS_ERROR("UnknownObject"));
        assert_error(alice, dosvc_job_find(alice, "0123"), -EINVAL, "");
        assert_error(alice, dosvc_job_resume(alice, ""), -EINVAL, "");
        assert_error(alice, dosvc_job_resume(alice, NULL), -EINVAL, "");
}
END_TEST

START_TEST(jobs_are_listed_with_what_the_list_says)
{
        dosvc_job_list *list = NULL;

        ck_assert_int_eq(dosvc_list_jobs(alice, 0, NULL, &list), 0);
        ck_assert_uint_eq(dosvc_job_list_size(list), 1);
        ck_assert_str_eq(dosvc_job_list_id(list, 0), id);
        ck_assert_uint_eq(dosvc_job_list_owner(list, 0), USERS_ALICE_UID);
        ck_assert_str_eq(dosvc_job_list_display_name(list, 0), "client");
        ck_assert_str_eq(dosvc_job_list_type(list, 0), "download");
        ck_assert_str_eq(dosvc_job_list_state(list, 0), "suspended");
        ck_assert_uint_eq(dosvc_job_list_bytes_transferred(list, 0), 0);
        ck_assert_ptr_null(dosvc_job_list_free(list));
        ck_assert_ptr_null(dosvc_job_list_free(NULL));
}
END_TEST

static size_t count_jobs(dosvc_connection *c, unsigned int flags, const char *state)
{
        dosvc_job_list *list = NULL;
        size_t n;

        ck_assert_int_eq(dosvc_list_jobs(c, flags, state, &list), 0);
        n = dosvc_job_list_size(list);
        dosvc_job_list_free(list);
        return n;
}

START_TEST(lists_are_filtered_by_state_and_user)
{
        dosvc_job_list *list = NULL;

        ck_assert_uint_eq(count_jobs(alice, 0, "suspended"), 1);
        ck_assert_uint_eq(count_jobs(alice, 0, "queued"), 0);
        ck_assert_uint_eq(count_jobs(bob, 0, NULL), 0);
        ck_assert_uint_eq(count_jobs(root, 0, NULL), 0);
        ck_assert_uint_eq(count_jobs(root, DOSVC_ALL_USERS, NULL), 1);
        assert_error(bob,
                     dosvc_list_jobs(bob, DOSVC_ALL_USERS, NULL, &list),
                     -EACCES,
                     DBUS_ERROR("AccessDenied"));
        assert_error(bob,
                     dosvc_list_jobs(bob, 0, "lost", &list),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
        ck_assert_int_eq(dosvc_list_jobs(bob, 64, NULL, &list), -EINVAL);
        ck_assert_ptr_null(list);
}
END_TEST

START_TEST(many_jobs_are_listed_whole)
{
        for (int i = 0; i < 99; i++) {
                char other[DOSVC_ID_SIZE];

                ck_assert_int_eq(dosvc_job_create(alice, NULL, other), 0);
        }
        ck_assert_uint_eq(count_jobs(alice, 0, NULL), 100);
}
END_TEST

START_TEST(a_name_that_is_too_long_makes_no_job)
{
        char name[258], other[DOSVC_ID_SIZE] = "unchanged";

        memset(name, 'x', 257);
        name[257] = '\0';
        assert_error(alice, dosvc_job_create(alice, name, other), -E2BIG, ERROR("StringTooLong"));
        ck_assert_str_eq(other, "unchanged");
        ck_assert_int_lt(dosvc_job_create(alice, "bad\xff", other), 0);
        ck_assert_uint_eq(count_jobs(alice, 0, NULL), 1);
}
END_TEST

START_TEST(files_are_added_and_listed_in_order)
{
        static const char *const remote[] = { "http://h/1", "http://h/2" };
        static const char *const names[] = { "/tmp/1", "/tmp/2" };
        dosvc_file_list *list = NULL;
        uint32_t index = 99;

        ck_assert_int_eq(dosvc_job_add_file(alice, id, "http://h/0", "/tmp/0", &index), 0);
        ck_assert_uint_eq(index, 0);
        ck_assert_int_eq(dosvc_job_add_files(alice, id, remote, names, 2), 0);
        ck_assert_int_eq(dosvc_job_add_file(alice, id, "http://h/3", "/tmp/3", &index), 0);
        ck_assert_uint_eq(index, 3);

        ck_assert_int_eq(dosvc_job_list_files(alice, id, &list), 0);
        ck_assert_uint_eq(dosvc_file_list_size(list), 4);
        for (size_t i = 0; i < 4; i++) {
                char expected[32];

                (void) snprintf(expected, sizeof(expected), "http://h/%zu", i);
                ck_assert_str_eq(dosvc_file_list_remote_name(list, i), expected);
                (void) snprintf(expected, sizeof(expected), "/tmp/%zu", i);
                ck_assert_str_eq(dosvc_file_list_local_name(list, i), expected);
                ck_assert_uint_eq(dosvc_file_list_bytes_transferred(list, i), 0);
                ck_assert(dosvc_file_list_bytes_total(list, i) == DOSVC_UNKNOWN_SIZE);
                ck_assert_int_eq(dosvc_file_list_completed(list, i), 0);
        }
        ck_assert_ptr_null(dosvc_file_list_free(list));
        ck_assert_ptr_null(dosvc_file_list_free(NULL));
}
END_TEST

START_TEST(bad_files_are_refused_all_or_none)
{
        static const char *const remote[] = { "http://h/1", "ftp://h/2" };
        static const char *const names[] = { "/tmp/1", "/tmp/2" };
        dosvc_file_list *list = NULL;

        assert_error(alice,
                     dosvc_job_add_file(alice, id, "http://h/", "relative", NULL),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
        assert_error(alice,
                     dosvc_job_add_files(alice, id, remote, names, 2),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
        ck_assert_int_eq(dosvc_job_list_files(alice, id, &list), 0);
        ck_assert_uint_eq(dosvc_file_list_size(list), 0);
        dosvc_file_list_free(list);
}
END_TEST

START_TEST(properties_are_written_and_read)
{
        static const char *const proxies[] = { "http://127.0.0.1:3128", NULL };
        static const char *const bypass[] = { "localhost", "*.example.com", NULL };
        dosvc_job_info *info;

        ck_assert_int_eq(dosvc_job_set_display_name(alice, id, "caf\xc3\xa9"), 0);
        ck_assert_int_eq(dosvc_job_set_description(alice, id, "about it"), 0);
        ck_assert_int_eq(dosvc_job_set_priority(alice, id, "high"), 0);
        ck_assert_int_eq(dosvc_job_set_proxy(alice, id, "override", proxies, bypass), 0);
        info = info_of(alice, id);
        ck_assert_str_eq(dosvc_job_info_id(info), id);
        ck_assert_uint_eq(dosvc_job_info_owner(info), USERS_ALICE_UID);
        ck_assert_str_eq(dosvc_job_info_type(info), "download");
        ck_assert_str_eq(dosvc_job_info_state(info), "suspended");
        ck_assert_str_ne(dosvc_job_info_status(info), "");
        ck_assert_str_eq(dosvc_job_info_display_name(info), "caf\xc3\xa9");
        ck_assert_str_eq(dosvc_job_info_description(info), "about it");
        ck_assert_str_eq(dosvc_job_info_priority(info), "high");
        ck_assert_str_eq(dosvc_job_info_proxy_usage(info), "override");
        ck_assert_str_eq(dosvc_job_info_proxies(info)[0], "http://127.0.0.1:3128");
        ck_assert_ptr_null(dosvc_job_info_proxies(info)[1]);
        ck_assert_str_eq(dosvc_job_info_proxy_bypass(info)[1], "*.example.com");
        ck_assert_uint_eq(dosvc_job_info_error_code(info), 0);
        ck_assert_str_eq(dosvc_job_info_error_name(info), "");
        ck_assert_int_eq((int) dosvc_job_info_error_file(info), -1);
        ck_assert_uint_gt(dosvc_job_info_creation_time(info), 0);
        ck_assert_uint_ge(dosvc_job_info_modification_time(info),
                          dosvc_job_info_creation_time(info));
        ck_assert_uint_eq(dosvc_job_info_transfer_completion_time(info), 0);
        ck_assert_uint_eq(dosvc_job_info_next_attempt_time(info), 0);
        dosvc_job_info_free(info);

        ck_assert_int_eq(dosvc_job_set_proxy(alice, id, "none", NULL, NULL), 0);
        info = info_of(alice, id);
        ck_assert_str_eq(dosvc_job_info_proxy_usage(info), "none");
        ck_assert_ptr_null(dosvc_job_info_proxies(info)[0]);
        ck_assert_ptr_null(dosvc_job_info_free(info));
        ck_assert_ptr_null(dosvc_job_info_free(NULL));
}
END_TEST

START_TEST(settings_are_written_and_read)
{
        static const char *const flags[] = { "ignore-unknown-ca", NULL };
        static const char *const unknown[] = { "ignore-all", NULL };
        static const char *const headers[] = { "X-Token: secret", "B: c", NULL };
        static const char *const own[] = { "Host: elsewhere", NULL };
        dosvc_job_info *info;
        char *text;

        ck_assert_int_eq(dosvc_job_set_redirect_policy(alice, id, "allow-report"), 0);
        ck_assert_int_eq(dosvc_job_set_redirect_policy(alice, id, "follow"), -EINVAL);
        ck_assert_int_eq(dosvc_job_set_security_flags(alice, id, flags), 0);
        ck_assert_int_eq(dosvc_job_set_security_flags(alice, id, unknown), -EOPNOTSUPP);
        ck_assert_int_eq(dosvc_job_set_ca_certificate(alice, id, "/own.pem"), 0);
        ck_assert_int_eq(dosvc_job_set_ticket_cache(alice, id, "KCM:"), 0);
        info = info_of(alice, id);
        ck_assert_str_eq(dosvc_job_info_redirect_policy(info), "allow-report");
        ck_assert_str_eq(dosvc_job_info_security_flags(info)[0], flags[0]);
        ck_assert_ptr_null(dosvc_job_info_security_flags(info)[1]);
        ck_assert_str_eq(dosvc_job_info_ca_certificate(info), "/own.pem");
        ck_assert_str_eq(dosvc_job_info_ticket_cache(info), "KCM:");
        dosvc_job_info_free(info);
        ck_assert_int_eq(dosvc_job_set_ca_certificate(alice, id, NULL), 0);
        ck_assert_int_eq(dosvc_job_set_security_flags(alice, id, NULL), 0);

        ck_assert_int_eq(dosvc_job_set_headers(alice, id, headers), 0);
        ck_assert_int_eq(dosvc_job_set_headers(alice, id, own), -EINVAL);
        ck_assert_int_eq(dosvc_job_get_headers(alice, id, &text), 0);
        ck_assert_str_eq(text, "X-Token: secret\nB: c\n");
        free(text);
        ck_assert_int_eq(dosvc_job_set_headers(alice, id, NULL), 0);
        ck_assert_int_eq(dosvc_job_get_headers(alice, id, &text), 0);
        ck_assert_str_eq(text, "");
        free(text);

        ck_assert_int_eq(dosvc_job_set_client_certificate(alice, id, "/c", "/k", "secret", 6), 0);
        ck_assert_int_eq(dosvc_job_set_client_certificate(alice, id, "c", NULL, NULL, 0), -EINVAL);
        ck_assert_int_eq(dosvc_job_remove_client_certificate(alice, id), 1);
        ck_assert_int_eq(dosvc_job_remove_client_certificate(alice, id), 0);
}
END_TEST

START_TEST(bad_values_of_properties_are_refused)
{
        char text[1026];

        memset(text, 'x', 1025);
        text[1025] = '\0';
        assert_error(alice,
                     dosvc_job_set_description(alice, id, text),
                     -E2BIG,
                     ERROR("StringTooLong"));
        assert_error(alice,
                     dosvc_job_set_priority(alice, id, "urgent"),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
        assert_error(alice,
                     dosvc_job_set_proxy(alice, id, "automatic", NULL, NULL),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
        assert_error(bob,
                     dosvc_job_set_display_name(bob, id, "mine"),
                     -ENOENT,
                     DBUS_ERROR("UnknownObject"));
}
END_TEST

START_TEST(control_has_the_errors_of_the_contract)
{
        assert_error(alice, dosvc_job_resume(alice, id), -ENODATA, ERROR("Empty"));
        ck_assert_int_eq(dosvc_job_suspend(alice, id), 0);
        assert_error(alice,
                     dosvc_job_take_ownership(alice, id),
                     -EACCES,
                     DBUS_ERROR("AccessDenied"));
        ck_assert_int_eq(dosvc_job_take_ownership(root, id), 0);
        ck_assert_int_eq(dosvc_job_find(alice, id), -ENOENT);
        ck_assert_int_eq(dosvc_job_cancel(root, id), 0);
        ck_assert_int_eq(dosvc_job_find(root, id), -ENOENT);
}
END_TEST

/* -------------------------------------------------------------------- credentials */

static int set(const char *target, const char *scheme, const char *user, const char *password)
{
        return dosvc_job_set_credentials(alice,
                                         id,
                                         target,
                                         scheme,
                                         user,
                                         password,
                                         password ? strlen(password) : 0);
}

START_TEST(credentials_are_set_and_removed_by_pair)
{
        ck_assert_int_eq(set("server", "basic", "u", "p"), 0);
        ck_assert_int_eq(set("proxy", "digest", "u", ""), 0);
        ck_assert_int_eq(dosvc_job_remove_credentials(alice, id, "server", "digest"), 0);
        ck_assert_int_eq(dosvc_job_remove_credentials(alice, id, "server", "basic"), 1);
        ck_assert_int_eq(dosvc_job_remove_credentials(alice, id, "server", "basic"), 0);
        ck_assert_int_eq(dosvc_job_remove_credentials(alice, id, "proxy", "digest"), 1);
}
END_TEST

START_TEST(implicit_credentials_and_tokens_have_forms_of_their_own)
{
        ck_assert_int_eq(set("server", "negotiate", NULL, NULL), 0);
        ck_assert_int_eq(set("server", "ntlm", NULL, NULL), 0);
        ck_assert_int_eq(set("server", "bearer", NULL, "token"), 0);
        ck_assert_int_eq(dosvc_job_remove_credentials(alice, id, "server", "bearer"), 1);
        assert_error(alice, set("server", "basic", NULL, NULL), -EINVAL, DBUS_ERROR("InvalidArgs"));
        assert_error(alice,
                     set("server", "basic", "user", NULL),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
        assert_error(alice,
                     set("server", "ntlm", NULL, "password"),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
        assert_error(alice,
                     set("server", "bearer", "user", "token"),
                     -EINVAL,
                     DBUS_ERROR("InvalidArgs"));
}
END_TEST

START_TEST(each_bad_credential_has_its_error)
{
        _cleanup_free_ char *password = malloc(65538);
        char user[302];

        memset(user, 'u', 301);
        user[301] = '\0';
        memset(password, 'p', 65537);
        password[65537] = '\0';
        assert_error(alice,
                     set("printer", "basic", "u", "p"),
                     -EDESTADDRREQ,
                     ERROR("InvalidAuthTarget"));
        assert_error(alice,
                     set("server", "plain", "u", "p"),
                     -EPROTONOSUPPORT,
                     ERROR("InvalidAuthScheme"));
        assert_error(alice,
                     set("server", "basic", user, "p"),
                     -ENAMETOOLONG,
                     ERROR("UserNameTooLarge"));
        assert_error(alice,
                     set("server", "basic", "u", password),
                     -EMSGSIZE,
                     ERROR("PasswordTooLarge"));
        assert_error(alice,
                     set("server", "basic", "u:x", "p"),
                     -EILSEQ,
                     ERROR("InvalidCredentials"));
        assert_error(alice,
                     set("server", "basic", "u", "p\n"),
                     -EILSEQ,
                     ERROR("InvalidCredentials"));
        password[65536] = '\0';
        ck_assert_int_eq(set("server", "basic", "u", password), 0);
        assert_error(root,
                     dosvc_job_set_credentials(root, id, "server", "basic", "u", "p", 1),
                     -EACCES,
                     DBUS_ERROR("AccessDenied"));
        assert_error(root,
                     dosvc_job_remove_credentials(root, id, "server", "basic"),
                     -EACCES,
                     DBUS_ERROR("AccessDenied"));
}
END_TEST

START_TEST(a_pipe_and_a_sealed_memory_file_carry_a_password)
{
        _cleanup_close_ int sealed = fd_new_sealed("test", "pw", 2), null = -EBADF;
        int pipe_fds[2];

        ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
        ck_assert_int_eq(write(pipe_fds[1], "pw", 2), 2);
        (void) close(pipe_fds[1]);
        ck_assert_int_eq(
                dosvc_job_set_credentials_fd(alice, id, "server", "basic", "u", pipe_fds[0]),
                0);
        (void) close(pipe_fds[0]);
        ck_assert_int_eq(dosvc_job_set_credentials_fd(alice, id, "server", "digest", "u", sealed),
                         0);
        null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        ck_assert_int_lt(dosvc_job_set_credentials_fd(alice, id, "server", "digest", "u", null), 0);
}
END_TEST

START_TEST(a_protected_file_is_fetched_after_a_wrong_password_was_replaced)
{
        _cleanup_free_ char *original = servers_file("small"), *headers = NULL;
        const char *state;
        dosvc_job_info *info;

        add(SITE_BASIC, "small");
        ck_assert_int_eq(set("server", "basic", SERVERS_USER, "wrong"), 0);
        ck_assert_int_eq(dosvc_job_resume(alice, id), 0);
        ck_assert_int_eq(dosvc_job_wait(alice, id, NULL, WAIT, &state), 0);
        ck_assert_str_eq(state, "error");
        info = info_of(alice, id);
        ck_assert_uint_eq(dosvc_job_info_error_code(info), 0x80190191);
        ck_assert_str_eq(dosvc_job_info_error_name(info), "http-401");
        ck_assert_str_eq(dosvc_job_info_error_context(info), "remote-file");
        ck_assert_str_ne(dosvc_job_info_error_description(info), "");
        ck_assert_int_eq((int) dosvc_job_info_error_file(info), 0);
        ck_assert_uint_eq(dosvc_job_info_error_count(info), 1);
        dosvc_job_info_free(info);

        ck_assert_int_eq(set("server", "basic", SERVERS_USER, SERVERS_PASSWORD), 0);
        ck_assert_int_eq(dosvc_job_resume(alice, id), 0);
        ck_assert_int_eq(dosvc_job_wait(alice, id, NULL, WAIT, &state), 0);
        ck_assert_str_eq(state, "transferred");
        info = info_of(alice, id);
        ck_assert_uint_eq(dosvc_job_info_files_total(info), 1);
        ck_assert_uint_eq(dosvc_job_info_files_transferred(info), 1);
        ck_assert_uint_eq(dosvc_job_info_bytes_total(info), SERVERS_SMALL_BYTES);
        ck_assert_uint_eq(dosvc_job_info_bytes_transferred(info), SERVERS_SMALL_BYTES);
        ck_assert_uint_gt(dosvc_job_info_transfer_completion_time(info), 0);
        dosvc_job_info_free(info);
        ck_assert_int_eq(dosvc_file_get_response_headers(alice, id, 0, &headers), 0);
        ck_assert_ptr_nonnull(strcasestr(headers, "content-length: 65536"));
        ck_assert_int_eq(dosvc_file_get_response_headers(alice, id, 1, &headers), -ENOENT);

        ck_assert_int_eq(dosvc_job_complete(alice, id), 0);
        file_hash_assert_same(local, original);
        ck_assert_int_eq(dosvc_job_find(alice, id), -ENOENT);
}
END_TEST

START_TEST(complete_before_the_end_is_partial)
{
        add(SITE_SLOW, "medium");
        ck_assert_int_eq(dosvc_job_complete(alice, id), 1);
        ck_assert_int_ne(access(local, F_OK), 0);
}
END_TEST

/* ------------------------------------------------------------------------- events */

/* What the callback was told. */
typedef struct Heard {
        char states[256]; /* "queued connecting …" */
        unsigned counts[8];
        uint64_t bytes;
        uint64_t total;
        int from_within[2]; /* what dispatching and waiting answer there */
        char removed[32];
} Heard;

static void on_event(void *userdata, const dosvc_event *event)
{
        Heard *heard = userdata;
        int type = dosvc_event_type(event);
        size_t length = strlen(heard->states);

        ck_assert_int_ge(type, DOSVC_EVENT_NEW);
        ck_assert_int_le(type, DOSVC_EVENT_SERVICE_BACK);
        heard->counts[type]++;
        heard->from_within[0] = dosvc_dispatch(alice);
        heard->from_within[1] = dosvc_job_wait(alice, id, NULL, 0, NULL);
        if (type == DOSVC_EVENT_STATE)
                (void) snprintf(heard->states + length,
                                sizeof(heard->states) - length,
                                "%s ",
                                dosvc_event_state(event));
        if (type == DOSVC_EVENT_REMOVED)
                (void) snprintf(heard->removed,
                                sizeof(heard->removed),
                                "%s",
                                dosvc_event_state(event));
        if (type == DOSVC_EVENT_PROGRESS) {
                ck_assert_uint_ge(dosvc_event_bytes_transferred(event), heard->bytes);
                heard->bytes = dosvc_event_bytes_transferred(event);
                heard->total = dosvc_event_bytes_total(event);
        }
        if (type < DOSVC_EVENT_SERVICE_GONE)
                ck_assert_int_eq((int) strlen(dosvc_event_job(event)), 32);
        else
                ck_assert_str_eq(dosvc_event_job(event), "");
}

/* A loop of one's own, as the header describes it, until the condition holds. */
static bool
dispatch_until(dosvc_connection *c, bool (*done)(const Heard *heard), const Heard *heard)
{
        uint64_t deadline = process_now_msec() + 20000;

        while (!done(heard) && process_now_msec() < deadline) {
                struct pollfd pollfd = { .fd = dosvc_get_fd(c),
                                         .events = (short) dosvc_get_events(c) };
                int timeout_msec, r;

                ck_assert_int_eq(dosvc_get_timeout(c, &timeout_msec), 0);
                if (timeout_msec < 0 || timeout_msec > 100)
                        timeout_msec = 100;
                ck_assert_int_ge(poll(&pollfd, 1, timeout_msec), 0);
                while ((r = dosvc_dispatch(c)) > 0)
                        ;
                ck_assert_int_eq(r, 0);
        }
        return done(heard);
}

static bool has_transferred(const Heard *heard)
{
        return strstr(heard->states, "transferred ");
}

static bool has_gone(const Heard *heard)
{
        return heard->removed[0];
}

START_TEST(a_subscriber_hears_states_progress_and_the_end)
{
        Heard heard = { 0 };

        add(SITE_SLOW, "medium");
        ck_assert_int_eq(set("server", "basic", SERVERS_USER, SERVERS_PASSWORD), 0);
        ck_assert_int_eq(dosvc_subscribe(alice, 0, id, 100, on_event, &heard), 0);
        ck_assert_int_eq(dosvc_job_resume(alice, id), 0);
        ck_assert(dispatch_until(alice, has_transferred, &heard));
        ck_assert_str_eq(heard.states, "queued connecting transferring transferred ");
        ck_assert_uint_gt(heard.counts[DOSVC_EVENT_PROGRESS], 0);
        ck_assert_uint_gt(heard.counts[DOSVC_EVENT_CHANGED], 0);
        ck_assert_uint_eq(heard.total, SERVERS_MEDIUM_BYTES);
        ck_assert_int_eq(heard.from_within[0], -EBUSY);
        ck_assert_int_eq(heard.from_within[1], -EBUSY);
        ck_assert_int_eq(dosvc_job_complete(alice, id), 0);
        ck_assert(dispatch_until(alice, has_gone, &heard));
        ck_assert_str_eq(heard.removed, "acknowledged");
}
END_TEST

START_TEST(a_subscriber_hears_of_new_jobs_of_his_own)
{
        Heard heard = { 0 };
        char other[DOSVC_ID_SIZE];

        ck_assert_int_eq(dosvc_subscribe(alice, 0, NULL, 0, on_event, &heard), 0);
        ck_assert_int_eq(dosvc_job_create(bob, "bob's", other), 0);
        ck_assert_int_eq(dosvc_job_create(alice, "hers", other), 0);
        ck_assert_int_eq(dosvc_job_cancel(alice, other), 0);
        ck_assert(dispatch_until(alice, has_gone, &heard));
        ck_assert_uint_eq(heard.counts[DOSVC_EVENT_NEW], 1);
        ck_assert_str_eq(heard.removed, "cancelled");
}
END_TEST

START_TEST(who_unsubscribed_hears_nothing_more)
{
        Heard heard = { 0 };
        char other[DOSVC_ID_SIZE];

        ck_assert_int_eq(dosvc_subscribe(alice, 0, NULL, 0, on_event, &heard), 0);
        ck_assert_int_eq(dosvc_unsubscribe(alice), 0);
        ck_assert_int_eq(dosvc_unsubscribe(alice), 0);
        ck_assert_int_eq(dosvc_job_create(alice, "quiet", other), 0);
        while (dosvc_dispatch(alice) > 0)
                ;
        for (size_t i = 0; i < ARRAY_SIZE(heard.counts); i++)
                ck_assert_uint_eq(heard.counts[i], 0);
}
END_TEST

START_TEST(subscriptions_are_refused_as_the_contract_says)
{
        ck_assert_int_eq(dosvc_subscribe(bob, DOSVC_ALL_USERS, NULL, 0, on_event, NULL), -EACCES);
        ck_assert_int_eq(dosvc_subscribe(bob, 0, id, 0, on_event, NULL), -ENOENT);
        ck_assert_int_eq(dosvc_subscribe(bob, 0, NULL, 99, on_event, NULL), -EINVAL);
        ck_assert_int_eq(dosvc_subscribe(bob, 0, "x", 0, on_event, NULL), -EINVAL);
        ck_assert_int_eq(dosvc_subscribe(bob, 64, NULL, 0, on_event, NULL), -EINVAL);
        ck_assert_int_eq(dosvc_subscribe(root, DOSVC_ALL_USERS, NULL, 0, on_event, NULL), 0);
}
END_TEST

static void forge(sd_bus *forger, const char *victim)
{
        char path[128];
        sd_bus_message *m = NULL;

        (void) snprintf(path, sizeof(path), "%s/%s", DOSVC_JOB_PREFIX, id);
        ck_assert_int_ge(
                sd_bus_message_new_signal(forger, &m, path, DOSVC_JOB_INTERFACE, "StateChanged"),
                0);
        ck_assert_int_ge(sd_bus_message_append(m, "ss", "transferred", "queued"), 0);
        ck_assert_int_ge(sd_bus_message_set_destination(m, victim), 0);
        ck_assert_int_ge(sd_bus_send(forger, m, NULL), 0);
        sd_bus_message_unref(m);
}

START_TEST(signals_of_others_are_not_believed)
{
        char **names = NULL;
        Heard heard = { 0 };
        size_t forged = 0;

        ck_assert_int_eq(dosvc_subscribe(alice, 0, id, 0, on_event, &heard), 0);
        /* bob does not know which connection is alice's: he tells everybody. */
        ck_assert_int_ge(sd_bus_list_names(scene.bob, &names, NULL), 0);
        for (size_t i = 0; names[i]; i++) {
                if (names[i][0] == ':') {
                        forge(scene.bob, names[i]);
                        forged++;
                }
                free(names[i]);
        }
        free(names);
        ck_assert_int_ge(sd_bus_flush(scene.bob), 0);
        ck_assert_uint_gt(forged, 3);
        ck_assert_int_eq(dosvc_job_wait(alice,
                                        id,
                                        (const char *const[]){ "transferred", NULL },
                                        SECOND,
                                        NULL),
                         -ETIMEDOUT);
        ck_assert_str_eq(heard.states, "");
}
END_TEST

/* ------------------------------------------------------------------------ waiting */

START_TEST(a_job_at_rest_is_not_waited_for)
{
        const char *state = NULL;

        ck_assert_int_eq(dosvc_job_wait(alice, id, NULL, WAIT, &state), 0);
        ck_assert_str_eq(state, "suspended");
        ck_assert_int_eq(dosvc_job_wait(alice, NO_JOB, NULL, WAIT, &state), -ENOENT);
        ck_assert_int_eq(dosvc_job_wait(alice, "x", NULL, WAIT, &state), -EINVAL);
        ck_assert_int_eq(dosvc_job_wait(bob, id, NULL, WAIT, &state), -ENOENT);
}
END_TEST

START_TEST(waiting_ends_with_the_time)
{
        uint64_t before = process_now_msec();

        assert_error(alice,
                     dosvc_job_wait(alice,
                                    id,
                                    (const char *const[]){ "transferred", NULL },
                                    SECOND / 2,
                                    NULL),
                     -ETIMEDOUT,
                     "");
        ck_assert_uint_ge(process_now_msec() - before, 500);
        ck_assert_uint_lt(process_now_msec() - before, 5000);
}
END_TEST

static void on_alarm(int number)
{
}

START_TEST(a_signal_handler_ends_waiting)
{
        struct sigaction action = { .sa_handler = on_alarm };

        ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
        (void) alarm(1);
        ck_assert_int_eq(
                dosvc_job_wait(alice, id, (const char *const[]){ "transferred", NULL }, WAIT, NULL),
                -EINTR);
}
END_TEST

/* A child that waits as alice for the end of the job; its exit status says how that went. */
static pid_t fork_waiter(void)
{
        pid_t pid = fork();

        if (pid == 0) {
                const char *state = "";
                dosvc_connection *c = connect_as(USERS_ALICE_UID);
                int r = dosvc_job_wait(c,
                                       id,
                                       (const char *const[]){ "transferred", "error", NULL },
                                       WAIT,
                                       &state);

                if (r < 0)
                        (void) fprintf(stderr, "waiter: %s\n", dosvc_last_error_message(c));
                _exit(r < 0                               ? 1
                      : strcmp(state, "transferred") == 0 ? 42
                      : strcmp(state, "cancelled") == 0   ? 43
                                                          : 2);
        }
        ck_assert_int_gt(pid, 0);
        return pid;
}

static int status_of(pid_t pid)
{
        int status;

        ck_assert(process_wait(pid, 40000, &status));
        return status;
}

START_TEST(a_cancelled_job_ends_waiting_for_it)
{
        pid_t waiter = fork_waiter();

        process_nap_msec(500);
        ck_assert_int_eq(dosvc_job_cancel(alice, id), 0);
        ck_assert_int_eq(status_of(waiter), 43);
}
END_TEST

START_TEST(waiting_goes_on_when_the_service_crashes_and_comes_back)
{
        pid_t waiter;

        add(SITE_OPEN, "small");
        waiter = fork_waiter();
        process_nap_msec(500);
        daemon_kill(&scene.daemon);
        process_nap_msec(1500);
        daemon_start(&scene.daemon);
        process_nap_msec(500);
        ck_assert_int_eq(dosvc_job_resume(alice, id), 0);
        ck_assert_int_eq(status_of(waiter), 42);
}
END_TEST

START_TEST(what_happened_while_the_service_was_away_is_asked_for)
{
        pid_t waiter;

        add(SITE_OPEN, "small");
        waiter = fork_waiter();
        process_nap_msec(500);
        /* It hears of the new service only when the job is done already. */
        ck_assert_int_eq(kill(waiter, SIGSTOP), 0);
        scene_crash();
        ck_assert_int_eq(dosvc_job_resume(alice, id), 0);
        ck_assert_int_eq(
                dosvc_job_wait(alice, id, (const char *const[]){ "transferred", NULL }, WAIT, NULL),
                0);
        ck_assert_int_eq(kill(waiter, SIGCONT), 0);
        ck_assert_int_eq(status_of(waiter), 42);
}
END_TEST

static bool has_come_back(const Heard *heard)
{
        return heard->counts[DOSVC_EVENT_SERVICE_BACK] > 0;
}

START_TEST(a_subscription_is_renewed_when_the_service_comes_back)
{
        Heard heard = { 0 };

        add(SITE_OPEN, "small");
        ck_assert_int_eq(dosvc_subscribe(alice, 0, NULL, 0, on_event, &heard), 0);
        scene_crash();
        ck_assert(dispatch_until(alice, has_come_back, &heard));
        ck_assert_uint_eq(heard.counts[DOSVC_EVENT_SERVICE_GONE], 1);
        ck_assert_uint_eq(heard.counts[DOSVC_EVENT_SERVICE_BACK], 1);
        ck_assert_int_eq(dosvc_job_resume(alice, id), 0);
        ck_assert(dispatch_until(alice, has_transferred, &heard));
}
END_TEST

/* ----------------------------------------------------------------------- dosvcctl */

static const char *library_path(void)
{
        static char variable[4200];
        _cleanup_free_ char *pattern = temp_dir_path(stage_dir(), "usr/lib/*/libdosvc.so.0");
        glob_t found;

        ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
        (void) snprintf(variable, sizeof(variable), "LD_LIBRARY_PATH=%s", found.gl_pathv[0]);
        *strrchr(variable, '/') = '\0';
        globfree(&found);
        return variable;
}

static char *output; /* of the last command: stdout and stderr */

/* Runs a shell command as that user, "dosvcctl" in it being the one under test. */
static int run_as(uint32_t uid, const char *command)
{
        _cleanup_free_ char *file = temp_dir_path(scene.dir, "output"), *script = NULL;
        _cleanup_free_ char *address = NULL;
        int status;

        (void) unlink(file);
        ck_assert_int_gt(asprintf(&script,
                                  "dosvcctl() { '%s' \"$@\"; }; job=%s; cd ~; %s",
                                  stage_command("dosvcctl"),
                                  id,
                                  command),
                         0);
        ck_assert_int_gt(asprintf(&address, "DBUS_SYSTEM_BUS_ADDRESS=%s", scene.bus.address), 0);
        status = process_run(&(ProcessSpec){
                .argv = PROCESS_ARGV("sh", "-c", script),
                .environment = PROCESS_ARGV(address, library_path(), "LC_ALL=C.UTF-8"),
                .output = file,
                .uid = uid,
        });
        free(output);
        output = temp_dir_read(file, NULL);
        return status;
}

static int run(const char *command)
{
        return run_as(USERS_ALICE_UID, command);
}

#define assert_run(command, expected)                                                              \
        do {                                                                                       \
                int assert_status_ = run(command);                                                 \
                ck_assert_msg(assert_status_ == (expected),                                        \
                              "'%s' gave %d: %s",                                                  \
                              command,                                                             \
                              assert_status_,                                                      \
                              output);                                                             \
        } while (0)

#define assert_said(text)                                                                          \
        ck_assert_msg(strstr(output, text) != NULL, "'%s' is not in: %s", text, output)

/* A command line with the URL of a file put in for each "URL". */
static int run_with_url(Site site, const char *name, const char *before, const char *after)
{
        _cleanup_free_ char *url = servers_url(site, name), *command = NULL;

        ck_assert_int_gt(asprintf(&command, "%s %s %s", before, url, after), 0);
        return run(command);
}

START_TEST(get_fetches_a_file_and_leaves_no_job)
{
        _cleanup_free_ char *original = servers_file("small"), *fetched = scene_alice_file("small");

        (void) unlink(fetched);
        ck_assert_int_eq(run_with_url(SITE_OPEN, "small", "dosvcctl get", ""), 0);
        file_hash_assert_same(fetched, original);
        assert_said("/small");
        (void) unlink(fetched);
        ck_assert_int_eq(run_with_url(SITE_OPEN, "small", "dosvcctl -q get -o new-name", ""), 0);
        ck_assert_str_eq(output, "");
        (void) unlink(fetched);
        /* The job of start() only. */
        ck_assert_uint_eq(count_jobs(alice, 0, NULL), 1);
}
END_TEST

START_TEST(get_logs_in_with_a_password_from_a_descriptor)
{
        _cleanup_free_ char *original = servers_file("small"), *fetched = scene_alice_file("small");

        ck_assert_int_eq(run_with_url(SITE_DIGEST_MD5,
                                      "small",
                                      "echo " SERVERS_PASSWORD
                                      " | dosvcctl get --login=" SERVERS_USER " --password-fd=0",
                                      ""),
                         0);
        file_hash_assert_same(fetched, original);
        (void) unlink(fetched);
}
END_TEST

START_TEST(a_failed_get_says_why_and_what_to_do)
{
        ck_assert_int_eq(run_with_url(SITE_BASIC, "small", "dosvcctl get", ""), 8);
        assert_said("http-401");
        assert_said("dosvcctl cred set ");
        ck_assert_int_eq(run_with_url(SITE_GONE, "small", "dosvcctl get", ""), 11);
        assert_said("http-404");
        assert_said("dosvcctl edit-url ");
        ck_assert_int_eq(run("dosvcctl get -d missing http://127.0.0.1:1/x"), 1);
        assert_said("missing");
        ck_assert_int_eq(run("dosvcctl get http://127.0.0.1:1/"), 2);
        assert_said("-o FILE");
        ck_assert_int_eq(run("dosvcctl get -o x ftp://127.0.0.1/x"), 2);
        /* What could not begin left nothing behind; the two that failed did. */
        ck_assert_uint_eq(count_jobs(alice, 0, NULL), 3);
}
END_TEST

START_TEST(the_steps_of_a_job_have_verbs)
{
        _cleanup_free_ char *original = servers_file("small");

        ck_assert_int_eq(run_with_url(SITE_BASIC, "small", "dosvcctl add $job", "client-file"), 0);
        assert_run("printf " SERVERS_PASSWORD " | dosvcctl cred set $job --login=" SERVERS_USER
                   " --scheme=basic --password-fd=0",
                   0);
        assert_run("dosvcctl set client priority=high description=text", 0);
        assert_run("dosvcctl show -p Priority --value $job", 0);
        ck_assert_str_eq(output, "high\n");
        assert_run("dosvcctl start client", 0);
        assert_run("dosvcctl wait --timeout=20s client", 0);
        assert_run("dosvcctl list --no-legend", 0);
        assert_said("transferred");
        assert_said("64.0K");
        assert_run("dosvcctl complete $job", 0);
        file_hash_assert_same(local, original);
        assert_run("dosvcctl show $job", 3);
}
END_TEST

START_TEST(a_hint_in_json_names_the_job)
{
        _cleanup_free_ char *url = servers_url(SITE_GONE, "small"), *command = NULL, *resume = NULL;

        ck_assert_int_gt(asprintf(&command, "dosvcctl add $job %s hint-file", url), 0);
        assert_run(command, 0);
        assert_run("dosvcctl start $job; dosvcctl wait --timeout=20s $job", 11);
        assert_run("dosvcctl --json=short explain $job", 0);
        ck_assert_int_gt(asprintf(&resume, "Then: dosvcctl resume %s\"", id), 0);
        assert_said(resume);
}
END_TEST

START_TEST(edit_url_fetches_files_from_another_place)
{
        _cleanup_free_ char *original = servers_file("small"), *command = NULL;
        _cleanup_free_ char *url = servers_url(SITE_OPEN, "");

        assert_run("dosvcctl add $job http://127.0.0.1:1/old/small client-file", 0);
        assert_run("dosvcctl edit-url $job --from=http://127.0.0.1:1/OLD/ --to=http://x/", 1);
        assert_said("http://127.0.0.1:1/OLD/");
        ck_assert_int_gt(asprintf(&command,
                                  "dosvcctl edit-url $job --from=http://127.0.0.1:1/old/ --to=%s",
                                  url),
                         0);
        assert_run(command, 0);
        assert_run("dosvcctl start $job; dosvcctl wait --timeout=20s $job; "
                   "dosvcctl complete $job",
                   0);
        file_hash_assert_same(local, original);
}
END_TEST

START_TEST(edit_url_names_one_file_by_its_number)
{
        assert_run("dosvcctl add $job http://127.0.0.1:1/a a-file", 0);
        assert_run("dosvcctl add $job http://127.0.0.1:1/b b-file", 0);
        assert_run("dosvcctl edit-url $job 1 http://127.0.0.1:1/c && dosvcctl files $job", 0);
        assert_said("http://127.0.0.1:1/a");
        assert_said("http://127.0.0.1:1/c");
        assert_run("dosvcctl edit-url $job first http://127.0.0.1:1/c", 2);
        assert_run("dosvcctl edit-url $job 1", 2);
        assert_run("dosvcctl edit-url $job 1 relative", 2);
}
END_TEST

START_TEST(settings_have_keys_and_verbs)
{
        assert_run("dosvcctl set client redirect-policy=disallow "
                   "security-flags=ignore-unknown-ca,enable-crl-check ca-certificate=/own.pem",
                   0);
        assert_run("dosvcctl show -p RedirectPolicy -p CACertificate --value $job", 0);
        ck_assert_str_eq(output, "disallow\n/own.pem\n");
        assert_run("dosvcctl set client security-flags=ignore-all", 2);
        assert_said("ignore-all");
        assert_run("printf 'X-Token: secret\\r\\n\\nB: c\\n' | dosvcctl header set $job", 0);
        assert_run("dosvcctl header show $job", 0);
        ck_assert_str_eq(output, "X-Token: secret\nB: c\n");
        ck_assert_int_eq(run_as(0, "dosvcctl header show $job"), 4);
        assert_run("dosvcctl header remove $job && dosvcctl header show $job", 0);
        ck_assert_str_eq(output, "");
        assert_run("dosvcctl cert set $job /nowhere.pem", 2);
        assert_run("printf secret | dosvcctl cert set $job /etc/hostname --password-fd=0", 0);
        assert_run("dosvcctl cert remove $job", 0);
        assert_run("dosvcctl cert remove $job", 0);
        assert_said("There was none");
}
END_TEST

START_TEST(jobs_are_named_by_id_prefix_or_name)
{
        char other[DOSVC_ID_SIZE];

        assert_run("dosvcctl show -p Id --value client", 0);
        assert_run("dosvcctl show -p Id --value $(echo $job | cut -c1-12)", 0);
        ck_assert_int_eq(strncmp(output, id, 32), 0);
        assert_run("dosvcctl show -p Id --value $(echo $job | cut -c1-3)", 3);
        ck_assert_int_eq(dosvc_job_create(alice, "client", other), 0);
        assert_run("dosvcctl cancel client", 2);
        assert_said(id);
        assert_said(other);
        ck_assert_uint_eq(count_jobs(alice, 0, NULL), 2);
}
END_TEST

START_TEST(exit_statuses_tell_what_was_wrong)
{
        assert_run("dosvcctl", 2);
        assert_run("dosvcctl dance", 2);
        assert_run("dosvcctl --unknown list", 2);
        assert_run("dosvcctl set $job colour=red", 2);
        assert_run("dosvcctl wait --timeout=soon $job", 2);
        assert_run("dosvcctl wait $job", 13);
        assert_run("dosvcctl resume $job", 13);
        assert_said("has no files");
        assert_run("dosvcctl take-ownership $job", 4);
        assert_run("dosvcctl list --all-users", 4);
        ck_assert_int_eq(run_as(USERS_BOB_UID, "dosvcctl status $job"), 3);
        ck_assert_int_eq(run_as(0, "printf x | dosvcctl cred set $job --login=x --password-fd=0"),
                         4);
        assert_run("dosvcctl cred set $job --login=x </dev/null", 1);
        assert_said("--password-fd");
        assert_run("DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent dosvcctl list", 5);
        daemon_stop(&scene.daemon);
        assert_run("dosvcctl list", 5);
}
END_TEST

START_TEST(json_is_one_value_that_parses)
{
        static const char *const commands[] = {
                "list", "status", "status $job", "show $job", "files $job", "explain $job",
        };

        for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
                _cleanup_free_ char *command = NULL;

                ck_assert_int_gt(asprintf(&command,
                                          "dosvcctl -j %s | python3 -c 'import json, sys\n"
                                          "value = json.load(sys.stdin)\n"
                                          "for o in value if type(value) is list else [value]:\n"
                                          "    assert o[\"schema\"] == 1'",
                                          commands[i]),
                                 0);
                assert_run(command, 0);
        }
}
END_TEST

START_TEST(names_cannot_control_the_terminal_or_break_the_locale)
{
        ck_assert_int_eq(dosvc_job_set_display_name(alice,
                                                    id,
                                                    "a\xc2\x9b"
                                                    "31m\xe2\x80\xae"
                                                    "b"),
                         0);
        assert_run("dosvcctl list --no-legend", 0);
        assert_said("a?31m?b");
        ck_assert_int_eq(dosvc_job_set_display_name(alice, id, "caf\xc3\xa9"), 0);
        assert_run("dosvcctl list --no-legend", 0);
        assert_said("caf\xc3\xa9");
        assert_run("LC_ALL=C dosvcctl list --no-legend", 0);
        assert_said("caf?");
        ck_assert_ptr_null(strchr(output, '\033'));
}
END_TEST

START_TEST(monitor_shows_what_happens_as_json_lines)
{
        assert_run("dosvcctl -j monitor > events & pid=$!; sleep 1; "
                   "dosvcctl set $job priority=low; dosvcctl cancel $job; sleep 1; kill $pid; "
                   "cat events",
                   0);
        assert_said("\"event\":\"changed\"");
        assert_said("\"event\":\"removed\"");
        assert_said("\"state\":\"cancelled\"");
}
END_TEST

/* ----------------------------------------------------------------------- terminal */

/* A dosvcctl of alice's on a terminal of its own; what it shows is collected here. */
typedef struct Terminal {
        pid_t pid;
        int fd;
        char shown[65536];
        size_t n_shown;
} Terminal;

/* dosvcctl get with that option and URL. */
static void terminal_start(Terminal *terminal, const char *option, const char *url)
{
        const struct winsize size = { .ws_row = 24, .ws_col = 80 };
        const char *program = stage_command("dosvcctl"), *library = library_path();

        *terminal = (Terminal){ 0 };
        terminal->pid = forkpty(&terminal->fd, NULL, NULL, &size);
        ck_assert_int_ge(terminal->pid, 0);
        if (terminal->pid == 0) {
                users_become(USERS_ALICE_UID);
                (void) setenv("DBUS_SYSTEM_BUS_ADDRESS", scene.bus.address, 1);
                (void) setenv("LD_LIBRARY_PATH", strchr(library, '=') + 1, 1);
                (void) setenv("TERM", "xterm", 1);
                (void) execl(program, "dosvcctl", "get", option, url, NULL);
                _exit(127);
        }
}

/* Collects until the text is there or, with NULL, until the program is gone. */
static bool terminal_wait(Terminal *terminal, const char *text)
{
        uint64_t deadline = process_now_msec() + 20000;

        while (process_now_msec() < deadline) {
                struct pollfd pollfd = { .fd = terminal->fd, .events = POLLIN };
                ssize_t n;

                if (text && strstr(terminal->shown, text))
                        return true;
                if (poll(&pollfd, 1, 100) <= 0)
                        continue;
                n = read(terminal->fd,
                         terminal->shown + terminal->n_shown,
                         sizeof(terminal->shown) - terminal->n_shown - 1);
                if (n <= 0)
                        return !text;
                terminal->n_shown += (size_t) n;
        }
        return false;
}

static void terminal_type(const Terminal *terminal, const char *text)
{
        ck_assert_int_eq(fd_write_all(terminal->fd, text, strlen(text)), 0);
}

static int terminal_end(Terminal *terminal)
{
        int status = -1;

        ck_assert(terminal_wait(terminal, NULL));
        ck_assert(process_wait(terminal->pid, 5000, &status));
        (void) close(terminal->fd);
        return status;
}

START_TEST(a_password_is_asked_for_without_echo)
{
        _cleanup_free_ char *url = servers_url(SITE_BASIC, "small");
        _cleanup_free_ char *original = servers_file("small"), *fetched = scene_alice_file("small");
        struct termios settings;
        Terminal terminal;

        terminal_start(&terminal, "--login=" SERVERS_USER, url);
        ck_assert(terminal_wait(&terminal, "Password of " SERVERS_USER));
        ck_assert_int_eq(tcgetattr(terminal.fd, &settings), 0);
        ck_assert_uint_eq(settings.c_lflag & ECHO, 0);
        terminal_type(&terminal, SERVERS_PASSWORD "\n");
        ck_assert_int_eq(terminal_end(&terminal), 0);
        ck_assert_ptr_null(strstr(terminal.shown, SERVERS_PASSWORD));
        file_hash_assert_same(fetched, original);
        (void) unlink(fetched);
}
END_TEST

START_TEST(an_interrupted_prompt_restores_the_terminal_and_leaves_no_job)
{
        struct termios settings;
        Terminal terminal;
        int slave;

        terminal_start(&terminal, "--login=x", "http://127.0.0.1:1/x");
        slave = open(ptsname(terminal.fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
        ck_assert(terminal_wait(&terminal, "Password of x"));
        terminal_type(&terminal, "half\003");
        ck_assert(process_wait(terminal.pid, 5000, NULL));
        ck_assert_int_eq(tcgetattr(slave, &settings), 0);
        ck_assert_uint_ne(settings.c_lflag & ECHO, 0);
        ck_assert_uint_eq(count_jobs(alice, 0, NULL), 1);
        (void) close(slave);
        (void) close(terminal.fd);
}
END_TEST

START_TEST(a_terminal_gets_a_progress_bar)
{
        _cleanup_free_ char *url = servers_url(SITE_SLOW, "medium");
        _cleanup_free_ char *fetched = scene_alice_file("medium");
        size_t redraws = 0;
        Terminal terminal;

        terminal_start(&terminal, "--login=" SERVERS_USER, url);
        ck_assert(terminal_wait(&terminal, "Password of"));
        terminal_type(&terminal, SERVERS_PASSWORD "\n");
        ck_assert_int_eq(terminal_end(&terminal), 0);
        ck_assert_ptr_nonnull(strstr(terminal.shown, "medium ["));
        ck_assert_ptr_nonnull(strstr(terminal.shown, "100% 5.0M/5.0M transferred"));
        for (const char *at = terminal.shown; (at = strchr(at, '\r')); at++)
                redraws++;
        /* Less than a second of transfer at ten a second, and the states. */
        ck_assert_uint_lt(redraws, 40);
        (void) unlink(fetched);
}
END_TEST

START_TEST(ctrl_c_leaves_the_job_to_the_service)
{
        _cleanup_free_ char *url = servers_url(SITE_OPEN, "small");
        Terminal terminal;

        /* A proxy that is not there keeps the job from ending. */
        terminal_start(&terminal, "--proxy=http://127.0.0.1:1", url);
        ck_assert(terminal_wait(&terminal, "transient-error"));
        terminal_type(&terminal, "\003");
        ck_assert_int_eq(terminal_end(&terminal), 7);
        ck_assert_ptr_nonnull(strstr(terminal.shown, "goes on in the background"));
        ck_assert_ptr_nonnull(strstr(terminal.shown, "dosvcctl complete "));
        ck_assert_uint_eq(count_jobs(alice, 0, "transient-error"), 1);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, start, stop);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        return tcase;
}

static Suite *make_suite(void)
{
        Suite *suite = suite_create("client");
        TCase *connection = add_case(suite, "connection"), *jobs = add_case(suite, "jobs");
        TCase *credentials = add_case(suite, "credentials"), *events = add_case(suite, "events");
        TCase *waiting = add_case(suite, "waiting"), *ctl = add_case(suite, "dosvcctl");
        TCase *terminal = add_case(suite, "terminal");

        tcase_add_test(connection, a_bus_that_is_not_there_is_an_error_of_open);
        tcase_add_test(connection, a_service_that_is_not_there_is_unreachable);
        tcase_add_test(connection, the_service_tells_what_it_is);

        tcase_add_test(jobs, a_job_is_found_by_its_id_and_by_its_owner_only);
        tcase_add_test(jobs, jobs_are_listed_with_what_the_list_says);
        tcase_add_test(jobs, lists_are_filtered_by_state_and_user);
        tcase_add_test(jobs, many_jobs_are_listed_whole);
        tcase_add_test(jobs, a_name_that_is_too_long_makes_no_job);
        tcase_add_test(jobs, files_are_added_and_listed_in_order);
        tcase_add_test(jobs, bad_files_are_refused_all_or_none);
        tcase_add_test(jobs, properties_are_written_and_read);
        tcase_add_test(jobs, settings_are_written_and_read);
        tcase_add_test(jobs, bad_values_of_properties_are_refused);
        tcase_add_test(jobs, control_has_the_errors_of_the_contract);

        tcase_add_test(credentials, credentials_are_set_and_removed_by_pair);
        tcase_add_test(credentials, implicit_credentials_and_tokens_have_forms_of_their_own);
        tcase_add_test(credentials, each_bad_credential_has_its_error);
        tcase_add_test(credentials, a_pipe_and_a_sealed_memory_file_carry_a_password);
        tcase_add_test(credentials,
                       a_protected_file_is_fetched_after_a_wrong_password_was_replaced);
        tcase_add_test(credentials, complete_before_the_end_is_partial);

        tcase_add_test(events, a_subscriber_hears_states_progress_and_the_end);
        tcase_add_test(events, a_subscriber_hears_of_new_jobs_of_his_own);
        tcase_add_test(events, who_unsubscribed_hears_nothing_more);
        tcase_add_test(events, subscriptions_are_refused_as_the_contract_says);
        tcase_add_test(events, signals_of_others_are_not_believed);
        tcase_add_test(events, a_subscription_is_renewed_when_the_service_comes_back);

        tcase_add_test(waiting, a_job_at_rest_is_not_waited_for);
        tcase_add_test(waiting, waiting_ends_with_the_time);
        tcase_add_test(waiting, a_signal_handler_ends_waiting);
        tcase_add_test(waiting, a_cancelled_job_ends_waiting_for_it);
        tcase_add_test(waiting, waiting_goes_on_when_the_service_crashes_and_comes_back);
        tcase_add_test(waiting, what_happened_while_the_service_was_away_is_asked_for);

        tcase_add_test(ctl, get_fetches_a_file_and_leaves_no_job);
        tcase_add_test(ctl, get_logs_in_with_a_password_from_a_descriptor);
        tcase_add_test(ctl, a_failed_get_says_why_and_what_to_do);
        tcase_add_test(ctl, the_steps_of_a_job_have_verbs);
        tcase_add_test(ctl, a_hint_in_json_names_the_job);
        tcase_add_test(ctl, edit_url_fetches_files_from_another_place);
        tcase_add_test(ctl, edit_url_names_one_file_by_its_number);
        tcase_add_test(ctl, settings_have_keys_and_verbs);
        tcase_add_test(ctl, jobs_are_named_by_id_prefix_or_name);
        tcase_add_test(ctl, exit_statuses_tell_what_was_wrong);
        tcase_add_test(ctl, json_is_one_value_that_parses);
        tcase_add_test(ctl, names_cannot_control_the_terminal_or_break_the_locale);
        tcase_add_test(ctl, monitor_shows_what_happens_as_json_lines);

        tcase_add_test(terminal, a_password_is_asked_for_without_echo);
        tcase_add_test(terminal, an_interrupted_prompt_restores_the_terminal_and_leaves_no_job);
        tcase_add_test(terminal, a_terminal_gets_a_progress_bar);
        tcase_add_test(terminal, ctrl_c_leaves_the_job_to_the_service);
        return suite;
}

int main(void)
{
        return scene_play(make_suite(), SERVERS_NGINX | SERVERS_APACHE);
}
