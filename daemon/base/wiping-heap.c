/*
 * free() and realloc() of a program: what is given back is erased first. libcurl is told to
 * use an allocator that does so, but the libraries below it (nghttp2, OpenSSL) copy headers with
 * credentials through the C library's, as sd-bus and libcurl's URL parser do with URLs that hold
 * user info. Part of the programs that name it only, not of the room, so that nothing else that
 * links the room gets another heap.
 */
#include <malloc.h>
#include <string.h>

#ifndef __SANITIZE_ADDRESS__

/* glibc's own, under the names that it keeps for those who replace the others. */
extern void __libc_free(void *p);                  /* NOLINT(bugprone-reserved-identifier) */
extern void *__libc_realloc(void *p, size_t size); /* NOLINT(bugprone-reserved-identifier) */

#define EXPORTED __attribute__((__visibility__("default")))

EXPORTED void free(void *p)
{
        if (!p)
                return;
        explicit_bzero(p, malloc_usable_size(p));
        __libc_free(p);
}

EXPORTED void *realloc(void *p, size_t size)
{
        size_t had = malloc_usable_size(p); /* 0 of NULL */
        void *moved;

        if (!p)
                return malloc(size);
        if (size == 0) {
                free(p);
                return NULL;
        }
        if (size <= had) {
                /* It stays where it is; the rest may go to somebody else. */
                explicit_bzero((char *) p + size, had - size);
                return __libc_realloc(p, size);
        }
        moved = malloc(size);
        if (!moved)
                return NULL;
        memcpy(moved, p, had);
        free(p);
        return moved;
}

#endif
