/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "novelty_sights.h"

#include <stdlib.h>
#include <string.h>

#include "text_hash.h"

#define ROOM_FIRST  64u
#define ROOM_KEPT   4096u /* when they are taken out */
#define TEXTS_FIRST 4096u
#define TEXTS_KEPT  (256u << 10)

void sights_open(struct sights *sights)
{
    *sights = (struct sights){.seed = text_hash_seed(sights)};
}

static void free_table(struct sights *sights)
{
    free(sights->sights);
    free(sights->slots);
    sights->sights = NULL;
    sights->slots = NULL;
    sights->room = sights->count = 0;
}

static void free_texts(struct sights *sights)
{
    free(sights->texts);
    sights->texts = NULL;
    sights->texts_room = sights->texts_used = 0;
}

void sights_free(struct sights *sights)
{
    free_table(sights);
    free_texts(sights);
}

void sights_clear(struct sights *sights)
{
    if (sights->room > ROOM_KEPT)
        free_table(sights);
    if (sights->texts_room > TEXTS_KEPT)
        free_texts(sights);
    if (sights->room)
        memset(sights->slots, 0, (size_t)sights->room * 2 * sizeof(*sights->slots));
    sights->count = 0;
    sights->texts_used = 0;
}

/* ---- finding ---- */

static uint64_t hash_of(const struct sights *sights, const char *kind, struct text a, struct text b)
{
    uint64_t hash = text_hash_word(sights->seed, (uint64_t)(uintptr_t)kind);

    hash = text_hash_bytes(text_hash_word(hash, a.length), a.data, a.length);
    return text_hash_bytes(text_hash_word(hash, b.length), b.data, b.length);
}

struct text sights_text(const struct sights *sights, size_t at, size_t length)
{
    return (struct text){sights->texts + at, length};
}

static int is_text(const struct sights *sights, size_t at, size_t length, struct text text)
{
    return length == text.length && memcmp(sights->texts + at, text.data, length) == 0;
}

/* The slot in which it is, or would be. */
static uint32_t *find(const struct sights *sights, uint64_t hash, const char *kind, struct text a,
                      struct text b)
{
    uint32_t mask = sights->room * 2 - 1;
    uint32_t at = (uint32_t)(hash >> 16) & mask;

    for (; sights->slots[at]; at = (at + 1) & mask) {
        const struct sight *sight = &sights->sights[sights->slots[at] - 1];
        if (sight->hash == hash && sight->kind == kind &&
            is_text(sights, sight->a, sight->a_length, a) &&
            is_text(sights, sight->b, sight->b_length, b))
            break;
    }
    return &sights->slots[at];
}

/* ---- growing ---- */

static int grow(struct sights *sights)
{
    uint32_t room = sights->room ? sights->room * 2 : ROOM_FIRST;
    uint32_t mask = room * 2 - 1;
    struct sight *more = reallocarray(sights->sights, room, sizeof(*more));

    if (!more)
        return -1;
    sights->sights = more;
    uint32_t *slots = calloc((size_t)room * 2, sizeof(*slots));
    if (!slots)
        return -1;
    for (uint32_t i = 0; i < sights->count; i++) {
        uint32_t at = (uint32_t)(more[i].hash >> 16) & mask;
        while (slots[at])
            at = (at + 1) & mask;
        slots[at] = i + 1;
    }
    free(sights->slots);
    sights->slots = slots;
    sights->room = room;
    return 0;
}

static int reserve(struct sights *sights, size_t length)
{
    size_t room = sights->texts_room ? sights->texts_room : TEXTS_FIRST;

    while (room - sights->texts_used < length)
        room *= 2;
    if (room == sights->texts_room)
        return 0;
    char *more = realloc(sights->texts, room);
    if (!more)
        return -1;
    sights->texts = more;
    sights->texts_room = room;
    return 0;
}

/* Keeps a text, for which there is room; returns where it begins. */
static size_t keep(struct sights *sights, struct text text)
{
    size_t at = sights->texts_used;

    if (text.length)
        memcpy(sights->texts + at, text.data, text.length);
    sights->texts_used += text.length;
    return at;
}

int sights_add(struct sights *sights, const char *kind, struct text a, struct text b, int64_t at,
               int64_t process_id)
{
    uint64_t hash = hash_of(sights, kind, a, b);

    if ((sights->count == sights->room && grow(sights) < 0) ||
        reserve(sights, a.length + b.length) < 0)
        return -1;
    uint32_t *slot = find(sights, hash, kind, a, b);
    if (!*slot) {
        *slot = ++sights->count;
        sights->sights[*slot - 1] = (struct sight){
            kind, keep(sights, a), keep(sights, b), a.length, b.length, at, at, 0, process_id, hash,
        };
    }
    struct sight *sight = &sights->sights[*slot - 1];
    sight->count++;
    if (at > sight->last_at)
        sight->last_at = at;
    if (at < sight->first_at) {
        sight->first_at = at;
        sight->process_id = process_id;
    }
    return 0;
}
