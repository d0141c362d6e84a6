/*
 * Certificates of the servers and of one client, made anew for each test program, and an
 * authority that the product trusts because its list is laid over /etc/ssl/certs in the private
 * mount namespace of users_setup(). NAME.crt and NAME.key are in the directory of the servers:
 *
 *   authority  the trusted one          server      right in all
 *   nobody     signed by itself         stranger    signed by an authority that nobody knows
 *   expired    since yesterday          elsewhere   for elsewhere.test
 *   client-use only for clients         revoked     named in authority.crl
 *   alice      a client of the authority
 */
#pragma once

/* Makes authority, server and nobody, and trusts the first. */
void certificates_start(void);

/* Makes the others, and alice's files as servers.h lists them, in her home. */
void certificates_start_all(void);
