/*
 * The use of libkrb5 for a Negotiate login: from an identity to a ticket for one service, in a
 * credential cache in the memory of this process. Every call blocks until the KDC has answered or
 * libkrb5 gives up on it, so only tickets.c calls it, on a thread. Knows no job and no loop.
 *
 * RFC 4120 (Kerberos), RFC 4559 section 4 (service HTTP@host), krb5.conf(5).
 */
#pragma once

#include <stdbool.h>

#include "base/secret.h"

typedef struct KerberosSpec {
        const char *cache; /* name of the cache to fill, "MEMORY:…" */
        bool filled;       /* it holds tickets of this identity already */
        bool implicit;     /* copy from the owner's cache; otherwise get a ticket from the KDC */
        const char *owners_cache; /* "": the one that krb5.conf names */
        const char *user_name;    /* user, user@REALM or REALM\user */
        const Secret *secret;
        const char *host; /* the service is HTTP@host */
} KerberosSpec;

/*
 * 0: the cache holds a ticket for the service. -EACCES: the KDC refused the identity; -ENOMEM;
 * any other errno: nothing was refused, but there is no ticket. *ret_text is set with every
 * error: a sentence, owned by the caller, or NULL for lack of memory.
 */
int kerberos_get(const KerberosSpec *spec, char **ret_text);

/* Makes GSSAPI use the cache in the calling thread. -EIO. */
int kerberos_use(const char *cache);

/* Erases the cache. */
void kerberos_forget(const char *cache);
