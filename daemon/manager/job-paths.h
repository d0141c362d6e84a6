/*
 * Paths of jobs and files on the bus, and who sees what behind them: each caller his own jobs,
 * root all of them; everything else does not exist.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "manager/bus-edge.h"

/* "/org/dosvc1/job/", 32 digits, "/file/", up to 10 digits. */
#define JOB_PATH_MAX 80

const char *job_path(const Job *job, char buffer[static JOB_PATH_MAX]);
const char *job_path_of_file(const Job *job, uint32_t index, char buffer[static JOB_PATH_MAX]);

/* -EINVAL: not the path of a job. */
int job_path_parse(const char *path, sd_id128_t *ret_job);

/*
 * The job and the number of a file from the path of a call on that file. -ENOENT: none that the
 * sender may know of.
 */
int job_path_find_file_of(BusEdge *edge, sd_bus_message *m, Job **ret_job, uint32_t *ret_index);

/* sd-bus' questions; userdata is the BusEdge. */
int job_path_find_job(sd_bus *bus,
                      const char *path,
                      const char *interface,
                      void *userdata,
                      void **ret_found,
                      sd_bus_error *error);
int job_path_find_file(sd_bus *bus,
                       const char *path,
                       const char *interface,
                       void *userdata,
                       void **ret_found,
                       sd_bus_error *error);
int job_path_enumerate(sd_bus *bus,
                       const char *prefix,
                       void *userdata,
                       char ***ret_paths,
                       sd_bus_error *error);
