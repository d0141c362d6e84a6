/*
 * --digest and --range: what the service is told of a file besides its names. They are judged here
 * as far as text alone allows, so that a mistake is known before there is a job.
 */
#pragma once

#include "ctl/ctl.h"

/*
 * Options for that many files, in their order; NULL where nothing is said of a file. Tells what is
 * wrong. *ret is NULL when no option speaks of any file, and else freed with the function below.
 */
ExitStatus file_options_read(const Ctl *ctl, size_t n_files, dosvc_values ***ret);
dosvc_values **file_options_free(dosvc_values **options, size_t n_files);

/* Each adds what the text says. False if it says nothing of its kind, which is told. */
bool file_options_add_digest(dosvc_values *options, const char *text);
bool file_options_add_ranges(dosvc_values *options, const char *text);
