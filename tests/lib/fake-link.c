#include "tests/lib/fake-link.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

#include "model/file-record.h"

static List links = { &links, &links };
static unsigned n_links;
static int refusal;

static void must(int result)
{
        if (result < 0)
                errx(EXIT_FAILURE, "fake-link: %d", result);
}

WorkerLink *worker_link_free(WorkerLink *link)
{
        if (!link)
                return NULL;
        list_remove(&link->link);
        for (size_t i = 0; i < link->n_files; i++)
                file_record_done(&link->files[i]);
        free(link->files);
        free(link->owner_name);
        job_settings_done(&link->settings);
        free(link);
        return NULL;
}

static int copy_order(WorkerLink *link, const WorkerOrder *order)
{
        int r = 0;

        link->files = calloc(order->n_files ? order->n_files : 1, sizeof(*link->files));
        if (!link->files)
                return -ENOMEM;
        for (; r >= 0 && link->n_files < order->n_files; link->n_files += r >= 0)
                r = file_record_copy(&link->files[link->n_files], &order->files[link->n_files]);
        if (r >= 0)
                r = str_set(&link->owner_name, order->owner_name);
        if (r >= 0 && order->settings)
                r = job_settings_copy(&link->settings, order->settings);
        return r;
}

int worker_link_new(sd_event *event,
                    Spawner *spawner,
                    const WorkerOrder *order,
                    const WorkerLinkEvents *events,
                    void *userdata,
                    WorkerLink **ret)
{
        WorkerLink *link;
        int r = refusal;

        if (r < 0) {
                refusal = 0;
                return r;
        }
        link = calloc(1, sizeof(*link));
        if (!link)
                return -ENOMEM;
        list_init(&link->link);
        link->events = events;
        link->userdata = userdata;
        link->task = order->task;
        link->job = order->job;
        link->owner_uid = order->owner_uid;
        link->answers = order->answers;
        r = copy_order(link, order);
        if (r < 0) {
                worker_link_free(link);
                return r;
        }
        list_append(&links, &link->link);
        n_links++;
        *ret = link;
        return 0;
}

void worker_link_change(WorkerLink *link, const JobSettings *settings)
{
        JobSettings copy;

        must(job_settings_copy(&copy, settings));
        (void) job_settings_exchange(&link->settings, &copy, SETTING_FOR_ANY_WORKER);
        job_settings_done(&copy);
        link->n_changes++;
}

void worker_link_stop(WorkerLink *link)
{
        link->stopped = true;
}

unsigned fake_link_count(void)
{
        return n_links;
}

unsigned fake_link_alive(void)
{
        unsigned n = 0;

        LIST_FOREACH (link, &links)
                n++;
        return n;
}

WorkerLink *fake_link_of(sd_id128_t job)
{
        LIST_FOREACH (at, &links) {
                WorkerLink *link = CONTAINER_OF(at, WorkerLink, link);

                if (sd_id128_equal(link->job, job))
                        return link;
        }
        return NULL;
}

void fake_link_refuse(int error)
{
        refusal = error;
}

void fake_link_checkpoint(WorkerLink *link,
                          uint32_t file,
                          uint64_t bytes,
                          uint64_t total,
                          bool finished)
{
        const char *remote = "http://of.the/worker";
        FileRecord record;
        char temp[32];

        (void) snprintf(temp, sizeof(temp), ".%u.part", file);
        for (size_t i = 0; i < link->n_files; i++) /* bytes from another URL would not count */
                if (link->files[i].index == file)
                        remote = link->files[i].remote_name;
        must(file_record_init(&record, file, remote, "/of/the/worker"));
        must(str_set(&record.temp_name, temp));
        record.offset_bytes = bytes;
        record.total_bytes = total;
        record.finished = finished;
        link->events->checkpoint(link->userdata, &record, 1);
        file_record_done(&record);
}

void fake_link_succeed(WorkerLink *link)
{
        if (link->task == WORKER_TASK_DOWNLOAD) {
                for (size_t i = 0; i < link->n_files; i++)
                        fake_link_checkpoint(link, link->files[i].index, 100, 100, true);
                link->events->finished(link->userdata);
        }
        fake_link_end(link, 0, "");
}

void fake_link_fail(WorkerLink *link, bool transient, uint32_t code, uint64_t retry_after_sec)
{
        Failure failure = FAILURE_NONE;

        failure_set(&failure,
                    code,
                    transient,
                    ERROR_CONTEXT_REMOTE_FILE,
                    "http://host/",
                    "It failed.");
        failure.retry_after_sec = retry_after_sec;
        link->events->failed(link->userdata, &failure);
        failure_done(&failure);
        fake_link_end(link, 0, "");
}

void fake_link_lose(WorkerLink *link, uint32_t file)
{
        Failure failure = FAILURE_NONE;

        failure.file = file;
        failure_set_local(&failure, -ESTALE, "/file");
        link->events->failed(link->userdata, &failure);
        failure_done(&failure);
        fake_link_end(link, 0, "");
}

void fake_link_end(WorkerLink *link, int result, const char *text)
{
        link->events->ended(link->userdata, result, text);
}
