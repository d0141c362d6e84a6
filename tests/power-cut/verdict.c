#include "tests/power-cut/verdict.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "manager/store.h"
#include "model/enums.h"
#include "tests/lib/client.h"
#include "tests/lib/process.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define WAIT_MSEC 30000

/* A service that was killed often removes what is left over when it is started again. */
#define CLEAN_MSEC 10000

static const char *const homes[] = { USERS_ALICE_HOME, USERS_BOB_HOME };

static Expectation expect(const Verdict *verdict, unsigned job)
{
        return history_expect(verdict->load->history, verdict->cut, job);
}

/* --- the disk */

static char *copy_database(const Verdict *verdict)
{
        _cleanup_free_ char *from = temp_dir_path(verdict->state_dir, ".");
        char *to = temp_dir_path(verdict->work_dir, "state");

        ck_assert_int_eq(process_run(&(ProcessSpec){
                                 .argv = PROCESS_ARGV("cp",
                                                      "--recursive",
                                                      "--no-target-directory",
                                                      from,
                                                      to),
                         }),
                         0);
        return to;
}

static WantedJob *find_job(const Verdict *verdict, const char *path, unsigned *ret_number)
{
        for (unsigned i = 0; i < history_n_jobs(verdict->load->history); i++) {
                WantedJob *job = history_job(verdict->load->history, i);

                if (job->path && strcmp(job->path, path) == 0) {
                        *ret_number = i;
                        return job;
                }
        }
        return NULL;
}

static char *temp_path(const FileRecord *record)
{
        _cleanup_free_ char *dir =
                strndup(record->local_name,
                        (size_t) (strrchr(record->local_name, '/') - record->local_name));

        return temp_dir_path(dir, record->temp_name);
}

/* The bytes that a record vouches for are there. */
static void check_record(Verdict *verdict, unsigned number, const FileRecord *record)
{
        const WantedFile *file = &history_job(verdict->load->history, number)->files[record->index];
        Expectation e = expect(verdict, number);
        _cleanup_free_ char *path = temp_path(record);
        uint64_t position = verdict->positions[file->number], matches;
        struct stat st;

        verdict->found[number][record->index] = (Found){
                .recorded = true,
                .continues = record->offset_bytes > 0,
                .restarts = record->restarts,
        };
        if (record->offset_bytes > 0) {
                /* A job on its way out has published or removed it already. */
                if (lstat(path, &st) < 0 && (e.may_be_completed || e.may_be_cancelled))
                        return;
                matches = content_match(path, file->number, record->offset_bytes);
                ck_assert_msg(matches == record->offset_bytes,
                              "job %u: %llu bytes of %s are recorded, %llu are there",
                              number,
                              (unsigned long long) record->offset_bytes,
                              path,
                              (unsigned long long) matches);
                verdict->figures->offsets++;
        }
        if (e.active && !record->finished && position > record->offset_bytes) {
                uint64_t lost = position - record->offset_bytes;

                verdict->figures->active++;
                verdict->figures->lost_bytes += lost;
                if (lost > verdict->figures->most_lost_bytes)
                        verdict->figures->most_lost_bytes = lost;
        }
}

/* store_job_t */
static int check_stored_job(void *userdata, Job *stored)
{
        _cleanup_(job_freep) Job *job = stored;
        char path[128], id[SD_ID128_STRING_MAX];
        Verdict *verdict = userdata;
        unsigned number;

        (void) snprintf(path,
                        sizeof(path),
                        DOSVC_MANAGER_PATH "/job/%s",
                        sd_id128_to_string(job->id, id));
        if (!find_job(verdict, path, &number))
                return 0;
        for (uint32_t i = 0; i < job->n_files && i < HISTORY_JOB_FILES; i++)
                check_record(verdict, number, &job->files[i].record);
        return 0;
}

static void check_database(Verdict *verdict)
{
        _cleanup_free_ char *dir = copy_database(verdict);
        _cleanup_free_ char *path = temp_dir_path(dir, "jobs.db");
        _cleanup_(store_freep) Store *store = NULL;
        Owners owners = { 0 };
        int r = store_open(path, &store);

        ck_assert_msg(r >= 0, "the database does not open: %s", strerror(-r));
        r = store_load(store, &owners, check_stored_job, verdict);
        ck_assert_msg(r >= 0, "the database cannot be read: %s", strerror(-r));
        (void) temp_dir_remove(STEAL_PTR(dir));
}

/* Under a final name only by Complete, and whole. */
static void check_final_name(const Verdict *verdict, unsigned number, const WantedFile *file)
{
        Expectation e = expect(verdict, number);
        struct stat st;

        if (lstat(file->local, &st) < 0) {
                ck_assert_msg(!e.completed,
                              "job %u: Complete was answered and %s is not there",
                              number,
                              file->local);
                return;
        }
        ck_assert_msg(e.may_be_completed,
                      "job %u: %s is there without Complete",
                      number,
                      file->local);
        ck_assert_msg((uint64_t) st.st_size == file->size_bytes &&
                              content_match(file->local, file->number, file->size_bytes) ==
                                      file->size_bytes,
                      "job %u: %s has wrong bytes (%lld of them, wanted %llu)",
                      number,
                      file->local,
                      (long long) st.st_size,
                      (unsigned long long) file->size_bytes);
        verdict->figures->published++;
}

void verdict_disk(Verdict *verdict)
{
        History *history = verdict->load->history;
        size_t certain, open;

        for (unsigned i = 0; i < history_n_jobs(history); i++)
                for (unsigned k = 0; k < history_job(history, i)->n_files; k++)
                        check_final_name(verdict, i, &history_job(history, i)->files[k]);
        check_database(verdict);
        history_count(history, verdict->cut, &certain, &open);
        verdict->figures->answered += certain;
        verdict->figures->open += open;
}

/* --- the service */

/* What ListJobs says. */
typedef struct Listed {
        char path[128];
        char state[32];
} Listed;

static size_t list_jobs(sd_bus *bus, Listed listed[static HISTORY_JOBS])
{
        sd_bus_message *reply = client_list_jobs(bus, NULL);
        const char *path, *state;
        size_t n = 0;
        int r;

        while ((r = sd_bus_message_read(reply,
                                        "(oussstt)",
                                        &path,
                                        NULL,
                                        NULL,
                                        NULL,
                                        &state,
                                        NULL,
                                        NULL)) > 0) {
                ck_assert_uint_lt(n, HISTORY_JOBS);
                (void) snprintf(listed[n].path, sizeof(listed[n].path), "%s", path);
                (void) snprintf(listed[n].state, sizeof(listed[n].state), "%s", state);
                n++;
        }
        ck_assert_int_eq(r, 0);
        sd_bus_message_unref(reply);
        return n;
}

/* One whose CreateJob was not answered: nobody knows its name. */
static void take_unknown(const Verdict *verdict, sd_bus *bus, const char *path)
{
        unsigned n = 0;

        for (unsigned i = 0; i < history_n_jobs(verdict->load->history); i++) {
                Expectation e = expect(verdict, i);

                n += e.may_exist && !e.must_exist &&
                     load_bus(verdict->load, history_job(verdict->load->history, i)) == bus;
        }
        ck_assert_msg(n > 0, "%s was created by nobody", path);
        client_call(bus, path, "Cancel");
}

static void check_text(const Verdict *verdict, const WantedJob *job, const Expectation *e)
{
        const char *text = client_string(load_bus(verdict->load, job),
                                         job->path,
                                         DOSVC_JOB_INTERFACE,
                                         "Description");
        bool right = strcmp(text, e->text < 0 ? "" : load_text(e->text)) == 0;

        for (unsigned i = e->texts_from; i < e->texts_end; i++)
                right |= strcmp(text, load_text((int) i)) == 0;
        ck_assert_msg(right, "%s: Description is \"%s\"", job->path, text);
}

static unsigned n_files(const Verdict *verdict, const WantedJob *job)
{
        return (unsigned) client_number(load_bus(verdict->load, job),
                                        job->path,
                                        DOSVC_JOB_INTERFACE,
                                        "FilesTotal",
                                        'u');
}

static void check_job(const Verdict *verdict, unsigned number, const Expectation *e)
{
        const WantedJob *job = history_job(verdict->load->history, number);
        unsigned files = n_files(verdict, job);

        ck_assert_msg(files >= e->files_min && files <= e->files_max,
                      "job %u has %u files, right are %u to %u",
                      number,
                      files,
                      e->files_min,
                      e->files_max);
        check_text(verdict, job, e);
        verdict->figures->jobs++;
}

/* True: it is there to stay. */
static bool check_listed(const Verdict *verdict, sd_bus *bus, const Listed *listed)
{
        unsigned number;
        Expectation e;

        if (!find_job(verdict, listed->path, &number)) {
                take_unknown(verdict, bus, listed->path);
                return false;
        }
        e = expect(verdict, number);
        ck_assert_msg(e.may_exist, "job %u is there again", number);
        ck_assert_msg(e.states & STATE_BIT(job_state_from_string(listed->state)),
                      "job %u is %s, right are %#x",
                      number,
                      listed->state,
                      e.states);
        /* A cancelled job stays until its files are removed, and may go at any moment. */
        if (strcmp(listed->state, "cancelled") == 0)
                return false;
        check_job(verdict, number, &e);
        return true;
}

/* Everything that was made is there and nothing that was ended; unknown jobs are cancelled. */
static void check_jobs(const Verdict *verdict, bool found[static HISTORY_JOBS])
{
        sd_bus *const buses[] = { verdict->load->alice, verdict->load->bob };
        static Listed listed[HISTORY_JOBS];

        for (size_t b = 0; b < ARRAY_SIZE(buses); b++) {
                size_t n = list_jobs(buses[b], listed);

                for (size_t i = 0; i < n; i++) {
                        unsigned number;

                        if (check_listed(verdict, buses[b], &listed[i]) &&
                            find_job(verdict, listed[i].path, &number))
                                found[number] = true;
                }
        }
        for (unsigned i = 0; i < history_n_jobs(verdict->load->history); i++)
                ck_assert_msg(found[i] || !expect(verdict, i).must_exist, "job %u is lost", i);
}

static bool has_jobs(const Verdict *verdict)
{
        static Listed ignored[HISTORY_JOBS];

        return list_jobs(verdict->load->alice, ignored) > 0 ||
               list_jobs(verdict->load->bob, ignored) > 0;
}

/* Some are given up, the others are to run to their end; true for those. */
static bool set_going(const Verdict *verdict, unsigned number)
{
        const WantedJob *job = history_job(verdict->load->history, number);
        sd_bus *bus = load_bus(verdict->load, job);
        Expectation e = expect(verdict, number);

        if (n_files(verdict, job) == 0 || load_random(verdict->load, 5) == 0) {
                client_call(bus, job->path, "Cancel");
                return false;
        }
        /* Without it a credential that was answered for must do. */
        if (job->closed && !e.has_password)
                load_set_password(verdict->load, job);
        if (strcmp(client_state(bus, job->path), "transferred") != 0)
                client_call(bus, job->path, "Resume");
        return true;
}

/* Bytes that were recorded are not fetched again. */
static void check_restarts(const Verdict *verdict, unsigned number)
{
        const WantedJob *job = history_job(verdict->load->history, number);
        sd_bus *bus = load_bus(verdict->load, job);

        for (unsigned i = 0; i < n_files(verdict, job); i++) {
                const Found *found = &verdict->found[number][i];
                char path[256];

                (void) snprintf(path, sizeof(path), "%s/file/%u", job->path, i);
                ck_assert_msg(
                        !found->continues ||
                                client_number(bus, path, DOSVC_FILE_INTERFACE, "Restarts", 'u') ==
                                        found->restarts,
                        "job %u, file %u begins again: %s",
                        number,
                        i,
                        client_string(bus, path, DOSVC_FILE_INTERFACE, "RestartReason"));
        }
}

static void finish(const Verdict *verdict, unsigned number)
{
        const WantedJob *job = history_job(verdict->load->history, number);
        uint64_t deadline = process_now_msec() + WAIT_MSEC;
        sd_bus *bus = load_bus(verdict->load, job);
        const char *state;
        unsigned files;

        while (strcmp(state = client_state(bus, job->path), "transferred") != 0) {
                ck_assert_msg(strcmp(state, "error") != 0 && process_now_msec() < deadline,
                              "job %u is %s: %s",
                              number,
                              state,
                              client_error(bus, job->path).description);
                if (strcmp(state, "transient-error") == 0)
                        client_call(bus, job->path, "Resume");
                process_nap_msec(20);
        }
        check_restarts(verdict, number);
        files = n_files(verdict, job);
        ck_assert_int_eq(client_complete(bus, job->path), 0);
        for (unsigned i = 0; i < files; i++) {
                const WantedFile *file = &job->files[i];
                struct stat st = { 0 };

                ck_assert_msg(lstat(file->local, &st) == 0 &&
                                      (uint64_t) st.st_size == file->size_bytes &&
                                      content_match(file->local, file->number, file->size_bytes) ==
                                              file->size_bytes,
                              "job %u: %s is not what the server has",
                              number,
                              file->local);
                verdict->figures->whole++;
        }
}

/* A hidden file in a home, "" if there is none. */
static const char *leftover(void)
{
        static char name[512];

        name[0] = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(homes); i++) {
                DIR *dir = opendir(homes[i]);
                const struct dirent *entry;

                ck_assert_ptr_nonnull(dir);
                while ((entry = readdir(dir)))
                        if (strstr(entry->d_name, ".dosvc"))
                                (void) snprintf(name,
                                                sizeof(name),
                                                "%s/%s",
                                                homes[i],
                                                entry->d_name);
                (void) closedir(dir);
        }
        return name;
}

static void check_final_names(const Verdict *verdict)
{
        for (unsigned i = 0; i < history_n_jobs(verdict->load->history); i++) {
                const WantedJob *job = history_job(verdict->load->history, i);

                for (unsigned k = 0; k < job->n_files; k++) {
                        const WantedFile *file = &job->files[k];

                        ck_assert_msg(access(file->local, F_OK) < 0 ||
                                              content_match(file->local,
                                                            file->number,
                                                            file->size_bytes) == file->size_bytes,
                                      "job %u: %s has wrong bytes in the end",
                                      i,
                                      file->local);
                }
        }
}

void verdict_service(Verdict *verdict)
{
        bool found[HISTORY_JOBS] = { false };

        check_jobs(verdict, found);
        for (unsigned i = 0; i < HISTORY_JOBS; i++)
                if (found[i])
                        found[i] = set_going(verdict, i);
        for (unsigned i = 0; i < HISTORY_JOBS; i++)
                if (found[i])
                        finish(verdict, i);
        ck_assert_msg(PROCESS_WAIT_UNTIL(CLEAN_MSEC, !has_jobs(verdict)), "a job stays for ever");
        ck_assert_msg(PROCESS_WAIT_UNTIL(CLEAN_MSEC, !*leftover()),
                      "%s stays behind for ever",
                      leftover());
        check_final_names(verdict);
        verdict->figures->cuts++;
}
