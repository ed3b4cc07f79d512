/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A set of rows that were seen, each as the start of a hash of its key. */
#ifndef SPYQ_SEEN_H
#define SPYQ_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "result.h"

#define SEEN_BYTES 16 /* of a hash: enough that no two rows share one by chance */

struct seen_row {
    unsigned char hash[SEEN_BYTES];
    int64_t last_at; /* when it was last an answer, ns */
};

struct seen {
    struct seen_row *rows; /* the first `sorted` of them by hash */
    size_t count, sorted, capacity;
};

/* The hash of the cells of a row in these columns. */
void seen_hash(const struct cell *row, const size_t *columns, size_t count,
               unsigned char hash[SEEN_BYTES]);

/* The row among those that seen_sort() has sorted, or NULL. */
struct seen_row *seen_find(struct seen *seen, const unsigned char hash[SEEN_BYTES]);

/* Adds a row, which is found after the next seen_sort(). False: out of memory. */
bool seen_add(struct seen *seen, const unsigned char hash[SEEN_BYTES], int64_t at);

/* Sorts all, leaving out those that were last an answer before `since`. */
void seen_sort(struct seen *seen, int64_t since);

/* A set of all zeros is empty. */
void seen_free(struct seen *seen);

#endif
