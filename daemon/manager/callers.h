/*
 * Finds out who sent a message. The bus driver is asked for the uid of a sender at first contact,
 * the user database for its name; both answers are awaited without blocking, and the sender's
 * messages are held back meanwhile, in their order. What is not answered is denied. Never PIDs,
 * never /proc, never what a message says of itself (polkit CVE-2013-4288, CVE-2021-3560).
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "base/macro.h"

#include "manager/policy.h"

typedef struct Callers Callers;
typedef struct Users Users;

/* A known sender left the bus. */
typedef void (*callers_gone_t)(void *userdata, const char *sender);

/* Installs its filter and match on the bus; users is borrowed. -ENOMEM and errors of sd-bus. */
int callers_new(sd_bus *bus, Users *users, callers_gone_t gone, void *userdata, Callers **ret);
Callers *callers_free(Callers *callers);
DEFINE_CLEANUP(Callers *, callers_free);

/*
 * The sender of a message that is being handled; borrowed until the next iteration of the loop.
 * -EACCES: not known, which the filter lets happen for no method call.
 */
int callers_find(Callers *callers, sd_bus_message *m, const Caller **ret);

/* Messages are held back for an answer. */
bool callers_is_asking(const Callers *callers);
