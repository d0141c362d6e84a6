#include "base/network-watch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "base/macro.h"

#define GROUPS                                                                                     \
        (RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |               \
         RTMGRP_IPV6_ROUTE)

/* The largest datagram of the kernel, except for a link with very many attributes. */
#define DATAGRAM_MAX 16384

/* Datagrams to read at a time: more than the buffer of the socket holds. */
#define READS_MAX 1024

int network_watch_open(NetworkWatch *watch)
{
        const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = GROUPS };
        _cleanup_close_ int fd = -EBADF;

        *watch = (NetworkWatch){ .fd = -EBADF };
        fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
        if (fd < 0 || bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        watch->fd = steal_fd(&fd);
        return 0;
}

void network_watch_close(NetworkWatch *watch)
{
        (void) macro_close(watch->fd);
        *watch = (NetworkWatch){ .fd = -EBADF };
}

int network_watch_fd(const NetworkWatch *watch, uint64_t now)
{
        return now < watch->until ? -EBADF : watch->fd;
}

int network_watch_timeout_msec(const NetworkWatch *watch, uint64_t now)
{
        return now < watch->until ? (int) (watch->until - now) : -1;
}

/* The part of a message that matters here. */
typedef struct Start {
        struct nlmsghdr header;
        struct ifinfomsg link; /* RTM_NEWLINK */
} Start;

static bool is_up(const Start *start)
{
        switch (start->header.nlmsg_type) {
        case RTM_NEWADDR:
        case RTM_NEWROUTE:
                return true;
        case RTM_NEWLINK:
                return start->header.nlmsg_len >= sizeof(*start) &&
                       (start->link.ifi_flags & IFF_RUNNING) != 0;
        default:
                return false;
        }
}

/* Copies each start, since messages may be unaligned, and trusts no length that exceeds size. */
bool network_watch_is_up(const void *messages, size_t size)
{
        const char *at = messages;

        while (size >= sizeof(struct nlmsghdr)) {
                Start start = { 0 };
                size_t length;

                memcpy(&start, at, size < sizeof(start) ? size : sizeof(start));
                length = start.header.nlmsg_len;
                if (length < sizeof(start.header) || length > size)
                        return false;
                if (is_up(&start))
                        return true;
                if (size - length < NLMSG_ALIGNTO)
                        return false; /* less than the shortest padding and header */
                at += NLMSG_ALIGN(length);
                size -= NLMSG_ALIGN(length);
        }
        return false;
}

/* 1: something came up, 0: another message, -EAGAIN: none is left; errnos of recvmsg(2). */
static int read_datagram(int fd)
{
        static char datagram[DATAGRAM_MAX];
        struct sockaddr_nl sender = { 0 };
        struct iovec iovec = { .iov_base = datagram, .iov_len = sizeof(datagram) };
        struct msghdr message = {
                .msg_name = &sender,
                .msg_namelen = sizeof(sender),
                .msg_iov = &iovec,
                .msg_iovlen = 1,
        };
        ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT);

        if (n < 0 && errno == ENOBUFS)
                return 1; /* the buffer was full, and the kernel dropped messages */
        if (n < 0)
                return errno == EINTR ? 0 : -errno;
        /* A message of the kernel has port 0; others may send to this socket, too. */
        if (message.msg_namelen != sizeof(sender) || sender.nl_family != AF_NETLINK ||
            sender.nl_pid != 0)
                return 0;
        return network_watch_is_up(datagram, (size_t) n);
}

/* Closes a socket that fails, since it would be ready for ever. True: something came up. */
static bool read_all(NetworkWatch *watch)
{
        bool up = false;
        int r = 0;

        for (unsigned i = 0; r >= 0 && i < READS_MAX; i++) {
                r = read_datagram(watch->fd);
                up |= r > 0;
        }
        if (r < 0 && r != -EAGAIN)
                network_watch_close(watch);
        return up;
}

bool network_watch_check(NetworkWatch *watch, uint64_t now)
{
        bool report;

        if (watch->fd < 0 || now < watch->until)
                return false;
        if (read_all(watch)) {
                watch->pending = true;
                watch->until = now + NETWORK_WATCH_QUIET_MSEC;
                return false;
        }
        report = watch->pending;
        watch->pending = false;
        watch->until = report ? now + NETWORK_WATCH_PAUSE_MSEC : 0;
        return report;
}
