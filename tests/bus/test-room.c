/*
 * A job and the room that DiskReserve= leaves on the owner's file system, which is small here: it
 * waits for room, and goes on by itself. The configured waits are one second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/http-server.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define ROOM      USERS_ALICE_HOME "/room" /* 8 MiB, of which 4 shall stay free */
#define WAIT_MSEC 20000

#define MIB          (1024U * 1024)
#define CONTENT_SIZE (2 * MIB)
#define PIECE        (64U * 1024)

static unsigned char content[CONTENT_SIZE];
static HttpServer server;
static char *job; /* alice's */

/* Slowly and without a length the first time; what is left of it at once, if asked so. */
static void serve(HttpRequest *request)
{
        const HttpContent whole = { .data = content, .size_bytes = CONTENT_SIZE, .etag = "\"e\"" };
        char range[64];

        if (strcmp(request->path, "/slow") != 0 ||
            http_field(request, "Range", range, sizeof(range))) {
                http_serve(request, &whole);
                return;
        }
        http_printf(request, "HTTP/1.0 200 OK\r\nETag: \"e\"\r\n\r\n");
        for (size_t at = 0; at < CONTENT_SIZE; at += PIECE) {
                http_write(request, content + at, PIECE);
                process_nap_msec(200);
        }
        http_hang_up(request, false);
}

static void start(void)
{
        char options[64];

        fixture_start();
        temp_dir_write(fixture.daemon.config,
                       "[Limits]\nDiskReserve=4M\n"
                       "[Service]\nMinimumRetryDelaySec=1\nMaximumRetryDelaySec=1\n");
        fixture_restart();
        http_server_start(&server, serve, fixture.dir);
        temp_dir_make(ROOM, 0700, USERS_ALICE_UID);
        (void) snprintf(options, sizeof(options), "size=8m,uid=%u,mode=0700", USERS_ALICE_UID);
        ck_assert_int_eq(mount("room", ROOM, "tmpfs", 0, options), 0);
}

static void stop(void)
{
        http_server_stop(&server);
        (void) umount2(ROOM, MNT_DETACH);
}

/* Somebody else's file, of that many bytes. */
static void take_room(size_t size_bytes)
{
        _cleanup_free_ char *text = malloc(size_bytes + 1);

        ck_assert_ptr_nonnull(text);
        memset(text, 'x', size_bytes);
        text[size_bytes] = '\0';
        temp_dir_write(ROOM "/filler", text);
}

static void begin(const char *path)
{
        _cleanup_free_ char *url = http_server_url(&server, path);

        job = client_create_for(fixture.alice, url, ROOM "/file");
        client_call(fixture.alice, job, "Resume");
}

static uint64_t transferred(void)
{
        return client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, "BytesTransferred", 't');
}

static void assert_waits_for_room(void)
{
        client_wait_state(fixture.alice, job, "transient-error", WAIT_MSEC);
        ck_assert_str_eq(client_error(fixture.alice, job).name, "disk-full");
        ck_assert_str_eq(client_error(fixture.alice, job).context, "local-file");
        ck_assert_ptr_nonnull(strstr(client_error(fixture.alice, job).description, "DiskReserve="));
}

static void assert_goes_on(void)
{
        size_t size;
        char *data;

        ck_assert_int_eq(unlink(ROOM "/filler"), 0);
        ck_assert(PROCESS_WAIT_UNTIL(WAIT_MSEC,
                                     strcmp(client_state(fixture.alice, job), "transferred") == 0));
        ck_assert_int_eq(client_complete(fixture.alice, job), 0);
        data = temp_dir_read(ROOM "/file", &size);
        ck_assert_uint_eq(size, CONTENT_SIZE);
        ck_assert_mem_eq(data, content, size);
        free(data);
}

START_TEST(a_job_waits_until_enough_would_be_left)
{
        take_room(3 * MIB);
        begin("/file");
        assert_waits_for_room();
        ck_assert_uint_eq(transferred(), 0);
        process_nap_msec(2500); /* it tries, and waits again */
        ck_assert_uint_eq(transferred(), 0);
        assert_goes_on();
}
END_TEST

START_TEST(a_running_download_stops_while_there_is_something_left)
{
        uint64_t kept;

        begin("/slow");
        client_wait_bytes(fixture.alice, job, 2 * PIECE, WAIT_MSEC);
        take_room(4 * MIB);
        assert_waits_for_room();
        kept = transferred();
        ck_assert_uint_ge(kept, 2 * PIECE);
        ck_assert_uint_lt(kept, CONTENT_SIZE);
        process_nap_msec(2500);
        ck_assert_uint_eq(transferred(), kept);
        assert_goes_on();
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("room");
        TCase *room = fixture_case(suite, "room", start);

        http_fill(content, sizeof(content), 1);
        tcase_add_checked_fixture(room, NULL, stop);
        tcase_add_test(room, a_job_waits_until_enough_would_be_left);
        tcase_add_test(room, a_running_download_stops_while_there_is_something_left);
        return fixture_play(suite, 0);
}
