/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "index.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 64
#define KEPT_SIZE  1024 /* a table of no more is not made smaller */

struct index_entry {
    struct key key;
    void *value; /* NULL: free */
};

/* The finaliser of MurmurHash3, by Austin Appleby (public domain): every bit affects every bit. */
static uint64_t mix(uint64_t value)
{
    value ^= value >> 33;
    value *= 0xff51afd7ed558ccdull;
    value ^= value >> 33;
    value *= 0xc4ceb9fe1a85ec53ull;
    return value ^ value >> 33;
}

static size_t home(const struct index *index, struct key key)
{
    return (size_t)mix(key.a ^ mix(key.b)) & (index->size - 1);
}

/* The slot that holds the key, or the free one where it belongs. */
static size_t slot_of(const struct index *index, struct key key)
{
    size_t slot = home(index, key);

    while (index->entries[slot].value &&
           (index->entries[slot].key.a != key.a || index->entries[slot].key.b != key.b))
        slot = (slot + 1) & (index->size - 1);
    return slot;
}

void *index_get(const struct index *index, struct key key)
{
    return index->entries ? index->entries[slot_of(index, key)].value : NULL;
}

static int index_resize(struct index *index, size_t size)
{
    struct index larger = {.size = size, .count = index->count};

    larger.entries = calloc(size, sizeof(*larger.entries));
    if (!larger.entries)
        return -1;
    for (size_t i = 0; i < index->size; i++)
        if (index->entries[i].value)
            larger.entries[slot_of(&larger, index->entries[i].key)] = index->entries[i];
    free(index->entries);
    *index = larger;
    return 0;
}

int index_put(struct index *index, struct key key, void *value)
{
    size_t slot;

    if (index->count * 2 >= index->size &&
        index_resize(index, index->size ? index->size * 2 : FIRST_SIZE) < 0)
        return -1;
    slot = slot_of(index, key);
    index->count += !index->entries[slot].value;
    index->entries[slot] = (struct index_entry){key, value};
    return 0;
}

/* Whether an entry whose home is `home` and that sits in `slot` may move back to `gap`. */
static bool may_move(size_t home_slot, size_t slot, size_t gap)
{
    return gap <= slot ? home_slot <= gap || home_slot > slot
                       : home_slot <= gap && home_slot > slot;
}

/* Moves later entries back to where one was taken out. */
static void close_gap(struct index *index, size_t gap)
{
    size_t slot = gap;

    while (index->entries[slot = (slot + 1) & (index->size - 1)].value) {
        if (!may_move(home(index, index->entries[slot].key), slot, gap))
            continue;
        index->entries[gap] = index->entries[slot];
        index->entries[slot].value = NULL;
        gap = slot;
    }
}

void *index_remove(struct index *index, struct key key)
{
    size_t slot;
    void *value;

    if (!index->entries)
        return NULL;
    slot = slot_of(index, key);
    value = index->entries[slot].value;
    if (!value)
        return NULL;
    index->count--;
    index->entries[slot].value = NULL;
    close_gap(index, slot);
    /* A quarter full after that: far from either bound. Without memory it stays as it is. */
    if (index->size > KEPT_SIZE && index->count * 8 < index->size)
        index_resize(index, index->size / 2);
    return value;
}

void *index_any(const struct index *index, struct key *key)
{
    for (size_t i = 0; i < index->size; i++) {
        if (!index->entries[i].value)
            continue;
        *key = index->entries[i].key;
        return index->entries[i].value;
    }
    return NULL;
}

void index_free(struct index *index)
{
    free(index->entries);
    *index = (struct index){0};
}

/* FNV-1a, but by words: the shift brings down what multiplying has moved up. */
static uint64_t hash_word(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x100000001b3ull;
    return hash ^ hash >> 32;
}

uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const char *at = bytes;
    uint64_t word;

    for (; size >= sizeof(word); at += sizeof(word), size -= sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        hash = hash_word(hash, word);
    }
    for (; size > 0; at++, size--)
        hash = hash_word(hash, (unsigned char)*at);
    return hash;
}
