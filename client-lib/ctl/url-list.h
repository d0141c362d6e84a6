/*
 * The files that a command names: a URL and the absolute local name that it shall have, one after
 * the other from arguments and from a list. Says what is wrong with one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ctl/ctl.h"

typedef struct UrlList {
        char **urls;
        char **local_names;
        size_t n;
} UrlList;

void url_list_done(UrlList *list);

/*
 * Appends one. A URL without a scheme is one of http. destination: a file, or a directory (with a
 * slash behind it, or one that is there) that gets the URL's last part; NULL: the one of -o or -d.
 */
ExitStatus url_list_add(const Ctl *ctl, UrlList *list, const char *url, const char *destination);

/* "URL [FILE]" a line of a file, "-" is stdin; empty lines and those that begin with # are none. */
ExitStatus url_list_read(const Ctl *ctl, UrlList *list, const char *path);

/*
 * Gives a file whose local name an earlier one of the list has, and with existing also one that is
 * there already, a number, ".1" and so on, and says so.
 */
ExitStatus url_list_number(const Ctl *ctl, UrlList *list, bool existing);
