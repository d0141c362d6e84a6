/* lighttpd of the test bed: Digest with SHA-256, alone and with MD5. Of servers.c. */
#pragma once

void lighttpd_start(void);
