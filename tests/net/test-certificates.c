/*
 * Certificates of nginx with one defect each, whose authority is known to the job alone
 * (CACertificate), redirects between secure and insecure servers, and client certificates.
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/file-hash.h"
#include "tests/lib/http-server.h"
#include "tests/lib/origins.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/test-ca.h"
#include "tests/lib/users.h"

#define KEY_PASSWORD "marker-key"

/* Certificates --------------------------------------------------------------------------- */

typedef enum Port {
        GOOD,
        EXPIRED,
        FUTURE,
        ELSEWHERE,
        STRANGER,
        WRONG_USE,
        REVOKED,
        CLIENT,
        OPTIONAL,
        PLAIN,
        PORTS_MAX,
} Port;

/* name of the certificate, what else the server does */
static const struct {
        const char *name, *lines;
} sites[PORTS_MAX] = {
        [GOOD] = { "good",
                   "location /down { return 302 http://127.0.0.1:$plain/up; }"
                   "location /ask { return 302 https://127.0.0.1:$optional/file; }" },
        [EXPIRED] = { "expired", "" },
        [FUTURE] = { "future", "" },
        [ELSEWHERE] = { "elsewhere", "" },
        [STRANGER] = { "strange", "" },
        [WRONG_USE] = { "wrong-use", "" },
        [REVOKED] = { "revoked", "" },
        [CLIENT] = { "good", "ssl_verify_client on;" },
        [OPTIONAL] = { "good", "ssl_verify_client optional;" },
        [PLAIN] = { NULL, "location /up { return 302 https://127.0.0.1:$good/file; }" },
};

static char *bed;
static unsigned ports[PORTS_MAX];
static pid_t nginx;

static const TestCaRequest wishes[] = {
        { .name = "authority" },
        { .name = "nobody" },
        { .name = "good", .issuer = "authority", .host = "IP:127.0.0.1", .usage = "serverAuth" },
        { .name = "expired",
          .issuer = "authority",
          .host = "IP:127.0.0.1",
          .usage = "serverAuth",
          .from_day = -3,
          .to_day = -1 },
        { .name = "future",
          .issuer = "authority",
          .host = "IP:127.0.0.1",
          .usage = "serverAuth",
          .from_day = 1,
          .to_day = 3 },
        { .name = "elsewhere",
          .issuer = "authority",
          .host = "DNS:elsewhere.test",
          .usage = "serverAuth" },
        { .name = "strange", .issuer = "nobody", .host = "IP:127.0.0.1", .usage = "serverAuth" },
        { .name = "wrong-use",
          .issuer = "authority",
          .host = "IP:127.0.0.1",
          .usage = "clientAuth" },
        { .name = "revoked",
          .issuer = "authority",
          .host = "IP:127.0.0.1",
          .usage = "serverAuth",
          .serial = 66 },
        { .name = "alice", .issuer = "authority", .usage = "clientAuth" },
        { .name = "locked",
          .issuer = "authority",
          .usage = "clientAuth",
          .password = KEY_PASSWORD },
        { .name = "impostor", .issuer = "nobody", .usage = "clientAuth" },
};

static char *in_bed(const char *name)
{
        return temp_dir_path(bed, name);
}

static void join(const char *to, const char *a, const char *b)
{
        _cleanup_free_ char *path = in_bed(to), *pa = in_bed(a), *pb = in_bed(b), *text = NULL;
        _cleanup_free_ char *ta = temp_dir_read(pa, NULL), *tb = temp_dir_read(pb, NULL);

        if (asprintf(&text, "%s%s", ta, tb) < 0)
                err(EXIT_FAILURE, "%s", to);
        temp_dir_write(path, text);
}

static unsigned free_port(void)
{
        _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in address = { .sin_family = AF_INET };
        socklen_t length = sizeof(address);

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (fd < 0 || bind(fd, (struct sockaddr *) &address, length) < 0 ||
            getsockname(fd, (struct sockaddr *) &address, &length) < 0)
                err(EXIT_FAILURE, "free port");
        return ntohs(address.sin_port);
}

static bool is_listening(unsigned port)
{
        _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t) port) };

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return fd >= 0 && connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0;
}

static void write_config(const char *path)
{
        FILE *out = fopen(path, "we");

        if (!out)
                err(EXIT_FAILURE, "%s", path);
        (void) fprintf(out,
                       "daemon off; worker_processes 1; pid pid; error_log error.log;\n"
                       "events { worker_connections 64; }\nhttp {\n"
                       "client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3;\n"
                       "uwsgi_temp_path t4; scgi_temp_path t5;\n"
                       "log_format facts '$server_port $uri $http_x_token $ssl_client_verify';\n"
                       "access_log access.log facts;\n"
                       "map '' $plain { default %u; } map '' $good { default %u; }\n"
                       "map '' $optional { default %u; }\n",
                       ports[PLAIN],
                       ports[GOOD],
                       ports[OPTIONAL]);
        for (Port port = 0; port < PORTS_MAX; port++) {
                const char *name = sites[port].name;

                (void) fprintf(
                        out,
                        "server { listen 127.0.0.1:%u%s; location /file { return 200 '%s'; }\n",
                        ports[port],
                        name ? " ssl" : "",
                        ORIGINS_CONTENT);
                if (name)
                        (void) fprintf(out,
                                       "ssl_certificate %s/%s.crt; ssl_certificate_key %s/%s.key;\n"
                                       "ssl_client_certificate %s/authority.crt;\n",
                                       bed,
                                       name,
                                       bed,
                                       name,
                                       bed);
                (void) fprintf(out, "%s }\n", sites[port].lines);
        }
        (void) fputs("}\n", out);
        (void) fclose(out);
}

/* Runs once for all tests of a case, which are forked from this process. */
static void start_bed(void)
{
        _cleanup_free_ char *config = NULL, *output = NULL;

        bed = temp_dir_new();
        for (size_t i = 0; i < ARRAY_SIZE(wishes); i++)
                test_ca_certificate(bed, &wishes[i]);
        test_ca_revocations(bed, "authority", 66);
        join("with-list.pem", "authority.crt", "authority.crl");
        join("both.pem", "alice.crt", "alice.key");
        for (Port port = 0; port < PORTS_MAX; port++)
                ports[port] = free_port();
        config = in_bed("nginx.conf");
        output = in_bed("nginx.out");
        write_config(config);
        nginx = process_start(
                &(ProcessSpec){ .argv = PROCESS_ARGV("nginx", "-p", bed, "-c", config),
                                .output = output });
        if (!PROCESS_WAIT_UNTIL(ORIGINS_WAIT_MSEC, is_listening(ports[PLAIN])))
                errx(EXIT_FAILURE, "nginx does not start: %s", temp_dir_read(output, NULL));
}

static void stop_bed(void)
{
        process_stop(&nginx);
        bed = temp_dir_remove(bed);
}

static void set_path(const char *property, const char *name)
{
        _cleanup_free_ char *path = in_bed(name);

        set_text(property, path);
}

static void start_tls(void)
{
        _cleanup_free_ char *log = in_bed("access.log");

        fixture_start();
        origins_start();
        ck_assert_int_eq(truncate(log, 0), 0);
        set_path("CACertificate", "authority.crt");
}

static void add_tls(Port port, const char *path)
{
        _cleanup_free_ char *url = NULL;

        ck_assert_int_gt(asprintf(&url, "https://127.0.0.1:%u%s", ports[port], path), 0);
        client_add_file(fixture.alice, job, url, local);
}

static void forget_file(void)
{
        client_call(fixture.alice, job, "Cancel");
        job = client_create(fixture.alice, "another");
        set_path("CACertificate", "authority.crt");
}

typedef struct Defect {
        Port port;
        const char *error, *flag;
} Defect;

static const Defect defects[] = {
        { EXPIRED, "certificate-date-invalid", "ignore-cert-date-invalid" },
        { FUTURE, "certificate-date-invalid", "ignore-cert-date-invalid" },
        { ELSEWHERE, "certificate-name-invalid", "ignore-cert-cn-invalid" },
        { STRANGER, "unknown-certificate-authority", "ignore-unknown-ca" },
        { WRONG_USE, "certificate-wrong-usage", "ignore-cert-wrong-usage" },
};

START_TEST(a_defect_is_a_fatal_error_of_its_own)
{
        add_tls(defects[_i].port, "/file");
        origins_expect_error(defects[_i].error);
        ck_assert_str_eq(client_error(fixture.alice, job).context, "remote-file");
}
END_TEST

START_TEST(its_flag_tolerates_a_defect)
{
        add_tls(defects[_i].port, "/file");
        SET_LIST("SecurityFlags", defects[_i].flag);
        origins_fetch();
}
END_TEST

START_TEST(the_other_flags_do_not)
{
        static const char *const all[] = { "ignore-cert-cn-invalid",
                                           "ignore-cert-date-invalid",
                                           "ignore-unknown-ca",
                                           "ignore-cert-wrong-usage" };
        const char *others[4] = { NULL };
        size_t n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(all); i++)
                if (strcmp(all[i], defects[_i].flag) != 0)
                        others[n++] = all[i];
        add_tls(defects[_i].port, "/file");
        client_set_list(fixture.alice, job, "SecurityFlags", others);
        origins_expect_error(defects[_i].error);
}
END_TEST

START_TEST(the_jobs_authority_takes_the_systems_place)
{
        add_tls(GOOD, "/file");
        set_path("CACertificate", "nobody.crt");
        origins_expect_error("unknown-certificate-authority");
        set_text("CACertificate", "");
        origins_expect_error("unknown-certificate-authority");
        set_path("CACertificate", "authority.crt");
        origins_fetch();
}
END_TEST

START_TEST(an_authority_that_cannot_be_read_is_named)
{
        static const struct {
                const char *path, *error;
        } cases[] = {
                { "/nowhere/at/all.pem", "path-not-found" },
                { "/etc/hostname", "certificate-file-unusable" },
                { "/etc/shadow", "access-denied" },
                { "/dev/zero", "not-a-regular-file" },
        };
        ClientError error;

        add_tls(GOOD, "/file");
        set_text("CACertificate", cases[_i].path);
        origins_expect_error(cases[_i].error);
        error = client_error(fixture.alice, job);
        ck_assert_str_eq(error.context, "local-file");
        ck_assert_ptr_nonnull(strstr(error.description, cases[_i].path));
}
END_TEST

START_TEST(revocation_is_asked_for_only_if_wanted)
{
        add_tls(REVOKED, "/file");
        origins_fetch();
}
END_TEST

START_TEST(a_revoked_certificate_is_an_error)
{
        add_tls(REVOKED, "/file");
        set_path("CACertificate", "with-list.pem");
        SET_LIST("SecurityFlags", "enable-crl-check");
        origins_expect_error("certificate-revoked");
        forget_file();
        add_tls(GOOD, "/file");
        set_path("CACertificate", "with-list.pem");
        SET_LIST("SecurityFlags", "enable-crl-check");
        origins_fetch();
}
END_TEST

START_TEST(without_a_revocation_list_the_check_fails)
{
        add_tls(GOOD, "/file");
        SET_LIST("SecurityFlags",
                 "enable-crl-check",
                 "ignore-unknown-ca",
                 "ignore-cert-date-invalid",
                 "ignore-cert-cn-invalid");
        origins_expect_error("revocation-check-failed");
}
END_TEST

/* Redirects between secure and insecure -------------------------------------------------- */

START_TEST(a_way_to_http_is_refused_unless_allowed)
{
        add_tls(GOOD, "/down");
        set_text("RedirectPolicy", _i ? "allow-report" : "allow-silent");
        origins_expect_error("redirect-failed");
        set_text("RedirectPolicy",
                 _i ? "allow-report+https-to-http" : "allow-silent+https-to-http");
        origins_fetch();
}
END_TEST

/* From https to http and back to the same origin: who was in between may have sent us. */
START_TEST(after_a_way_over_http_nothing_is_sent_along)
{
        _cleanup_free_ char *log = NULL, *path = in_bed("access.log"), *expected = NULL;

        add_tls(GOOD, "/down");
        set_text("RedirectPolicy", "allow-silent+https-to-http");
        SET_LIST("CustomHeaders", ORIGINS_TOKEN);
        origins_fetch();
        ck_assert_int_gt(asprintf(&expected,
                                  "%u /down marker-4711 NONE\n%u /up - -\n%u /file - NONE\n",
                                  ports[GOOD],
                                  ports[PLAIN],
                                  ports[GOOD]),
                         0);
        ck_assert(PROCESS_WAIT_UNTIL(
                2000,
                (free(log), log = temp_dir_read(path, NULL), strlen(log) >= strlen(expected))));
        ck_assert_str_eq(log, expected);
}
END_TEST

START_TEST(a_proxy_sees_no_header_on_connect)
{
        _cleanup_free_ char *log = NULL, *proxy = http_server_url(&own, "");

        add_tls(GOOD, "/file");
        SET_LIST("CustomHeaders", ORIGINS_TOKEN);
        client_set_proxy(fixture.alice, job, proxy);
        origins_fetch();
        log = http_server_log(&own);
        ck_assert_uint_eq(count_in(log, "CONNECT 127.0.0.1:"), 1);
        ck_assert_ptr_null(strstr(log, "X-Token"));
}
END_TEST

/* Client certificates -------------------------------------------------------------------- */

/* key and password may be NULL. */
static const char *try_certificate(const char *name, const char *key_name, const char *password)
{
        _cleanup_free_ char *certificate = in_bed(name);
        _cleanup_free_ char *key = key_name ? in_bed(key_name) : NULL;
        const char *i = DOSVC_JOB_INTERFACE, *m = "SetClientCertificate", *c = "certificate";

        if (!key)
                return client_try(fixture.alice, job, i, m, "a{sv}", 1, c, "s", certificate);
        if (!password)
                return client_try(fixture.alice,
                                  job,
                                  i,
                                  m,
                                  "a{sv}",
                                  2,
                                  c,
                                  "s",
                                  certificate,
                                  "key",
                                  "s",
                                  key);
        return client_try(fixture.alice,
                          job,
                          i,
                          m,
                          "a{sv}",
                          3,
                          c,
                          "s",
                          certificate,
                          "key",
                          "s",
                          key,
                          "password",
                          "s",
                          password);
}

START_TEST(without_a_certificate_a_server_that_wants_one_is_an_error)
{
        add_tls(CLIENT, "/file");
        origins_expect_error("client-certificate-needed");
}
END_TEST

START_TEST(the_right_certificate_opens_the_server)
{
        static const struct {
                const char *certificate, *key, *password;
        } cases[] = {
                { "alice.crt", "alice.key", NULL },
                { "both.pem", NULL, NULL },
                { "locked.crt", "locked.key", KEY_PASSWORD },
        };

        add_tls(CLIENT, "/file");
        ck_assert_pstr_eq(try_certificate(cases[_i].certificate, cases[_i].key, cases[_i].password),
                          NULL);
        origins_fetch();
}
END_TEST

START_TEST(somebody_elses_certificate_does_not)
{
        add_tls(CLIENT, "/file");
        ck_assert_pstr_eq(try_certificate("impostor.crt", "impostor.key", NULL), NULL);
        origins_expect_error("http-400");
}
END_TEST

START_TEST(a_key_that_cannot_be_used_is_an_error_of_the_file)
{
        static const struct {
                const char *key, *password, *error, *reason;
        } cases[] = {
                { "locked.key", NULL, "client-key-unusable", "needs a password" },
                { "locked.key", "wrong", "client-key-unusable", "password" },
                { "alice.key", NULL, "client-key-unusable", "not that of the certificate" },
                { "alice.crt", NULL, "client-key-unusable", "no private key" },
                { "none.key", NULL, "path-not-found", "no such file" },
        };
        ClientError error;

        add_tls(CLIENT, "/file");
        ck_assert_pstr_eq(try_certificate("locked.crt", cases[_i].key, cases[_i].password), NULL);
        origins_expect_error(cases[_i].error);
        error = client_error(fixture.alice, job);
        ck_assert_str_eq(error.context, "local-file");
        ck_assert_ptr_nonnull(strstr(error.description, cases[_i].reason));
        ck_assert_ptr_nonnull(strstr(error.description, cases[_i].key));
        ck_assert_ptr_null(strstr(error.description, KEY_PASSWORD));
}
END_TEST

START_TEST(the_files_are_opened_as_the_owner)
{
        _cleanup_free_ char *key = in_bed("alice.key");

        add_tls(CLIENT, "/file");
        ck_assert_pstr_eq(try_certificate("alice.crt", "alice.key", NULL), NULL);
        ck_assert_int_eq(chmod(key, 0600), 0);
        origins_expect_error("access-denied");
        ck_assert_int_eq(chown(key, USERS_ALICE_UID, USERS_ALICE_UID), 0);
        origins_fetch();
        ck_assert_int_eq(chown(key, 0, 0) | chmod(key, 0644), 0);
}
END_TEST

START_TEST(only_the_owners_origin_is_shown_the_certificate)
{
        _cleanup_free_ char *log = NULL, *path = in_bed("access.log"), *expected = NULL;

        add_tls(_i ? GOOD : OPTIONAL, _i ? "/ask" : "/file");
        ck_assert_pstr_eq(try_certificate("both.pem", NULL, NULL), NULL);
        origins_fetch();
        ck_assert_int_gt(
                asprintf(&expected, "%u /file - %s\n", ports[OPTIONAL], _i ? "NONE" : "SUCCESS"),
                0);
        ck_assert(PROCESS_WAIT_UNTIL(
                2000,
                (free(log), log = temp_dir_read(path, NULL), strstr(log, expected))));
}
END_TEST

/* TLS 1.3 has a word of its own for it, after the handshake; 1.2 has "handshake failure". */
START_TEST(a_server_that_hangs_up_without_a_certificate_is_told)
{
        _cleanup_free_ char *url = NULL, *number = NULL, *certificate = in_bed("good.crt");
        _cleanup_free_ char *key = in_bed("good.key"), *authority = in_bed("authority.crt");
        _cleanup_free_ char *output = in_bed("s_server.out");
        unsigned port = free_port();
        pid_t server;

        ck_assert_int_gt(asprintf(&number, "%u", port), 0);
        ck_assert_int_gt(asprintf(&url, "https://127.0.0.1:%u/", port), 0);
        server = process_start(&(ProcessSpec){ .argv = PROCESS_ARGV("openssl",
                                                                    "s_server",
                                                                    "-accept",
                                                                    number,
                                                                    "-cert",
                                                                    certificate,
                                                                    "-key",
                                                                    key,
                                                                    "-CAfile",
                                                                    authority,
                                                                    "-Verify",
                                                                    "1",
                                                                    "-verify_return_error",
                                                                    "-www",
                                                                    _i ? "-tls1_3" : "-tls1_2"),
                                               .output = output });
        ck_assert(PROCESS_WAIT_UNTIL(ORIGINS_WAIT_MSEC, is_listening(port)));
        client_add_file(fixture.alice, job, url, local);
        origins_expect_error("client-certificate-needed");
        process_stop(&server);
}
END_TEST

START_TEST(a_removed_certificate_is_gone)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;

        add_tls(CLIENT, "/file");
        ck_assert_pstr_eq(try_certificate("locked.crt", "locked.key", KEY_PASSWORD), NULL);
        for (int expected = 1; expected >= 0; expected--) {
                sd_bus_message *reply = NULL;
                int removed;

                ck_assert_int_ge(sd_bus_call_method(fixture.alice,
                                                    DOSVC_BUS_NAME,
                                                    job,
                                                    DOSVC_JOB_INTERFACE,
                                                    "RemoveClientCertificate",
                                                    &error,
                                                    &reply,
                                                    NULL),
                                 0);
                ck_assert_int_gt(sd_bus_message_read(reply, "b", &removed), 0);
                ck_assert_int_eq(removed, expected);
                sd_bus_message_unref(reply);
        }
        origins_expect_error("client-certificate-needed");
}
END_TEST

/* The password goes with the key of the vault, the rest stays. */
START_TEST(a_job_does_not_run_without_the_password_of_its_key)
{
        add_tls(CLIENT, "/file");
        ck_assert_pstr_eq(try_certificate("locked.crt", "locked.key", KEY_PASSWORD), NULL);
        fixture_restart();
        origins_expect_error("credentials-lost");
        ck_assert_pstr_eq(try_certificate("locked.crt", "locked.key", KEY_PASSWORD), NULL);
        origins_fetch();
}
END_TEST

static TCase *tls_case(Suite *suite, const char *name)
{
        TCase *tcase = fixture_case(suite, name, start_tls);

        tcase_add_unchecked_fixture(tcase, start_bed, stop_bed);
        tcase_add_checked_fixture(tcase, NULL, origins_stop);
        return tcase;
}

static Suite *make_suite(void)
{
        Suite *suite = suite_create("certificates");
        TCase *flags = tls_case(suite, "flags");
        TCase *ways = tls_case(suite, "ways");
        TCase *client = tls_case(suite, "client");

        tcase_add_loop_test(flags, a_defect_is_a_fatal_error_of_its_own, 0, ARRAY_SIZE(defects));
        tcase_add_loop_test(flags, its_flag_tolerates_a_defect, 0, ARRAY_SIZE(defects));
        tcase_add_loop_test(flags, the_other_flags_do_not, 0, ARRAY_SIZE(defects));
        tcase_add_test(flags, the_jobs_authority_takes_the_systems_place);
        tcase_add_loop_test(flags, an_authority_that_cannot_be_read_is_named, 0, 4);
        tcase_add_test(flags, revocation_is_asked_for_only_if_wanted);
        tcase_add_test(flags, a_revoked_certificate_is_an_error);
        tcase_add_test(flags, without_a_revocation_list_the_check_fails);

        tcase_add_loop_test(ways, a_way_to_http_is_refused_unless_allowed, 0, 2);
        tcase_add_test(ways, after_a_way_over_http_nothing_is_sent_along);
        tcase_add_test(ways, a_proxy_sees_no_header_on_connect);

        tcase_add_test(client, without_a_certificate_a_server_that_wants_one_is_an_error);
        tcase_add_loop_test(client, the_right_certificate_opens_the_server, 0, 3);
        tcase_add_test(client, somebody_elses_certificate_does_not);
        tcase_add_loop_test(client, a_key_that_cannot_be_used_is_an_error_of_the_file, 0, 5);
        tcase_add_test(client, the_files_are_opened_as_the_owner);
        tcase_add_loop_test(client, only_the_owners_origin_is_shown_the_certificate, 0, 2);
        tcase_add_loop_test(client, a_server_that_hangs_up_without_a_certificate_is_told, 0, 2);
        tcase_add_test(client, a_removed_certificate_is_gone);
        tcase_add_test(client, a_job_does_not_run_without_the_password_of_its_key);
        return suite;
}

int main(void)
{
        return fixture_play(make_suite(), 0);
}
