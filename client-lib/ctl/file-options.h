/*
 * --digest and --range: what the service is told of a file besides its names. They are judged here
 * as far as text alone allows, so that a mistake is known before there is a job.
 */
#pragma once

#include "ctl/ctl.h"

/*
 * Options for that many files, in their order; NULL for a file that has none. Prints what is wrong.
 * *ret is NULL when no file has any, and otherwise freed with the function below.
 */
ExitStatus file_options_read(const Ctl *ctl, size_t n_files, dosvc_values ***ret);
dosvc_values **file_options_free(dosvc_values **options, size_t n_files);

/* Each adds the option that the text means. False if it means none; then the error is printed. */
bool file_options_add_digest(dosvc_values *options, const char *text);
bool file_options_add_ranges(dosvc_values *options, const char *text);
