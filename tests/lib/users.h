/*
 * People to test with: a private mount namespace in which /etc/passwd and /etc/group are the
 * test's own, so that several uids exist without an entry in the machine's files. Needs root.
 *
 *   dosvc    the service's system user, home /nonexistent
 *   alice    an owner; also a member of group "readers"
 *   bob      another owner
 *   drifter  a user whose entry comes and goes, home /nonexistent
 *   reader   accounts of tests/lib/domain, without an entry until it makes one
 *   elise
 *
 * root stays root. Everything goes with the last process of the namespace; a bus daemon or a
 * web server that a test starts inside sees the same users.
 */
#pragma once

#include <stdint.h>

#define USERS_DOSVC_UID   771U
#define USERS_ALICE_UID   7101U
#define USERS_BOB_UID     7102U
#define USERS_DRIFTER_UID 7103U
#define USERS_READER_UID  7104U
#define USERS_ELISE_UID   7105U
#define USERS_READERS_GID 7200U /* the other groups have name and number of their user */

#define USERS_HOME_DIR   "/home" /* a tmpfs of the test */
#define USERS_ALICE_HOME USERS_HOME_DIR "/alice"
#define USERS_BOB_HOME   USERS_HOME_DIR "/bob"

/*
 * To be called first in main(), before threads, forks and anything that opens files below
 * /home. Homes are 0700 and owned. Ends the program with status 1 and a sentence on stderr
 * when it is not root or the kernel refuses: such a test must not pass by being skipped.
 */
void users_setup(void);

/*
 * Gives a user of the list above another uid in the database; 0 takes the entry away. Seen by
 * the whole namespace, also after a forked test has ended: set it back.
 */
void users_set_uid(const char *name, uint32_t uid);

/*
 * Lays a private /tmp over the machine's, in which what is a directory now is still the
 * machine's: for what has its name there by the uid. To be called before a test makes anything.
 */
void users_take_tmp(void);

/*
 * For a forked child of the test: becomes that user for good (groups, gid, uid), with HOME
 * and the working directory at its home. Ends the process with status 1 if refused.
 */
void users_become(uint32_t uid);
