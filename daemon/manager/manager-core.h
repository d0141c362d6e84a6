/*
 * The manager as the verbs see it: its parts, and the modules that own everything else. Only
 * manager.c, which puts them together, and the verbs (manager-verbs.c, manager-settings.c) include
 * this.
 */
#pragma once

#include "manager/effects.h"
#include "manager/manager.h"

struct Manager {
        ManagerParts parts;
        JobTable table;
        Changes changes;
        Waiters waiters;
        Timers timers;
        Announcer announcer;
        Runs runs;
        Reports reports;
        Effects effects;
        void (*stopped)(void *userdata);
        void *stopped_userdata;
};

/*
 * Takes back the settings that a new owner must not inherit, and returns what has to be announced.
 * A change of the job must follow, which fails if this could not be stored; the secrets are the
 * caller's business. In manager-settings.c.
 */
JobChanges manager_forget_owners_settings(Manager *manager, Job *job);
