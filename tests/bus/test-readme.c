/*
 * The shell commands of README's tour: each block of them is run as alice would run it, with the
 * URL, the directory and the password that stand for her own replaced by those of the test.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"

#include "tests/lib/file-hash.h"
#include "tests/lib/install-root.h"
#include "tests/lib/process.h"
#include "tests/lib/replace-text.h"
#include "tests/lib/servers.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define MARGIN "    "
#define BLOCKS 6 /* as many as there are */

/* Placeholders that stand for the reader's own values. */
#define EXAMPLE_URL  "https://example.com/image.iso"
#define EXAMPLE_DIR  "/srv/mirror"
#define ASK          "--ask-password"
#define ASK_NOT      "--password-fd=4 4<password"
#define GET_ASKS     "--login=alice\n"
#define GET_ASKS_NOT "--login=alice --password-fd=4 4<password\n"

/* The blocks of commands between two headings, programs left out; freed with the process. */
static char *blocks[BLOCKS];
static size_t n_blocks;

static void read_blocks(void)
{
        char *text = temp_dir_read("README.md", NULL), *block = NULL, *rest = text, *line;
        char *from = strstr(text, "\n## A short tour\n"), *to;
        size_t size;
        FILE *out = NULL;

        ck_assert_ptr_nonnull(from);
        rest = from + 1;
        to = strstr(rest, "\n## Architecture\n");
        ck_assert_ptr_nonnull(to);
        *to = '\0';
        while ((line = strsep(&rest, "\n"))) {
                bool inside = strncmp(line, MARGIN, strlen(MARGIN)) == 0;

                if (inside && !out)
                        out = open_memstream(&block, &size);
                if (inside)
                        (void) fprintf(out, "%s\n", line + strlen(MARGIN));
                if (inside || !out || (line[0] == '\0' && rest && rest[0] == ' '))
                        continue;
                ck_assert_int_eq(fclose(out), 0);
                out = NULL;
                if (strncmp(block, "#include", strlen("#include")) == 0)
                        continue; /* tests/bus/test-examples.c compiles it */
                ck_assert_uint_lt(n_blocks, BLOCKS);
                blocks[n_blocks++] = block;
        }
        ck_assert_uint_eq(n_blocks, BLOCKS);
        free(text);
}

static void give(const char *name, const char *content)
{
        _cleanup_free_ char *path = fixture_alice_file(name);

        temp_dir_write(path, content);
        ck_assert_int_eq(chown(path, USERS_ALICE_UID, USERS_ALICE_UID), 0);
}

static void start(void)
{
        _cleanup_free_ char *downloads = fixture_alice_file("Downloads");

        fixture_start();
        read_blocks();
        (void) process_run(&(ProcessSpec){ .argv = PROCESS_ARGV("rm", "-rf", downloads) });
        temp_dir_make(downloads, 0700, USERS_ALICE_UID);
        give("password", "secret");
        give("token", "mF_9.B5f-4.1JqM");
        give("headers.txt", "X-Token: 1\n");
        give("client.pem", "");
        give("client.key", "");
}

/* A block that uses a job that it does not make gets a new one. */
static char *make_script(const char *block, const char *url)
{
        char *script = NULL;

        ck_assert_int_gt(asprintf(&script,
                                  "set -eu; cd %s; export HOME=$PWD; umask 077; set -x\n"
                                  "dosvcctl() { '%s' \"$@\"; }\n%s\n%s",
                                  USERS_ALICE_HOME,
                                  install_root_command("dosvcctl"),
                                  strstr(block, "job=") ? "" : "job=$(dosvcctl create test)",
                                  block),
                         0);
        script = replace_text(script, EXAMPLE_URL, url);
        script = replace_text(script, EXAMPLE_DIR, USERS_ALICE_HOME "/Downloads");
        script = replace_text(script, ASK, ASK_NOT);
        return replace_text(script, GET_ASKS, GET_ASKS_NOT);
}

START_TEST(a_block_of_commands_does_what_it_says)
{
        const char *block = blocks[_i];
        _cleanup_free_ char *url = servers_url(SITE_OPEN, "small"), *address = NULL, *said = NULL;
        _cleanup_free_ char *script = make_script(block, url);
        _cleanup_free_ char *output = temp_dir_path(fixture.dir, "output");
        _cleanup_free_ char *original = servers_file("small");
        int status;

        ck_assert_int_gt(asprintf(&address, "DBUS_SYSTEM_BUS_ADDRESS=%s", fixture.bus.address), 0);
        status = process_run(&(ProcessSpec){
                .argv = PROCESS_ARGV("sh", "-c", script),
                .environment = PROCESS_ARGV(address, install_root_library_path(), "LC_ALL=C.UTF-8"),
                .output = output,
                .uid = USERS_ALICE_UID,
        });
        said = temp_dir_read(output, NULL);
        ck_assert_msg(status == 0, "%d: %s", status, said);
        /* A block with the URL fetches the file. */
        if (!strstr(block, EXAMPLE_URL))
                return;
        if (access(USERS_ALICE_HOME "/Downloads/small", F_OK) == 0)
                file_hash_assert_same(USERS_ALICE_HOME "/Downloads/small", original);
        else
                file_hash_assert_same(USERS_ALICE_HOME "/Downloads/image.iso", original);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("readme");
        TCase *tcase = fixture_case(suite, "tour", start);

        tcase_add_loop_test(tcase, a_block_of_commands_does_what_it_says, 0, BLOCKS);
        return fixture_play(suite, SERVERS_NGINX);
}
