/*
 * A marker password, header or password of a key is found nowhere: not in the store, its WAL and
 * the log, not in any environment or command line, not in the memory of the processes, and with a
 * descriptor not on the bus. That the search finds what is there is shown first.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/fd.h"
#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/domain.h"
#include "tests/lib/file-hash.h"
#include "tests/lib/memory-scan.h"
#include "tests/lib/process.h"
#include "tests/lib/servers.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/test-ca.h"
#include "tests/lib/users.h"

#define WAIT_MSEC 30000
#define MIB       (1024ULL * 1024ULL)

/* base64 of "reader:Plover-xyzzy-4711-marker" without what depends on its last bytes. */
#define ENCODED "cmVhZGVyOlBsb3Zlci14eXp6eS00NzExLW1hcmtlc"

#define HEADER_MARKER "Plugh-header-8182-marker"
#define KEY_PASSWORD  "Plugh-key-9393-marker"

static const char *const forms[] = {
        SERVERS_PASSWORD, ENCODED, SERVERS_TOKEN, HEADER_MARKER, KEY_PASSWORD,
};
static const char *const programs[] = { "dosvcd",
                                        "dosvc-spawn",
                                        "dosvc-worker",
                                        "dosvc-secret",
                                        "dosvc-proxy" };

static char *job, *local;
static pid_t monitor;
static char *monitor_log;

/* A dbus-monitor as root on the private bus, from before the first call. */
static void start_monitor(void)
{
        monitor_log = temp_dir_path(fixture.dir, "monitor.log");
        monitor = process_start(&(ProcessSpec){
                .argv = PROCESS_ARGV("dbus-monitor", "--address", fixture.bus.address),
                .output = monitor_log,
        });
        ck_assert(PROCESS_WAIT_UNTIL(5000, access(monitor_log, F_OK) == 0));
        process_nap_msec(300);
}

static void start(void)
{
        fixture_start_with_key();
        start_monitor();
        servers_forget_requests();
        local = fixture_alice_file("file");
        (void) unlink(local);
        job = client_create(fixture.alice, "leaks");
}

static void start_user(void)
{
        fixture_start_user();
        start_monitor();
        servers_forget_requests();
        local = fixture_alice_file("file");
        (void) unlink(local);
        job = client_create(fixture.alice, "leaks");
}

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ /* as gcc says it */
#endif
#endif

/* AddressSanitizer keeps freed memory, and maps terabytes of its own. */
#ifdef __SANITIZE_ADDRESS__
static bool scan_memory(pid_t pid, const char *form, const char **ret_where)
{
        return false;
}
#else
#define scan_memory memory_scan_process
#endif

static void check_processes(bool memory_of_worker)
{
        for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
                pid_t pids[8];
                size_t n = process_descendants(getpid(), programs[i], pids, ARRAY_SIZE(pids));

                for (size_t k = 0; k < n; k++)
                        for (size_t f = 0; f < ARRAY_SIZE(forms); f++) {
                                const char *where = "";

                                ck_assert(!memory_scan_proc_file(pids[k], "environ", forms[f]));
                                ck_assert(!memory_scan_proc_file(pids[k], "cmdline", forms[f]));
                                if (strcmp(programs[i], "dosvc-worker") == 0 && !memory_of_worker)
                                        continue;
                                ck_assert_msg(!scan_memory(pids[k], forms[f], &where),
                                              "%s holds %s in %s",
                                              programs[i],
                                              forms[f],
                                              where);
                        }
        }
}

/* Everything below the directory of the service: state directory with WAL, log of dosvcd, of the
 * bus. */
static void check_files(void)
{
        for (size_t f = 0; f < ARRAY_SIZE(forms); f++) {
                const char *where = "";

                ck_assert_msg(!memory_scan_files(fixture.dir, forms[f], &where),
                              "%s is in %s",
                              forms[f],
                              where);
        }
}

static void add(Site site, const char *name)
{
        _cleanup_free_ char *url = servers_url(site, name);

        client_add_file(fixture.alice, job, url, local);
}

/* A search that finds nothing proves nothing unless it finds this. */
START_TEST(the_search_finds_what_is_there)
{
        _cleanup_free_ char *path = temp_dir_path(fixture.dir, "planted");
        const char *where = "";

#ifndef __SANITIZE_ADDRESS__
        ck_assert(memory_scan_process(getpid(), SERVERS_PASSWORD, &where));
#endif
        temp_dir_write(path, "x" SERVERS_PASSWORD "y");
        ck_assert(memory_scan_files(fixture.dir, SERVERS_PASSWORD, &where));
        ck_assert_int_eq(unlink(path), 0);

        /* The string form is on the bus, as the contract says. */
        ck_assert_pstr_eq(
                client_try_credential(fixture.alice,
                                      job,
                                      "server",
                                      "basic",
                                      &(ClientCredential){ .user_name = SERVERS_USER,
                                                           .password = SERVERS_PASSWORD }),
                NULL);
        ck_assert(
                PROCESS_WAIT_UNTIL(5000, memory_scan_files(monitor_log, SERVERS_PASSWORD, &where)));
}
END_TEST

START_TEST(a_password_that_was_set_is_nowhere)
{
        client_set_password(fixture.alice, job, "server", "basic", SERVERS_USER, SERVERS_PASSWORD);
        process_nap_msec(200);
        check_processes(true);
        check_files();
}
END_TEST

/* The string form: the service at least keeps nothing. */
START_TEST(a_string_leaves_nothing_in_the_service)
{
        ck_assert_pstr_eq(
                client_try_credential(fixture.alice,
                                      job,
                                      "server",
                                      "basic",
                                      &(ClientCredential){ .user_name = SERVERS_USER,
                                                           .password = SERVERS_PASSWORD }),
                NULL);
        process_nap_msec(200);
        check_processes(true);
        for (size_t f = 0; f < ARRAY_SIZE(forms); f++)
                ck_assert(!memory_scan_files(fixture.daemon.dir, forms[f], NULL));
}
END_TEST

static const struct {
        Site site;
        const char *scheme, *user; /* no user: a token */
} ways[] = {
        { SITE_BASIC, "basic", SERVERS_USER },
        { SITE_TLS_BASIC, "basic", SERVERS_USER }, /* HTTP/2 */
        { SITE_DIGEST_SHA256, "digest", SERVERS_USER },
        { SITE_BEARER, "bearer", NULL },
        { SITE_TLS_BEARER, "bearer", NULL },
        { SITE_NTLM, "ntlm", DOMAIN_NAME "\\" SERVERS_USER },
        { SITE_NEGOTIATE, "negotiate", SERVERS_USER },
        { SITE_TLS_NEGOTIATE, "negotiate", SERVERS_USER },
};

static void set_way(int i)
{
        const char *secret = ways[i].user ? SERVERS_PASSWORD : SERVERS_TOKEN;

        client_set_password(fixture.alice, job, "server", ways[i].scheme, ways[i].user, secret);
}

START_TEST(a_password_that_was_used_is_nowhere)
{
        _cleanup_free_ char *expected = servers_file("medium");

        add(ways[_i].site, "medium");
        set_way(_i);
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "transferred", WAIT_MSEC);
        check_processes(true);
        check_files();
        ck_assert_int_eq(client_complete(fixture.alice, job), 0);
        file_hash_assert_same(local, expected);
        check_processes(true);
        check_files();
}
END_TEST

/* While its bytes come in, a worker knows the credential and others do not. */
START_TEST(during_a_transfer_only_the_worker_knows_it)
{
        servers_add_file("large", 40 * MIB);
        add(SITE_SLOW, "large");
        client_set_password(fixture.alice, job, "server", "basic", SERVERS_USER, SERVERS_PASSWORD);
        client_call(fixture.alice, job, "Resume");
        client_wait_bytes(fixture.alice, job, 2 * MIB, WAIT_MSEC);
        check_processes(false);
        check_files();
        client_call(fixture.alice, job, "Suspend");
        process_nap_msec(500);
        check_processes(true);
        client_call(fixture.alice, job, "Cancel");
        process_nap_msec(300);
        check_processes(true);
        check_files();
}
END_TEST

START_TEST(a_refused_password_is_in_no_error)
{
        ClientError error;

        add(SITE_DIGEST_SHA256, "small");
        client_set_password(fixture.alice, job, "server", "digest", "nobody", SERVERS_PASSWORD);
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "error", WAIT_MSEC);
        error = client_error(fixture.alice, job);
        ck_assert_ptr_null(strstr(error.description, SERVERS_PASSWORD));
        ck_assert_ptr_null(strstr(error.url, SERVERS_PASSWORD));
        check_processes(true);
        check_files();
}
END_TEST

/* User info of a URL crosses the bus; the service keeps it nowhere but in the vault. */
START_TEST(user_info_of_a_url_is_nowhere)
{
        _cleanup_free_ char *url = servers_url(SITE_BASIC, "small"), *with_user = NULL;
        char *file;

        ck_assert_int_ge(asprintf(&with_user,
                                  "http://" SERVERS_USER ":" SERVERS_PASSWORD "@%s",
                                  url + strlen("http://")),
                         0);
        client_add_file(fixture.alice, job, with_user, local);
        ck_assert_int_ge(asprintf(&file, "%s/file/0", job), 0);
        ck_assert_str_eq(client_string(fixture.alice, file, DOSVC_FILE_INTERFACE, "RemoteName"),
                         url);
        check_processes(true);
        for (size_t f = 0; f < ARRAY_SIZE(forms); f++)
                ck_assert(!memory_scan_files(fixture.daemon.dir, forms[f], NULL));
}
END_TEST

/* Settings of a job that are secrets: a header of the owner's, the password of his key. */

static char *forged(const char *name)
{
        _cleanup_free_ char *dir = temp_dir_path(fixture.dir, "certificates");

        return temp_dir_path(dir, name);
}

static void forge(void)
{
        _cleanup_free_ char *dir = temp_dir_path(fixture.dir, "certificates");
        _cleanup_free_ char *key = forged("alice.key");

        ck_assert_int_eq(mkdir(dir, 0755), 0);
        test_ca_certificate(dir,
                            &(TestCaRequest){ .name = "alice",
                                              .usage = "clientAuth",
                                              .password = KEY_PASSWORD });
        ck_assert_int_eq(chown(key, USERS_ALICE_UID, USERS_ALICE_UID), 0);
}

static void set_headers(void)
{
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     job,
                                     "org.freedesktop.DBus.Properties",
                                     "Set",
                                     "ssv",
                                     DOSVC_JOB_INTERFACE,
                                     "CustomHeaders",
                                     "as",
                                     1,
                                     "X-Token: " HEADER_MARKER),
                          NULL);
}

static void set_certificate(void)
{
        _cleanup_free_ char *certificate = forged("alice.crt"), *key = forged("alice.key");
        _cleanup_close_ int fd = fd_new_sealed("password", KEY_PASSWORD, strlen(KEY_PASSWORD));

        ck_assert_pstr_eq(client_try(fixture.alice,
                                     job,
                                     DOSVC_JOB_INTERFACE,
                                     "SetClientCertificate",
                                     "a{sv}",
                                     3,
                                     "certificate",
                                     "s",
                                     certificate,
                                     "key",
                                     "s",
                                     key,
                                     "password-fd",
                                     "h",
                                     fd),
                          NULL);
}

/* A header is a string on the bus: the monitor of the test has seen it, as the contract says. */
static void check_service(void)
{
        check_processes(true);
        for (size_t f = 0; f < ARRAY_SIZE(forms); f++) {
                const char *where = "";

                ck_assert_msg(!memory_scan_files(fixture.daemon.dir, forms[f], &where),
                              "%s is in %s",
                              forms[f],
                              where);
        }
}

/* Set, read back, used by a worker, and gone with its job. */
START_TEST(secrets_of_the_settings_are_nowhere)
{
        const char *where = "";

        forge();
        add(SITE_OPEN, "medium");
        set_headers();
        set_certificate();
        process_nap_msec(200);
        check_service();
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     job,
                                     "org.freedesktop.DBus.Properties",
                                     "Get",
                                     "ss",
                                     DOSVC_JOB_INTERFACE,
                                     "CustomHeaders"),
                          NULL);
        process_nap_msec(200);
        check_service();
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "transferred", WAIT_MSEC);
        check_service();
        ck_assert_int_eq(client_complete(fixture.alice, job), 0);
        check_service();
        /* They were there to be found. */
        ck_assert(memory_scan_files(monitor_log, HEADER_MARKER, &where));
}
END_TEST

/* Both files are the owner's: what cannot be used is told without what they hold. */
START_TEST(an_error_of_a_key_does_not_hold_its_password)
{
        _cleanup_free_ char *key = NULL;
        ClientError error;

        forge();
        key = forged("alice.key");
        add(SITE_OPEN, "small");
        set_headers();
        set_certificate();
        ck_assert_int_eq(truncate(key, 0), 0);
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "error", WAIT_MSEC);
        error = client_error(fixture.alice, job);
        ck_assert_str_eq(error.name, "client-key-unusable");
        ck_assert_ptr_null(strstr(error.description, KEY_PASSWORD));
        check_service();
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("leaks");
        TCase *search = fixture_case(suite, "search", start);
        TCase *life = fixture_case(suite, "life of a password", start);
        TCase *settings = fixture_case(suite, "settings", start);
        TCase *user = fixture_case(suite, "user instance", start_user);

        tcase_add_test(search, the_search_finds_what_is_there);

        tcase_add_test(life, a_password_that_was_set_is_nowhere);
        tcase_add_test(life, a_string_leaves_nothing_in_the_service);
        tcase_add_loop_test(life, a_password_that_was_used_is_nowhere, 0, ARRAY_SIZE(ways));
        tcase_add_test(life, during_a_transfer_only_the_worker_knows_it);
        tcase_add_test(life, a_refused_password_is_in_no_error);
        tcase_add_test(life, user_info_of_a_url_is_nowhere);

        tcase_add_test(settings, secrets_of_the_settings_are_nowhere);
        tcase_add_test(settings, an_error_of_a_key_does_not_hold_its_password);

        tcase_add_loop_test(user, a_password_that_was_used_is_nowhere, 0, ARRAY_SIZE(ways));
        return suite;
}

int main(void)
{
        return fixture_play(make_suite(), SERVERS_ALL);
}
