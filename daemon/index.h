/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A hash table from a key of two 64-bit numbers to a pointer. The table owns neither; one value for
 * each key. Open addressing without tombstones: removing moves later entries back, and makes a
 * table smaller of which an eighth is left.
 */
#ifndef SPYQ_INDEX_H
#define SPYQ_INDEX_H

#include <stddef.h>
#include <stdint.h>

struct key {
    uint64_t a;
    uint64_t b;
};

struct index_entry;

struct index {
    struct index_entry *entries; /* NULL: nothing was ever put */
    size_t size;                 /* a power of two */
    size_t count;
};

/* Returns the value, or NULL. */
void *index_get(const struct index *index, struct key key);

/* Sets the value (not NULL), replacing an earlier one. Returns 0, or -1 when out of memory. */
int index_put(struct index *index, struct key key, void *value);

/* Returns the value that was there, or NULL. */
void *index_remove(struct index *index, struct key key);

/* Returns some value and sets *key to its key; NULL when the table is empty. */
void *index_any(const struct index *index, struct key *key);

/* Mixes bytes into a hash, which begins as HASH_START: a key of things that have no number. */
#define HASH_START 0xcbf29ce484222325ull
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size);

/* Frees the table; an index of zeroes is empty again. */
void index_free(struct index *index);

#endif
