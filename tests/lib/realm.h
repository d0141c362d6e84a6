/*
 * A Kerberos realm of the test's own: an MIT KDC, its principals, and tickets for people. Its
 * krb5.conf is laid over /etc/krb5.conf and /tmp is private (its directories stay the machine's),
 * so that the product finds realm and tickets without a test hook. Needs users_setup() and
 * server_open(); tests ask servers_start() for SERVERS_REALM.
 *
 *   EXAMPLE.TEST   reader with SERVERS_PASSWORD, alice and bob with theirs; services HTTP on
 *                  127.0.0.1, localhost and web.localhost; knows the way to OTHER.TEST
 *   OTHER.TEST     other.localhost; its KDC takes connections and never answers
 *   NOWHERE.TEST   nowhere.localhost; no KDC
 *
 * What realm_configure() and tickets change is seen by the whole namespace, also after a forked
 * test has ended: set it back.
 */
#pragma once

#include <stdint.h>

#define REALM_NAME           "EXAMPLE.TEST"
#define REALM_SILENT         "OTHER.TEST"
#define REALM_NOWHERE        "NOWHERE.TEST"
#define REALM_ALICE_PASSWORD "Alice-kerberos-4711-marker"
#define REALM_BOB_PASSWORD   "Bob-kerberos-4711-marker"

/* Names of a server of 127.0.0.1 for URLs, by what the realm says of its service. */
#define REALM_HOST_KNOWN   "web.localhost"
#define REALM_HOST_UNKNOWN "unknown.localhost" /* of EXAMPLE.TEST, without a principal */
#define REALM_HOST_SILENT  "other.localhost"
#define REALM_HOST_NOWHERE "nowhere.localhost"

/* Ends the program with a sentence on failure. server_close() ends the KDC. */
void realm_start(void);

typedef enum RealmKdc {
        REALM_KDC_ANSWERS,
        REALM_KDC_REFUSES, /* nobody listens */
        REALM_KDC_HANGS,   /* as that of OTHER.TEST */
        REALM_KDC_AHEAD,   /* its clock is two hours ahead, and is not followed */
} RealmKdc;

/* What /etc/krb5.conf says of the KDC and of the default cache (NULL = FILE:/tmp/krb5cc_UID). */
void realm_configure(RealmKdc kdc, const char *default_cache);

typedef struct RealmTicket {
        uint32_t uid;          /* whose cache */
        const char *cache;     /* NULL = FILE:/tmp/krb5cc_UID; DIR: and KEYRING: do as well */
        const char *principal; /* "alice" or "alice@EXAMPLE.TEST" */
        const char *password;
        unsigned life_sec; /* 0 = an hour */
} RealmTicket;

/* Puts a ticket into the cache, as its owner; returns kinit's exit status. */
int realm_ticket(const RealmTicket *ticket);

/* The same with one that is over when it returns, after 2 to 3 s. */
int realm_expired_ticket(const RealmTicket *ticket);

/* Removes the cache, if it is there (cache NULL as above). */
void realm_forget(uint32_t uid, const char *cache);
