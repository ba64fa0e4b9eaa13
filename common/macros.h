/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The few macros the whole tree uses: cleanup on scope exit, ownership hand-over, array length.
 * Nothing here allocates, logs or does I/O.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _pure_ __attribute__((pure))
#define _unused_ __attribute__((unused))

#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))
#define MIN2(a, b) ((a) < (b) ? (a) : (b))
#define MAX2(a, b) ((a) > (b) ? (a) : (b))

/* Hands an owned pointer over: yields its value and leaves NULL behind. */
#define TAKE_PTR(p)                                                                                \
        ({                                                                                         \
                __typeof__(p) *_take_pp = &(p);                                                    \
                __typeof__(p) _take_p = *_take_pp;                                                 \
                *_take_pp = NULL;                                                                  \
                _take_p;                                                                           \
        })

/* Hands a file descriptor over: yields its value and leaves -1 behind. */
#define TAKE_FD(fd)                                                                                \
        ({                                                                                         \
                int *_take_fdp = &(fd);                                                            \
                int _take_fd = *_take_fdp;                                                         \
                *_take_fdp = -1;                                                                   \
                _take_fd;                                                                          \
        })

/* Defines x_freep() for _cleanup_ from x_free(), where the type is a pointer type and NULL is empty. */
#define DEFINE_CLEANUP(type, func)                                                                 \
        static inline void func##p(type *p) {                                                      \
                if (*p)                                                                            \
                        func(*p);                                                                  \
        }                                                                                          \
        struct _cleanup_semicolon_##func

/* For _cleanup_(freep): frees what malloc, strdup or asprintf gave. */
static inline void freep(void *p) {
        free(*(void **) p);
}

/* For _cleanup_(closep): closes a descriptor unless it is negative. */
static inline void closep(int *fd) {
        if (*fd >= 0)
                (void) close(*fd);
}

/* Microseconds in a second and a millisecond; every `_usec` in the tree is in this unit. */
#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_MSEC UINT64_C(1000)
#define NSEC_PER_USEC UINT64_C(1000)
#define USEC_INFINITY UINT64_MAX
