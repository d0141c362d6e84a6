#include "tests/torture/expected-state.h"

#include <check.h>
#include <glob.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"
#include "tests/torture/random.h"
#include "tests/torture/source.h"

#define IN_FLIGHT 12
#define ORDERS    (IN_FLIGHT + EXPECTED_CALLS) /* with room for what an unwatched CreateJob makes */
#define MAX_FILES 3

#define ANSWER_MSEC 30000
#define TIDY_MSEC   15000

/* Temporary files of both homes. */
static const char *const leftovers[] = { USERS_ALICE_HOME "/.*.dosvc", USERS_BOB_HOME "/.*.dosvc" };

/* A job; what may have become of it by calls that were not answered. */
typedef struct Order {
        char *job;     /* owned: its object; NULL: a free place */
        sd_bus *owner; /* borrowed */
        unsigned n_files;
        struct {
                unsigned source;
                uint32_t first_version; /* that it can find */
                char *local;            /* owned */
        } files[MAX_FILES];
        char state[32];   /* as last listed; "": not listed */
        bool ends_itself; /* AutoComplete is set */
        bool completing;  /* Complete was called: files may be at their places */
        bool may_be_gone; /* Complete or Cancel was called, the answer was no or none */
        bool cancelled;   /* Cancel was acknowledged */
        bool sleeps;      /* Suspend was acknowledged, and nothing since */
        bool wakes;       /* Resume was, and nothing since */
} Order;

typedef enum CallKind {
        CALL_CREATE,
        CALL_RESUME,
        CALL_SUSPEND,
        CALL_COMPLETE,
        CALL_CANCEL,
        CALLS_MAX,
} CallKind;

static const char *const members[CALLS_MAX] = {
        [CALL_CREATE] = "CreateJob",  [CALL_RESUME] = "Resume", [CALL_SUSPEND] = "Suspend",
        [CALL_COMPLETE] = "Complete", [CALL_CANCEL] = "Cancel",
};

/* A call on its way. */
typedef struct Call {
        CallKind kind;
        Order *order; /* NULL: CreateJob */
        sd_bus *bus;
        sd_bus_slot *slot; /* owned */
        bool answered, succeeded;
        char created[128]; /* CreateJob: the object */
} Call;

static const HttpServer *server;
static Order orders[ORDERS];
static Call calls[EXPECTED_CALLS];
static unsigned n_calls, n_created, n_published;

/* ---- the homes ------------------------------------------------------------------------------- */

/* The first temporary file, NULL if there is none; a new string. */
static char *find_leftover(void)
{
        for (size_t i = 0; i < ARRAY_SIZE(leftovers); i++) {
                char *found = NULL;
                glob_t paths;

                if (glob(leftovers[i], GLOB_NOSORT, NULL, &paths) == 0)
                        found = strdup(paths.gl_pathv[0]);
                globfree(&paths);
                if (found)
                        return found;
        }
        return NULL;
}

static bool is_tidy(void)
{
        _cleanup_free_ char *leftover = find_leftover();

        return !leftover;
}

void expected_open(const HttpServer *source_server)
{
        server = source_server;
        ck_assert_int_eq(process_run(&(ProcessSpec){
                                 .argv = PROCESS_ARGV("find",
                                                      USERS_ALICE_HOME,
                                                      USERS_BOB_HOME,
                                                      "-type",
                                                      "f",
                                                      "-delete"),
                         }),
                         0);
}

unsigned expected_n_published(void)
{
        return n_published;
}

/* ---- orders ---------------------------------------------------------------------------------- */

static void forget(Order *order)
{
        for (unsigned i = 0; i < order->n_files; i++)
                free(order->files[i].local);
        free(order->job);
        *order = (Order){ 0 };
}

static void add_file(Order *order, unsigned i)
{
        unsigned source = random_below(SOURCES);
        const char *sha256 = source_sha256(source), *error;
        _cleanup_free_ char *url = source_url(server, source);
        char name[32];

        (void) snprintf(name, sizeof(name), "file-%u-%u", n_created, i);
        order->files[i].source = source;
        order->files[i].first_version = source_version(server, source);
        order->files[i].local =
                order->owner == fixture.alice ? fixture_alice_file(name) : fixture_bob_file(name);
        if (sha256)
                error = client_try(order->owner,
                                   order->job,
                                   DOSVC_JOB_INTERFACE,
                                   "AddFile",
                                   "ssa{sv}",
                                   url,
                                   order->files[i].local,
                                   1,
                                   "sha256",
                                   "s",
                                   sha256);
        else
                error = client_try_add_file(order->owner, order->job, url, order->files[i].local);
        ck_assert_msg(!error, "AddFile: %s: %s", error, client_last_message());
        order->n_files++;
}

static void place(Order *order)
{
        unsigned n_files = 1 + random_below(MAX_FILES);

        order->owner = random_chance(50) ? fixture.alice : fixture.bob;
        order->job = client_create(order->owner, "torture");
        n_created++;
        for (unsigned i = 0; i < n_files; i++)
                add_file(order, i);
        order->ends_itself = random_chance(30);
        if (order->ends_itself)
                ck_assert_pstr_eq(client_try(order->owner,
                                             order->job,
                                             "org.freedesktop.DBus.Properties",
                                             "Set",
                                             "ssv",
                                             DOSVC_JOB_INTERFACE,
                                             "AutoComplete",
                                             "b",
                                             1),
                                  NULL);
        client_call(order->owner, order->job, "Resume");
}

void expected_fill(void)
{
        for (size_t i = 0; i < IN_FLIGHT; i++)
                if (!orders[i].job)
                        place(&orders[i]);
}

/* The files are where they belong, each one version and no other; they go. */
static void take_delivery(Order *order)
{
        for (unsigned i = 0; i < order->n_files; i++) {
                const char *local = order->files[i].local;
                unsigned source = order->files[i].source;
                uint32_t last = source_version(server, source);

                ck_assert_msg(access(local, F_OK) == 0, "%s was lost: %s", local, order->job);
                ck_assert_msg(
                        source_recognize(source, local, order->files[i].first_version, last) >= 0,
                        "%s is none of the versions %u to %u of source %u: %s",
                        local,
                        order->files[i].first_version,
                        last,
                        source,
                        order->job);
                ck_assert_int_eq(unlink(local), 0);
        }
        n_published++;
        forget(order);
}

/* Nothing has a final name, unless it was, or may have been, completed; then it is right. */
static void write_off(Order *order)
{
        for (unsigned i = 0; i < order->n_files; i++) {
                const char *local = order->files[i].local;
                unsigned source = order->files[i].source;

                if (access(local, F_OK) < 0)
                        continue;
                ck_assert_msg(order->completing || order->ends_itself,
                              "%s of a cancelled job is there",
                              local);
                ck_assert_msg(source_recognize(source,
                                               local,
                                               order->files[i].first_version,
                                               source_version(server, source)) >= 0,
                              "%s is no version of source %u",
                              local,
                              source);
                ck_assert_int_eq(unlink(local), 0);
        }
        forget(order);
}

/* ---- the list -------------------------------------------------------------------------------- */

static Order *find_order(const char *job)
{
        for (size_t i = 0; i < ORDERS; i++)
                if (orders[i].job && strcmp(orders[i].job, job) == 0)
                        return &orders[i];
        return NULL;
}

/* A job whose CreateJob was not answered: it may be there, nobody wants it. */
static void cancel_unknown(sd_bus *bus, const char *job, const char *state)
{
        const char *error =
                strcmp(state, "cancelled") == 0 ? NULL : client_try_call(bus, job, "Cancel");

        ck_assert_msg(!error, "Cancel: %s: %s", error, client_last_message());
}

/* Takes down the state of each job; how many there are that no order names. */
static unsigned list_jobs_of(sd_bus *bus)
{
        sd_bus_message *reply = client_list_jobs(bus, NULL);
        const char *job, *state;
        unsigned unknown = 0;

        while (sd_bus_message_read(reply, "(oussstt)", &job, NULL, NULL, NULL, &state, NULL, NULL) >
               0) {
                Order *order = find_order(job);

                if (order)
                        (void) snprintf(order->state, sizeof(order->state), "%s", state);
                else {
                        cancel_unknown(bus, job, state);
                        unknown++;
                }
        }
        sd_bus_message_unref(reply);
        return unknown;
}

/* Brings the states up to date; how many jobs there are besides. */
static unsigned list_jobs(void)
{
        for (size_t i = 0; i < ORDERS; i++)
                orders[i].state[0] = '\0';
        return list_jobs_of(fixture.alice) + list_jobs_of(fixture.bob);
}

/* ---- looking after them ---------------------------------------------------------------------- */

static bool is_in(const Order *order, const char *state)
{
        return strcmp(order->state, state) == 0;
}

/* Not listed, or only to be tidied up. */
static bool is_gone(const Order *order)
{
        return !order->state[0] || is_in(order, "cancelled") || is_in(order, "acknowledged");
}

/* Suspend leaves these as they are. */
static bool is_resting(const Order *order)
{
        return is_in(order, "suspended") || is_in(order, "transferred") || is_in(order, "error");
}

/* How a job may have left without an answer: published as a whole, or cancelled. */
static void part_with(Order *order)
{
        bool published = order->completing || order->ends_itself;

        for (unsigned i = 0; i < order->n_files; i++)
                published = published && access(order->files[i].local, F_OK) == 0;
        if (published)
                take_delivery(order);
        else
                write_off(order);
}

/* False: it is ending by itself, or has ended. */
static bool must_answer(Order *order, const char *member)
{
        const char *error = client_try_call(order->owner, order->job, member);

        if (error && order->ends_itself &&
            (strcmp(error, SD_BUS_ERROR_UNKNOWN_OBJECT) == 0 ||
             strcmp(error, DOSVC_ERROR_PREFIX "InvalidState") == 0))
                return false;
        ck_assert_msg(!error,
                      "%s of %s, which was %s: %s: %s",
                      member,
                      order->job,
                      order->state,
                      error,
                      client_last_message());
        return true;
}

static void end(Order *order)
{
        if (random_chance(10)) {
                if (must_answer(order, "Cancel"))
                        write_off(order);
                return;
        }
        if (!order->ends_itself && must_answer(order, "Complete"))
                take_delivery(order);
}

/* Checks that what was acknowledged holds; false when the job is not expected any more. */
static bool check(Order *order)
{
        if (is_gone(order)) {
                ck_assert_msg(order->cancelled || order->may_be_gone || order->ends_itself,
                              "%s was lost",
                              order->job);
                if (order->cancelled)
                        write_off(order);
                else
                        part_with(order);
                return false;
        }
        ck_assert_msg(!order->cancelled, "%s was cancelled and is %s", order->job, order->state);
        ck_assert_msg(order->sleeps ? is_resting(order)
                                    : !order->wakes || !is_in(order, "suspended"),
                      "%s was %s and is %s",
                      order->job,
                      order->sleeps ? "suspended" : "resumed",
                      order->state);
        order->sleeps = order->wakes = order->may_be_gone = false;
        return true;
}

/* If nobody is in a hurry, some wait for a call of expected_send(). */
static void move_on(Order *order, bool hurry)
{
        if (!hurry && random_chance(40))
                return;
        if (order->n_files == 0) {
                (void) must_answer(order, "Cancel");
                forget(order);
        } else if (is_in(order, "transferred"))
                end(order);
        else if (is_in(order, "suspended") || is_in(order, "error") ||
                 is_in(order, "transient-error")) {
                /* The leftovers of a killed worker go with its job. */
                if (!hurry && random_chance(15)) {
                        if (must_answer(order, "Cancel"))
                                write_off(order);
                } else
                        (void) must_answer(order, "Resume");
        }
}

void expected_look(void)
{
        (void) list_jobs();
}

void expected_check(void)
{
        (void) list_jobs();
        for (size_t i = 0; i < ORDERS; i++)
                if (orders[i].job)
                        (void) check(&orders[i]);
}

void expected_sweep(void)
{
        (void) list_jobs();
        for (size_t i = 0; i < ORDERS; i++)
                if (orders[i].job && check(&orders[i]))
                        move_on(&orders[i], false);
}

/* ---- calls without waiting ------------------------------------------------------------------- */

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        Call *call = userdata;
        const char *job;

        call->answered = true;
        call->succeeded = !sd_bus_message_is_method_error(reply, NULL);
        if (call->succeeded && call->kind == CALL_CREATE &&
            sd_bus_message_read(reply, "o", &job) > 0)
                (void) snprintf(call->created, sizeof(call->created), "%s", job);
        return 1;
}

static bool has_call(const Order *order)
{
        for (unsigned i = 0; i < n_calls; i++)
                if (calls[i].order == order)
                        return true;
        return false;
}

/* Jobs of earlier rounds whose Cancel met a killed service are still there. */
static bool has_room(void)
{
        unsigned n = 0;

        for (size_t i = 0; i < ORDERS; i++)
                n += orders[i].job != NULL;
        for (unsigned i = 0; i < n_calls; i++)
                n += calls[i].kind == CALL_CREATE;
        return n < ORDERS;
}

static void send_call(CallKind kind, Order *order)
{
        Call *call = &calls[n_calls++];
        int r;

        *call = (Call){ .kind = kind, .order = order, .bus = order ? order->owner : fixture.alice };
        r = sd_bus_call_method_async(call->bus,
                                     &call->slot,
                                     DOSVC_BUS_NAME,
                                     order ? order->job : DOSVC_MANAGER_PATH,
                                     order ? DOSVC_JOB_INTERFACE : DOSVC_MANAGER_INTERFACE,
                                     members[kind],
                                     on_answer,
                                     call,
                                     order ? NULL : "ssa{sv}",
                                     "unanswered",
                                     "download",
                                     0);
        ck_assert_int_ge(r, 0);
        ck_assert_int_ge(sd_bus_flush(call->bus), 0);
        if (!order)
                return;
        order->sleeps = order->wakes = false;
        order->completing |= kind == CALL_COMPLETE;
        order->may_be_gone |= kind == CALL_COMPLETE || kind == CALL_CANCEL;
}

/* Chooses a call that can be made on a job in that state. */
static CallKind choose_call(const Order *order)
{
        if (is_in(order, "transferred"))
                return random_chance(80) ? CALL_COMPLETE : CALL_CANCEL;
        if (is_in(order, "suspended") || is_in(order, "error") || is_in(order, "transient-error"))
                return random_chance(80) ? CALL_RESUME : CALL_CANCEL;
        return random_chance(70) ? CALL_SUSPEND : CALL_CANCEL;
}

void expected_send(unsigned most)
{
        unsigned n = random_below(most + 1);

        for (unsigned i = 0; i < n && n_calls < EXPECTED_CALLS; i++) {
                Order *order = &orders[random_below(ORDERS)];

                if (random_chance(25) || !order->job || is_gone(order) || has_call(order)) {
                        if (has_room())
                                send_call(CALL_CREATE, NULL);
                } else
                        send_call(choose_call(order), order);
        }
}

static Order *find_in(const char *state)
{
        unsigned from = random_below(ORDERS);

        for (unsigned i = 0; i < ORDERS; i++) {
                Order *order = &orders[(from + i) % ORDERS];

                if (order->job && is_in(order, state) && !has_call(order))
                        return order;
        }
        return NULL;
}

ExpectedTask expected_send_for(ExpectedTask task)
{
        Order *order = find_in("transferred");

        if (task == EXPECTED_CLEAN && !order)
                order = find_in("transferring");
        if (task != EXPECTED_DOWNLOAD && order) {
                send_call(task == EXPECTED_CLEAN ? CALL_CANCEL : CALL_COMPLETE, order);
                return task;
        }
        /* The one gives its place to another, if nobody else waits to be resumed. */
        order = find_in("transferring");
        if (order)
                send_call(CALL_SUSPEND, order);
        order = find_in("transient-error");
        if (!order)
                order = find_in("suspended");
        if (order)
                send_call(CALL_RESUME, order);
        return EXPECTED_DOWNLOAD;
}

static void take_answer(Call *call)
{
        Order *order = call->order;

        call->slot = sd_bus_slot_unref(call->slot);
        if (!call->succeeded)
                return;
        if (call->kind == CALL_CREATE) {
                /* Acknowledged: it is owed from now on, and thrown away when it was found. */
                for (order = orders; order->job; order++)
                        ck_assert(order + 1 < orders + ORDERS);
                *order = (Order){ .job = strdup(call->created), .owner = call->bus };
                return;
        }
        order->sleeps = call->kind == CALL_SUSPEND;
        order->wakes = call->kind == CALL_RESUME;
        order->cancelled |= call->kind == CALL_CANCEL;
}

void expected_settle(void)
{
        uint64_t deadline = process_now_msec() + ANSWER_MSEC;

        for (unsigned i = 0; i < n_calls; i++) {
                while (!calls[i].answered) {
                        int r = sd_bus_process(calls[i].bus, NULL);

                        ck_assert_int_ge(r, 0);
                        if (r == 0)
                                (void) sd_bus_wait(calls[i].bus, 100000);
                        ck_assert_msg(process_now_msec() < deadline,
                                      "%s is not answered",
                                      members[calls[i].kind]);
                }
        }
        for (unsigned i = 0; i < n_calls; i++)
                take_answer(&calls[i]);
        n_calls = 0;
}

/* ---- the end --------------------------------------------------------------------------------- */

static bool is_settled(void)
{
        bool settled = list_jobs() == 0;

        for (size_t i = 0; i < ORDERS; i++) {
                if (orders[i].job && check(&orders[i]))
                        move_on(&orders[i], true);
                settled = settled && !orders[i].job;
        }
        return settled;
}

static void fail_unsettled(void)
{
        for (size_t i = 0; i < ORDERS; i++)
                if (orders[i].job) {
                        ClientError error = client_error(orders[i].owner, orders[i].job);

                        (void) fprintf(stderr,
                                       "%s is %s: %s: %s\n",
                                       orders[i].job,
                                       orders[i].state,
                                       error.name,
                                       error.description);
                }
        ck_abort_msg("jobs do not end");
}

static uint64_t count_jobs(void)
{
        return client_number(fixture.root,
                             DOSVC_MANAGER_PATH,
                             DOSVC_MANAGER_INTERFACE,
                             "JobsTotal",
                             'u');
}

void expected_drain(unsigned timeout_msec)
{
        _cleanup_free_ char *leftover = NULL;

        if (!PROCESS_WAIT_UNTIL(timeout_msec, is_settled()))
                fail_unsettled();
        ck_assert(PROCESS_WAIT_UNTIL(TIDY_MSEC, count_jobs() == 0));
        (void) PROCESS_WAIT_UNTIL(TIDY_MSEC, is_tidy());
        leftover = find_leftover();
        ck_assert_msg(!leftover, "%s was left behind", leftover);
}

/* ---- what is lost ---------------------------------------------------------------------------- */

/* A copy of the database as the dead service left it; reading the original would mend it. */
static sqlite3 *open_copy(void)
{
        static const char *const names[] = { "jobs.db", "jobs.db-wal" };
        _cleanup_free_ char *dir = temp_dir_path(fixture.dir, "copy");
        _cleanup_free_ char *path = temp_dir_path(dir, names[0]);
        sqlite3 *db = NULL;

        temp_dir_make(dir, 0700, 0);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_free_ char *from = temp_dir_path(fixture.daemon.state_dir, names[i]);
                _cleanup_free_ char *to = temp_dir_path(dir, names[i]);
                size_t size;
                _cleanup_free_ char *bytes = temp_dir_read(from, &size);
                FILE *out = fopen(to, "we");

                ck_assert_ptr_nonnull(out);
                ck_assert_uint_eq(fwrite(bytes, 1, size, out), size);
                ck_assert_int_eq(fclose(out), 0);
        }
        ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
        return db;
}

unsigned expected_measure_loss(uint64_t *ret_bytes, unsigned max)
{
        static const char sql[] = "SELECT local_name, temp_name, offset FROM files"
                                  " WHERE temp_name<>'' AND NOT finished";
        sqlite3 *db = open_copy();
        sqlite3_stmt *rows = NULL;
        unsigned n = 0;

        ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &rows, NULL), SQLITE_OK);
        while (n < max && sqlite3_step(rows) == SQLITE_ROW) {
                const char *local = (const char *) sqlite3_column_text(rows, 0);
                const char *temp = (const char *) sqlite3_column_text(rows, 1);
                int64_t offset = sqlite3_column_int64(rows, 2);
                char path[4096];
                struct stat st;

                (void) snprintf(path,
                                sizeof(path),
                                "%.*s%s",
                                (int) (strrchr(local, '/') + 1 - local),
                                local,
                                temp);
                if (stat(path, &st) == 0 && st.st_size >= offset)
                        ret_bytes[n++] = (uint64_t) (st.st_size - offset);
        }
        (void) sqlite3_finalize(rows);
        (void) sqlite3_close(db);
        return n;
}
