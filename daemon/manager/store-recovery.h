/*
 * Loads the jobs out of the database. A damaged one is renamed and kept, for whoever wants to look
 * at it, and the service goes on with an empty one: a service that does not start at all would
 * serve nobody. Failures and damage are logged here.
 */
#pragma once

#include "manager/manager.h"
#include "manager/store.h"

/*
 * Opens the database "jobs.db" of that directory and creates the manager of its jobs. parts->store
 * is filled in and owned by the caller, who frees it after the manager, also when this fails.
 * Errors of store_open() and manager_load().
 */
int store_recovery_load(const char *state_directory, ManagerParts *parts, Manager **ret);
