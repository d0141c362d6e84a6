#include "tests/power-cut/load.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "model/enums.h"
#include "tests/lib/client.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"
#include "tests/power-cut/content.h"

/* Enough that some run, some wait and some are being made. */
#define LIVE_JOBS 8U

#define KIB 1024U

unsigned load_random(Load *load, unsigned limit)
{
        load->random ^= load->random >> 12;
        load->random ^= load->random << 25;
        load->random ^= load->random >> 27;
        return (unsigned) ((load->random * 0x2545F4914F6CDD1DULL >> 33) % limit);
}

sd_bus *load_bus(const Load *load, const WantedJob *job)
{
        return job->uid == USERS_ALICE_UID ? load->alice : load->bob;
}

const char *load_text(int text)
{
        static char buffer[32];

        (void) snprintf(buffer, sizeof(buffer), "change %d", text);
        return buffer;
}

void load_set_password(const Load *load, const WantedJob *job)
{
        client_set_password(load_bus(load, job),
                            job->path,
                            "server",
                            "basic",
                            CONTENT_USER,
                            CONTENT_PASSWORD);
}

static void create(Load *load)
{
        uint32_t uid = load_random(load, 2) ? USERS_ALICE_UID : USERS_BOB_UID;
        unsigned number = history_add_job(load->history, uid);
        WantedJob *job = history_job(load->history, number);

        job->closed = load_random(load, 2);
        job->n_planned = 1 + load_random(load, HISTORY_JOB_FILES);
        history_ask(load->history, VERB_CREATE, number, 0);
        job->path = client_create(load_bus(load, job), "power cut");
        history_answered(load->history, 0);
}

/* From a page to several seconds' worth. */
static uint64_t some_size(Load *load)
{
        switch (load_random(load, 4)) {
        case 0:
                return 1 + load_random(load, 16 * KIB);
        case 1:
                return 1 + load_random(load, 1024 * KIB);
        default:
                return 1 + load_random(load, 12 * 1024 * KIB);
        }
}

static void add_file(Load *load, unsigned number)
{
        WantedJob *job = history_job(load->history, number);
        WantedFile *file = &job->files[job->n_files];
        _cleanup_free_ char *path = NULL, *url = NULL;
        char name[32];

        *file = (WantedFile){ .number = load->file++, .size_bytes = some_size(load) };
        ck_assert_uint_lt(file->number, CONTENT_FILES);
        (void) snprintf(name, sizeof(name), "file-%u", file->number);
        file->local = temp_dir_path(job->uid == USERS_ALICE_UID ? USERS_ALICE_HOME : USERS_BOB_HOME,
                                    name);
        path = content_path(job->closed, file->number, file->size_bytes);
        url = http_server_url(load->server, path);
        history_ask(load->history, VERB_ADD_FILE, number, 0);
        /* From now on the file may be there. */
        job->n_files++;
        client_add_file(load_bus(load, job), job->path, url, file->local);
        history_answered(load->history, 0);
}

static void set_password(Load *load, unsigned number)
{
        WantedJob *job = history_job(load->history, number);

        history_ask(load->history, VERB_SET_CREDENTIALS, number, 0);
        load_set_password(load, job);
        history_answered(load->history, 0);
        job->has_password = true;
}

static void describe(Load *load, unsigned number)
{
        const WantedJob *job = history_job(load->history, number);
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        history_ask(load->history, VERB_DESCRIBE, number, load->text);
        r = sd_bus_set_property(load_bus(load, job),
                                DOSVC_BUS_NAME,
                                job->path,
                                DOSVC_JOB_INTERFACE,
                                "Description",
                                &error,
                                "s",
                                load_text(load->text));
        ck_assert_msg(r >= 0, "Description: %s", error.message);
        history_answered(load->history, load->text++);
}

static void call(Load *load, unsigned number, Verb verb, const char *member)
{
        const WantedJob *job = history_job(load->history, number);

        history_ask(load->history, verb, number, 0);
        client_call(load_bus(load, job), job->path, member);
        history_answered(load->history, 0);
}

static JobState look(Load *load, unsigned number)
{
        const WantedJob *job = history_job(load->history, number);
        int state;

        history_ask(load->history, VERB_LOOK, number, JOB_SUSPENDED);
        state = job_state_from_string(client_state(load_bus(load, job), job->path));
        ck_assert_int_ge(state, 0);
        history_answered(load->history, state);
        return (JobState) state;
}

static void end(Load *load, unsigned number, Verb verb, const char *member)
{
        call(load, number, verb, member);
        history_job(load->history, number)->over = true;
}

/* A job that has begun: mostly it is left alone. */
static void meddle(Load *load, unsigned number)
{
        WantedJob *job = history_job(load->history, number);
        JobState state = look(load, number);
        unsigned choice = load_random(load, 16);

        ck_assert_msg(state != JOB_ERROR,
                      "job %u fails without a power cut: %s",
                      number,
                      client_error(load_bus(load, job), job->path).description);
        if (state == JOB_TRANSFERRED && choice < 12) {
                end(load, number, VERB_COMPLETE, "Complete");
        } else if (choice == 0) {
                end(load, number, VERB_CANCEL, "Cancel");
        } else if (state == JOB_SUSPENDED || state == JOB_TRANSIENT_ERROR) {
                call(load, number, VERB_RESUME, "Resume");
        } else if (choice == 1) {
                call(load, number, VERB_SUSPEND, "Suspend");
        } else if (choice < 8) {
                describe(load, number);
        }
}

static void advance(Load *load, unsigned number)
{
        WantedJob *job = history_job(load->history, number);

        if (job->n_files < job->n_planned) {
                add_file(load, number);
        } else if (job->closed && !job->has_password) {
                set_password(load, number);
        } else if (!job->resumed) {
                call(load, number, VERB_RESUME, "Resume");
                job->resumed = true;
        } else {
                meddle(load, number);
        }
}

void load_step(Load *load)
{
        unsigned live[HISTORY_JOBS], n_live = 0;

        for (unsigned i = 0; i < history_n_jobs(load->history); i++)
                if (!history_job(load->history, i)->over)
                        live[n_live++] = i;
        if (n_live < LIVE_JOBS && history_n_jobs(load->history) < HISTORY_JOBS)
                create(load);
        else if (n_live > 0)
                advance(load, live[load_random(load, n_live)]);
}
