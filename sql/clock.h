/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a clock says, as one number. */
#ifndef SPYQ_CLOCK_H
#define SPYQ_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds. */
static inline int64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#endif
