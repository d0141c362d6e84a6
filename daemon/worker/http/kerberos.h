/*
 * What libkrb5 does for a Negotiate login: from an identity to a ticket for one service, in a
 * ccache of this process's memory. Every call blocks until the KDC has spoken or libkrb5 gives
 * up on it, so only tickets.c calls it, on a thread. Knows no job and no loop.
 *
 * RFC 4120 (Kerberos), RFC 4559 section 4 (service HTTP@host), krb5.conf(5).
 */
#pragma once

#include <stdbool.h>

#include "base/secret.h"

typedef struct KerberosSpec {
        const char *cache; /* name of the ccache to fill, "MEMORY:…" */
        bool filled;       /* it may hold what is needed already */
        bool implicit;     /* copy from the owner's ccache; else a ticket of the KDC */
        const char *owners_cache;
        const char *user_name; /* user, user@REALM or REALM\user */
        const Secret *secret;
        const char *host; /* service HTTP@host */
} KerberosSpec;

/*
 * 0: the cache holds a ticket for the service. -EACCES: the KDC refused the identity; -ENOMEM;
 * any other errno: nothing was refused, but there is no ticket. *ret_text is set with every
 * error: a sentence, owned by the caller, or NULL for lack of memory.
 */
int kerberos_get(const KerberosSpec *wish, char **ret_text);

/* The cache that GSSAPI uses in the calling thread. -EIO. */
int kerberos_use(const char *cache);

/* Erases the cache. */
void kerberos_forget(const char *cache);
