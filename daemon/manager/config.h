/*
 * The configuration of the service, dosvcd.conf(5): defaults, the main file, then drop-ins in the
 * order of their names. When the service starts, what cannot be read, parsed or used is named in a
 * warning and ignored; a reload that finds such a thing is refused. An unknown key is a warning in
 * both cases.
 */
#pragma once

#include <stdint.h>

#include "base/macro.h"

#include "model/job-settings.h"

typedef struct Config {
        uint64_t max_jobs;
        uint64_t max_jobs_per_user;
        uint64_t max_files_per_job;
        uint64_t max_active_jobs;
        uint64_t max_active_jobs_per_user;
        uint64_t disk_reserve_bytes; /* downloads leave this much of a file system free */
        uint64_t idle_exit_sec;
        uint64_t max_retry_delay_sec;
        uint64_t log_level;
        JobSettings job_defaults; /* of a new job; owned */
        char **proxies;           /* preconfig: normal forms of url_parse_proxy(); owned */
        char **proxy_bypass;      /* rules of model/bypass.h; owned */
} Config;

/*
 * path is the main file, which may be missing; PATH.d/ holds the drop-ins. config_done() frees the
 * result, also after an error. -ENOMEM.
 */
int config_load(Config *config, const char *path);
/*
 * Replaces a configuration that is in use. *ret_changes names the keys whose values are others now,
 * and to what they apply if not to all; "" if there are none. -EINVAL: nothing has changed, and
 * *ret_problem says why, with file and line. -ENOMEM.
 */
int config_reload(Config *config, const char *path, char **ret_changes, char **ret_problem);
void config_done(Config *config);
