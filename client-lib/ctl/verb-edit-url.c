/*
 * edit-url: other URLs for the files of a job, for all with a common beginning or for one.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

static ExitStatus edit_prefix(Ctl *ctl, const char *id)
{
        uint32_t changed = 0;
        int r = dosvc_job_replace_remote_prefix(ctl->connection, id, ctl->from, ctl->to, &changed);

        if (r < 0)
                return ctl_fail(ctl, r, "Cannot change the URLs");
        if (changed == 0) {
                ctl_error("No file of the job has a URL that begins with '%s'.", ctl->from);
                return EXIT_FAILED;
        }
        return EXIT_DONE;
}

static ExitStatus edit_one(Ctl *ctl, const char *id, const char *number, const char *url)
{
        size_t digits = strspn(number, "0123456789");
        int r;

        if (digits == 0 || digits > 9 || number[digits] != '\0') {
                ctl_error("'%s' is not the number of a file; the first one is 0.", number);
                return EXIT_USAGE;
        }
        r = dosvc_file_set_remote_name(ctl->connection,
                                       id,
                                       (uint32_t) strtoul(number, NULL, 10),
                                       url);
        return r < 0 ? ctl_fail(ctl, r, "Cannot change the URL of file %s", number) : EXIT_DONE;
}

ExitStatus verb_edit_url(Ctl *ctl, int argc, char **argv)
{
        char id[DOSVC_ID_SIZE];
        bool by_prefix = ctl->from && ctl->to && argc == 1;
        ExitStatus status;

        if (!by_prefix && (ctl->from || ctl->to || argc != 3)) {
                ctl_error("edit-url takes JOB --from=PREFIX --to=PREFIX, or JOB NUMBER URL.");
                return EXIT_USAGE;
        }
        status = ctl_find_job(ctl, argv[0], id);
        if (status != EXIT_DONE)
                return status;
        return by_prefix ? edit_prefix(ctl, id) : edit_one(ctl, id, argv[1], argv[2]);
}
