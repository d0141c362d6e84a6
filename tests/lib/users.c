/*
 * The database is the machine's, less what collides, plus the table below. It lies in the
 * tmpfs and is bound over /etc; a change rewrites it in place, as glibc opens it by name.
 */
#include "tests/lib/users.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"

#define DATABASE_DIR USERS_HOME_DIR "/.database"
#define TMP_DIR      DATABASE_DIR "/tmp"

typedef struct User {
        const char *name;
        const char *home;
        uint32_t gid;
        uint32_t uid; /* 0: no entry */
} User;

static User users[] = {
        { "dosvc", "/nonexistent", USERS_DOSVC_UID, USERS_DOSVC_UID },
        { "alice", USERS_ALICE_HOME, USERS_ALICE_UID, USERS_ALICE_UID },
        { "bob", USERS_BOB_HOME, USERS_BOB_UID, USERS_BOB_UID },
        { "drifter", "/nonexistent", USERS_DRIFTER_UID, USERS_DRIFTER_UID },
        { "reader", "/nonexistent", USERS_READER_UID, 0 },
        { "elise", "/nonexistent", USERS_ELISE_UID, 0 },
};

static char *machine_passwd, *machine_group; /* owned for the life of the test */

/* A line of passwd or group whose name or number is one of ours. */
static bool line_collides(const char *line)
{
        char name[64];
        uint32_t number;

        if (sscanf(line, "%63[^:]:%*[^:]:%u:", name, &number) != 2)
                return false;
        if (number == USERS_READERS_GID || strcmp(name, "readers") == 0)
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(users); i++)
                if (number == users[i].gid || strcmp(name, users[i].name) == 0)
                        return true;
        return false;
}

static char *read_machine(const char *path)
{
        _cleanup_free_ char *line = NULL;
        size_t line_size = 0, text_size = 0;
        char *text = NULL;
        FILE *in = fopen(path, "re"), *out = open_memstream(&text, &text_size);

        if (!in || !out)
                err(EXIT_FAILURE, "%s", path);
        while (getline(&line, &line_size, in) > 0)
                if (!line_collides(line))
                        (void) fputs(line, out);
        (void) fclose(in);
        if (fclose(out) != 0)
                err(EXIT_FAILURE, "%s", path);
        return text;
}

static FILE *open_database(const char *path, const char *machine)
{
        FILE *out = fopen(path, "we");

        if (!out || fputs(machine, out) < 0)
                err(EXIT_FAILURE, "%s", path);
        return out;
}

static void close_database(FILE *out, const char *path)
{
        if (fclose(out) != 0)
                err(EXIT_FAILURE, "%s", path);
}

static void write_passwd(void)
{
        FILE *out = open_database(DATABASE_DIR "/passwd", machine_passwd);

        for (size_t i = 0; i < ARRAY_SIZE(users); i++)
                if (users[i].uid != 0)
                        (void) fprintf(out,
                                       "%s:x:%u:%u::%s:/bin/sh\n",
                                       users[i].name,
                                       users[i].uid,
                                       users[i].gid,
                                       users[i].home);
        close_database(out, DATABASE_DIR "/passwd");
}

static void write_group(void)
{
        FILE *out = open_database(DATABASE_DIR "/group", machine_group);

        for (size_t i = 0; i < ARRAY_SIZE(users); i++)
                (void) fprintf(out, "%s:x:%u:\n", users[i].name, users[i].gid);
        (void) fprintf(out, "readers:x:%u:alice\n", USERS_READERS_GID);
        close_database(out, DATABASE_DIR "/group");
}

static void make_home(const char *path, uint32_t uid)
{
        if (mkdir(path, 0700) < 0 || chown(path, uid, uid) < 0)
                err(EXIT_FAILURE, "%s", path);
}

void users_setup(void)
{
        if (geteuid() != 0)
                errx(EXIT_FAILURE, "this test needs root: it works with several users");

        machine_passwd = read_machine("/etc/passwd");
        machine_group = read_machine("/etc/group");

        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                err(EXIT_FAILURE, "private mount namespace");
        if (mount("users", USERS_HOME_DIR, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
                err(EXIT_FAILURE, "tmpfs on " USERS_HOME_DIR);
        if (mkdir(DATABASE_DIR, 0755) < 0)
                err(EXIT_FAILURE, DATABASE_DIR);

        (void) umask(0022);
        write_passwd();
        write_group();
        if (mount(DATABASE_DIR "/passwd", "/etc/passwd", NULL, MS_BIND, NULL) < 0 ||
            mount(DATABASE_DIR "/group", "/etc/group", NULL, MS_BIND, NULL) < 0)
                err(EXIT_FAILURE, "binding the user database");

        make_home(USERS_ALICE_HOME, USERS_ALICE_UID);
        make_home(USERS_BOB_HOME, USERS_BOB_UID);
}

void users_set_uid(const char *name, uint32_t uid)
{
        for (size_t i = 0; i < ARRAY_SIZE(users); i++)
                if (strcmp(users[i].name, name) == 0)
                        users[i].uid = uid;
        write_passwd();
}

/* A directory of the machine's /tmp in the new one. */
static void keep_dir(const char *name)
{
        _cleanup_free_ char *from = NULL, *to = NULL;

        if (asprintf(&from, "/tmp/%s", name) < 0 || asprintf(&to, TMP_DIR "/%s", name) < 0)
                err(EXIT_FAILURE, "%s", name);
        /* Others work in the machine's: it may be gone. */
        if (mkdir(to, 0700) < 0 ||
            (mount(from, to, NULL, MS_BIND | MS_REC, NULL) < 0 && errno != ENOENT))
                err(EXIT_FAILURE, "binding %s", from);
}

void users_take_tmp(void)
{
        DIR *dir = opendir("/tmp");

        if (!dir || mkdir(TMP_DIR, 0755) < 0 ||
            mount("tmp", TMP_DIR, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") < 0)
                err(EXIT_FAILURE, "private /tmp");
        for (const struct dirent *entry; (entry = readdir(dir));)
                if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
                    strcmp(entry->d_name, "..") != 0)
                        keep_dir(entry->d_name);
        (void) closedir(dir);
        if (mount(TMP_DIR, "/tmp", NULL, MS_MOVE, NULL) < 0)
                err(EXIT_FAILURE, "private /tmp");
}

void users_become(uint32_t uid)
{
        const struct passwd *entry = getpwuid(uid);
        const char *dir;

        if (!entry)
                errx(EXIT_FAILURE, "uid %u has no entry", uid);
        if (initgroups(entry->pw_name, entry->pw_gid) < 0 ||
            setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) < 0 ||
            setresuid(uid, uid, uid) < 0)
                err(EXIT_FAILURE, "becoming %s", entry->pw_name);

        dir = access(entry->pw_dir, X_OK) == 0 ? entry->pw_dir : "/";
        if (setenv("HOME", dir, 1) < 0 || chdir(dir) < 0)
                err(EXIT_FAILURE, "%s", dir);
}
