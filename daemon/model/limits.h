/*
 * Every number that a client, a worker or a server can push against, with its reason.
 * Limits that an administrator may change are in manager/config.h; these are not.
 */
#pragma once

/* Spec section 3.8: characters are UTF-16 code units, no terminator. */
#define LIMIT_DISPLAY_NAME 256
#define LIMIT_DESCRIPTION  1024
#define LIMIT_REMOTE_NAME  2200
#define LIMIT_USER_NAME    300
#define LIMIT_PASSWORD     65536
#define LIMIT_PROXY_LIST   4000
#define LIMIT_HEADERS      16384 /* custom headers of a job, with line ends and a terminator */

/* A UTF-16 code unit takes at most three bytes of UTF-8. */
#define LIMIT_PASSWORD_BYTES (LIMIT_PASSWORD * 3)

#define LIMIT_HEADERS_BYTES (LIMIT_HEADERS * 3)

/* A certificate, its chain and its key; the bundle of a system has some 200 KiB. */
#define LIMIT_PEM_BYTES (4U * 1024 * 1024)

/* PATH_MAX and NAME_MAX of Linux, less what the temporary name needs beside the target. */
#define LIMIT_LOCAL_NAME 4095
#define LIMIT_FILE_NAME  255

/* How long a client may take to fill the descriptor of a password. */
#define LIMIT_SECRET_FD_USEC (5 * 1000 * 1000ULL)

/* Messages held for one sender whose uid the bus driver has not told yet. */
#define LIMIT_HELD_MESSAGES 64

/* Users whose names are kept in memory: more than are at work on a large machine. */
#define LIMIT_USERS 4096

/* Response headers kept for a file, and the longest validator believed. */
#define LIMIT_RESPONSE_HEADERS 16384
#define LIMIT_VALIDATOR        1024

/* Sealed credentials of one owner, all jobs together: 64 passwords of full length. */
#define LIMIT_VAULT_BYTES_PER_OWNER (64ULL * LIMIT_PASSWORD_BYTES)

/* Text that a worker may say in one string. */
#define LIMIT_WORKER_TEXT 8192

/* Redirects of one request; WinHTTP's and every browser's order of magnitude. */
#define LIMIT_REDIRECTS 10

/* Connections of one user that hear signals, and descriptors of passwords being read for him. */
#define LIMIT_SUBSCRIBERS_PER_USER    256
#define LIMIT_SECRET_READERS_PER_USER 16

/* Downloads at once, however they are configured. */
#define LIMIT_ACTIVE_JOBS 250

/*
 * Workers that publish files or remove temporary ones, at once: enough to keep the disks busy,
 * and one owner's disk that hangs takes no more than the owner's share of them.
 */
#define LIMIT_ENDINGS          64
#define LIMIT_ENDINGS_PER_USER 8

/* Calls of Complete that wait for one publication. */
#define LIMIT_WAITERS_PER_JOB 64

/* Calls of Wait that are not answered yet, of one user and in all. */
#define LIMIT_WAITS_PER_USER 256
#define LIMIT_WAITS          4096

/*
 * A reply: three quarters of what Debian's system bus carries (max_message_size of dbus-daemon,
 * 32 MiB; dbus-broker takes the 128 MiB of the D-Bus specification). No bus tells its limit, and
 * dbus-daemon ends the connection of whoever exceeds it.
 */
#define LIMIT_REPLY_BYTES (24U << 20)

/*
 * A page of a list. Whatever else the service says waits until the bus has taken it, and
 * dbus-daemon takes some 60 MiB a second.
 */
#define LIMIT_PAGE_BYTES (1U << 20)

/* Long lists that are put together at a time, each of at most that size: for one user, for all. */
#define LIMIT_LISTINGS_PER_USER 3
#define LIMIT_LISTINGS          12

/* Files that a signal of their own announces, of those that come or go together. */
#define LIMIT_ANNOUNCED_FILES 512

/* Child nodes in the introspection of one object, which is written in one piece. */
#define LIMIT_INTROSPECTED_NODES 10000

/* Parts of one file (spec section 3.8), and the longest checksum: "sha512:" and 128 digits. */
#define LIMIT_RANGES_PER_FILE 500
#define LIMIT_CHECKSUM        135

/* Records of one message on a worker's link: what MaxFilesPerJob= can be at most. */
#define LIMIT_FILES_OF_A_TASK 100000
