/*
 * Attributes, scoped ownership and the intrusive list.
 *
 * A scoped variable is freed when its block is left; success hands it on with
 * STEAL_PTR() or steal_fd(). Nothing here allocates, logs or fails.
 */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define CONTAINER_OF(ptr, type, member) ((type *) (void *) ((char *) (ptr) -offsetof(type, member)))

#define _printf_(format_at, args_at) __attribute__((__format__(__printf__, format_at, args_at)))
#define _noreturn_                   __attribute__((__noreturn__))
#define _cleanup_(func)              __attribute__((__cleanup__(func)))

/* Defines func##p() for _cleanup_(): frees what a pointer variable holds. */
#define DEFINE_CLEANUP(type, func)                                                                 \
        static inline void func##p(type *p)                                                        \
        {                                                                                          \
                if (*p)                                                                            \
                        func(*p);                                                                  \
        }                                                                                          \
        struct macro_swallow_semicolon

static inline void macro_freep(void *p)
{
        free(*(void **) p);
}

/* Closes a descriptor that was opened here; keeps errno, returns the closed value -EBADF. */
static inline int macro_close(int fd)
{
        if (fd >= 0) {
                int saved = errno;

                (void) close(fd);
                errno = saved;
        }
        return -EBADF;
}

static inline void macro_closep(int *fd)
{
        *fd = macro_close(*fd);
}

#define _cleanup_free_  _cleanup_(macro_freep)
#define _cleanup_close_ _cleanup_(macro_closep)

/* Hands the pointer on and leaves NULL behind. */
#define STEAL_PTR(ptr)                                                                             \
        __extension__({                                                                            \
                __typeof__(ptr) macro_stolen_ = (ptr);                                             \
                (ptr) = NULL;                                                                      \
                macro_stolen_;                                                                     \
        })

/* Hands the descriptor on and leaves -EBADF behind. */
static inline int steal_fd(int *fd)
{
        int stolen = *fd;

        *fd = -EBADF;
        return stolen;
}

/*
 * A doubly linked ring: `List jobs; // Job.link` in the owner, `List link` in
 * the element. An element that is in no list is its own ring of one.
 */
typedef struct List List;

struct List {
        List *next, *prev;
};

static inline void list_init(List *list)
{
        list->next = list->prev = list;
}

static inline int list_is_empty(const List *list)
{
        return list->next == list;
}

static inline void list_append(List *list, List *link)
{
        link->prev = list->prev;
        link->next = list;
        list->prev->next = link;
        list->prev = link;
}

static inline void list_remove(List *link)
{
        link->prev->next = link->next;
        link->next->prev = link->prev;
        list_init(link);
}

#define LIST_FOREACH(pos, list) for (List *pos = (list)->next; pos != (list); pos = pos->next)

#define LIST_FOREACH_SAFE(pos, after, list)                                                        \
        for (List *pos = (list)->next, *after = pos->next; pos != (list);                          \
             pos = after, after = pos->next)
