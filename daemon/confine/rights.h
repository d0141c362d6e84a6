/*
 * The rights of this process: the programs of the service that run with more rights than they
 * need give them up here, and those that must not have any check here that they have none.
 *
 * A right that is given up does not come back, so the order of the calls matters to the caller:
 * capabilities are needed to become another user, and a change of the user makes the process
 * dumpable again. Follows credentials(7), capabilities(7), prctl(2).
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* A set of capabilities is made of these, one for each CAP_ of capabilities(7). */
#define RIGHTS_CAPABILITY(capability) (UINT64_C(1) << (capability))

/*
 * Permitted and effective become that set, inheritable and ambient become empty: the ambient set
 * would survive both the change of the user and exec(2). Errnos of capset(2).
 */
int rights_keep_capabilities(uint64_t kept);

/*
 * Takes all others out of the bounding set, which limits what any later exec(2) could give. Needs
 * CAP_SETPCAP if there is one to take out. Errnos of prctl(2).
 */
int rights_bound_capabilities(uint64_t kept);

/*
 * Becomes that user for good, with the groups of the user database, and keeps no capability.
 * Without root's rights the ids stay as they are, and the caller has made sure that they are that
 * user's. May block, as the user database may. Afterwards the way back to root is tried: -EPERM
 * if it is open. Errnos of initgroups(3), setresuid(2), capset(2).
 */
int rights_become_user(const char *name, uid_t uid, gid_t gid);

/* No core file, and no other process of the same user may look into this one. */
int rights_forbid_dumps(void);

/* No exec(2) gives this process or its children a right any more (no_new_privs). */
int rights_forbid_gain(void);

/*
 * For a program that the spawner has started: forbids dumps first of all, then checks that the
 * spawner has left the process one identity, no capability and no way to gain a right, that
 * nobody traces it, and that link_fd is a socket. -EPERM: something is wrong, and *ret_reason,
 * a clause with "it", says what.
 */
int rights_check_self(int link_fd, const char **ret_reason);

/* The part of it that a text as in /proc/self/status decides, proc(5). */
int rights_check_status(const char *status, const char **ret_reason);
