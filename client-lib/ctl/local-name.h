/*
 * From what was typed to the absolute local name that the service wants.
 */
#pragma once

/*
 * Last part of the URL's path, decoded ("%20" is a space) where that gives a name that can be shown
 * and is one name, without slashes; owned. -EINVAL: there is none that could be a file name.
 * -ENOMEM.
 */
int local_name_from_url(const char *url, char **ret);

/*
 * Absolute form of path: its directory with all links resolved, its last part kept. A path that
 * is a directory or ends with a slash gets the URL's last part. *ret is owned. -EINVAL as above;
 * errors of realpath(3) for the directory: -ENOENT, -ENOTDIR, -EACCES.
 */
int local_name_resolve(const char *path, const char *url, char **ret);
