/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ebb.h"

/* Records of a second from which on there is something to give back: some MiB. */
#define STORM 1000
/* Fewer than this part of the most is quiet. */
#define QUIET_PART 4
/* What has ended is forgotten after five. */
#define QUIET_SECONDS 8

bool ebb_has_come(struct ebb *ebb, size_t records)
{
    if (records > ebb->most)
        ebb->most = records;
    if (ebb->most < STORM || records > ebb->most / QUIET_PART) {
        ebb->quiet = 0;
        return false;
    }
    if (++ebb->quiet < QUIET_SECONDS)
        return false;
    *ebb = (struct ebb){0};
    return true;
}
