/*
 * The private contract between dosvcd (manager/proxy-finder) and dosvc-proxy: one question and
 * one answer over a SOCK_SEQPACKET socket, each of them one packet of NUL-terminated strings.
 * There is one process for each question. It ends after its answer; if it hangs up before, there is
 * no answer.
 *
 *   question  PROXY_SESSION or PROXY_AUTODETECT
 *             "scheme://host:port/" of the origin that files will come from
 *             variables of the session, "NAME=value", with PROXY_SESSION only
 *   answer    "" or a sentence that says why no proxy could be found
 *             proxies in the order to try, "http://host:port", "https://host:port", "direct://"
 */
#pragma once

#define PROXY_SESSION    "session"
#define PROXY_AUTODETECT "autodetect"

#define PROXY_DIRECT "direct://"

/* The socket is descriptor 3 of dosvc-proxy. */
#define PROXY_LINK_FD 3

/* The size of a packet, with all variables of a session. */
#define PROXY_PACKET_MAX 65536
