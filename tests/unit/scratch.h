/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A directory for the files of one test: made by its set-up function, removed by its tear-down. */
#ifndef SPYQ_TESTS_SCRATCH_H
#define SPYQ_TESTS_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char scratch[64];

static inline int scratch_set_up(void **state)
{
    (void)state;
    strcpy(scratch, "/tmp/spyq-unit-XXXXXX");
    return mkdtemp(scratch) ? 0 : -1;
}

static inline int scratch_remove(const char *path, const struct stat *status, int type,
                                 struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

static inline int scratch_tear_down(void **state)
{
    (void)state;
    return nftw(scratch, scratch_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* The path of a name in the directory; valid until the eighth call from here. */
static inline const char *scratch_path(const char *name)
{
    static char paths[8][128];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", scratch, name);
    return path;
}

#endif
