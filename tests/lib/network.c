#include "tests/lib/network.h"

#include <check.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/macro.h"

void network_leave(void)
{
        ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
        network_set(true);
}

void network_set(bool up)
{
        _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        const struct sockaddr_in none = { .sin_family = AF_INET };
        struct ifreq request = { .ifr_name = "lo" };

        /* With its address its routes go; a packet would only be lost. The kernel puts it back. */
        if (!up) {
                memcpy(&request.ifr_addr, &none, sizeof(none));
                ck_assert_int_ge(ioctl(fd, SIOCSIFADDR, &request), 0);
        }
        request.ifr_flags = (short) (up ? IFF_LOOPBACK | IFF_UP : IFF_LOOPBACK);
        ck_assert_int_ge(ioctl(fd, SIOCSIFFLAGS, &request), 0);
}
