/*
 * A store in a file to try, with the jobs that were loaded from it last. Everything is made before
 * each test and freed after it.
 */
#pragma once

#include <check.h>

#include "manager/store.h"

#define STORE_FIXTURE_LOADED_MAX 64

extern char *store_dir, *store_path; /* owned by the fixture, as are the next */
extern Owners store_owners;
extern Store *store;
extern Job *store_loaded[STORE_FIXTURE_LOADED_MAX];
extern unsigned n_store_loaded;

void store_fixture_setup(void);
void store_fixture_teardown(void);

void store_fixture_reopen(void);
/* store_loaded holds these instead of the earlier ones, which are freed. */
void store_fixture_load(void);
/* Appends to store_loaded; for store_load(). */
int store_fixture_take(void *userdata, Job *job);
/* Frees the owners that have no jobs any more. */
void store_fixture_release_owners(void);

Job *store_fixture_new_job(uint8_t id, uint32_t uid, const char *user);
/* A job of alice that is put; the caller frees it. */
Job *store_fixture_put_job(uint8_t id);
void store_fixture_put_file(Job *job, const char *local_name);
void store_fixture_commit(void);
/* Runs SQL on the closed file. */
void store_fixture_execute(const char *sql);

/* A sealed row as the vault would make it, of repetitions of that text. */
#define STORE_FIXTURE_SEALED "<sealed:Zx81-in-no-other-page>"
VaultRow store_fixture_sealed_row(size_t size);
/* Puts a slot of "alice" and returns the size of what it replaced. */
uint64_t store_fixture_put_slot(Job *job, AuthTarget target, AuthScheme scheme, size_t size);
uint64_t store_fixture_slot_bytes(Job *job);
