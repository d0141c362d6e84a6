/*
 * The C programs in the documentation: each is compiled as C and as C++ against the installed
 * header and library, and run as a user runs it, with success and with what goes wrong most often.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"

#include "tests/lib/file-hash.h"
#include "tests/lib/install-root.h"
#include "tests/lib/process.h"
#include "tests/lib/replace-text.h"
#include "tests/lib/servers.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"

/* These stand in each program for what is the reader's own. */
#define EXAMPLE_URL   "https://example.com/a.iso"
#define EXAMPLE_LOCAL "/srv/a.iso"

/* A document, the line behind which its program begins, and what stands before each line of it. */
static const struct {
        const char *path;
        const char *heading;
        const char *margin;
        bool has_password;
} documents[] = {
        { "README.md", "**C.**", "    ", false },
        { "client-lib/dosvc.h", "/*", " *      ", false },
        { "client-lib/libdosvc.3", ".SH EXAMPLE", "", true },
};

static const struct {
        const char *program;
        const char *language;
} compilers[] = { { "gcc", "c" }, { "clang", "c" }, { "g++", "c++" } };

static char *local;

static void start(void)
{
        fixture_start();
        local = fixture_alice_file("example");
        (void) unlink(local);
}

static void stop(void)
{
        (void) unlink(local);
        free(local);
}

/* The program of a document, from its first #include to the brace that ends main(). */
static char *read_program(size_t document)
{
        const char *margin = documents[document].margin;
        _cleanup_free_ char *text = temp_dir_read(documents[document].path, NULL);
        char *at = strstr(text, documents[document].heading), *program = NULL, *rest = NULL;
        size_t size;
        FILE *out = open_memstream(&program, &size);
        bool begun = false;

        ck_assert_ptr_nonnull(at);
        ck_assert_ptr_nonnull(out);
        for (char *line = strtok_r(at, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
                if (strncmp(line, margin, strlen(margin)) != 0)
                        continue;
                line += strlen(margin);
                begun = begun || strncmp(line, "#include", strlen("#include")) == 0;
                if (begun)
                        (void) fprintf(out, "%s\n", line);
                if (begun && strcmp(line, "}") == 0)
                        break;
        }
        ck_assert_int_eq(fclose(out), 0);
        return program;
}

/* The path of the program, or NULL if there is no such compiler. */
static char *compile(size_t document, size_t compiler, const char *url, const char *password)
{
        char *program = read_program(document), *binary = temp_dir_path(fixture.dir, "example");
        _cleanup_free_ char *source = temp_dir_path(fixture.dir, "example.source");
        _cleanup_free_ char *script = NULL;
        int status;

        ck_assert_ptr_nonnull(strstr(program, EXAMPLE_URL));
        program = replace_text(program, EXAMPLE_URL, url);
        program = replace_text(program, EXAMPLE_LOCAL, local);
        program = replace_text(program, "\\en", "\\n"); /* roff */
        program = replace_text(program, "\"alice\"", "\"" SERVERS_USER "\"");
        program = replace_text(program, "\"secret\", 6", password);
        temp_dir_write(source, program);
        free(program);
        ck_assert_int_gt(asprintf(&script,
                                  "command -v %s >/dev/null || exit 77;"
                                  " %s -Wall -Wextra -Werror -I'%s/usr/include' -x %s '%s' -o '%s'"
                                  " -L\"${LD_LIBRARY_PATH}\" -ldosvc",
                                  compilers[compiler].program,
                                  compilers[compiler].program,
                                  install_root_dir(),
                                  compilers[compiler].language,
                                  source,
                                  binary),
                         0);
        status = process_run(&(ProcessSpec){
                .argv = PROCESS_ARGV("sh", "-c", script),
                .environment = PROCESS_ARGV(install_root_library_path()),
        });
        if (status == 77) {
                free(binary);
                return NULL;
        }
        ck_assert_int_eq(status, 0);
        ck_assert_int_eq(chmod(binary, 0755), 0);
        return binary;
}

#define PASSWORD       "\"" SERVERS_PASSWORD "\", sizeof(\"" SERVERS_PASSWORD "\") - 1"
#define WRONG_PASSWORD "\"wrong\", 5"

/* Runs it as alice; *ret_said is what it said. */
static int run(const char *binary, const char *bus_address, char **ret_said)
{
        _cleanup_free_ char *output = temp_dir_path(fixture.dir, "example.output");
        _cleanup_free_ char *bus = NULL;
        int status;

        ck_assert_int_gt(asprintf(&bus, "DBUS_SYSTEM_BUS_ADDRESS=%s", bus_address), 0);
        (void) unlink(output);
        status = process_run(&(ProcessSpec){
                .argv = PROCESS_ARGV(binary),
                .environment = PROCESS_ARGV(bus, install_root_library_path()),
                .output = output,
                .uid = USERS_ALICE_UID,
        });
        *ret_said = temp_dir_read(output, NULL);
        return status;
}

static void run_failing(const char *binary, const char *bus_address, const char *said)
{
        _cleanup_free_ char *output = NULL;

        ck_assert_int_eq(run(binary, bus_address, &output), 1);
        ck_assert_msg(strstr(output, said), "'%s' is not in: %s", said, output);
        ck_assert_int_ne(access(local, F_OK), 0);
}

START_TEST(an_example_downloads_a_file)
{
        _cleanup_free_ char *original = servers_file("small");

        for (size_t i = 0; i < ARRAY_SIZE(compilers); i++) {
                _cleanup_free_ char *url =
                        servers_url(documents[_i].has_password ? SITE_DIGEST_MD5 : SITE_OPEN,
                                    "small");
                _cleanup_free_ char *binary = compile((size_t) _i, i, url, PASSWORD);
                _cleanup_free_ char *output = NULL;

                if (!binary)
                        continue;
                ck_assert_int_eq(run(binary, fixture.bus.address, &output), 0);
                ck_assert_str_eq(output, "");
                file_hash_assert_same(local, original);
                ck_assert_int_eq(unlink(local), 0);
        }
}
END_TEST

START_TEST(an_example_says_what_went_wrong)
{
        _cleanup_free_ char *gone = servers_url(SITE_GONE, "small");
        _cleanup_free_ char *binary = compile((size_t) _i, 0, gone, PASSWORD);

        run_failing(binary, fixture.bus.address, "404");
        run_failing(binary, "unix:path=/nonexistent/bus", "No such file or directory");
        if (documents[_i].has_password) {
                _cleanup_free_ char *url = servers_url(SITE_DIGEST_MD5, "small");
                _cleanup_free_ char *wrong = compile((size_t) _i, 0, url, WRONG_PASSWORD);

                run_failing(wrong, fixture.bus.address, "401");
        }
        daemon_stop(&fixture.daemon);
        run_failing(binary, fixture.bus.address, "org.dosvc1");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("examples");
        TCase *tcase = fixture_case(suite, "examples", start);

        tcase_add_checked_fixture(tcase, NULL, stop);
        tcase_add_loop_test(tcase, an_example_downloads_a_file, 0, ARRAY_SIZE(documents));
        tcase_add_loop_test(tcase, an_example_says_what_went_wrong, 0, ARRAY_SIZE(documents));
        return fixture_play(suite, SERVERS_NGINX | SERVERS_APACHE);
}
