#include "tests/lib/no-memory.h"

#include <check.h>
#include <curl/curl.h>
#include <err.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/macro.h"

/* Blocks of one run that are not freed yet; a power of two well above any scenario. */
#define TRACK_MAX 32768u

static bool armed;
static unsigned n_asked; /* since it was armed */
static unsigned fail_at; /* 1: the first; 0: none */
static bool fail_on;     /* all later ones too */
static unsigned n_denied;

static void *tracked[TRACK_MAX]; /* hashed by address */
static unsigned n_tracked;

static char removed; /* its address stands for a block that was freed */

static bool deny(void)
{
        if (!armed)
                return false;
        n_asked++;
        if (fail_at == 0 || (fail_on ? n_asked < fail_at : n_asked != fail_at))
                return false;
        n_denied++;
        errno = ENOMEM;
        return true;
}

static unsigned slot_of(const void *block)
{
        return (unsigned) (((uintptr_t) block >> 4) * 2654435761u) % TRACK_MAX;
}

static void *track(void *block)
{
        unsigned slot = slot_of(block);

        if (!armed || !block)
                return block;
        if (++n_tracked == TRACK_MAX / 2)
                errx(EXIT_FAILURE, "no-memory: too many blocks to track");
        while (tracked[slot] && tracked[slot] != &removed)
                slot = (slot + 1) % TRACK_MAX;
        tracked[slot] = block;
        return block;
}

static void untrack(const void *block)
{
        for (unsigned slot = slot_of(block); block && tracked[slot]; slot = (slot + 1) % TRACK_MAX)
                if (tracked[slot] == block) {
                        tracked[slot] = &removed;
                        n_tracked--;
                        return;
                }
}

/* ---- what the linker leads here -------------------------------------------------------------- */

#define WRAP(type, name, parameters)                                                               \
        type __real_##name parameters;                                                             \
        type __wrap_##name parameters;                                                             \
        type __wrap_##name parameters

WRAP(void *, malloc, (size_t size))
{
        return deny() ? NULL : track(__real_malloc(size));
}

WRAP(void *, calloc, (size_t n, size_t size))
{
        return deny() ? NULL : track(__real_calloc(n, size));
}

WRAP(void *, realloc, (void *block, size_t size))
{
        if (deny())
                return NULL;
        untrack(block);
        return track(__real_realloc(block, size));
}

WRAP(void *, reallocarray, (void *block, size_t n, size_t size))
{
        if (deny())
                return NULL;
        untrack(block);
        return track(__real_reallocarray(block, n, size));
}

WRAP(char *, strdup, (const char *s))
{
        return deny() ? NULL : track(__real_strdup(s));
}

WRAP(char *, strndup, (const char *s, size_t size))
{
        return deny() ? NULL : track(__real_strndup(s, size));
}

WRAP(void, free, (void *block))
{
        untrack(block);
        __real_free(block);
}

/* glibc leaves the pointer as it was, or does not. */
WRAP(int, vasprintf, (char **ret, const char *format, va_list args))
{
        int n = -1;

        if (!deny())
                n = __real_vasprintf(ret, format, args);
        if (n >= 0)
                (void) track(*ret);
        return n;
}

WRAP(int, __vasprintf_chk, (char **ret, int flag, const char *format, va_list args))
{
        int n = -1;

        if (!deny())
                n = __real___vasprintf_chk(ret, flag, format, args);
        if (n >= 0)
                (void) track(*ret);
        return n;
}

WRAP(void *, sodium_malloc, (size_t size))
{
        return deny() ? NULL : __real_sodium_malloc(size);
}

WRAP(void *, EVP_MD_CTX_new, (void) )
{
        return deny() ? NULL : __real_EVP_MD_CTX_new();
}

WRAP(int,
     sd_event_add_defer,
     (sd_event * event, sd_event_source **ret, sd_event_handler_t callback, void *userdata))
{
        return deny() ? -ENOMEM : __real_sd_event_add_defer(event, ret, callback, userdata);
}

WRAP(int,
     sd_event_add_time,
     (sd_event * event,
      sd_event_source **ret,
      clockid_t clock,
      uint64_t usec,
      uint64_t accuracy,
      sd_event_time_handler_t callback,
      void *userdata))
{
        return deny() ? -ENOMEM
                      : __real_sd_event_add_time(event,
                                                 ret,
                                                 clock,
                                                 usec,
                                                 accuracy,
                                                 callback,
                                                 userdata);
}

WRAP(int,
     sd_event_add_time_relative,
     (sd_event * event,
      sd_event_source **ret,
      clockid_t clock,
      uint64_t usec,
      uint64_t accuracy,
      sd_event_time_handler_t callback,
      void *userdata))
{
        return deny() ? -ENOMEM
                      : __real_sd_event_add_time_relative(event,
                                                          ret,
                                                          clock,
                                                          usec,
                                                          accuracy,
                                                          callback,
                                                          userdata);
}

WRAP(int, sd_bus_message_new_method_return, (sd_bus_message * call, sd_bus_message **ret))
{
        return deny() ? -ENOMEM : __real_sd_bus_message_new_method_return(call, ret);
}

/* A process is confined once and for ever, and this one goes on. */
WRAP(int, sandbox_confine, (const int *dir_fds, size_t n_dir_fds))
{
        return 1;
}

/* Check is linked statically, and allocates at each assertion. */
WRAP(void, _mark_point, (const char *file, int line))
{
        bool was_armed = armed;

        armed = false;
        __real__mark_point(file, line);
        armed = was_armed;
}

_noreturn_ void
__real__ck_assert_failed(const char *file, int line, const char *expr, const char *text, ...)
        _printf_(4, 5);
_noreturn_ void
__wrap__ck_assert_failed(const char *file, int line, const char *expr, const char *format, ...)
        _printf_(4, 5);

void __wrap__ck_assert_failed(const char *file, int line, const char *expr, const char *format, ...)
{
        char text[1024] = "";
        va_list args;

        armed = false;
        va_start(args, format);
        if (format)
                (void) vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        __real__ck_assert_failed(file,
                                 line,
                                 expr,
                                 "%s (allocation %u%s)",
                                 text,
                                 fail_at,
                                 fail_on ? " and all that follow" : "");
}

/* ---- hooks of libraries ---------------------------------------------------------------------- */

static sqlite3_mem_methods sqlite_heap; /* SQLite's own */

static void *sqlite_malloc(int size)
{
        return deny() ? NULL : sqlite_heap.xMalloc(size);
}

static void *sqlite_realloc(void *block, int size)
{
        return deny() ? NULL : sqlite_heap.xRealloc(block, size);
}

/* libcurl frees with these what it gave us and curl_free() takes back. */
static const struct {
        curl_malloc_callback malloc;
        curl_free_callback free;
        curl_realloc_callback realloc;
        curl_strdup_callback strdup;
        curl_calloc_callback calloc;
} curl_heap = { malloc, free, realloc, strdup, calloc };

void no_memory_set_up(void)
{
        sqlite3_mem_methods methods;

        if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_heap) != SQLITE_OK)
                errx(EXIT_FAILURE, "no-memory: SQLite does not show its allocator");
        methods = sqlite_heap;
        methods.xMalloc = sqlite_malloc;
        methods.xRealloc = sqlite_realloc;
        /* Without its own pool of small blocks, each of them is asked for. */
        if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK ||
            sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) != SQLITE_OK)
                errx(EXIT_FAILURE, "no-memory: SQLite takes no allocator");
        if (curl_global_init_mem(CURL_GLOBAL_NOTHING,
                                 curl_heap.malloc,
                                 curl_heap.free,
                                 curl_heap.realloc,
                                 curl_heap.strdup,
                                 curl_heap.calloc) != CURLE_OK)
                errx(EXIT_FAILURE, "no-memory: libcurl takes no allocator");
}

/* ---- scenarios ------------------------------------------------------------------------------- */

/* Whether something was denied in *ret_denied. */
static int run(const NoMemoryScenario *scenario, unsigned at, bool on, bool *ret_denied)
{
        int r;

        if (scenario->prepare)
                scenario->prepare(scenario->userdata);
        memset(tracked, 0, sizeof(tracked));
        n_asked = n_denied = n_tracked = 0;
        fail_at = at;
        fail_on = on;
        armed = true;
        r = scenario->run(scenario->userdata);
        armed = false;
        *ret_denied = n_denied > 0;
        if (scenario->check)
                scenario->check(scenario->userdata, r);
        else
                ck_assert_msg(n_tracked == 0, "%s: %u blocks leak", scenario->name, n_tracked);
        return r;
}

static void run_whole(const NoMemoryScenario *scenario)
{
        bool denied;
        int r = run(scenario, 0, false, &denied);

        ck_assert_msg(r >= 0, "%s: %d with all memory", scenario->name, r);
}

void no_memory_torture(const NoMemoryScenario *scenario)
{
        bool denied = true;

        run_whole(scenario);
        ck_assert_msg(n_asked > 0, "%s allocates nothing", scenario->name);
        for (unsigned at = 1; denied; at += scenario->step ? scenario->step : 1)
                for (int on = 0; on < 2; on++) {
                        int r = run(scenario, at, on, &denied);

                        if (!denied) /* it was done before as many were asked for */
                                break;
                        ck_assert_msg(r == -ENOMEM || (scenario->harmless && r >= 0) ||
                                              (r < 0 && r == scenario->or_else),
                                      "%s: answers %d",
                                      scenario->name,
                                      r);
                }
        run_whole(scenario);
}
