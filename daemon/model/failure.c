#include "model/failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#include "model/error-code.h"

void failure_done(Failure *failure)
{
        free(failure->description);
        free(failure->url);
        *failure = FAILURE_NONE;
}

int failure_copy(Failure *failure, const Failure *from)
{
        Failure copy = *from;

        copy.description = from->description ? strdup(from->description) : NULL;
        copy.url = from->url ? strdup(from->url) : NULL;
        if ((from->description && !copy.description) || (from->url && !copy.url)) {
                failure_done(&copy);
                return -ENOMEM;
        }
        *failure = copy;
        return 0;
}

Failure failure_steal(Failure *failure)
{
        Failure stolen = *failure;

        *failure = FAILURE_NONE;
        return stolen;
}

const char *failure_text(const Failure *failure)
{
        return failure->description ? failure->description : "";
}

void failure_set(Failure *failure,
                 uint32_t code,
                 bool transient,
                 ErrorContext context,
                 const char *url,
                 const char *format,
                 ...)
{
        va_list args;

        if (failure->code)
                return;
        failure->code = code;
        failure->transient = transient;
        failure->context = context;
        failure->url = url ? strdup(url) : NULL;
        va_start(args, format);
        if (vasprintf(&failure->description, format, args) < 0)
                failure->description = NULL;
        va_end(args);
}

void failure_set_no_ranges(Failure *failure, const char *url)
{
        failure_set(failure,
                    (uint32_t) ERROR_CODE_INVALID_RANGE,
                    false,
                    ERROR_CONTEXT_REMOTE_FILE,
                    url,
                    "The file at %s does not have all the parts that are wanted.",
                    log_url(url));
}

void failure_set_bad_answer(Failure *failure, const char *url, const char *predicate)
{
        failure_set(failure,
                    (uint32_t) ERROR_CODE_INVALID_SERVER_RESPONSE,
                    true,
                    ERROR_CONTEXT_REMOTE_FILE,
                    url,
                    "The server's answer for %s %s.",
                    log_url(url),
                    predicate);
}

void failure_add(Failure *failure, const char *sentence)
{
        char *longer;

        if (!failure->description || asprintf(&longer, "%s %s", failure->description, sentence) < 0)
                return;
        free(failure->description);
        failure->description = longer;
}

void failure_add_schemes(Failure *failure, const char *what, unsigned schemes)
{
        char text[256];
        size_t n = (size_t) snprintf(text, sizeof(text), "%s: %s", what, schemes ? "" : "none");
        const char *between = "";

        for (unsigned scheme = 0; scheme < AUTH_SCHEMES_MAX && n < sizeof(text); scheme++)
                if (schemes & 1U << scheme) {
                        n += (size_t) snprintf(text + n,
                                               sizeof(text) - n,
                                               "%s%s",
                                               between,
                                               auth_scheme_to_string((AuthScheme) scheme));
                        between = ", ";
                }
        if (n < sizeof(text))
                (void) snprintf(text + n, sizeof(text) - n, ".");
        failure_add(failure, text);
}

/* An error that is not in the table is transient and has the text of its errno. */
typedef struct LocalError {
        int error;
        uint32_t code;
        bool transient;
        const char *reason;
} LocalError;

static const LocalError local_errors[] = {
        { EACCES, (uint32_t) ERROR_CODE_ACCESS_DENIED, false, "permission denied" },
        { EPERM, (uint32_t) ERROR_CODE_ACCESS_DENIED, false, "operation not permitted" },
        { ENOENT, (uint32_t) ERROR_CODE_PATH_NOT_FOUND, false, "no such directory" },
        { ENOTDIR,
          (uint32_t) ERROR_CODE_PATH_NOT_FOUND,
          false,
          "a part of the path is no directory" },
        { ELOOP, (uint32_t) ERROR_CODE_PATH_NOT_FOUND, false, "too many symbolic links" },
        { ENAMETOOLONG, (uint32_t) ERROR_CODE_PATH_NOT_FOUND, false, "the name is too long" },
        { EROFS, (uint32_t) ERROR_CODE_READ_ONLY, false, "the file system is read-only" },
        { EISDIR, (uint32_t) ERROR_CODE_NOT_A_FILE, false, "it is a directory" },
        { EEXIST, (uint32_t) ERROR_CODE_NOT_A_FILE, false, "it is there and no regular file" },
        { EFBIG, (uint32_t) ERROR_CODE_DISK_FULL, false, "the file system takes no file so large" },
        { ENOSPC, (uint32_t) ERROR_CODE_DISK_FULL, true, "the disk is full" },
        { ENOSR,
          (uint32_t) ERROR_CODE_DISK_FULL,
          true,
          "less would be left free on the disk than DiskReserve= asks for" },
        { EDQUOT, (uint32_t) ERROR_CODE_DISK_FULL, true, "the disk quota is used up" },
        { EIO, (uint32_t) ERROR_CODE_IO_DEVICE, true, "the disk reports an error" },
        { EWOULDBLOCK, (uint32_t) ERROR_CODE_FILE_IN_USE, true, "its temporary file is in use" },
        { ESTALE, (uint32_t) ERROR_CODE_TEMPORARY_FILE_GONE, false, "its temporary file is gone" },
};

static const LocalError *find_local(int error)
{
        for (size_t i = 0; i < ARRAY_SIZE(local_errors); i++)
                if (local_errors[i].error == -error)
                        return &local_errors[i];
        return NULL;
}

const char *failure_local_reason(int error)
{
        const LocalError *found = find_local(error);

        return found ? found->reason : strerrordesc_np(-error);
}

uint32_t failure_local_code(int error)
{
        const LocalError *found = find_local(error);

        return found ? found->code : (uint32_t) ERROR_CODE_IO_DEVICE;
}

void failure_set_local(Failure *failure, int error, const char *local_name)
{
        const LocalError *found = find_local(error);

        failure_set(failure,
                    failure_local_code(error),
                    found ? found->transient : true,
                    ERROR_CONTEXT_LOCAL_FILE,
                    NULL,
                    "The file %s cannot be written: %s.",
                    local_name,
                    failure_local_reason(error));
}

void failure_set_internal(Failure *failure, int error)
{
        failure_set(failure,
                    (uint32_t) ERROR_CODE_WORKER_FAILED,
                    true,
                    ERROR_CONTEXT_UNKNOWN,
                    NULL,
                    "The transfer process could not go on: %s.",
                    strerrordesc_np(-error));
}

void failure_list_done(FailureList *list)
{
        for (size_t i = 0; i < list->n_entries; i++)
                failure_done(&list->entries[i]);
        free(list->entries);
        *list = (FailureList){ 0 };
}

int failure_list_add(FailureList *list, Failure *failure)
{
        Failure *grown = reallocarray(list->entries, list->n_entries + 1, sizeof(*grown));

        if (!grown)
                return -ENOMEM;
        list->entries = grown;
        grown[list->n_entries++] = failure_steal(failure);
        return 0;
}
