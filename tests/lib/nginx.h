/*
 * nginx of the test bed: open and Basic areas, errors and redirections, Bearer, and all ports
 * with TLS but those of Apache and squid. Of servers.c; needs server_open().
 */
#pragma once

/* Makes the certificates it needs; which is that of servers_start(). */
void nginx_start(unsigned which);
