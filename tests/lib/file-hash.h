/*
 * Files to fetch and how to tell that they arrived whole: contents that no part of another
 * file can stand in for, and their SHA-256.
 */
#pragma once

#include <stdint.h>

#define FILE_HASH_SIZE 65 /* hex digits and NUL */

/* Makes a file of that size from a seed: same seed and size, same bytes. Mode 0644. */
void file_hash_make(const char *path, uint64_t size_bytes, uint64_t seed);

/* SHA-256 of a file in hex; "" when it cannot be read. Returns buffer. */
const char *file_hash(const char *path, char buffer[static FILE_HASH_SIZE]);

/* Fails the running test unless both files have the same bytes. */
void file_hash_assert_same(const char *path, const char *expected);
