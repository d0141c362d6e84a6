#include <check.h>
#include <fcntl.h>
#include <keyutils.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dbus/secret-wire.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"

#include "manager/vault.h"
#include "tests/lib/process.h"
#include "tests/lib/temp-dir.h"

#define KEY_NAME "dosvcd:vault"

/* Not random, so that a search of the memory can be made from its halves. */
static const char key_high[] = "Kx7!fixed-key-of-";
static const char key_low[] = "a-test-machine";
#define KEY_HALF (sizeof(key_high) - 1)

static sd_event *event; /* owned by the fixture, as are the next */
static Vault *vault;
static char *dir;
static int ready_times, ready_result;

static void on_ready(void *userdata, int result)
{
        ready_times++;
        ready_result = result;
}

static Vault *open_vault_at(VaultSource source, int helper_dir_fd)
{
        const uint64_t give_up = process_now_msec() + 20000;
        Vault *new = NULL;

        ready_times = 0;
        ready_result = 1;
        ck_assert_int_eq(vault_new(event, source, helper_dir_fd, on_ready, NULL, &new), 0);
        ck_assert_int_eq(ready_times, 0);
        while (ready_times == 0) {
                ck_assert_uint_lt(process_now_msec(), give_up);
                ck_assert_int_ge(sd_event_run(event, 100 * USEC_PER_MSEC), 0);
        }
        ck_assert_int_ge(sd_event_run(event, 0), 0);
        ck_assert_int_eq(ready_times, 1);
        return new;
}

static Vault *open_vault(void)
{
        return open_vault_at(VAULT_SYSTEM, -EBADF);
}

/* Puts a credential of systemd's there; the environment belongs to the forked test. */
static void set_credential(const char *bytes, size_t size)
{
        _cleanup_free_ char *path = temp_dir_path(dir, "vault.key");
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0400);

        ck_assert_int_eq(fd_write_all(fd, bytes, size), 0);
        ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
}

static void make_key(char *ret)
{
        memcpy(ret, key_high, KEY_HALF);
        memcpy(ret + KEY_HALF, key_low, VAULT_KEY_BYTES - KEY_HALF);
}

/* A system vault with the fixed key; no copy of it is left on the stack. */
static void setup_persistent(void)
{
        char key[VAULT_KEY_BYTES];

        ck_assert_int_eq(sd_event_new(&event), 0);
        dir = temp_dir_new();
        make_key(key);
        set_credential(key, sizeof(key));
        secret_erase(key, sizeof(key));
        vault = open_vault();
        ck_assert_int_eq(ready_result, 0);
}

static void setup_volatile(void)
{
        ck_assert_int_eq(sd_event_new(&event), 0);
        dir = temp_dir_new();
        (void) unsetenv("CREDENTIALS_DIRECTORY");
        vault = open_vault();
        ck_assert_int_eq(ready_result, 0);
}

static void teardown(void)
{
        vault = vault_free(vault);
        event = sd_event_unref(event);
        dir = temp_dir_remove(dir);
}

/* Rows ------------------------------------------------------------------------------------ */

static const VaultLabel label = {
        .job.bytes = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 },
        .owner_uid = 1000,
        .target = AUTH_TARGET_SERVER,
        .scheme = AUTH_SCHEME_BASIC,
        .user_name = "alice",
};

static VaultRow seal(const VaultLabel *with, const char *text, size_t size)
{
        _cleanup_(secret_freep) Secret *secret = NULL;
        VaultRow row = { 0 };

        ck_assert_int_eq(secret_new_copy(text, size, &secret), 0);
        ck_assert_int_eq(vault_seal(vault, with, secret, &row), 0);
        ck_assert_ptr_nonnull(row.sealed);
        return row;
}

static int try_open(const VaultLabel *with, const VaultRow *row)
{
        _cleanup_(secret_freep) Secret *secret = NULL;
        int r = vault_open(vault, with, row, &secret);

        ck_assert(r == 0 || !secret);
        return r;
}

static void expect_text(const VaultLabel *with, const VaultRow *row, const char *text, size_t size)
{
        _cleanup_(secret_freep) Secret *secret = NULL;

        ck_assert_int_eq(vault_open(vault, with, row, &secret), 0);
        ck_assert_uint_eq(secret_size(secret), size);
        ck_assert_mem_eq(secret_data(secret), text, size);
}

START_TEST(what_was_sealed_opens_again)
{
        static char longest[196608];
        static const size_t sizes[] = { 0, 1, 16, 100, sizeof(longest) };

        memset(longest, 'p', sizeof(longest));
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                VaultRow row = seal(&label, longest, sizes[i]);

                expect_text(&label, &row, longest, sizes[i]);
                vault_row_done(&row);
                ck_assert_ptr_null(row.sealed);
        }
}
END_TEST

START_TEST(a_row_shows_nothing_of_its_secret)
{
        VaultRow one = seal(&label, "password", 8), two = seal(&label, "password", 8);

        ck_assert_ptr_null(memmem(one.sealed, one.sealed_size, "password", 4));
        ck_assert_ptr_null(memmem(one.sealed, one.sealed_size, "alice", 5));
        ck_assert_uint_eq(one.sealed_size, two.sealed_size);
        ck_assert_mem_ne(one.sealed, two.sealed, 24);
        ck_assert_mem_ne(one.sealed + 24, two.sealed + 24, one.sealed_size - 24);
        vault_row_done(&one);
        vault_row_done(&two);
}
END_TEST

START_TEST(an_implicit_credential_is_an_empty_secret)
{
        VaultLabel implicit = label;
        VaultRow row = { 0 };

        implicit.scheme = AUTH_SCHEME_NEGOTIATE;
        implicit.implicit = true;
        implicit.user_name = NULL;
        ck_assert_int_eq(vault_seal(vault, &implicit, NULL, &row), 0);
        expect_text(&implicit, &row, "", 0);

        implicit.user_name = "";
        expect_text(&implicit, &row, "", 0);
        implicit.implicit = false;
        ck_assert_int_eq(try_open(&implicit, &row), -EBADMSG);
        vault_row_done(&row);
}
END_TEST

/* Each label differs from `label` in one field. */
static VaultLabel changed_label(int field)
{
        VaultLabel changed = label;

        switch (field) {
        case 0:
                changed.job.bytes[0] ^= 1;
                break;
        case 1:
                changed.job.bytes[15] ^= 0x80;
                break;
        case 2:
                changed.owner_uid++;
                break;
        case 3:
                changed.owner_uid += 1U << 24;
                break;
        case 4:
                changed.target = AUTH_TARGET_PROXY;
                break;
        case 5:
                changed.scheme = AUTH_SCHEME_DIGEST;
                break;
        case 6:
                changed.implicit = true;
                break;
        case 7:
                changed.user_name = "alicf";
                break;
        case 8:
                changed.user_name = "alic";
                break;
        case 9:
                changed.user_name = "";
                break;
        case 10:
                changed.user_name = NULL;
                break;
        default:
                ck_abort();
        }
        return changed;
}

START_TEST(a_row_opens_under_its_own_label_only)
{
        const VaultLabel changed = changed_label(_i);
        VaultRow row = seal(&label, "password", 8);

        ck_assert_int_eq(try_open(&changed, &row), -EBADMSG);
        ck_assert_int_eq(try_open(&label, &row), 0);
        vault_row_done(&row);
}
END_TEST

START_TEST(no_bit_of_a_row_may_change)
{
        VaultRow row = seal(&label, "password", 8);

        for (size_t bit = 0; bit < row.sealed_size * 8; bit++) {
                row.sealed[bit / 8] ^= (uint8_t) (1 << bit % 8);
                ck_assert_int_eq(try_open(&label, &row), -EBADMSG);
                row.sealed[bit / 8] ^= (uint8_t) (1 << bit % 8);
        }
        ck_assert_int_eq(try_open(&label, &row), 0);
        vault_row_done(&row);
}
END_TEST

START_TEST(a_cut_row_is_damaged)
{
        VaultRow row = seal(&label, "password", 8);
        const size_t size = row.sealed_size;

        for (row.sealed_size = 0; row.sealed_size < size; row.sealed_size++)
                ck_assert_int_eq(try_open(&label, &row), -EBADMSG);
        ck_assert_int_eq(try_open(&label, &row), 0);
        vault_row_done(&row);
}
END_TEST

/* Keys ------------------------------------------------------------------------------------ */

START_TEST(a_credential_of_systemd_is_a_persistent_key)
{
        VaultRow row = seal(&label, "password", 8);

        ck_assert(vault_is_persistent(vault));
        ck_assert_str_eq(vault_store_name(vault), "keyring");
        ck_assert(row.persistent);

        vault = vault_free(vault);
        vault = open_vault();
        expect_text(&label, &row, "password", 8);
        ck_assert(!vault_row_is_lost(vault, &row));
        vault_row_done(&row);
}
END_TEST

START_TEST(the_id_of_a_key_is_stable_and_not_the_key)
{
        /* BLAKE2b-256 of the constant under the fixed key, as another implementation has it. */
        static const char known[] = "26f1da2a51b105a6fdd9790eaf803ff3";
        VaultRow row = seal(&label, "", 0);
        char text[SD_ID128_STRING_MAX];

        ck_assert_str_eq(sd_id128_to_string(row.key_id, text), known);
        ck_assert_mem_ne(&row.key_id, key_high, sizeof(row.key_id));
        vault_row_done(&row);
}
END_TEST

START_TEST(another_key_is_another_id_and_opens_nothing)
{
        VaultRow row = seal(&label, "password", 8), forged;

        set_credential("another key of the same length..", VAULT_KEY_BYTES);
        vault = vault_free(vault);
        vault = open_vault();
        ck_assert_int_eq(try_open(&label, &row), -ENOKEY);
        ck_assert(vault_row_is_lost(vault, &row));

        forged = seal(&label, "", 0);
        row.key_id = forged.key_id;
        ck_assert_int_eq(try_open(&label, &row), -EBADMSG);
        vault_row_done(&row);
        vault_row_done(&forged);
}
END_TEST

static const struct {
        const char *bytes;
        size_t size;
} bad_keys[] = {
        { "", 0 },
        { "only thirty-one bytes of a key.", 31 },
        { "thirty-three bytes are one too ma", 33 },
};

START_TEST(a_credential_of_another_size_is_no_key)
{
        set_credential(bad_keys[_i].bytes, bad_keys[_i].size);
        vault = vault_free(vault);
        vault = open_vault();
        ck_assert_int_eq(ready_result, 0);
        ck_assert(!vault_is_persistent(vault));
}
END_TEST

START_TEST(without_a_credential_the_key_is_volatile)
{
        VaultRow row = seal(&label, "password", 8);

        ck_assert(!vault_is_persistent(vault));
        ck_assert(!row.persistent);
        expect_text(&label, &row, "password", 8);
        ck_assert(!vault_row_is_lost(vault, &row));

        vault = vault_free(vault);
        vault = open_vault();
        ck_assert_int_eq(try_open(&label, &row), -ENOKEY);
        ck_assert(vault_row_is_lost(vault, &row));
        vault_row_done(&row);
}
END_TEST

START_TEST(a_store_that_is_absent_loses_nothing)
{
        VaultRow row = seal(&label, "password", 8);

        (void) unsetenv("CREDENTIALS_DIRECTORY");
        vault = vault_free(vault);
        vault = open_vault();
        ck_assert(!vault_is_persistent(vault));
        ck_assert_int_eq(try_open(&label, &row), -ENOKEY);
        ck_assert(!vault_row_is_lost(vault, &row));

        ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
        vault = vault_free(vault);
        vault = open_vault();
        expect_text(&label, &row, "password", 8);
        vault_row_done(&row);
}
END_TEST

/* The kernel's side ----------------------------------------------------------------------- */

static key_serial_t find_key(void)
{
        return (key_serial_t) keyctl_search(KEY_SPEC_SESSION_KEYRING, "user", KEY_NAME, 0);
}

static unsigned permissions_of(key_serial_t serial)
{
        char *text = NULL, *field;
        unsigned permissions;

        ck_assert_int_gt(keyctl_describe_alloc(serial, &text), 0);
        /* type;uid;gid;permissions;description */
        field = text;
        for (int i = 0; i < 3; i++)
                field = strchr(field, ';') + 1;
        ck_assert_int_eq(sscanf(field, "%x", &permissions), 1);
        free(text);
        return permissions;
}

START_TEST(the_key_is_for_its_possessor_only)
{
        key_serial_t key = find_key();

        ck_assert_int_gt(key, 0);
        ck_assert_uint_eq(permissions_of(key), KEY_POS_VIEW | KEY_POS_READ | KEY_POS_SEARCH);
        ck_assert_uint_eq(permissions_of(KEY_SPEC_SESSION_KEYRING) &
                                  (KEY_USR_ALL | KEY_GRP_ALL | KEY_OTH_ALL | KEY_POS_SETATTR),
                          0);
        ck_assert_int_eq(keyctl_update(key, "x", 1), -1);
        ck_assert_int_eq(keyctl_link(key, KEY_SPEC_USER_KEYRING), -1);
}
END_TEST

START_TEST(another_session_of_the_same_user_cannot_read_the_key)
{
        key_serial_t key = find_key();
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                char byte[VAULT_KEY_BYTES];

                /* Not as root, whose CAP_SYS_ADMIN may do more with keys. */
                if (keyctl_join_session_keyring(NULL) < 0)
                        _exit(2);
                if (keyctl_read(key, byte, sizeof(byte)) >= 0)
                        _exit(3);
                if (keyctl_setperm(key, KEY_USR_ALL) == 0 && getuid() != 0)
                        _exit(4);
                _exit(0);
        }
        ck_assert(process_wait(pid, 5000, &status));
        ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_vault_leaves_the_session_it_was_born_in)
{
        const long before = keyctl_get_keyring_ID(KEY_SPEC_SESSION_KEYRING, 0);
        Vault *other = open_vault();

        ck_assert_int_ne(keyctl_get_keyring_ID(KEY_SPEC_SESSION_KEYRING, 0), before);
        ck_assert_ptr_null(vault_free(other));
        ck_assert_int_eq(find_key(), -1);
        ck_assert_ptr_null(vault_free(NULL));
}
END_TEST

START_TEST(without_its_key_in_the_kernel_a_vault_seals_nothing)
{
        _cleanup_(secret_freep) Secret *secret = NULL;
        VaultRow row = seal(&label, "password", 8), next;

        ck_assert_int_eq(secret_new_copy("password", 8, &secret), 0);
        ck_assert_int_ge(keyctl_join_session_keyring(NULL), 0);
        ck_assert_int_eq(vault_seal(vault, &label, secret, &next), -ENOKEY);
        ck_assert_int_eq(try_open(&label, &row), -ENOKEY);
        vault_row_done(&row);
}
END_TEST

/* True if the bytes first, second lie one behind the other in some readable memory of ours. */
static bool memory_holds(const char *first, size_t n_first, const char *second, size_t n_second)
{
        enum { STEP = 1 << 20 };
        /* A mapping of its own and left out: it must not find itself. */
        char *buffer = mmap(NULL, STEP, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        char line[512];
        FILE *maps = fopen("/proc/self/maps", "re");
        int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
        bool found = false;

        ck_assert(buffer != MAP_FAILED && maps && mem >= 0);
        while (fgets(line, sizeof(line), maps)) {
                unsigned long from, to;
                char rights[8];

                if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || rights[0] != 'r' ||
                    strstr(line, "[vvar") || strstr(line, "[vsyscall]") ||
                    to - from > UINT32_MAX || /* a sanitizer's shadow */
                    from == (uintptr_t) buffer)
                        continue;
                for (unsigned long at = from; at < to; at += STEP - 64) {
                        size_t want = to - at < STEP ? to - at : STEP;
                        ssize_t n = pread(mem, buffer, want, (off_t) at);
                        char *p = buffer, *end = buffer + (n > 0 ? n : 0);

                        while ((p = memmem(p, (size_t) (end - p), first, n_first))) {
                                p += n_first;
                                if ((size_t) (end - p) >= n_second &&
                                    memcmp(p, second, n_second) == 0)
                                        found = true;
                        }
                }
        }
        (void) fclose(maps);
        (void) close(mem);
        (void) munmap(buffer, STEP);
        return found;
}

START_TEST(the_key_is_nowhere_in_the_memory)
{
        const size_t n_low = VAULT_KEY_BYTES - KEY_HALF;
        VaultRow row = seal(&label, "password", 8);
        static volatile unsigned char
                planted[VAULT_KEY_BYTES]; /* a compiler may not leave it out */

        expect_text(&label, &row, "password", 8);
        vault_row_done(&row);
        ck_assert(!memory_holds(key_high, KEY_HALF, key_low, n_low));

        /* The search does find it where it is. */
        for (size_t i = 0; i < VAULT_KEY_BYTES; i++)
                planted[i] = (unsigned char) (i < KEY_HALF ? key_high[i] : key_low[i - KEY_HALF]);
        ck_assert_int_eq(planted[0], key_high[0]);
        ck_assert(memory_holds(key_high, KEY_HALF, key_low, n_low));
}
END_TEST

/* The helper of the user instance -------------------------------------------------------- */

/*
 * It is this program under the name dosvc-secret, and plays the script that it is given as the
 * address of the bus.
 */
static _noreturn_ void be_helper(void)
{
        (void) execl("/bin/sh", "sh", "-c", getenv("DBUS_SESSION_BUS_ADDRESS"), NULL);
        _exit(127);
}

static void setup_helper(void)
{
        _cleanup_free_ char *path = NULL, *self = realpath("/proc/self/exe", NULL);

        ck_assert_int_eq(sd_event_new(&event), 0);
        dir = temp_dir_new();
        path = temp_dir_path(dir, "dosvc-secret");
        ck_assert_int_eq(symlink(self, path), 0);
}

static void open_with_script(const char *script)
{
        _cleanup_close_ int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

        ck_assert_int_eq(setenv("DBUS_SESSION_BUS_ADDRESS", script, 1), 0);
        vault = open_vault_at(VAULT_USER, dir_fd);
        ck_assert_int_eq(ready_result, 0);
        ck_assert_str_eq(vault_store_name(vault), "secret-service");
}

START_TEST(the_helpers_key_is_persistent)
{
        VaultRow row;

        open_with_script("printf 0123456789abcdef0123456789abcdef");
        ck_assert(vault_is_persistent(vault));
        row = seal(&label, "password", 8);
        vault = vault_free(vault);
        open_with_script("printf 0123456789abcdef0123456789abcdef");
        expect_text(&label, &row, "password", 8);
        vault_row_done(&row);
}
END_TEST

static const char *const failures[] = {
        "exit 1",
        "exit 2",
        "exit 3",
        "exit 99",
        "kill -9 $$",
        "printf tooshort",
        "printf 0123456789abcdef0123456789abcdef; exit 2",
        "exit 0",
};

START_TEST(a_helper_without_a_key_makes_the_vault_volatile)
{
        VaultRow row;

        open_with_script(failures[_i]);
        ck_assert(!vault_is_persistent(vault));
        row = seal(&label, "password", 8);
        expect_text(&label, &row, "password", 8);
        ck_assert(!row.persistent);
        vault_row_done(&row);
}
END_TEST

START_TEST(a_helper_that_hangs_is_killed_after_its_deadline)
{
        const uint64_t began = process_now_msec();
        _cleanup_free_ char *script = NULL, *pid_path = temp_dir_path(dir, "pid"), *text = NULL;
        uint64_t pid;

        ck_assert_int_eq(str_format(&script, "printf %%s $$ >%s; exec sleep 60", pid_path), 0);
        open_with_script(script);
        ck_assert(!vault_is_persistent(vault));
        ck_assert_uint_ge(process_now_msec() - began, 4900);
        ck_assert_uint_lt(process_now_msec() - began, 8000);

        text = temp_dir_read(pid_path, NULL);
        ck_assert_int_eq(str_parse_u64(text, INT32_MAX, &pid), 0);
        ck_assert(!process_is_alive((pid_t) pid));
}
END_TEST

START_TEST(a_missing_helper_makes_the_vault_volatile)
{
        _cleanup_free_ char *path = temp_dir_path(dir, "dosvc-secret");

        ck_assert_int_eq(unlink(path), 0);
        open_with_script("");
        ck_assert(!vault_is_persistent(vault));
}
END_TEST

START_TEST(a_helper_gets_its_bus_and_nothing_else)
{
        _cleanup_free_ char *seen = temp_dir_path(dir, "seen"), *script = NULL, *text = NULL;
        _cleanup_free_ char *session = NULL;
        int stray = fcntl(STDERR_FILENO, F_DUPFD, 30);

        (void) clearenv();
        (void) setenv("XDG_RUNTIME_DIR", "/run/x", 1);
        (void) setenv("HOME", "/home/x", 1);
        (void) setenv("LD_PRELOAD", "", 1);
        (void) setenv("GIO_EXTRA_MODULES", "/tmp", 1);
        ck_assert_int_eq(
                str_format(&script,
                           "(tr '\\000' '\\n' </proc/$$/environ; echo fds $(ls /proc/$$/fd);"
                           " echo session $(keyctl id @s)"
                           ") >%s",
                           seen),
                0);
        open_with_script(script);
        text = temp_dir_read(seen, NULL);
        ck_assert_ptr_nonnull(strstr(text, "DBUS_SESSION_BUS_ADDRESS=(tr"));
        ck_assert_ptr_nonnull(strstr(text, "\nXDG_RUNTIME_DIR=/run/x\nHOME=/home/x\n"));
        ck_assert_ptr_nonnull(strstr(text, "\nfds 0 1 2\n"));
        ck_assert_int_eq(str_format(&session,
                                    "\nsession %d\n",
                                    keyctl_get_keyring_ID(KEY_SPEC_SESSION_KEYRING, 0)),
                         0);
        ck_assert_ptr_nonnull(strstr(text, "\nsession "));
        ck_assert_ptr_null(strstr(text, session));
        ck_assert_ptr_null(strstr(text, "LD_PRELOAD"));
        ck_assert_ptr_null(strstr(text, "GIO"));
        (void) close(stray);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("vault");
        TCase *rows = tcase_create("rows"), *keys = tcase_create("keys");
        TCase *volatile_keys = tcase_create("volatile"), *kernel = tcase_create("kernel");
        TCase *helper = tcase_create("helper");

        tcase_add_checked_fixture(rows, setup_persistent, teardown);
        tcase_add_test(rows, what_was_sealed_opens_again);
        tcase_add_test(rows, a_row_shows_nothing_of_its_secret);
        tcase_add_test(rows, an_implicit_credential_is_an_empty_secret);
        tcase_add_loop_test(rows, a_row_opens_under_its_own_label_only, 0, 11);
        tcase_add_test(rows, no_bit_of_a_row_may_change);
        tcase_add_test(rows, a_cut_row_is_damaged);
        suite_add_tcase(suite, rows);

        tcase_add_checked_fixture(keys, setup_persistent, teardown);
        tcase_add_test(keys, a_credential_of_systemd_is_a_persistent_key);
        tcase_add_test(keys, the_id_of_a_key_is_stable_and_not_the_key);
        tcase_add_test(keys, another_key_is_another_id_and_opens_nothing);
        tcase_add_loop_test(keys, a_credential_of_another_size_is_no_key, 0, ARRAY_SIZE(bad_keys));
        tcase_add_test(keys, a_store_that_is_absent_loses_nothing);
        suite_add_tcase(suite, keys);

        tcase_add_checked_fixture(volatile_keys, setup_volatile, teardown);
        tcase_add_test(volatile_keys, without_a_credential_the_key_is_volatile);
        suite_add_tcase(suite, volatile_keys);

        tcase_add_checked_fixture(kernel, setup_persistent, teardown);
        tcase_add_test(kernel, the_key_is_for_its_possessor_only);
        tcase_add_test(kernel, another_session_of_the_same_user_cannot_read_the_key);
        tcase_add_test(kernel, a_vault_leaves_the_session_it_was_born_in);
        tcase_add_test(kernel, without_its_key_in_the_kernel_a_vault_seals_nothing);
        tcase_add_test(kernel, the_key_is_nowhere_in_the_memory);
        suite_add_tcase(suite, kernel);

        tcase_add_checked_fixture(helper, setup_helper, teardown);
        tcase_set_timeout(helper, 30);
        tcase_add_test(helper, the_helpers_key_is_persistent);
        tcase_add_loop_test(helper,
                            a_helper_without_a_key_makes_the_vault_volatile,
                            0,
                            ARRAY_SIZE(failures));
        tcase_add_test(helper, a_helper_that_hangs_is_killed_after_its_deadline);
        tcase_add_test(helper, a_missing_helper_makes_the_vault_volatile);
        tcase_add_test(helper, a_helper_gets_its_bus_and_nothing_else);
        suite_add_tcase(suite, helper);
        return suite;
}

int main(int argc, char **argv)
{
        SRunner *runner;
        int failed;

        if (str_equal(argv[0], "dosvc-secret"))
                be_helper();
        runner = srunner_create(make_suite());
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
