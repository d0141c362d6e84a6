#include "model/wire-failure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/worker-wire.h"

#include "model/limits.h"

int wire_append_failure(sd_bus_message *m, const Failure *failure)
{
        return sd_bus_message_append(m,
                                     WORKER_FAILURE_SIGNATURE,
                                     failure->file,
                                     (int) failure->transient,
                                     failure->code,
                                     error_context_to_string(failure->context),
                                     failure->description, /* sd-bus writes NULL as "" */
                                     failure->url,
                                     failure->retry_after_sec);
}

int wire_append_failures(sd_bus_message *m, const FailureList *list)
{
        int r = sd_bus_message_open_container(m, 'a', "(" WORKER_FAILURE_SIGNATURE ")");

        for (size_t i = 0; r >= 0 && i < list->n_entries; i++) {
                r = sd_bus_message_open_container(m, 'r', WORKER_FAILURE_SIGNATURE);
                if (r >= 0)
                        r = wire_append_failure(m, &list->entries[i]);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* "" stands for a text that is not there. */
static int copy_text(const char *text, char **ret)
{
        *ret = text[0] != '\0' ? strdup(text) : NULL;
        return text[0] != '\0' && !*ret ? -ENOMEM : 0;
}

static bool is_of_worker(const Failure *failure, const FileRecord *files, size_t n_files)
{
        return failure->file == FAILURE_NO_FILE || file_records_find(files, n_files, failure->file);
}

int wire_read_failure(sd_bus_message *m, const FileRecord *files, size_t n_files, Failure *ret)
{
        const char *context, *description, *url;
        Failure failure = FAILURE_NONE;
        int transient, value, r;

        if (sd_bus_message_read(m,
                                WORKER_FAILURE_SIGNATURE,
                                &failure.file,
                                &transient,
                                &failure.code,
                                &context,
                                &description,
                                &url,
                                &failure.retry_after_sec) <= 0)
                return -EBADMSG;
        value = error_context_from_string(context);
        if (value < 0 || failure.code == 0 || strlen(description) > LIMIT_WORKER_TEXT ||
            strlen(url) > LIMIT_WORKER_TEXT || !is_of_worker(&failure, files, n_files))
                return -EBADMSG;
        failure.context = (ErrorContext) value;
        failure.transient = transient != 0;
        r = copy_text(description, &failure.description);
        if (r >= 0)
                r = copy_text(url, &failure.url);
        if (r < 0) {
                failure_done(&failure);
                return r;
        }
        *ret = failure;
        return 0;
}

/* 1: an entry was added, 0: end of the array. */
static int read_entry(sd_bus_message *m, const FileRecord *files, size_t n_files, FailureList *list)
{
        _cleanup_(failure_done) Failure failure = FAILURE_NONE;
        int r = sd_bus_message_enter_container(m, 'r', WORKER_FAILURE_SIGNATURE);

        if (r <= 0)
                return r < 0 ? -EBADMSG : 0;
        r = wire_read_failure(m, files, n_files, &failure);
        if (r < 0)
                return r;
        if (failure.file == FAILURE_NO_FILE || list->n_entries == n_files ||
            sd_bus_message_exit_container(m) < 0)
                return -EBADMSG;
        r = failure_list_add(list, &failure);
        return r < 0 ? r : 1;
}

int wire_read_failures(sd_bus_message *m, const FileRecord *files, size_t n_files, FailureList *ret)
{
        FailureList list = { 0 };
        int r;

        if (sd_bus_message_enter_container(m, 'a', "(" WORKER_FAILURE_SIGNATURE ")") <= 0)
                return -EBADMSG;
        do
                r = read_entry(m, files, n_files, &list);
        while (r > 0);
        if (r >= 0 && sd_bus_message_exit_container(m) < 0)
                r = -EBADMSG;
        if (r < 0) {
                failure_list_done(&list);
                return r;
        }
        *ret = list;
        return 0;
}
