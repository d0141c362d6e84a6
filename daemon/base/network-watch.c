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

/* What the kernel gives one datagram at most, but for a link with very many attributes. */
#define DATAGRAM_MAX 16384

/* Datagrams of one look: more than the socket's buffer holds. */
#define LOOK_MAX 1024

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

/* The start of a message: as much as is looked at of any. */
typedef struct Start {
        struct nlmsghdr header;
        struct ifinfomsg link; /* RTM_NEWLINK */
} Start;

static bool is_news(const Start *start)
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

/* Each start is copied, so that nothing need be aligned. */
bool network_watch_is_news(const void *messages, size_t size)
{
        const char *at = messages;

        while (size >= sizeof(struct nlmsghdr)) {
                Start start = { 0 };
                size_t length;

                memcpy(&start, at, size < sizeof(start) ? size : sizeof(start));
                length = start.header.nlmsg_len;
                if (length < sizeof(start.header) || length > size)
                        return false;
                if (is_news(&start))
                        return true;
                if (size - length < NLMSG_ALIGNTO)
                        return false; /* less than the shortest padding and header */
                at += NLMSG_ALIGN(length);
                size -= NLMSG_ALIGN(length);
        }
        return false;
}

/* 1: news, 0: something else, -EAGAIN: nothing is left; other errnos of recvmsg(2). */
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
                return 1; /* so much happened that the kernel dropped some of it */
        if (n < 0)
                return errno == EINTR ? 0 : -errno;
        /* Only the kernel is believed: it has no port. */
        if (message.msg_namelen != sizeof(sender) || sender.nl_family != AF_NETLINK ||
            sender.nl_pid != 0)
                return 0;
        return network_watch_is_news(datagram, (size_t) n);
}

/* A socket that fails would be ready for ever: it is given up. */
static bool look(NetworkWatch *watch)
{
        bool news = false;
        int r = 0;

        for (unsigned i = 0; r >= 0 && i < LOOK_MAX; i++) {
                r = read_datagram(watch->fd);
                news |= r > 0;
        }
        if (r < 0 && r != -EAGAIN)
                network_watch_close(watch);
        return news;
}

bool network_watch_turn(NetworkWatch *watch, uint64_t now)
{
        bool told;

        if (watch->fd < 0 || now < watch->until)
                return false;
        if (look(watch)) {
                watch->pending = true;
                watch->until = now + NETWORK_WATCH_QUIET_MSEC;
                return false;
        }
        told = watch->pending;
        watch->pending = false;
        watch->until = told ? now + NETWORK_WATCH_PAUSE_MSEC : 0;
        return told;
}
