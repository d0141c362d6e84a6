/*
 * The settings that a worker is given with its order: those of the job, with what the configuration
 * adds and with the secrets from the vault.
 */
#pragma once

#include "manager/job.h"
#include "manager/manager-parts.h"

/*
 * job_settings_done() frees the result. -ENOKEY: a secret was set and cannot be read any more,
 * *ret_lost is the sentence that tells the owner so.
 */
int job_order_collect(const ManagerParts *parts,
                      const Job *job,
                      JobSettings *ret,
                      const char **ret_lost);

/*
 * The same without the secrets, for a worker that has its order. The strings are borrowed from the
 * job and the configuration for as long as neither changes.
 */
JobSettings job_order_view(const ManagerParts *parts, const Job *job);
