/*
 * Looks for a string where it must not be: in the memory, the environment and the command
 * line of a process, in files. Its bytes are searched for, and the same widened to UTF-16, as NTLM
 * has it; a caller that fears other forms (base64) asks for each.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Readable memory of the process; *ret_where (a static text) names the mapping of a find. */
bool memory_scan_process(pid_t pid, const char *needle, const char **ret_where);

/* /proc/PID/environ or /proc/PID/cmdline. */
bool memory_scan_proc_file(pid_t pid, const char *name, const char *needle);

/* A regular file, or every regular file below a directory; *ret_where names it. */
bool memory_scan_files(const char *path, const char *needle, const char **ret_where);
