/*
 * The manager as the verbs see it: its parts, and the modules that own everything else. Only
 * manager.c, which puts them together, and the verbs (manager-verbs.c, manager-settings.c) include
 * this.
 */
#pragma once

#include "manager/effects.h"

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
