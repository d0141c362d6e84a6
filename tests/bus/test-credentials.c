/*
 * SetCredentials and RemoveCredentials as calls: every error of spec sections 1.3 and 1.4, the
 * limits in UTF-16 units, the descriptor forms. "9.n" is statement n of spec section 9.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/fd.h"
#include "base/macro.h"

#include "model/limits.h"
#include "tests/lib/client.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define ERROR(name)  DOSVC_ERROR_PREFIX name
#define INVALID_ARGS "org.freedesktop.DBus.Error.InvalidArgs"

#define NON_BMP "\360\237\230\200" /* two UTF-16 units, four bytes */
#define EURO    "\342\202\254"     /* one unit, three bytes */

static char *job; /* alice's */

static void start(void)
{
        fixture_start();
        job = client_create(fixture.alice, "job");
}

static const char *try_password(const char *scheme, const char *user, const char *password)
{
        return client_try_credential(
                fixture.alice,
                job,
                "server",
                scheme,
                &(ClientCredential){ .user_name = user, .password = password });
}

static const char *try_fd(int fd)
{
        return client_try_credential(
                fixture.alice,
                job,
                "server",
                "basic",
                &(ClientCredential){ .user_name = "reader", .password_fd = fd });
}

/* A string of n times that piece; a new string. */
static char *repeat(const char *piece, size_t n)
{
        size_t length = strlen(piece);
        char *s = malloc(n * length + 1);

        ck_assert_ptr_nonnull(s);
        for (size_t i = 0; i < n; i++)
                memcpy(s + i * length, piece, length);
        s[n * length] = 0;
        return s;
}

static char *join(const char *a, const char *b)
{
        char *s;

        ck_assert_int_ge(asprintf(&s, "%s%s", a, b), 0);
        return s;
}

/* 9.1, 9.2, 9.3, 9.5: one call names target, scheme and the user's credentials. */
START_TEST(every_pair_of_target_and_scheme_is_accepted)
{
        static const char *const targets[] = { "server", "proxy" };
        static const char *const schemes[] = { "basic",     "digest",   "ntlm",
                                               "negotiate", "passport", "bearer" };
        static const ClientCredential user = { .user_name = "u", .password = "p" };
        static const ClientCredential token = { .token = "t" };

        for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
                for (size_t k = 0; k < ARRAY_SIZE(schemes); k++)
                        ck_assert_pstr_eq(client_try_credential(fixture.alice,
                                                                job,
                                                                targets[i],
                                                                schemes[k],
                                                                strcmp(schemes[k], "bearer") == 0
                                                                        ? &token
                                                                        : &user),
                                          NULL);
}
END_TEST

typedef struct Refusal {
        const char *target, *scheme;
        ClientCredential credential;
        const char *error;
} Refusal;

/* 9.4, 9.6, 9.7, 9.10, and the order of the checks: target, scheme, NULL rules, format. */
static const Refusal refusals[] = {
        { "", "basic", { .user_name = "u", .password = "p" }, ERROR("InvalidAuthTarget") },
        { "Server", "basic", { .user_name = "u", .password = "p" }, ERROR("InvalidAuthTarget") },
        { "none", "basic", { .user_name = "u", .password = "p" }, ERROR("InvalidAuthTarget") },
        { "none", "none", { .user_name = "u" }, ERROR("InvalidAuthTarget") },
        { "server", "", { .user_name = "u", .password = "p" }, ERROR("InvalidAuthScheme") },
        { "server", "BASIC", { .user_name = "u", .password = "p" }, ERROR("InvalidAuthScheme") },
        { "server", "basic,digest", { .user_name = "u" }, ERROR("InvalidAuthScheme") },
        { "proxy", "kerberos", { .user_name = "u" }, ERROR("InvalidAuthScheme") },
        { "server", "basic", { .user_name = NULL }, INVALID_ARGS },
        { "server", "basic", { .user_name = "u" }, INVALID_ARGS },
        { "server", "basic", { .password = "p" }, INVALID_ARGS },
        { "server", "digest", { .user_name = NULL }, INVALID_ARGS },
        { "server", "digest", { .user_name = "u" }, INVALID_ARGS },
        { "server", "digest", { .password = "p" }, INVALID_ARGS },
        { "server", "passport", { .user_name = NULL }, INVALID_ARGS },
        { "server", "ntlm", { .user_name = "u" }, INVALID_ARGS },
        { "server", "ntlm", { .password = "p" }, INVALID_ARGS },
        { "server", "negotiate", { .user_name = "u" }, INVALID_ARGS },
        { "server", "negotiate", { .password = "p" }, INVALID_ARGS },
        { "server", "bearer", { .user_name = NULL }, INVALID_ARGS },
        { "server", "bearer", { .user_name = "u", .token = "t" }, INVALID_ARGS },
        { "server", "bearer", { .user_name = "u", .password = "p" }, INVALID_ARGS },
        { "server", "basic", { .user_name = "u", .token = "t" }, INVALID_ARGS },
        { "server",
          "basic",
          { .user_name = "u", .password = "p", .unknown = "realm" },
          INVALID_ARGS },
        { "server",
          "basic",
          { .user_name = "u", .password = "p", .unknown = "user-name" },
          INVALID_ARGS },
        { "server", "basic", { .user_name = "a:b", .password = "p" }, ERROR("InvalidCredentials") },
        { "server",
          "basic",
          { .user_name = "a\nb", .password = "p" },
          ERROR("InvalidCredentials") },
        { "server",
          "digest",
          { .user_name = "a\177", .password = "p" },
          ERROR("InvalidCredentials") },
        { "server",
          "basic",
          { .user_name = "u", .password = "a\r\nX: y" },
          ERROR("InvalidCredentials") },
        { "proxy",
          "digest",
          { .user_name = "u", .password = "\001" },
          ERROR("InvalidCredentials") },
        { "server", "bearer", { .token = "a\nb" }, ERROR("InvalidCredentials") },
};

START_TEST(a_bad_call_has_its_error)
{
        const Refusal *refusal = &refusals[_i];

        ck_assert_pstr_eq(client_try_credential(fixture.alice,
                                                job,
                                                refusal->target,
                                                refusal->scheme,
                                                &refusal->credential),
                          refusal->error);
        /* A sentence for people, without the secret. */
        ck_assert_uint_gt(strlen(client_last_message()), 10);
        if (refusal->credential.password && refusal->credential.password[1])
                ck_assert_ptr_null(strstr(client_last_message(), refusal->credential.password));
        /* Nothing was stored. */
        if (strcmp(refusal->target, "none") != 0 && refusal->error[0] == 'o' &&
            !strstr(refusal->error, "InvalidAuth"))
                ck_assert_int_eq(client_remove_credentials(fixture.alice,
                                                           job,
                                                           refusal->target,
                                                           refusal->scheme),
                                 0);
}
END_TEST

START_TEST(a_colon_is_a_matter_of_basic_only)
{
        ck_assert_pstr_eq(try_password("digest", "a:b", "p"), NULL);
        ck_assert_pstr_eq(try_password("basic", "domain\\user", "p:q"), NULL);
}
END_TEST

START_TEST(an_empty_password_is_a_password)
{
        ck_assert_pstr_eq(try_password("basic", "u", ""), NULL);
        ck_assert_pstr_eq(try_password("digest", "u", ""), NULL);
}
END_TEST

/* 9.29: implicit credentials are no user name and no password. */
START_TEST(implicit_credentials_are_no_key_at_all)
{
        ck_assert_pstr_eq(try_password("ntlm", NULL, NULL), NULL);
        ck_assert_pstr_eq(try_password("negotiate", NULL, NULL), NULL);
        ck_assert_int_eq(client_remove_credentials(fixture.alice, job, "server", "ntlm"), 1);
        ck_assert_int_eq(client_remove_credentials(fixture.alice, job, "server", "ntlm"), 0);
}
END_TEST

/* 9.8: 300 UTF-16 units, counted as such. */
START_TEST(a_user_name_has_at_most_300_units)
{
        static const char *const pieces[] = { "a", EURO, "\303\244" };

        for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
                ck_assert_pstr_eq(try_password("basic", repeat(pieces[i], 300), "p"), NULL);
                ck_assert_pstr_eq(try_password("basic", repeat(pieces[i], 301), "p"),
                                  ERROR("UserNameTooLarge"));
        }
        ck_assert_pstr_eq(try_password("digest", repeat(NON_BMP, 150), "p"), NULL);
        ck_assert_pstr_eq(try_password("digest", join(repeat(NON_BMP, 150), "a"), "p"),
                          ERROR("UserNameTooLarge"));
}
END_TEST

/* 9.9: 65,536 UTF-16 units, as string and through a descriptor. */
START_TEST(a_password_has_at_most_65536_units)
{
        static const char *const pieces[] = { "p", EURO };

        for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
                char *longest = repeat(pieces[i], LIMIT_PASSWORD);
                char *too_long = join(longest, "p");

                ck_assert_pstr_eq(try_password("basic", "u", longest), NULL);
                ck_assert_pstr_eq(try_password("basic", "u", too_long), ERROR("PasswordTooLarge"));
                ck_assert_pstr_eq(try_fd(fd_new_sealed("p", longest, strlen(longest))), NULL);
                ck_assert_pstr_eq(try_fd(fd_new_sealed("p", too_long, strlen(too_long))),
                                  ERROR("PasswordTooLarge"));
        }
        ck_assert_pstr_eq(try_password("basic", "u", repeat(NON_BMP, LIMIT_PASSWORD / 2)), NULL);
        ck_assert_pstr_eq(
                try_password("basic", "u", join(repeat(NON_BMP, LIMIT_PASSWORD / 2), "p")),
                ERROR("PasswordTooLarge"));
}
END_TEST

START_TEST(full_slots_end_in_a_clean_error)
{
        char *longest = repeat(EURO, LIMIT_PASSWORD);
        const char *error = NULL;
        unsigned n = 0;

        while (!error && n < 100) {
                char *next = client_create(fixture.alice, "full");
                static const char *const schemes[] = { "basic", "digest", "passport", "negotiate" };

                for (size_t i = 0; !error && i < ARRAY_SIZE(schemes); i++, n++)
                        error = client_try_credential(
                                fixture.alice,
                                next,
                                "proxy",
                                schemes[i],
                                &(ClientCredential){ .user_name = "u", .password = longest });
        }
        ck_assert_pstr_eq(error, ERROR("LimitExceeded"));
        ck_assert_uint_ge(n, 60);
        /* Another owner is not concerned. */
        ck_assert_pstr_eq(
                client_try_credential(fixture.bob,
                                      client_create(fixture.bob, "free"),
                                      "server",
                                      "basic",
                                      &(ClientCredential){ .user_name = "u", .password = longest }),
                NULL);
}
END_TEST

/* 9.13, 9.14, 9.15, 9.17: a call for each pair, the same pair is replaced, removal of one pair. */
START_TEST(pairs_are_set_replaced_and_removed_one_by_one)
{
        client_set_password(fixture.alice, job, "proxy", "basic", "u", "p");
        client_set_password(fixture.alice, job, "proxy", "digest", "u", "p");
        client_set_password(fixture.alice, job, "proxy", "digest", "v", "q");

        ck_assert_int_eq(client_remove_credentials(fixture.alice, job, "server", "basic"), 0);
        ck_assert_int_eq(client_remove_credentials(fixture.alice, job, "proxy", "basic"), 1);
        ck_assert_int_eq(client_remove_credentials(fixture.alice, job, "proxy", "basic"), 0);
        ck_assert_int_eq(client_remove_credentials(fixture.alice, job, "proxy", "digest"), 1);
        ck_assert_int_eq(client_remove_credentials(fixture.alice, job, "proxy", "digest"), 0);
}
END_TEST

/* "target/scheme " for each pair of CredentialSlots, or the name of the error. */
static const char *slots_of(sd_bus *bus)
{
        static char text[1024];
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        const char *target, *scheme;

        text[0] = '\0';
        if (sd_bus_get_property(bus,
                                DOSVC_BUS_NAME,
                                job,
                                DOSVC_JOB_INTERFACE,
                                "CredentialSlots",
                                &error,
                                &reply,
                                "a(ss)") < 0) {
                (void) snprintf(text, sizeof(text), "%s", error.name);
                sd_bus_error_free(&error);
                return text;
        }
        ck_assert_int_ge(sd_bus_message_enter_container(reply, 'a', "(ss)"), 0);
        while (sd_bus_message_read(reply, "(ss)", &target, &scheme) > 0) {
                size_t at = strlen(text);

                (void) snprintf(text + at, sizeof(text) - at, "%s/%s ", target, scheme);
        }
        sd_bus_message_unref(reply);
        return text;
}

START_TEST(the_owner_sees_which_pairs_are_set)
{
        ck_assert_str_eq(slots_of(fixture.alice), "");
        client_set_password(fixture.alice, job, "proxy", "basic", "reader", "word");
        client_set_password(fixture.alice, job, "server", "bearer", NULL, "token");
        ck_assert_pstr_eq(client_try_credential(fixture.alice,
                                                job,
                                                "server",
                                                "negotiate",
                                                &(ClientCredential){ .user_name = NULL }),
                          NULL);
        ck_assert_str_eq(slots_of(fixture.alice), "server/negotiate server/bearer proxy/basic ");
        ck_assert_int_eq(client_remove_credentials(fixture.alice, job, "server", "bearer"), 1);
        ck_assert_str_eq(slots_of(fixture.alice), "server/negotiate proxy/basic ");
        client_add_file(fixture.alice, job, "http://user:word@127.0.0.1:9/", "/tmp/x");
        ck_assert_str_eq(slots_of(fixture.alice), "server/basic server/negotiate proxy/basic ");
}
END_TEST

/* Root neither, before the job is its own; and then they are gone. */
START_TEST(nobody_else_sees_which_pairs_are_set)
{
        client_set_password(fixture.alice, job, "server", "basic", "reader", "word");
        ck_assert_str_eq(slots_of(fixture.root), SD_BUS_ERROR_ACCESS_DENIED);
        ck_assert_str_eq(slots_of(fixture.bob), SD_BUS_ERROR_UNKNOWN_OBJECT);
        client_call(fixture.root, job, "TakeOwnership");
        ck_assert_str_eq(slots_of(fixture.root), "");
        ck_assert_str_eq(slots_of(fixture.alice), SD_BUS_ERROR_UNKNOWN_OBJECT);
}
END_TEST

static int on_invalidated(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        unsigned *n = userdata;
        const char *interface, *name;

        ck_assert_int_ge(sd_bus_message_read(m, "s", &interface), 0);
        ck_assert_int_ge(sd_bus_message_skip(m, "a{sv}"), 0);
        ck_assert_int_ge(sd_bus_message_enter_container(m, 'a', "s"), 0);
        while (sd_bus_message_read(m, "s", &name) > 0)
                *n += strcmp(name, "CredentialSlots") == 0;
        return 0;
}

START_TEST(a_change_of_the_pairs_is_told)
{
        unsigned n = 0;

        ck_assert_int_ge(sd_bus_match_signal(fixture.alice,
                                             NULL,
                                             NULL,
                                             job,
                                             "org.freedesktop.DBus.Properties",
                                             "PropertiesChanged",
                                             on_invalidated,
                                             &n),
                         0);
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     DOSVC_MANAGER_PATH,
                                     DOSVC_MANAGER_INTERFACE,
                                     "Subscribe",
                                     "a{sv}",
                                     0),
                          NULL);
        client_set_password(fixture.alice, job, "server", "basic", "reader", "word");
        ck_assert(PROCESS_WAIT_UNTIL(5000, (sd_bus_process(fixture.alice, NULL), n == 1)));
        ck_assert_int_eq(client_remove_credentials(fixture.alice, job, "server", "basic"), 1);
        ck_assert(PROCESS_WAIT_UNTIL(5000, (sd_bus_process(fixture.alice, NULL), n == 2)));
        ck_assert_int_eq(client_remove_credentials(fixture.alice, job, "server", "basic"), 0);
        process_nap_msec(200);
        while (sd_bus_process(fixture.alice, NULL) > 0)
                ;
        ck_assert_uint_eq(n, 2);
}
END_TEST

START_TEST(removal_knows_its_targets_and_schemes)
{
        static const char *const calls[][3] = {
                { "none", "basic", ERROR("InvalidAuthTarget") },
                { "", "none", ERROR("InvalidAuthTarget") },
                { "server", "none", ERROR("InvalidAuthScheme") },
        };

        for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
                ck_assert_pstr_eq(client_try(fixture.alice,
                                             job,
                                             DOSVC_JOB_INTERFACE,
                                             "RemoveCredentials",
                                             "ss",
                                             calls[i][0],
                                             calls[i][1]),
                                  calls[i][2]);
}
END_TEST

/* Spec section 1.8. */
START_TEST(a_change_is_a_modification_of_the_job)
{
        uint64_t before =
                client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, "ModificationTime", 't');

        process_nap_msec(2);
        ck_assert_pstr_eq(try_password("basic", "u", "p"), NULL);
        ck_assert_uint_gt(
                client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, "ModificationTime", 't'),
                before);
        ck_assert_str_eq(client_state(fixture.alice, job), "suspended");
}
END_TEST

START_TEST(a_job_that_is_gone_takes_no_credentials)
{
        const char *error;

        client_call(fixture.alice, job, "Cancel");
        error = try_password("basic", "u", "p");
        ck_assert_ptr_nonnull(error);
        ck_assert(strcmp(error, ERROR("InvalidState")) == 0 ||
                  strcmp(error, SD_BUS_ERROR_UNKNOWN_OBJECT) == 0);
}
END_TEST

static size_t count(const char *text, const char *word)
{
        size_t n = 0;

        while ((text = strcasestr(text, word))) {
                text += strlen(word);
                n++;
        }
        return n;
}

/* 9.26: no method, property or signal has a credential in it. */
START_TEST(nothing_gives_a_credential_back)
{
        static const char *const interfaces[] = { DOSVC_JOB_INTERFACE, "" };
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        char *text = NULL;
        const char *xml;
        size_t size;
        FILE *out;

        ck_assert_pstr_eq(try_password("basic", "marker-of-a-user", "marker-of-a-password"), NULL);
        for (size_t i = 0; i < ARRAY_SIZE(interfaces); i++) {
                ck_assert_int_ge(sd_bus_call_method(fixture.alice,
                                                    DOSVC_BUS_NAME,
                                                    job,
                                                    "org.freedesktop.DBus.Properties",
                                                    "GetAll",
                                                    &error,
                                                    &reply,
                                                    "s",
                                                    interfaces[i]),
                                 0);
                out = open_memstream(&text, &size);
                ck_assert_int_ge(sd_bus_message_dump(reply, out, 0), 0);
                (void) fclose(out);
                ck_assert_ptr_null(strstr(text, "marker-of-a"));
                ck_assert_ptr_null(strcasestr(text, "credential"));
                reply = sd_bus_message_unref(reply);
        }
        ck_assert_int_ge(sd_bus_call_method(fixture.alice,
                                            DOSVC_BUS_NAME,
                                            job,
                                            "org.freedesktop.DBus.Introspectable",
                                            "Introspect",
                                            &error,
                                            &reply,
                                            NULL),
                         0);
        ck_assert_int_gt(sd_bus_message_read(reply, "s", &xml), 0);
        ck_assert_uint_eq(count(xml, "credential"),
                          count(xml, "\"SetCredentials\"") + count(xml, "\"RemoveCredentials\"") +
                                  count(xml, "\"credentials\"") +
                                  count(xml, "\"CredentialSlots\""));
        sd_bus_message_unref(reply);
}
END_TEST

static int new_memfd(const char *text, unsigned seals)
{
        int fd = memfd_create("password", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        ck_assert_int_gt(fd, 0);
        ck_assert_int_eq(fd_write_all(fd, text, strlen(text)), 0);
        ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
        ck_assert_int_eq((int) lseek(fd, 0, SEEK_SET), 0);
        return fd;
}

static int new_pipe(const char *text, size_t size, int *ret_write_end)
{
        int ends[2];

        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        ck_assert_int_eq(fd_write_all(ends[1], text, size), 0);
        if (ret_write_end)
                *ret_write_end = ends[1];
        else
                (void) close(ends[1]);
        return ends[0];
}

START_TEST(a_password_comes_by_pipe_or_sealed_memory_file)
{
        ck_assert_pstr_eq(try_fd(new_pipe("secret", 6, NULL)), NULL);
        ck_assert_pstr_eq(try_fd(new_pipe("", 0, NULL)), NULL);
        ck_assert_pstr_eq(try_fd(new_memfd("secret", F_SEAL_WRITE)), NULL);
        ck_assert_pstr_eq(try_fd(new_memfd("", F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)), NULL);
}
END_TEST

START_TEST(other_descriptors_are_refused)
{
        int sockets[2], ends[2];
        char *path = temp_dir_path(fixture.dir, "password");

        temp_dir_write(path, "secret");
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);

        ck_assert_pstr_eq(try_fd(new_memfd("secret", 0)), ERROR("InvalidCredentials"));
        ck_assert_pstr_eq(try_fd(open(path, O_RDONLY | O_CLOEXEC)), ERROR("InvalidCredentials"));
        ck_assert_pstr_eq(try_fd(open(fixture.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
                          ERROR("InvalidCredentials"));
        ck_assert_pstr_eq(try_fd(open("/dev/zero", O_RDONLY | O_CLOEXEC)),
                          ERROR("InvalidCredentials"));
        ck_assert_pstr_eq(try_fd(sockets[0]), ERROR("InvalidCredentials"));
        ck_assert_pstr_eq(try_fd(ends[1]), ERROR("InvalidCredentials"));
}
END_TEST

START_TEST(what_a_descriptor_brings_is_checked)
{
        static const struct {
                const char *bytes;
                size_t size;
        } bad[] = {
                { "a\0b", 3 },     { "\377\376", 2 }, { "a\nb", 3 },     { "\355\240\200", 3 },
                { "\300\200", 2 }, { "\302", 1 },     { "secret\n", 7 }, { "\033[2J", 4 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_pstr_eq(try_fd(new_pipe(bad[i].bytes, bad[i].size, NULL)),
                                  ERROR("InvalidCredentials"));
}
END_TEST

START_TEST(a_password_has_one_form)
{
        ClientCredential both = { .user_name = "u",
                                  .password = "p",
                                  .password_fd = new_pipe("p", 1, NULL) };

        ck_assert_pstr_eq(client_try_credential(fixture.alice, job, "server", "basic", &both),
                          INVALID_ARGS);
}
END_TEST

static int note_reply(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);

        (void) snprintf(userdata, 256, "%s", error ? error->name : "none");
        return 0;
}

/* A silent pipe ends in an error after LIMIT_SECRET_FD_USEC, and holds up nobody meanwhile. */
START_TEST(a_pipe_that_never_ends_has_a_deadline)
{
        int write_end, read_end = new_pipe("sec", 3, &write_end);
        uint64_t began = process_now_msec(), asked;
        char answer[256] = "";

        ck_assert_int_ge(sd_bus_call_method_async(fixture.alice,
                                                  NULL,
                                                  DOSVC_BUS_NAME,
                                                  job,
                                                  DOSVC_JOB_INTERFACE,
                                                  "SetCredentials",
                                                  note_reply,
                                                  answer,
                                                  "ssa{sv}",
                                                  "server",
                                                  "basic",
                                                  2,
                                                  "user-name",
                                                  "s",
                                                  "u",
                                                  "password-fd",
                                                  "h",
                                                  read_end),
                         0);
        ck_assert_int_ge(sd_bus_flush(fixture.alice), 0);
        (void) close(read_end);

        while (process_now_msec() < began + 2000) {
                asked = process_now_msec();
                free(client_create(fixture.bob, "meanwhile"));
                ck_assert_uint_lt(process_now_msec() - asked, 1000);
                process_nap_msec(200);
        }
        while (!*answer && process_now_msec() < began + 15000) {
                ck_assert_int_ge(sd_bus_process(fixture.alice, NULL), 0);
                ck_assert_int_ge(sd_bus_wait(fixture.alice, 100000), 0);
        }
        ck_assert_str_eq(answer, ERROR("InvalidCredentials"));
        ck_assert_uint_ge(process_now_msec() - began, 4000);
        ck_assert_uint_le(process_now_msec() - began, 9000);
        ck_assert_int_eq(client_remove_credentials(fixture.alice, job, "server", "basic"), 0);
        (void) close(write_end);
}
END_TEST

/* Sends SetCredentials by a pipe and goes away before the pipe ends. */
START_TEST(a_caller_that_leaves_leaves_nothing_behind)
{
        int write_end, read_end = new_pipe("sec", 3, &write_end);
        sd_bus *visitor = bus_open(&fixture.bus, USERS_ALICE_UID);

        ck_assert_int_ge(sd_bus_call_method_async(visitor,
                                                  NULL,
                                                  DOSVC_BUS_NAME,
                                                  job,
                                                  DOSVC_JOB_INTERFACE,
                                                  "SetCredentials",
                                                  NULL,
                                                  NULL,
                                                  "ssa{sv}",
                                                  "server",
                                                  "basic",
                                                  2,
                                                  "user-name",
                                                  "s",
                                                  "u",
                                                  "password-fd",
                                                  "h",
                                                  read_end),
                         0);
        sd_bus_flush_close_unref(visitor);
        process_nap_msec(200);
        client_call(fixture.alice,
                    job,
                    "Cancel"); /* the job goes while its password is being read */
        (void) close(write_end);
        process_nap_msec(200);
        free(client_create(fixture.alice, "alive"));
}
END_TEST

START_TEST(an_endless_descriptor_is_too_large)
{
        int ends[2];
        pid_t writer;

        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        writer = fork();
        if (writer == 0) {
                char *block = repeat("x", 65536);

                (void) close(ends[0]);
                while (fd_write_all(ends[1], block, 65536) == 0)
                        continue;
                _exit(0);
        }
        (void) close(ends[1]);
        ck_assert_pstr_eq(try_fd(ends[0]), ERROR("PasswordTooLarge"));
        process_kill(&writer);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("credentials");
        TCase *arguments = fixture_case(suite, "arguments", start);
        TCase *limits = fixture_case(suite, "limits", start);
        TCase *slots = fixture_case(suite, "slots", start);
        TCase *descriptors = fixture_case(suite, "descriptors", start);

        tcase_add_test(arguments, every_pair_of_target_and_scheme_is_accepted);
        tcase_add_loop_test(arguments, a_bad_call_has_its_error, 0, ARRAY_SIZE(refusals));
        tcase_add_test(arguments, a_colon_is_a_matter_of_basic_only);
        tcase_add_test(arguments, an_empty_password_is_a_password);
        tcase_add_test(arguments, implicit_credentials_are_no_key_at_all);

        tcase_add_test(limits, a_user_name_has_at_most_300_units);
        tcase_add_test(limits, a_password_has_at_most_65536_units);
        tcase_add_test(limits, full_slots_end_in_a_clean_error);

        tcase_add_test(slots, pairs_are_set_replaced_and_removed_one_by_one);
        tcase_add_test(slots, removal_knows_its_targets_and_schemes);
        tcase_add_test(slots, the_owner_sees_which_pairs_are_set);
        tcase_add_test(slots, nobody_else_sees_which_pairs_are_set);
        tcase_add_test(slots, a_change_of_the_pairs_is_told);
        tcase_add_test(slots, a_change_is_a_modification_of_the_job);
        tcase_add_test(slots, a_job_that_is_gone_takes_no_credentials);
        tcase_add_test(slots, nothing_gives_a_credential_back);

        tcase_add_test(descriptors, a_password_comes_by_pipe_or_sealed_memory_file);
        tcase_add_test(descriptors, other_descriptors_are_refused);
        tcase_add_test(descriptors, what_a_descriptor_brings_is_checked);
        tcase_add_test(descriptors, a_password_has_one_form);
        tcase_add_test(descriptors, a_pipe_that_never_ends_has_a_deadline);
        tcase_add_test(descriptors, a_caller_that_leaves_leaves_nothing_behind);
        tcase_add_test(descriptors, an_endless_descriptor_is_too_large);
        return suite;
}

int main(void)
{
        return fixture_play(make_suite(), 0);
}
