/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "patience.h"

#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "complain.h"
#include "stop.h"

#define PATIENCE 2 /* seconds */

static const char *reason; /* NULL: nothing to explain, or it was explained */
static struct timespec begun;

void patience_begin(const char *why)
{
    clock_gettime(CLOCK_MONOTONIC, &begun);
    reason = isatty(STDERR_FILENO) ? why : NULL;
}

void patience_end(void)
{
    reason = NULL;
}

static void explain(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec - begun.tv_sec < PATIENCE + (now.tv_nsec < begun.tv_nsec))
        return;
    complain("%s", reason);
    reason = NULL;
}

int patience_progress(void *unused)
{
    if (reason)
        explain();
    return stop_progress(unused);
}
