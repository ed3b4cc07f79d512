/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rule_rows.h"

#include <stdlib.h>
#include <string.h>

#include "text_hash.h"

#define ROOM_FIRST 256u
#define ROOM_KEPT  4096u /* when rows are taken out */

static int64_t id_of(const void *columns)
{
    return *(const int64_t *)columns;
}

/* ---- by id ---- */

/* Where the id is, or would be. */
static uint32_t *slot_of(const struct rule_rows *rows, int64_t id)
{
    uint32_t mask = rows->room * 2 - 1;
    uint32_t at = (uint32_t)(text_hash_word(rows->seed, (uint64_t)id) >> 16) & mask;

    while (rows->slots[at] != RULE_ROWS_NONE && id_of(rows->rows[rows->slots[at]]) != id)
        at = (at + 1) & mask;
    return &rows->slots[at];
}

static void free_memory(struct rule_rows *rows)
{
    free(rows->rows);
    free(rows->slots);
    free(rows->heads);
    free(rows->other);
    free(rows->same);
    rows->rows = NULL;
    rows->slots = rows->heads = rows->other = rows->same = NULL;
    rows->room = 0;
    rows->linked = false;
}

static void empty_slots(uint32_t *slots, uint32_t room)
{
    memset(slots, 0xff, (size_t)room * 2 * sizeof(*slots)); /* RULE_ROWS_NONE */
}

static int grow(struct rule_rows *rows)
{
    uint32_t room = rows->room ? rows->room * 2 : ROOM_FIRST;
    struct rule_rows more = *rows;

    more.rows = malloc(room * sizeof(*more.rows));
    more.slots = malloc((size_t)room * 2 * sizeof(*more.slots));
    more.heads = more.other = more.same = NULL;
    more.room = room;
    more.linked = false;
    if (!more.rows || !more.slots) {
        free_memory(&more);
        return -1;
    }
    empty_slots(more.slots, room);
    if (rows->count)
        memcpy(more.rows, rows->rows, rows->count * sizeof(*more.rows));
    for (uint32_t i = 0; i < rows->count; i++)
        *slot_of(&more, id_of(more.rows[i])) = i;
    free_memory(rows);
    *rows = more;
    return 0;
}

int rule_rows_put(struct rule_rows *rows, const void *columns)
{
    if (rows->count == rows->room && grow(rows) < 0)
        return -1;
    uint32_t *slot = slot_of(rows, id_of(columns));
    if (*slot == RULE_ROWS_NONE)
        *slot = rows->count++;
    rows->rows[*slot] = columns;
    rows->linked = false;
    return 0;
}

uint32_t rule_rows_find(const struct rule_rows *rows, int64_t id)
{
    return rows->count ? *slot_of(rows, id) : RULE_ROWS_NONE;
}

void rule_rows_clear(struct rule_rows *rows)
{
    rows->count = 0;
    rows->linked = false;
    if (rows->room > ROOM_KEPT)
        free_memory(rows);
    else if (rows->room)
        empty_slots(rows->slots, rows->room);
}

void rule_rows_free(struct rule_rows *rows)
{
    free_memory(rows);
    rows->count = 0;
}

/* ---- by key ---- */

struct text rule_rows_key(const struct rule_rows *rows, uint32_t row)
{
    return *(const struct text *)(const void *)((const char *)rows->rows[row] + rows->key->offset);
}

static bool is_same(struct text a, struct text b)
{
    if (!a.data || !b.data)
        return !a.data && !b.data;
    return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

static uint32_t *bucket_of(const struct rule_rows *rows, struct text text)
{
    uint64_t hash = rows->seed;

    if (text.data)
        hash = text_hash_bytes(text_hash_word(hash, text.length), text.data, text.length);
    return &rows->heads[(hash >> 16) & (rows->room * 2 - 1)];
}

/* The first row with that text in the bucket, or RULE_ROWS_NONE. */
static uint32_t find_in(const struct rule_rows *rows, uint32_t first, struct text text)
{
    while (first != RULE_ROWS_NONE && !is_same(rule_rows_key(rows, first), text))
        first = rows->other[first];
    return first;
}

static void link_row(struct rule_rows *rows, uint32_t row)
{
    struct text text = rule_rows_key(rows, row);
    uint32_t *head = bucket_of(rows, text);
    uint32_t first = find_in(rows, *head, text);

    if (first != RULE_ROWS_NONE) {
        rows->same[row] = rows->same[first];
        rows->same[first] = row;
        rows->other[row] = row; /* it is not the first */
    } else {
        rows->same[row] = RULE_ROWS_NONE;
        rows->other[row] = *head;
        *head = row;
    }
}

static int make_links(struct rule_rows *rows)
{
    if (!rows->heads)
        rows->heads = malloc((size_t)rows->room * 2 * sizeof(*rows->heads));
    if (!rows->other)
        rows->other = malloc(rows->room * sizeof(*rows->other));
    if (!rows->same)
        rows->same = malloc(rows->room * sizeof(*rows->same));
    return rows->heads && rows->other && rows->same ? 0 : -1;
}

int rule_rows_link(struct rule_rows *rows)
{
    if (rows->linked || !rows->key || !rows->count)
        return 0;
    if (make_links(rows) < 0)
        return -1;
    empty_slots(rows->heads, rows->room);
    for (uint32_t i = 0; i < rows->count; i++)
        link_row(rows, i);
    rows->linked = true;
    return 0;
}

uint32_t rule_rows_find_text(const struct rule_rows *rows, struct text text)
{
    return rows->linked ? find_in(rows, *bucket_of(rows, text), text) : RULE_ROWS_NONE;
}

bool rule_rows_is_first(const struct rule_rows *rows, uint32_t row)
{
    return rows->other[row] != row;
}
