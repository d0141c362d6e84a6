/*
 * Much of the same at once from one user: Complete of more jobs than there are places for workers,
 * and one connection after another. DOSVC_MANY says how many jobs (1000 unless set).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"
#include "base/str.h"

#include "manager/store.h"
#include "tests/lib/client.h"
#include "tests/lib/process.h"
#include "tests/lib/sanitizer.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define DIR         USERS_ALICE_HOME "/many"
#define CONTENT     "all of it\n"
#define CONNECTIONS 500U

/* dbus-daemon lets a connection wait for 128 replies. */
#define CALLS_OF_A_CONNECTION 100U
#define CALLERS_MAX           32U

/*
 * Workers of one owner that publish at a time, and one that has ended and is not reaped yet. The
 * leak checker of a sanitizer gives each process that ends a twin.
 */
#ifdef WITH_SANITIZER
#define WORKERS_MAX (2 * 8 + 1)
#else
#define WORKERS_MAX (8 + 1)
#endif

static unsigned n_jobs;
static char **paths; /* of the jobs on the bus */

/* What a worker leaves of a file that is whole. */
static void make_temporary_file(FileRecord *record)
{
        _cleanup_free_ char *path = temp_dir_path(DIR, record->temp_name);
        struct stat st;

        temp_dir_write(path, CONTENT);
        ck_assert_int_eq(chown(path, USERS_ALICE_UID, USERS_ALICE_UID), 0);
        ck_assert_int_eq(chmod(path, 0600), 0);
        ck_assert_int_eq(stat(path, &st), 0);
        record->inode = st.st_ino;
        record->finished = true;
        record->offset_bytes = record->total_bytes = strlen(CONTENT);
}

static void put_transferred_job(Store *store, Owner *owner, unsigned i)
{
        _cleanup_(job_freep) Job *job = NULL;
        char name[64], local[128], id_text[SD_ID128_STRING_MAX];
        FileRecord *record;
        sd_id128_t id;

        ck_assert_int_ge(sd_id128_randomize(&id), 0);
        ck_assert_int_ge(job_new(id, owner, &job), 0);
        (void) snprintf(local, sizeof(local), DIR "/%u", i);
        ck_assert_int_ge(job_add_file(job, "http://127.0.0.1:1/x", local), 0);
        record = &job->files[0].record;
        (void) snprintf(name, sizeof(name), ".%u.0123456789abcdef.dosvc", i);
        ck_assert_int_ge(str_set(&record->temp_name, name), 0);
        make_temporary_file(record);
        job->state = JOB_TRANSFERRED;
        ck_assert_int_ge(store_put_job(store, job), 0);
        ck_assert_int_ge(store_put_file(store, job, 0), 0);
        ck_assert_int_gt(
                asprintf(&paths[i], DOSVC_JOB_PREFIX "/%s", sd_id128_to_string(id, id_text)),
                0);
}

/* As after so many downloads: only their end is of interest here. */
static void make_transferred_jobs(void)
{
        _cleanup_free_ char *database = temp_dir_path(fixture.daemon.state_dir, "jobs.db");
        const char *number = getenv("DOSVC_MANY");
        Owners owners = { 0 };
        Owner *owner;
        Store *store;

        n_jobs = number ? (unsigned) strtoul(number, NULL, 10) : 1000;
        ck_assert_uint_le(n_jobs, CALLERS_MAX * CALLS_OF_A_CONNECTION);
        paths = calloc(n_jobs, sizeof(*paths));
        ck_assert_ptr_nonnull(paths);
        temp_dir_make(DIR, 0700, USERS_ALICE_UID);

        daemon_stop(&fixture.daemon);
        ck_assert_int_ge(store_open(database, &store), 0);
        ck_assert_int_ge(owners_acquire(&owners, USERS_ALICE_UID, "alice", &owner), 0);
        for (unsigned i = 0; i < n_jobs; i++)
                put_transferred_job(store, owner, i);
        ck_assert_int_ge(store_commit(store), 0);
        owners_release(&owners, owner);
        store_free(store);
        daemon_start(&fixture.daemon);
}

/* Before the service knows who calls, it holds back no more than 64 calls of a connection. */
static sd_bus *open_known_connection(void)
{
        sd_bus *bus = bus_open(&fixture.bus, USERS_ALICE_UID);

        (void) client_number(bus, DOSVC_MANAGER_PATH, DOSVC_MANAGER_INTERFACE, "JobsTotal", 'u');
        return bus;
}

typedef struct Answers {
        unsigned n;
        unsigned n_failed;
} Answers;

static int on_completed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Answers *answers = userdata;

        answers->n++;
        if (!sd_bus_message_is_method_error(m, NULL))
                return 0;
        if (answers->n_failed++ == 0)
                (void) fprintf(stderr, "%s\n", sd_bus_message_get_error(m)->message);
        return 0;
}

static void complete_later(sd_bus *bus, const char *job, Answers *answers)
{
        sd_bus_message *m;

        ck_assert_int_ge(sd_bus_message_new_method_call(bus,
                                                        &m,
                                                        DOSVC_BUS_NAME,
                                                        job,
                                                        DOSVC_JOB_INTERFACE,
                                                        "Complete"),
                         0);
        ck_assert_int_ge(sd_bus_call_async(bus, NULL, m, on_completed, answers, UINT64_MAX), 0);
        sd_bus_message_unref(m);
}

static size_t count_workers(void)
{
        pid_t pids[128];

        return process_descendants(getpid(), "dosvc-worker", pids, ARRAY_SIZE(pids));
}

START_TEST(as_many_jobs_as_one_likes_are_completed_at_once)
{
        Answers answers = { 0 };
        sd_bus *callers[CALLERS_MAX] = { NULL };
        size_t most = 0, n;

        make_transferred_jobs();
        for (unsigned i = 0; i < n_jobs; i++) {
                unsigned k = i / CALLS_OF_A_CONNECTION;

                if (!callers[k])
                        callers[k] = open_known_connection();
                complete_later(callers[k], paths[i], &answers);
        }
        while (answers.n < n_jobs) {
                for (size_t k = 0; k < CALLERS_MAX && callers[k]; k++)
                        while (sd_bus_process(callers[k], NULL) > 0)
                                ;
                n = count_workers();
                most = n > most ? n : most;
                process_nap_msec(10);
        }
        ck_assert_uint_eq(answers.n_failed, 0);
        ck_assert_uint_gt(most, 1);
        ck_assert_uint_le(most, WORKERS_MAX);
        for (unsigned i = 0; i < n_jobs; i++) {
                char path[128];
                _cleanup_free_ char *content = NULL;

                (void) snprintf(path, sizeof(path), DIR "/%u", i);
                content = temp_dir_read(path, NULL);
                ck_assert_str_eq(content, CONTENT);
        }
        ck_assert_uint_eq(client_number(fixture.alice,
                                        DOSVC_MANAGER_PATH,
                                        DOSVC_MANAGER_INTERFACE,
                                        "JobsTotal",
                                        'u'),
                          0);
}
END_TEST

/* Minor page faults of the children that the service has waited for: each look-up has some. */
static uint64_t faults_of_children(void)
{
        _cleanup_free_ char *path = NULL, *text = NULL;
        unsigned long faults;
        const char *fields;

        ck_assert_int_gt(asprintf(&path, "/proc/%d/stat", (int) fixture.daemon.pid), 0);
        text = temp_dir_read(path, NULL);
        fields = strrchr(text, ')');
        ck_assert_ptr_nonnull(fields);
        /* proc(5): the field (11) cminflt; (3) state is the first behind the name. */
        ck_assert_int_eq(sscanf(fields, ") %*c %*d %*d %*d %*d %*d %*u %*u %lu", &faults), 1);
        return faults;
}

static void call_from_new_connection(void)
{
        sd_bus_flush_close_unref(open_known_connection());
}

START_TEST(a_user_with_many_connections_is_looked_up_once)
{
        uint64_t before = faults_of_children(), one, all;

        call_from_new_connection();
        one = faults_of_children() - before;
        ck_assert_uint_gt(one, 0);
        for (unsigned i = 0; i < CONNECTIONS; i++)
                call_from_new_connection();
        all = faults_of_children() - before;
        ck_assert_uint_le(all, 3 * one); /* a minute may end meanwhile */
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("many");
        TCase *daemon = fixture_case(suite, "dbus-daemon", fixture_start);
        TCase *broker = fixture_case(suite, "dbus-broker", fixture_start_on_broker);

        tcase_set_timeout(daemon, 300);
        tcase_add_test(daemon, as_many_jobs_as_one_likes_are_completed_at_once);
        tcase_add_test(daemon, a_user_with_many_connections_is_looked_up_once);
        tcase_add_test(broker, a_user_with_many_connections_is_looked_up_once);
        return fixture_play(suite, 0);
}
