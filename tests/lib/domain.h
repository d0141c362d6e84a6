/*
 * An NTLM domain of the test's own: Samba's classic domain controller with its accounts, asked
 * by winbindd, without any file server. All it has lies in a tmpfs over /run/samba in the private
 * mount namespace, where libwbclient looks for winbindd. Needs users_setup() and server_open().
 *
 * Its users are SERVERS_USER with SERVERS_PASSWORD and, with a password that is not ASCII,
 * DOMAIN_ACCENT_USER.
 */
#pragma once

#define DOMAIN_NAME   "EXDOM"
#define DOMAIN_DIR    "/run/samba"
#define DOMAIN_CONFIG DOMAIN_DIR "/smb.conf"

#define DOMAIN_ACCENT_USER     "elise"
#define DOMAIN_ACCENT_PASSWORD "Caf\xc3\xa9-4711-marker" /* UTF-8 */
#define DOMAIN_ACCENT_LATIN1   "Caf\xe9-4711-marker"

/* Ends the program with a sentence on failure. server_close() ends it. */
void domain_start(void);
