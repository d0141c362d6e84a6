/*
 * uthash, with the lack of memory told instead of ending the process: every HASH_ADD*() is
 * followed by a look at HASH_WAS_ADDED().
 */
#pragma once

#define HASH_NONFATAL_OOM 1

#include <uthash.h>

/* Right after HASH_ADD*(): false is -ENOMEM, and the element is in no table. */
#define HASH_WAS_ADDED(element) ((element)->hh.tbl != NULL)
