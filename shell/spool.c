/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "stop.h"

#define HELD                                                                                       \
    (1 << 16) /* bytes in memory, at most; to make a file takes as long as a short answer */
#define CHUNK (1 << 14) /* bytes between looks at whether to stop */

struct spool {
    FILE *file;   /* whose bytes come to keep() */
    FILE *longer; /* NULL: they are held here */
    size_t length;
    char held[HELD];
};

static bool move_to_file(struct spool *spool)
{
    spool->longer = tmpfile();
    return spool->longer && fwrite(spool->held, 1, spool->length, spool->longer) == spool->length;
}

static ssize_t keep(void *cookie, const char *bytes, size_t size)
{
    struct spool *spool = cookie;
    if (!spool->longer && size <= HELD - spool->length) {
        memcpy(spool->held + spool->length, bytes, size);
        spool->length += size;
        return (ssize_t)size;
    }
    if (!spool->longer && !move_to_file(spool))
        return 0;
    return (ssize_t)fwrite(bytes, 1, size, spool->longer);
}

struct spool *spool_make(void)
{
    struct spool *spool = malloc(sizeof *spool);
    if (spool) {
        spool->longer = NULL;
        spool->length = 0;
        spool->file = fopencookie(spool, "w", (cookie_io_functions_t){.write = keep});
    }
    if (!spool || !spool->file) {
        complain("out of memory");
        free(spool);
        return NULL;
    }
    return spool;
}

FILE *spool_file(struct spool *spool)
{
    return spool->file;
}

bool spool_end(struct spool *spool)
{
    bool kept = fflush(spool->file) == 0 && !ferror(spool->file);
    if (kept && (!spool->longer || fflush(spool->longer) == 0))
        return true;
    complain("cannot write a temporary file: %s", strerror(errno));
    return false;
}

static void copy_held(const struct spool *spool, FILE *to)
{
    for (size_t at = 0; at < spool->length && !stop_requested(); at += CHUNK)
        fwrite(spool->held + at, 1, spool->length - at < CHUNK ? spool->length - at : CHUNK, to);
}

static void copy_file(FILE *from, FILE *to)
{
    char bytes[CHUNK];
    size_t length;
    rewind(from);
    while (!stop_requested() && (length = fread(bytes, 1, sizeof bytes, from)) > 0)
        fwrite(bytes, 1, length, to);
}

void spool_copy(struct spool *spool, FILE *to)
{
    if (spool->longer)
        copy_file(spool->longer, to);
    else
        copy_held(spool, to);
    fflush(to);
}

void spool_free(struct spool *spool)
{
    fclose(spool->file);
    if (spool->longer)
        fclose(spool->longer);
    free(spool);
}
