#include "worker/http/proxies.h"

#include <errno.h>
#include <string.h>

#include "dbus/worker-wire.h"

#include "base/str.h"

#include "model/bypass.h"
#include "model/url.h"
#include "worker/http/url.h"
#include "worker/questions.h"

/* A job's files come from one server and a few mirrors. */
#define MAX_ORIGINS 16

/* No list of proxies is longer. */
#define MAX_UNREACHABLE 64

/* The answer of a search. */
typedef struct Answer {
        char *url;      /* owned: any URL of the origin that was asked about; NULL: no answer yet */
        char **choices; /* owned: proxies, "" = directly */
} Answer;

struct Proxies {
        const JobSettings *settings; /* borrowed */
        unsigned generation;         /* of the settings */
        char **unreachable;          /* owned: proxies that could not be reached the last time */
        Answer answers[MAX_ORIGINS];
        size_t next; /* index of the answer that is overwritten next */
        Questions *questions;
        Question *question; /* NULL: no search is under way */
        bool outdated;      /* the question was asked under settings that have changed since */
        char *url;          /* owned: what the question is about */
        List waiters;       /* ProxiesWaiter.link */
};

static bool contains(char *const *list, const char *s)
{
        for (; *list; list++)
                if (str_equal(*list, s))
                        return true;
        return false;
}

int proxies_new(const JobSettings *settings, Questions *questions, Proxies **ret)
{
        _cleanup_(proxies_freep) Proxies *proxies = calloc(1, sizeof(*proxies));
        int r;

        if (!proxies)
                return -ENOMEM;
        list_init(&proxies->waiters);
        proxies->settings = settings;
        proxies->questions = questions;
        r = strings_copy(NULL, &proxies->unreachable);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(proxies);
        return 0;
}

static void forget_answers(Proxies *proxies)
{
        for (size_t i = 0; i < MAX_ORIGINS; i++) {
                free(proxies->answers[i].url);
                strings_free(proxies->answers[i].choices);
                proxies->answers[i] = (Answer){ 0 };
        }
        proxies->next = 0;
}

void proxies_forget(Proxies *proxies)
{
        proxies->generation++;
        proxies->outdated = proxies->question;
        forget_answers(proxies);
        for (char **entry = proxies->unreachable; *entry; entry++) {
                free(*entry);
                *entry = NULL;
        }
}

unsigned proxies_generation(const Proxies *proxies)
{
        return proxies->generation;
}

Proxies *proxies_free(Proxies *proxies)
{
        if (!proxies)
                return NULL;
        strings_free(proxies->unreachable);
        forget_answers(proxies);
        question_free(proxies->question);
        free(proxies->url);
        free(proxies);
        return NULL;
}

static bool is_bypassed(const Proxies *proxies, const char *host)
{
        for (char **rule = proxies->settings->proxy_bypass; rule && *rule; rule++)
                if (bypass_matches(*rule, host))
                        return true;
        return false;
}

/* The entries for the protocol of the URL; if none names it, those that name no protocol. */
static int choose(const Proxies *proxies, const char *url, char ***choices)
{
        const char *prefix = strncasecmp(url, "https:", 6) == 0 ? "https=" : "http=";
        char **entries = proxies->settings->proxies;
        bool named = false;
        int r = 0;

        for (char **entry = entries; entry && *entry; entry++)
                named = named || str_starts_with(*entry, prefix);
        for (char **entry = entries; entry && r >= 0 && *entry; entry++) {
                if (named && str_starts_with(*entry, prefix))
                        r = strings_append(choices, *entry + strlen(prefix));
                else if (!named && !strchr(*entry, '='))
                        r = strings_append(choices, *entry);
        }
        return r;
}

/* A copy with the unreachable ones at the end; both groups keep their order. */
static int order(const Proxies *proxies, char *const *choices, char ***ret)
{
        _cleanup_(strings_freep) char **ordered = NULL;
        int r = strings_copy(NULL, &ordered);

        for (unsigned unreachable = 0; unreachable < 2; unreachable++)
                for (char *const *choice = choices; r >= 0 && *choice; choice++)
                        if (contains(proxies->unreachable, *choice) == (unreachable > 0))
                                r = strings_append(&ordered, *choice);
        if (r >= 0 && !*choices)
                r = strings_append(&ordered, "");
        if (r < 0)
                return r;
        *ret = STEAL_PTR(ordered);
        return 0;
}

static size_t find_answer(const Proxies *proxies, const char *url)
{
        size_t i = 0;

        while (i < MAX_ORIGINS &&
               !(proxies->answers[i].url && url_same_origin(proxies->answers[i].url, url)))
                i++;
        return i;
}

static int decide_by_answer(const Proxies *proxies, const char *url, char ***ret_choices)
{
        size_t i = find_answer(proxies, url);

        /* A URL without an origin has no key to find its answer by, so the search would not end. */
        if (!url_same_origin(url, url))
                return -EINVAL;
        return i < MAX_ORIGINS ? order(proxies, proxies->answers[i].choices, ret_choices) : -EAGAIN;
}

static int
decide_by_settings(const Proxies *proxies, const char *url, const char *host, char ***ret_choices)
{
        _cleanup_(strings_freep) char **choices = NULL;
        int r = strings_copy(NULL, &choices);

        if (r >= 0 && !is_bypassed(proxies, host))
                r = choose(proxies, url, &choices);
        return r < 0 ? r : order(proxies, choices, ret_choices);
}

int proxies_decide(const Proxies *proxies, const char *url, char ***ret_choices)
{
        _cleanup_free_ char *host = NULL;
        int r = url_host(url, &host);

        if (r < 0)
                return r;
        return proxies->settings->proxy_source == PROXY_SOURCE_LIST
                       ? decide_by_settings(proxies, url, host, ret_choices)
                       : decide_by_answer(proxies, url, ret_choices);
}

static int read_answer(char *const *answer, char ***ret_choices)
{
        _cleanup_(strings_freep) char **choices = NULL;
        int r = strings_copy(NULL, &choices);

        for (; r >= 0 && *answer; answer++) {
                _cleanup_free_ char *entry = NULL;
                const char *reason;

                if (str_equal(*answer, WORKER_PROXIES_DIRECT))
                        r = strings_append(&choices, "");
                else
                        r = strchr(*answer, '=') ? -EINVAL
                                                 : url_parse_proxy(*answer, &entry, &reason);
                if (r >= 0 && entry)
                        r = strings_append(&choices, entry);
        }
        if (r < 0 || !*choices)
                return r < 0 ? r : -EINVAL;
        *ret_choices = STEAL_PTR(choices);
        return 0;
}

int proxies_keep(Proxies *proxies, const char *url, char *const *answer)
{
        _cleanup_(strings_freep) char **choices = NULL;
        size_t i = find_answer(proxies, url);
        int r = read_answer(answer, &choices);

        if (r >= 0 && i == MAX_ORIGINS) {
                i = proxies->next;
                r = str_set(&proxies->answers[i].url, url);
                if (r >= 0)
                        proxies->next = (i + 1) % MAX_ORIGINS;
        }
        if (r < 0)
                return r;
        strings_free(proxies->answers[i].choices);
        proxies->answers[i].choices = STEAL_PTR(choices);
        return 0;
}

void proxies_waiter_init(ProxiesWaiter *waiter,
                         void (*found)(void *userdata, const char *reason),
                         void *userdata)
{
        list_init(&waiter->link);
        waiter->found = found;
        waiter->userdata = userdata;
}

void proxies_stop_waiting(ProxiesWaiter *waiter)
{
        list_remove(&waiter->link);
}

/* question_proxies_t */
static void on_answer(void *userdata, int result, char *const *answer, const char *reason)
{
        Proxies *proxies = userdata;
        _cleanup_free_ char *url = STEAL_PTR(proxies->url);
        List waiters;

        proxies->question = NULL;
        if (proxies->outdated) {
                result = 0;
        } else if (result >= 0) {
                result = proxies_keep(proxies, url, answer);
                reason = "The answer is no list of proxies.";
        }
        proxies->outdated = false;
        /* Those who were waiting for another origin come back and wait again. */
        list_init(&waiters);
        while (!list_is_empty(&proxies->waiters)) {
                List *link = proxies->waiters.next;

                list_remove(link);
                list_append(&waiters, link);
        }
        while (!list_is_empty(&waiters)) {
                ProxiesWaiter *waiter = CONTAINER_OF(waiters.next, ProxiesWaiter, link);

                proxies_stop_waiting(waiter);
                waiter->found(waiter->userdata, result < 0 ? reason : NULL);
        }
}

int proxies_search(Proxies *proxies, const char *url, ProxiesWaiter *waiter)
{
        int r = 0;

        if (!proxies->question) {
                r = str_set(&proxies->url, url);
                if (r >= 0)
                        r = questions_find_proxies(proxies->questions,
                                                   url,
                                                   on_answer,
                                                   proxies,
                                                   &proxies->question);
        }
        if (r >= 0)
                list_append(&proxies->waiters, &waiter->link);
        return r;
}

void proxies_report(Proxies *proxies, const char *proxy, bool reached)
{
        size_t n = strings_count(proxies->unreachable);
        char **last = proxies->unreachable + n;

        if (proxy[0] == '\0' || contains(proxies->unreachable, proxy) != reached)
                return;
        if (!reached) {
                if (n < MAX_UNREACHABLE)
                        (void) strings_append(&proxies->unreachable, proxy);
                return;
        }
        for (char **entry = proxies->unreachable; entry < last; entry++)
                if (str_equal(*entry, proxy)) {
                        free(*entry);
                        *entry = *--last;
                        *last = NULL;
                        return;
                }
}
