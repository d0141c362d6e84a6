/*
 * Decides who may read and write a published file: its group, its mode and its access control list,
 * acl(5). They are those that the owner's own open(2) would have led to: of a new file in that
 * directory, or of the file of the owner's that has the final name and is replaced. Knows nothing
 * of what is in the file.
 */
#pragma once

#include <sys/types.h>

/*
 * fd: a file of the owner's in that directory. probe_name: a name there that no file has; where
 * the file system cannot make a file without a name, it has one for a moment. Errors of fchmod(2).
 */
int file_access_set(int fd,
                    int dir_fd,
                    const char *final_name,
                    const char *probe_name,
                    mode_t umask_of_owner);
