/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When a storm of records has passed, so that what was needed for it can be given back to the
 * kernel: not while it lasts, and not so often that it would have to be fetched again all the time.
 */
#ifndef SPYQ_EBB_H
#define SPYQ_EBB_H

#include <stdbool.h>
#include <stddef.h>

/* All zero to begin with. */
struct ebb {
    size_t most;    /* records of a second since the last ebb */
    unsigned quiet; /* seconds since there were many */
};

/* Called for each second with the records that came in it. Returns whether it is time: once for
 * each storm, when what ended in it has been forgotten. */
bool ebb_has_come(struct ebb *ebb, size_t records);

#endif
