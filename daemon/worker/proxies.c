#include "worker/proxies.h"

#include <curl/urlapi.h>
#include <errno.h>
#include <string.h>

#include "dbus/worker-wire.h"

#include "base/str.h"

#include "model/bypass.h"
#include "model/spec.h"

/* A job's files come from one server and a few mirrors. */
#define MAX_ORIGINS 16

/* More than any list of proxies has. */
#define MAX_DEAD 64

typedef struct Origin {
        char *url;   /* owned: any of that origin; NULL: free */
        char **ways; /* owned */
} Origin;

struct Proxies {
        char **entries; /* owned */
        char **bypass;  /* owned */
        char **dead;    /* owned: could not be reached the last time */
        bool searched;
        Origin origins[MAX_ORIGINS]; /* what was found */
        size_t next;                 /* of these to be overwritten */
};

static bool contains(char *const *list, const char *s)
{
        for (; *list; list++)
                if (str_equal(*list, s))
                        return true;
        return false;
}

int proxies_new(ProxySource source, char *const *entries, char *const *bypass, Proxies **ret)
{
        _cleanup_(proxies_freep) Proxies *proxies = calloc(1, sizeof(*proxies));
        int r;

        if (!proxies)
                return -ENOMEM;
        r = strings_copy(entries, &proxies->entries);
        if (r >= 0)
                r = strings_copy(bypass, &proxies->bypass);
        if (r >= 0)
                r = strings_copy(NULL, &proxies->dead);
        if (r < 0)
                return r;
        proxies->searched = source != PROXY_SOURCE_LIST;
        *ret = STEAL_PTR(proxies);
        return 0;
}

Proxies *proxies_free(Proxies *proxies)
{
        if (!proxies)
                return NULL;
        strings_free(proxies->entries);
        strings_free(proxies->bypass);
        strings_free(proxies->dead);
        for (size_t i = 0; i < MAX_ORIGINS; i++) {
                free(proxies->origins[i].url);
                strings_free(proxies->origins[i].ways);
        }
        free(proxies);
        return NULL;
}

/* *ret_host: libcurl's, for curl_free(). */
static int split_url(const char *url, bool *ret_https, char **ret_host)
{
        CURLU *parts = curl_url();
        CURLUcode bad = CURLUE_OUT_OF_MEMORY;

        if (parts)
                bad = curl_url_set(parts, CURLUPART_URL, url, 0);
        if (!bad)
                bad = curl_url_get(parts, CURLUPART_HOST, ret_host, 0);
        curl_url_cleanup(parts);
        if (bad)
                return bad == CURLUE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
        *ret_https = strncasecmp(url, "https:", 6) == 0;
        return 0;
}

static bool is_bypassed(const Proxies *proxies, const char *host)
{
        for (char **rule = proxies->bypass; *rule; rule++)
                if (bypass_matches(*rule, host))
                        return true;
        return false;
}

/* Entries that name the protocol; where there is none, those that name none. */
static int choose(const Proxies *proxies, bool https, char ***ways)
{
        const char *prefix = https ? "https=" : "http=";
        bool named = false;
        int r = 0;

        for (char **entry = proxies->entries; *entry; entry++)
                named = named || str_starts_with(*entry, prefix);
        for (char **entry = proxies->entries; r >= 0 && *entry; entry++) {
                if (named && str_starts_with(*entry, prefix))
                        r = strings_append(ways, *entry + strlen(prefix));
                else if (!named && !strchr(*entry, '='))
                        r = strings_append(ways, *entry);
        }
        return r;
}

/* A copy with the dead ones at the end; both halves keep their order. */
static int order(const Proxies *proxies, char *const *ways, char ***ret)
{
        _cleanup_(strings_freep) char **ordered = NULL;
        int r = strings_copy(NULL, &ordered);

        for (unsigned dead = 0; dead < 2; dead++)
                for (char *const *way = ways; r >= 0 && *way; way++)
                        if (contains(proxies->dead, *way) == (dead > 0))
                                r = strings_append(&ordered, *way);
        if (r >= 0 && !*ways)
                r = strings_append(&ordered, "");
        if (r < 0)
                return r;
        *ret = STEAL_PTR(ordered);
        return 0;
}

static size_t find_origin(const Proxies *proxies, const char *url)
{
        size_t i = 0;

        while (i < MAX_ORIGINS &&
               !(proxies->origins[i].url && spec_same_origin(proxies->origins[i].url, url)))
                i++;
        return i;
}

int proxies_decide(const Proxies *proxies, const char *url, char ***ret_ways)
{
        _cleanup_(strings_freep) char **chosen = NULL;
        char *host = NULL;
        bool https = false;
        int r = split_url(url, &https, &host);

        if (r >= 0)
                r = strings_copy(NULL, &chosen);
        if (r >= 0 && proxies->searched && !spec_same_origin(url, url)) {
                r = -EINVAL; /* no answer would ever be found again */
        } else if (r >= 0 && proxies->searched) {
                size_t i = find_origin(proxies, url);

                r = i < MAX_ORIGINS ? order(proxies, proxies->origins[i].ways, ret_ways) : -EAGAIN;
        } else if (r >= 0) {
                if (!is_bypassed(proxies, host))
                        r = choose(proxies, https, &chosen);
                if (r >= 0)
                        r = order(proxies, chosen, ret_ways);
        }
        curl_free(host);
        return r;
}

static int read_answer(char *const *answer, char ***ret_ways)
{
        _cleanup_(strings_freep) char **ways = NULL;
        int r = strings_copy(NULL, &ways);

        for (; r >= 0 && *answer; answer++) {
                _cleanup_free_ char *entry = NULL;
                const char *reason;

                if (str_equal(*answer, WORKER_PROXIES_DIRECT))
                        r = strings_append(&ways, "");
                else
                        r = strchr(*answer, '=') ? -EINVAL
                                                 : spec_parse_proxy(*answer, &entry, &reason);
                if (r >= 0 && entry)
                        r = strings_append(&ways, entry);
        }
        if (r < 0 || !*ways)
                return r < 0 ? r : -EINVAL;
        *ret_ways = STEAL_PTR(ways);
        return 0;
}

int proxies_found(Proxies *proxies, const char *url, char *const *answer)
{
        char **ways = NULL;
        int r = read_answer(answer, &ways);
        size_t i = find_origin(proxies, url);

        if (r < 0)
                return r;
        if (i == MAX_ORIGINS) {
                i = proxies->next;
                r = str_set(&proxies->origins[i].url, url);
                if (r < 0) {
                        strings_free(ways);
                        return r;
                }
                proxies->next = (i + 1) % MAX_ORIGINS;
        }
        strings_free(proxies->origins[i].ways);
        proxies->origins[i].ways = ways;
        return 0;
}

void proxies_tell(Proxies *proxies, const char *way, bool reached)
{
        size_t n_dead = strings_count(proxies->dead);
        char **last = proxies->dead + n_dead;

        if (way[0] == '\0' || contains(proxies->dead, way) != reached)
                return;
        if (!reached) {
                if (n_dead < MAX_DEAD)
                        (void) strings_append(&proxies->dead, way);
                return;
        }
        for (char **dead = proxies->dead; dead < last; dead++)
                if (str_equal(*dead, way)) {
                        free(*dead);
                        *dead = *--last;
                        *last = NULL;
                        return;
                }
}
