/*
 * squid of the test bed: one process for each set of schemes, as proxy over http and https and
 * as a reverse proxy of nginx, which asks as a server does. Of servers.c; needs nginx_start()
 * and, if which says so, realm_start() and domain_start().
 */
#pragma once

void squid_start(unsigned which);
