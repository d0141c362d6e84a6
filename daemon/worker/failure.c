#include "worker/failure.h"

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
        *failure = (Failure){ 0 };
}

void failure_move(Failure *failure, Failure *from)
{
        *failure = *from;
        *from = (Failure){ 0 };
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

static const struct {
        unsigned status;
        const char *phrase;
} phrases[] = {
        { 400, "Bad Request" },
        { 401, "authentication required" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 407, "proxy authentication required" },
        { 408, "Request Timeout" },
        { 410, "Gone" },
        { 416, "Range Not Satisfiable" },
        { 425, "Too Early" },
        { 429, "Too Many Requests" },
        { 500, "Internal Server Error" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
};

static const char *phrase_of(unsigned status)
{
        for (size_t i = 0; i < ARRAY_SIZE(phrases); i++)
                if (phrases[i].status == status)
                        return phrases[i].phrase;
        return "no success";
}

/* Spec section 3.4; 425 and 429 are younger than the original and mean "later". */
static bool is_transient(unsigned status)
{
        switch (status) {
        case 408:
        case 409:
        case 425:
        case 429:
                return true;
        case 501:
        case 505:
                return false;
        default:
                return !(status >= 400 && status < 500) && !(status >= 300 && status <= 305) &&
                       status != 307 && status != 308;
        }
}

void failure_set_status(Failure *failure,
                        unsigned status,
                        const char *url,
                        bool by_proxy,
                        uint64_t retry_after_sec)
{
        if (failure->code)
                return;
        failure_set(failure,
                    ERROR_CODE_HTTP(status),
                    is_transient(status),
                    ERROR_CONTEXT_REMOTE_FILE,
                    url,
                    "The %s answered with status %u (%s) for %s.",
                    by_proxy ? "proxy" : "server",
                    status,
                    phrase_of(status),
                    log_url(url));
        failure->retry_after_sec = failure->transient ? retry_after_sec : 0;
}

void failure_set_no_certificate(Failure *failure, unsigned status, const char *url)
{
        failure_set(failure,
                    (uint32_t) ERROR_CODE_CERTIFICATE_NEEDED,
                    false,
                    ERROR_CONTEXT_REMOTE_FILE,
                    url,
                    "The server wants a client certificate, and the job has none for it (status "
                    "%u): %s.",
                    status,
                    log_url(url));
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

void failure_set_bad_answer(Failure *failure, const char *url, const char *text)
{
        failure_set(failure,
                    (uint32_t) ERROR_CODE_INVALID_SERVER_RESPONSE,
                    true,
                    ERROR_CONTEXT_REMOTE_FILE,
                    url,
                    "The server's answer for %s %s.",
                    log_url(url),
                    text);
}

void failure_add(Failure *failure, const char *sentence)
{
        char *longer;

        if (!failure->description || asprintf(&longer, "%s %s", failure->description, sentence) < 0)
                return;
        free(failure->description);
        failure->description = longer;
}

void failure_set_detection(Failure *failure, const char *url, const char *reason)
{
        failure_set(failure,
                    (uint32_t) ERROR_CODE_PROXY_DETECTION_FAILED,
                    true,
                    ERROR_CONTEXT_GENERAL_TRANSPORT,
                    url,
                    "The proxy for %s could not be found: %s",
                    log_url(url),
                    reason);
}

/* Local errors; what is not listed is transient and has the text of its errno. */
static const struct {
        int error;
        uint32_t code;
        bool transient;
        const char *reason;
} local_errors[] = {
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
        { ESTALE, (uint32_t) ERROR_CODE_PATH_NOT_FOUND, false, "its temporary file is gone" },
};

const char *failure_local_reason(int error)
{
        for (size_t i = 0; i < ARRAY_SIZE(local_errors); i++)
                if (local_errors[i].error == -error)
                        return local_errors[i].reason;
        return strerrordesc_np(-error);
}

uint32_t failure_local_code(int error)
{
        for (size_t i = 0; i < ARRAY_SIZE(local_errors); i++)
                if (local_errors[i].error == -error)
                        return local_errors[i].code;
        return (uint32_t) ERROR_CODE_IO_DEVICE;
}

static bool is_transient_locally(int error)
{
        for (size_t i = 0; i < ARRAY_SIZE(local_errors); i++)
                if (local_errors[i].error == -error)
                        return local_errors[i].transient;
        return true;
}

void failure_set_local(Failure *failure, int error, const char *local_name)
{
        failure_set(failure,
                    failure_local_code(error),
                    is_transient_locally(error),
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
