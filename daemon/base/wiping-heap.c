/*
 * free() and realloc() for a whole program, which erase memory before they give it back. Libraries
 * copy secrets on the heap: libcurl passwords and tokens, nghttp2 and OpenSSL headers with
 * credentials, sd-bus and libcurl's URL parser URLs with user info. This file is no part of the
 * room's archive: only the programs that name it get this heap.
 */
#include <malloc.h>
#include <string.h>

#ifndef __SANITIZE_ADDRESS__

/* The functions of glibc, which keeps these names for programs that replace the others. */
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
        size_t had = malloc_usable_size(p); /* 0 for NULL */
        void *moved;

        if (!p)
                return malloc(size);
        if (size == 0) {
                free(p);
                return NULL;
        }
        if (size <= had) {
                /* The block may shrink in place, and the rest of it be handed to somebody else. */
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
