/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seen.h"

#include <stdlib.h>
#include <string.h>

#include "sha256.h"

/* Type and length go before the bytes, so that no two rows look alike. */
static void add_cell(struct sha256 *sum, const struct cell *cell)
{
    bool bytes = cell->type == CELL_TEXT || cell->type == CELL_BLOB;
    int64_t head[2] = {cell->type, bytes ? (int64_t)cell->bytes.length : 8};
    int64_t none = 0;
    const void *value = bytes                     ? (const void *)cell->bytes.data
                        : cell->type == CELL_NULL ? (const void *)&none
                                                  : (const void *)&cell->integer;
    sha256_add(sum, head, sizeof head);
    sha256_add(sum, value, (size_t)head[1]);
}

void seen_hash(const struct cell *row, const size_t *columns, size_t count,
               unsigned char hash[SEEN_BYTES])
{
    unsigned char digest[SHA256_BYTES];
    struct sha256 sum;
    sha256_begin(&sum);
    for (size_t i = 0; i < count; i++)
        add_cell(&sum, &row[columns[i]]);
    sha256_end(&sum, digest);
    memcpy(hash, digest, SEEN_BYTES);
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, SEEN_BYTES); /* the hash comes first */
}

struct seen_row *seen_find(struct seen *seen, const unsigned char hash[SEEN_BYTES])
{
    if (seen->sorted == 0)
        return NULL;
    return bsearch(hash, seen->rows, seen->sorted, sizeof *seen->rows, compare);
}

bool seen_add(struct seen *seen, const unsigned char hash[SEEN_BYTES], int64_t at)
{
    if (seen->count == seen->capacity) {
        size_t capacity = seen->capacity ? 2 * seen->capacity : 64;
        struct seen_row *grown = realloc(seen->rows, capacity * sizeof *grown);
        if (!grown)
            return false;
        seen->rows = grown;
        seen->capacity = capacity;
    }
    seen->rows[seen->count].last_at = at;
    memcpy(seen->rows[seen->count++].hash, hash, SEEN_BYTES);
    return true;
}

void seen_sort(struct seen *seen, int64_t since)
{
    size_t kept = 0;
    if (seen->count > 0)
        qsort(seen->rows, seen->count, sizeof *seen->rows, compare);
    for (size_t i = 0; i < seen->count; i++) {
        bool again = kept > 0 && compare(&seen->rows[i], &seen->rows[kept - 1]) == 0;
        if (again && seen->rows[i].last_at > seen->rows[kept - 1].last_at)
            seen->rows[kept - 1].last_at = seen->rows[i].last_at;
        if (!again && seen->rows[i].last_at >= since)
            seen->rows[kept++] = seen->rows[i];
    }
    seen->count = seen->sorted = kept;
}

void seen_free(struct seen *seen)
{
    free(seen->rows);
    *seen = (struct seen){0};
}
