/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text_hash.h"

#include <string.h>
#include <sys/random.h>

uint64_t text_hash_seed(const void *where)
{
    uint64_t seed;

    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0)
        seed = (uint64_t)(uintptr_t)where;
    return seed;
}

uint64_t text_hash_word(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
    return hash ^ (hash >> 29);
}

uint64_t text_hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
    const char *at = bytes;
    uint64_t word;

    for (; length >= sizeof(word); at += sizeof(word), length -= sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        hash = text_hash_word(hash, word);
    }
    word = 0;
    if (length > 0)
        memcpy(&word, at, length);
    return text_hash_word(hash, word);
}
