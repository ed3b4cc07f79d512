/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The newest rows of one table, held in memory while rules look at them: found by id, and by the
 * text of one column. Of two rows with the same id the one that was put in last stays.
 */
#ifndef SPYQ_RULE_ROWS_H
#define SPYQ_RULE_ROWS_H

#include <stdbool.h>

#include "rows.h"

#define RULE_ROWS_NONE UINT32_MAX

struct rule_rows {
    const struct table *shape;
    const void **rows; /* row structs, which others own */
    uint32_t count;
    uint32_t room;
    uint32_t *slots; /* of a hash of ids: an index of rows, or RULE_ROWS_NONE; twice the room */

    /* Made by rule_rows_link(). The first row with a text has those with others after it in its
     * bucket, and each row the next with its own text. */
    const struct column *key; /* NULL: none */
    uint64_t seed;
    uint32_t *heads; /* as many as slots */
    uint32_t *other;
    uint32_t *same;
    bool linked;
};

/* Puts a row in; it must live until it is taken out. Returns -1 when out of memory. */
int rule_rows_put(struct rule_rows *rows, const void *columns);

/* The row with that id, or RULE_ROWS_NONE. */
uint32_t rule_rows_find(const struct rule_rows *rows, int64_t id);

/* Makes rows found by their key. Returns -1 when out of memory. */
int rule_rows_link(struct rule_rows *rows);

/* The first row whose key is that text (TEXT_NULL: NULL), or RULE_ROWS_NONE. */
uint32_t rule_rows_find_text(const struct rule_rows *rows, struct text text);

/* Whether the row is the first with its key. */
bool rule_rows_is_first(const struct rule_rows *rows, uint32_t row);

struct text rule_rows_key(const struct rule_rows *rows, uint32_t row);

/* Takes all rows out; memory beyond what few need is given back. */
void rule_rows_clear(struct rule_rows *rows);
void rule_rows_free(struct rule_rows *rows); /* the memory, not the struct */

#endif
