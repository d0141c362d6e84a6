/*
 * The configuration of the service, dosvcd.conf(5): defaults, the main file, then drop-ins in the
 * order of their names. A file that cannot be read or parsed leaves the settings as they were. An
 * unknown key or a value out of range is named in a warning and ignored.
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
void config_done(Config *config);
