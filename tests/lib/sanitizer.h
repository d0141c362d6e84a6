/*
 * Whether this is a build with AddressSanitizer: its shadow memory is too large to be
 * searched, and it makes system calls of its own that no filter can list.
 */
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define WITH_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_SANITIZER 1
#endif
#endif
