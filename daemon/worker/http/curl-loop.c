#include "worker/http/curl-loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/clock.h"

/* The callback of a handle in the loop. */
typedef struct Completion {
        curl_loop_done_t done;
        void *userdata;
} Completion;

struct CurlLoop {
        CURLM *multi;
        sd_event *event;
        sd_event_source *timer;
        sd_event_source *completions; /* defer: no callback of libcurl is on the stack then */
};

/* Something may have completed: looks for it once no function of libcurl is running. */
static void look_for_completions(CurlLoop *loop)
{
        (void) sd_event_source_set_enabled(loop->completions, SD_EVENT_ONESHOT);
}

static int on_completions(sd_event_source *source, void *userdata)
{
        CurlLoop *loop = userdata;
        CURLMsg *message;
        int left;

        /* One in each iteration: done() may end other transfers, or all of them. */
        while ((message = curl_multi_info_read(loop->multi, &left))) {
                CURLcode result = message->data.result;
                CURL *easy = message->easy_handle;
                Completion *completion = NULL, copy;

                if (message->msg != CURLMSG_DONE)
                        continue;
                (void) curl_easy_getinfo(easy, CURLINFO_PRIVATE, &completion);
                copy = *completion;
                curl_loop_remove(loop, easy);
                look_for_completions(loop);
                copy.done(copy.userdata, result);
                return 0;
        }
        return 0;
}

static int on_socket(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        CurlLoop *loop = userdata;
        int action = 0, running;

        if (events & (EPOLLIN | EPOLLHUP))
                action |= CURL_CSELECT_IN;
        if (events & EPOLLOUT)
                action |= CURL_CSELECT_OUT;
        if (events & EPOLLERR)
                action |= CURL_CSELECT_ERR;
        (void) curl_multi_socket_action(loop->multi, fd, action, &running);
        look_for_completions(loop);
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        CurlLoop *loop = userdata;
        int running;

        (void) curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        look_for_completions(loop);
        return 0;
}

static uint32_t epoll_events(int what)
{
        switch (what) {
        case CURL_POLL_IN:
                return EPOLLIN;
        case CURL_POLL_OUT:
                return EPOLLOUT;
        case CURL_POLL_INOUT:
                return EPOLLIN | EPOLLOUT;
        default:
                return 0;
        }
}

/* CURLMOPT_SOCKETFUNCTION. libcurl keeps the event source of each socket for us. */
static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *userdata, void *kept)
{
        CurlLoop *loop = userdata;
        sd_event_source *source = kept;

        if (what == CURL_POLL_REMOVE) {
                sd_event_source_disable_unref(source);
                return 0;
        }
        if (source)
                return sd_event_source_set_io_events(source, epoll_events(what)) < 0 ? -1 : 0;
        if (sd_event_add_io(loop->event, &source, fd, epoll_events(what), on_socket, loop) < 0)
                return -1;
        if (curl_multi_assign(loop->multi, fd, source) != CURLM_OK) {
                sd_event_source_disable_unref(source);
                return -1;
        }
        return 0;
}

/* CURLMOPT_TIMERFUNCTION. */
static int on_timer_wanted(CURLM *multi, long timeout_msec, void *userdata)
{
        CurlLoop *loop = userdata;

        if (timeout_msec < 0)
                return sd_event_source_set_enabled(loop->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
        if (sd_event_source_set_time_relative(loop->timer,
                                              (uint64_t) timeout_msec * USEC_PER_MSEC) < 0)
                return -1;
        return sd_event_source_set_enabled(loop->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

int curl_loop_new(sd_event *event, long max_host_connections, CurlLoop **ret)
{
        _cleanup_(curl_loop_freep) CurlLoop *loop = calloc(1, sizeof(*loop));
        int r;

        /* The program's own free() erases what libcurl gives back (base/wiping-heap.c). */
        if (!loop || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return -ENOMEM;
        loop->event = sd_event_ref(event);
        /* Accuracy 1 µs, since libcurl computes its deadlines itself. */
        r = sd_event_add_time_relative(event, &loop->timer, CLOCK_MONOTONIC, 0, 1, on_timer, loop);
        if (r >= 0)
                r = sd_event_source_set_enabled(loop->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_defer(event, &loop->completions, on_completions, loop);
        if (r >= 0)
                r = sd_event_source_set_enabled(loop->completions, SD_EVENT_OFF);
        if (r < 0)
                return r;

        loop->multi = curl_multi_init();
        if (!loop->multi ||
            curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted) != CURLM_OK ||
            curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop) != CURLM_OK ||
            curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted) != CURLM_OK ||
            curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop) != CURLM_OK ||
            curl_multi_setopt(loop->multi, CURLMOPT_PIPELINING, (long) CURLPIPE_MULTIPLEX) !=
                    CURLM_OK ||
            curl_multi_setopt(loop->multi, CURLMOPT_MAX_HOST_CONNECTIONS, max_host_connections) !=
                    CURLM_OK)
                return -ENOMEM;
        *ret = STEAL_PTR(loop);
        return 0;
}

CurlLoop *curl_loop_free(CurlLoop *loop)
{
        if (!loop)
                return NULL;
        /* Closing connections calls on_socket_wanted() and on_timer_wanted(). */
        if (loop->multi)
                (void) curl_multi_cleanup(loop->multi);
        sd_event_source_disable_unref(loop->completions);
        sd_event_source_disable_unref(loop->timer);
        sd_event_unref(loop->event);
        free(loop);
        return NULL;
}

int curl_loop_add(CurlLoop *loop, CURL *easy, curl_loop_done_t done, void *userdata)
{
        Completion *completion = malloc(sizeof(*completion));

        if (!completion)
                return -ENOMEM;
        *completion = (Completion){ .done = done, .userdata = userdata };
        if (curl_easy_setopt(easy, CURLOPT_PRIVATE, completion) != CURLE_OK ||
            curl_multi_add_handle(loop->multi, easy) != CURLM_OK) {
                (void) curl_easy_setopt(easy, CURLOPT_PRIVATE, NULL);
                free(completion);
                return -ENOMEM;
        }
        return 0;
}

void curl_loop_remove(CurlLoop *loop, CURL *easy)
{
        Completion *completion = NULL;

        (void) curl_easy_getinfo(easy, CURLINFO_PRIVATE, &completion);
        if (!completion)
                return;
        (void) curl_multi_remove_handle(loop->multi, easy);
        (void) curl_easy_setopt(easy, CURLOPT_PRIVATE, NULL);
        free(completion);
}
