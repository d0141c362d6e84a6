/*
 * What is done to the service: a kill -9 of a worker, the spawner or the manager at any moment
 * or at its k-th system call, or the error of a system call of a worker or the manager. Each
 * fault leaves a service that is sound again, so that the expected state can be compared.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Kinds of blows, and the name of one. */
size_t fault_kinds(void);
const char *fault_name(size_t kind);

/*
 * Deals one, of a random kind, and puts the service on its feet. Returns the kind;
 * losses of a killed manager go where fault_count_loss() was told to.
 */
size_t fault_deal(void);

/* Called for each unfinished file when a manager was killed: bytes received, not recorded. */
void fault_count_loss(void (*count)(uint64_t bytes));
