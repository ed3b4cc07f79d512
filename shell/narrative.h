/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sentences for a person: each with its time of day in front and the rows that prove it behind,
 * wrapped at the terminal's width under its own beginning. A line with the date goes before the
 * first sentence of a day. All times are UTC.
 */
#ifndef SPYQ_NARRATIVE_H
#define SPYQ_NARRATIVE_H

#include "render.h"

struct narrative {
    FILE *out;
    const struct style *style;
    int64_t day; /* of the last time that was written, since 1970; INTEGER_NULL: none */
    size_t used; /* columns of the line being written */
};

void narrative_begin(struct narrative *narrative, FILE *out, const struct style *style);

/*
 * Writes a sentence. `at` is its time as a cell: ns, or anything else where it has none; `proof`
 * goes in brackets behind it, TEXT_NULL: none. Both texts may hold recorded bytes.
 */
void narrative_say(struct narrative *narrative, const struct cell *at, struct text sentence,
                   struct text proof);

#endif
