/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pairs that are seen in one batch, each once however often: programs do the same all day. */
#ifndef SPYQ_NOVELTY_SIGHTS_H
#define SPYQ_NOVELTY_SIGHTS_H

#include "rows.h"

struct sight {
    const char *kind; /* a constant */
    size_t a, b;      /* where they begin in the memory of texts */
    size_t a_length, b_length;
    int64_t first_at;
    int64_t last_at;
    int64_t count;
    int64_t process_id; /* of the first */
    uint64_t hash;
};

struct sights {
    uint64_t seed;
    struct sight *sights;
    uint32_t count;
    uint32_t room;
    uint32_t *slots; /* twice the room: the number of a sight from 1 on, or 0 */
    char *texts;
    size_t texts_used;
    size_t texts_room;
};

/* The memory of none; sights_free() gives it back. */
void sights_open(struct sights *sights);
void sights_free(struct sights *sights);

/* Adds a sight. Returns -1 when out of memory. */
int sights_add(struct sights *sights, const char *kind, struct text a, struct text b, int64_t at,
               int64_t process_id);

struct text sights_text(const struct sights *sights, size_t at, size_t length);

void sights_clear(struct sights *sights);

#endif
