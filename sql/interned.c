/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "interned.h"

#include <stdlib.h>
#include <string.h>

#include "text_hash.h"

#define BUCKETS 16384 /* of a generation */
#define MET     32768 /* hashes of strings met once */

struct entry {
    struct entry *next;
    uint64_t hash;
    int64_t number;
    size_t length;
    char space;
    char bytes[];
};

struct generation {
    struct entry *buckets[BUCKETS];
    size_t bytes;
};

struct interned {
    struct generation generations[2];
    int young; /* which of them is filled */
    size_t bytes_max;
    uint64_t seed; /* nobody can choose strings that meet in a bucket */
    uint32_t met[MET];
};

static uint64_t hash_of(const struct interned *interned, char space, const char *bytes,
                        size_t length)
{
    uint64_t hash = text_hash_word(interned->seed, (uint64_t)(unsigned char)space << 56 | length);
    return text_hash_word(text_hash_bytes(hash, bytes, length), interned->seed);
}

static void empty(struct generation *generation)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        while (generation->buckets[i]) {
            struct entry *entry = generation->buckets[i];
            generation->buckets[i] = entry->next;
            free(entry);
        }
    }
    generation->bytes = 0;
}

static size_t size_of(size_t length)
{
    return sizeof(struct entry) + length;
}

/* Makes the entry one of the young. Half of the memory full of these, the old are forgotten. */
static void add(struct interned *interned, struct entry *entry)
{
    struct generation *young = &interned->generations[interned->young];
    if (young->bytes + size_of(entry->length) > interned->bytes_max / 2) {
        interned->young = !interned->young;
        young = &interned->generations[interned->young];
        empty(young);
    }
    struct entry **bucket = &young->buckets[entry->hash % BUCKETS];
    entry->next = *bucket;
    *bucket = entry;
    young->bytes += size_of(entry->length);
}

static struct entry **find(struct generation *generation, uint64_t hash, char space,
                           const void *bytes, size_t length)
{
    struct entry **at = &generation->buckets[hash % BUCKETS];
    for (; *at; at = &(*at)->next) {
        const struct entry *entry = *at;
        if (entry->hash == hash && entry->space == space && entry->length == length &&
            memcmp(entry->bytes, bytes, length) == 0)
            break;
    }
    return at;
}

int64_t interned_get(struct interned *interned, char space, const void *bytes, size_t length)
{
    if (length > INTERNED_LENGTH_MAX)
        return 0;
    uint64_t hash = hash_of(interned, space, bytes, length);
    struct entry *entry =
        *find(&interned->generations[interned->young], hash, space, bytes, length);
    if (entry)
        return entry->number;
    struct generation *old = &interned->generations[!interned->young];
    struct entry **at = find(old, hash, space, bytes, length);
    entry = *at;
    if (!entry)
        return 0;
    int64_t number = entry->number;
    *at = entry->next;
    old->bytes -= size_of(length);
    add(interned, entry);
    return number;
}

void interned_put(struct interned *interned, char space, const void *bytes, size_t length,
                  int64_t number)
{
    struct entry *entry = length <= INTERNED_LENGTH_MAX ? malloc(size_of(length)) : NULL;
    if (!entry)
        return;
    *entry = (struct entry){.hash = hash_of(interned, space, bytes, length),
                            .number = number,
                            .length = length,
                            .space = space};
    memcpy(entry->bytes, bytes, length);
    add(interned, entry);
}

int interned_met(struct interned *interned, const void *bytes, size_t length)
{
    uint64_t hash = hash_of(interned, 0, bytes, length);
    uint32_t *met = &interned->met[hash % MET];
    uint32_t mark = (uint32_t)(hash >> 32) | 1;
    int known = *met == mark;
    *met = mark;
    return known;
}

void interned_clear(struct interned *interned)
{
    if (!interned)
        return;
    empty(&interned->generations[0]);
    empty(&interned->generations[1]);
    memset(interned->met, 0, sizeof(interned->met));
}

size_t interned_bytes(const struct interned *interned)
{
    return interned->generations[0].bytes + interned->generations[1].bytes;
}

struct interned *interned_new(size_t bytes_max)
{
    struct interned *interned = calloc(1, sizeof(*interned));
    if (!interned)
        return NULL;
    interned->bytes_max = bytes_max;
    interned->seed = text_hash_seed(interned);
    return interned;
}

void interned_free(struct interned *interned)
{
    interned_clear(interned);
    free(interned);
}
