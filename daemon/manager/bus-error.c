#include "manager/bus-error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dbus/dosvc-wire.h"

#include "base/log.h"

#include "model/enums.h"

#define ERROR_MAP_ENTRY(name, number, original) SD_BUS_ERROR_MAP(name, number),

static const sd_bus_error_map error_map[] = { DOSVC_ERRORS(ERROR_MAP_ENTRY) SD_BUS_ERROR_MAP_END };

#define ERROR_NAME_ENTRY(name_, number_, original) { (name_), (number_) },

static const struct {
        const char *name;
        int number;
} error_names[] = { { SD_BUS_ERROR_INVALID_ARGS, EINVAL },
                    { SD_BUS_ERROR_ACCESS_DENIED, EACCES },
                    { SD_BUS_ERROR_ACCESS_DENIED, EPERM },
                    { SD_BUS_ERROR_NO_MEMORY, ENOMEM },
                    DOSVC_ERRORS(ERROR_NAME_ENTRY) };

int bus_error_register(void)
{
        return sd_bus_error_add_map(error_map);
}

static const char *name_of(int error_number)
{
        for (size_t i = 0; i < ARRAY_SIZE(error_names); i++)
                if (error_names[i].number == -error_number)
                        return error_names[i].name;
        return DOSVC_ERROR_PREFIX "Failed";
}

int bus_error_set(sd_bus_error *error, int error_number, const char *format, ...)
{
        char text[4096];
        va_list args;

        va_start(args, format);
        (void) vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        (void) sd_bus_error_set(error, name_of(error_number), text);
        return error_number;
}

/* For errors that no caller can act upon: the details are in the log, under this number. */
static int set_internal(sd_bus_error *error, int error_number)
{
        static unsigned reference;

        reference++;
        log_errno(LOG_ERR, error_number, "A call failed (reference %u)", reference);
        return bus_error_set(error,
                             error_number == -ENOMEM ? -ENOMEM : -EIO,
                             "The service could not do this; its log says why (reference %u)",
                             reference);
}

int bus_error_set_verb(sd_bus_error *error, int error_number, const Job *job)
{
        switch (-error_number) {
        case EACCES:
                return bus_error_set(error, error_number, "Only the owner of the job may do this");
        case EPERM:
                return bus_error_set(error,
                                     error_number,
                                     "This user can own no jobs here: it needs an entry in the "
                                     "user database, and must not be a dynamic or overflow user");
        case ENOENT:
                return bus_error_set(error, error_number, "There is no such job");
        case EBADFD:
                return bus_error_set(error,
                                     error_number,
                                     "Not possible while the job is %s",
                                     !job              ? "in this state"
                                     : job->publishing ? "being completed"
                                                       : job_state_to_string(job->state));
        case ENODATA:
                return bus_error_set(error, error_number, "The job has no files; add one first");
        case EMSGSIZE:
                return bus_error_set(error,
                                     error_number,
                                     "The password of a key must have at most 1023 bytes");
        case ENOKEY:
                return bus_error_set(error,
                                     error_number,
                                     "The credential store refuses; nothing was changed");
        case ENOBUFS:
                return bus_error_set(error, error_number, "A limit of this user is reached");
        case ENOSPC:
                return bus_error_set(error,
                                     error_number,
                                     "The disk of the service is full; nothing was changed");
        default:
                return set_internal(error, error_number);
        }
}
