/*
 * Checks what counts as news of the network, and how seldom they are told. The kernel's own
 * messages come from a network namespace of the test's; the time is the test's. Needs root.
 */
#include <check.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/macro.h"
#include "base/network-watch.h"

#include "tests/lib/network.h"

#define QUIET NETWORK_WATCH_QUIET_MSEC
#define PAUSE NETWORK_WATCH_PAUSE_MSEC

/* Messages ------------------------------------------------------------------------------------ */

typedef struct Message {
        struct nlmsghdr header;
        struct ifinfomsg link;
} Message;

#define LINK(flags)                                                                                \
        {                                                                                          \
                .header = { .nlmsg_len = sizeof(Message), .nlmsg_type = RTM_NEWLINK }, .link = {   \
                        .ifi_flags = (flags)                                                       \
                }                                                                                  \
        }
#define PLAIN(type, length)                                                                        \
        {                                                                                          \
                .header = {.nlmsg_len = (length), .nlmsg_type = (type) }                           \
        }

enum { HEADER = sizeof(struct nlmsghdr), WHOLE = sizeof(Message) };

static const struct {
        const char *what;
        Message message;
        size_t size;
        bool news;
} messages[] = {
        { "an address", PLAIN(RTM_NEWADDR, WHOLE), WHOLE, true },
        { "a route", PLAIN(RTM_NEWROUTE, WHOLE), WHOLE, true },
        { "a link that runs", LINK(IFF_UP | IFF_RUNNING), WHOLE, true },
        { "a link that is up, but without carrier", LINK(IFF_UP), WHOLE, false },
        { "a link that is gone", PLAIN(RTM_DELLINK, WHOLE), WHOLE, false },
        { "an address that is gone", PLAIN(RTM_DELADDR, WHOLE), WHOLE, false },
        { "a route that is gone", PLAIN(RTM_DELROUTE, WHOLE), WHOLE, false },
        { "a neighbour", PLAIN(RTM_NEWNEIGH, WHOLE), WHOLE, false },
        { "an error", PLAIN(NLMSG_ERROR, WHOLE), WHOLE, false },
        { "nothing", PLAIN(RTM_NEWADDR, WHOLE), 0, false },
        { "less than a header", PLAIN(RTM_NEWADDR, WHOLE), HEADER - 1, false },
        { "a header alone", PLAIN(RTM_NEWADDR, HEADER), HEADER, true },
        { "a length of 0", PLAIN(RTM_NEWADDR, 0), WHOLE, false },
        { "a length below the header's", PLAIN(RTM_NEWADDR, HEADER - 1), WHOLE, false },
        { "a length beyond the end", PLAIN(RTM_NEWADDR, WHOLE + 1), WHOLE, false },
        { "a length of all ones", PLAIN(RTM_NEWADDR, UINT32_MAX), WHOLE, false },
        { "a link cut off", PLAIN(RTM_NEWLINK, HEADER + 1), HEADER + 1, false },
};

/* Each in memory of exactly its size, so that a sanitizer sees a read behind it. */
START_TEST(only_what_comes_up_is_news)
{
        void *exact = malloc(messages[_i].size);

        if (messages[_i].size > 0)
                memcpy(exact, &messages[_i].message, messages[_i].size);
        ck_assert_msg(network_watch_is_up(exact, messages[_i].size) == messages[_i].news,
                      "%s",
                      messages[_i].what);
        free(exact);
}
END_TEST

START_TEST(the_second_message_of_a_datagram_counts)
{
        Message pair[2] = { PLAIN(RTM_DELADDR, WHOLE), PLAIN(RTM_NEWADDR, WHOLE) };
        unsigned char odd[HEADER + 4 + HEADER] = { 0 };

        ck_assert(network_watch_is_up(pair, sizeof(pair)));
        ck_assert(!network_watch_is_up(pair, sizeof(pair) - 1));
        /* 17 bytes: the next one begins at 20. */
        memcpy(odd,
               &(struct nlmsghdr){ .nlmsg_len = HEADER + 1, .nlmsg_type = NLMSG_NOOP },
               HEADER);
        memcpy(odd + HEADER + 4,
               &(struct nlmsghdr){ .nlmsg_len = HEADER, .nlmsg_type = RTM_NEWADDR },
               HEADER);
        ck_assert(network_watch_is_up(odd, sizeof(odd)));
        ck_assert(!network_watch_is_up(odd, HEADER + 1));
}
END_TEST

/* Time ---------------------------------------------------------------------------------------- */

static NetworkWatch watch;

static void setup(void)
{
        network_leave();
        network_set(false);
        ck_assert_int_eq(network_watch_open(&watch), 0);
}

static void teardown(void)
{
        network_watch_close(&watch);
}

static void flap(void)
{
        network_set(false);
        network_set(true);
}

START_TEST(news_are_told_once_things_are_quiet)
{
        const uint64_t now = 50000;
        struct pollfd polled = { .fd = network_watch_fd(&watch, now), .events = POLLIN };

        ck_assert_int_eq(polled.fd, watch.fd);
        ck_assert_int_eq(network_watch_timeout_msec(&watch, now), -1);
        ck_assert(!network_watch_check(&watch, now));
        network_set(true);
        ck_assert_int_eq(poll(&polled, 1, 5000), 1);
        ck_assert(!network_watch_check(&watch, now));
        ck_assert_int_lt(network_watch_fd(&watch, now), 0);
        ck_assert_int_eq(network_watch_timeout_msec(&watch, now), QUIET);
        ck_assert(!network_watch_check(&watch, now + QUIET - 1));
        ck_assert(network_watch_check(&watch, now + QUIET));
        ck_assert(!network_watch_check(&watch, now + QUIET + PAUSE));
        ck_assert_int_eq(network_watch_timeout_msec(&watch, now + QUIET + PAUSE), -1);
}
END_TEST

START_TEST(unrest_puts_the_news_off)
{
        uint64_t now = 50000;

        for (int i = 0; i < 20; i++, now += QUIET) {
                flap();
                ck_assert(!network_watch_check(&watch, now));
        }
        ck_assert(network_watch_check(&watch, now));
}
END_TEST

START_TEST(nothing_is_told_soon_after)
{
        uint64_t now = 50000;

        network_set(true);
        ck_assert(!network_watch_check(&watch, now));
        now += QUIET;
        ck_assert(network_watch_check(&watch, now));
        flap();
        ck_assert_int_lt(network_watch_fd(&watch, now), 0);
        ck_assert_int_eq(network_watch_timeout_msec(&watch, now), PAUSE);
        ck_assert(!network_watch_check(&watch, now + PAUSE - 1));
        ck_assert(!network_watch_check(&watch, now + PAUSE));
        ck_assert(network_watch_check(&watch, now + PAUSE + QUIET));
}
END_TEST

START_TEST(what_goes_down_is_not_told)
{
        uint64_t now = 50000;

        network_set(true);
        (void) network_watch_check(&watch, now);
        now += QUIET;
        ck_assert(network_watch_check(&watch, now));
        now += PAUSE;
        ck_assert(!network_watch_check(&watch, now));
        network_set(false);
        ck_assert(!network_watch_check(&watch, now));
        ck_assert(!network_watch_check(&watch, now + 10 * QUIET));
}
END_TEST

/* More than the socket holds: the kernel says so once, and that is news. */
START_TEST(a_storm_is_one_look)
{
        uint64_t now = 50000;
        char byte;

        for (int i = 0; i < 2000; i++)
                flap();
        ck_assert_int_lt(recv(watch.fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK), 0);
        ck_assert_int_eq(errno, ENOBUFS);
        ck_assert(!network_watch_check(&watch, now));
        ck_assert_int_lt(recv(watch.fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK), 0);
        ck_assert_int_eq(errno, EAGAIN);
        ck_assert(network_watch_check(&watch, now + QUIET));
        ck_assert(!network_watch_check(&watch, now + QUIET + PAUSE));
}
END_TEST

START_TEST(only_the_kernel_is_heard)
{
        struct sockaddr_nl address = { 0 };
        socklen_t size = sizeof(address);
        const Message forged = LINK(IFF_UP | IFF_RUNNING);
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        struct pollfd polled = { .fd = watch.fd, .events = POLLIN };
        uint64_t now = 50000;

        ck_assert_int_eq(getsockname(watch.fd, (void *) &address, &size), 0);
        address.nl_groups = 0;
        ck_assert_int_eq(sendto(fd, &forged, sizeof(forged), 0, (void *) &address, size),
                         (ssize_t) sizeof(forged));
        ck_assert_int_eq(poll(&polled, 1, 5000), 1);
        ck_assert(!network_watch_check(&watch, now));
        ck_assert_int_eq(poll(&polled, 1, 0), 0);
        ck_assert(!network_watch_check(&watch, now + QUIET));
        ck_assert_int_eq(network_watch_timeout_msec(&watch, now), -1);
        (void) close(fd);
}
END_TEST

START_TEST(one_that_is_closed_tells_nothing)
{
        network_watch_close(&watch);
        network_set(true);
        ck_assert_int_lt(network_watch_fd(&watch, 1), 0);
        ck_assert_int_eq(network_watch_timeout_msec(&watch, 1), -1);
        ck_assert(!network_watch_check(&watch, 1));
        ck_assert(!network_watch_check(&watch, 1 + QUIET));
        network_watch_close(&watch);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("network-watch");
        TCase *parsing = tcase_create("messages"), *timing = tcase_create("time");
        SRunner *runner;
        int failed;

        tcase_add_loop_test(parsing, only_what_comes_up_is_news, 0, ARRAY_SIZE(messages));
        tcase_add_test(parsing, the_second_message_of_a_datagram_counts);
        tcase_add_checked_fixture(timing, setup, teardown);
        tcase_add_test(timing, news_are_told_once_things_are_quiet);
        tcase_add_test(timing, unrest_puts_the_news_off);
        tcase_add_test(timing, nothing_is_told_soon_after);
        tcase_add_test(timing, what_goes_down_is_not_told);
        tcase_add_test(timing, a_storm_is_one_look);
        tcase_add_test(timing, only_the_kernel_is_heard);
        tcase_add_test(timing, one_that_is_closed_tells_nothing);
        suite_add_tcase(suite, parsing);
        suite_add_tcase(suite, timing);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
