/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers of byte strings that were met lately, in bounded memory: what has not been asked for
 * while half of that was filled anew is forgotten.
 */
#ifndef SPYQ_INTERNED_H
#define SPYQ_INTERNED_H

#include <stddef.h>
#include <stdint.h>

/* Longer ones are never kept. */
#define INTERNED_LENGTH_MAX 65536

struct interned;

/* Keeps at most about bytes_max. NULL: no memory. */
struct interned *interned_new(size_t bytes_max);
void interned_free(struct interned *interned); /* NULL is allowed */

/* Returns the number, or 0: not known. `space` tells equal strings of different use apart. */
int64_t interned_get(struct interned *interned, char space, const void *bytes, size_t length);

/* Keeps a number (not 0) for a string that has none. For want of memory it does not. */
void interned_put(struct interned *interned, char space, const void *bytes, size_t length,
                  int64_t number);

/* Has this string been asked about before, as far as one can remember? Remembers it. */
int interned_met(struct interned *interned, const void *bytes, size_t length);

void interned_clear(struct interned *interned); /* NULL is allowed */

/* Bytes in use. */
size_t interned_bytes(const struct interned *interned);

#endif
