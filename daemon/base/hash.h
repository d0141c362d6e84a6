/*
 * uthash, set up so that a lack of memory is an error instead of the end of the process: each
 * HASH_ADD*() has to be followed by a check of HASH_WAS_ADDED().
 */
#pragma once

#define HASH_NONFATAL_OOM 1

#include <uthash.h>

/* Right after HASH_ADD*(). False: there was no memory, and the element is in no table. */
#define HASH_WAS_ADDED(element) ((element)->hh.tbl != NULL)
