/*
 * Apache of the test bed: Digest with MD5, and with a realm Negotiate, on http and https
 * (HTTP/2). Of servers.c; needs nginx_start() for the certificate and, if which says so,
 * realm_start().
 */
#pragma once

void apache_start(unsigned which);
