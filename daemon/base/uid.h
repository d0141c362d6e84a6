/*
 * Uids that belong to nobody in particular. The manager takes no job from them, and the spawner,
 * which does not rely on the manager's word, starts no process under them.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * True for (uid_t) -1, for the overflow uids and for the dynamic users of systemd: who has such a
 * uid today says nothing about who has it tomorrow, when a waiting job would write files with it.
 */
bool uid_is_refused(uid_t uid);
