/*
 * The one source of chance of a torture: the same seed, the same choices. Kills meet processes
 * that run on their own, so what follows from a choice may differ all the same.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

void random_seed(uint64_t seed);

/* 0 to n - 1; 0 for an n of 0. */
uint32_t random_below(uint32_t n);

/* True in that many of 100 cases. */
bool random_chance(unsigned percent);

/* Sleeps for up to that long. */
void random_nap(uint32_t most_usec);
