/*
 * The foundation of the manager: the collaborators that its caller gives it and that all of its
 * modules share.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/clock.h"

#include "manager/config.h"
#include "manager/owner.h"
#include "manager/spawner.h"
#include "manager/store.h"
#include "manager/vault.h"

/*
 * Reads the configuration again, because that user called for it, and calls manager_take_config().
 * -EINVAL: nothing has changed, and *ret_problem, to be freed, says why. -ENOMEM.
 */
typedef int (*config_reload_t)(void *userdata, uint32_t uid, char **ret_problem);

/* Everything is borrowed and outlives the manager. */
typedef struct ManagerParts {
        sd_event *event;
        const Clock *clock;
        const Config *config;
        config_reload_t reload; /* NULL: the configuration cannot be read again */
        void *reload_userdata;
        Store *store;
        Vault *vault;
        Spawner *spawner;
        Owners *owners;
        int state_dir_fd; /* holds the file "work" while a job has work to do; -EBADF: none */
        int64_t only_uid; /* user instance: the only owner; -1: system instance */
} ManagerParts;
