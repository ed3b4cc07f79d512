/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "result.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)64 << 10)

/* Chunks of text, newest first; all are freed at once. */
struct arena {
    struct arena *next;
    size_t used, size;
    char bytes[];
};

struct cell cell_integer(int64_t value)
{
    return (struct cell){.type = CELL_INTEGER, .integer = value};
}

struct cell cell_text(const char *value)
{
    if (!value)
        return (struct cell){.type = CELL_NULL};
    return (struct cell){.type = CELL_TEXT, .bytes = {value, strlen(value)}};
}

struct text text_of_cell(const struct cell *cell)
{
    return cell->type == CELL_TEXT ? cell->bytes : TEXT_NULL;
}

/* The name of the column in `max(a.started_at)`, or the name itself; *length is its length. */
static const char *column_within(const char *name, size_t *length)
{
    *length = strlen(name);
    if ((strncmp(name, "min(", 4) != 0 && strncmp(name, "max(", 4) != 0) || !strchr(name, ')') ||
        strchr(name, ')')[1])
        return name;
    *length = strlen(name) - 5;
    return name + 4;
}

bool is_time_name(const char *name)
{
    size_t length;
    const char *column = column_within(name, &length);
    const char *dot = memchr(column, '.', length);
    if (dot) {
        length -= (size_t)(dot + 1 - column);
        column = dot + 1;
    }
    if (length == 2)
        return memcmp(column, "at", 2) == 0;
    return length > 3 && memcmp(column + length - 3, "_at", 3) == 0;
}

static char *arena_room(struct result *result, size_t length)
{
    struct arena *top = result->arena;
    if (top && top->size - top->used >= length) {
        top->used += length;
        return top->bytes + top->used - length;
    }
    size_t size = length > CHUNK_BYTES ? length : CHUNK_BYTES;
    if (result->bytes + size > RESULT_LIMIT)
        return NULL;
    struct arena *chunk = malloc(sizeof *chunk + size);
    if (!chunk)
        return NULL;
    *chunk = (struct arena){.next = top, .used = length, .size = size};
    result->arena = chunk;
    result->bytes += size;
    return chunk->bytes;
}

static const char *arena_copy(struct result *result, struct text text)
{
    char *room = arena_room(result, text.length + 1);
    if (!room)
        return NULL;
    memcpy(room, text.data, text.length);
    room[text.length] = '\0';
    return room;
}

bool result_begin(struct result *result, const struct heading *headings, size_t columns)
{
    *result = (struct result){.columns = columns};
    result->headings = calloc(columns ? columns : 1, sizeof *result->headings);
    if (!result->headings)
        return false;
    for (size_t i = 0; i < columns; i++) {
        struct text name = {headings[i].name, strlen(headings[i].name)};
        result->headings[i] = headings[i];
        result->headings[i].name = arena_copy(result, name);
        if (!result->headings[i].name)
            return false;
    }
    return true;
}

static bool grow(struct result *result)
{
    size_t row_bytes = result->columns * sizeof(struct cell);
    size_t more = result->capacity ? result->capacity / 2 + 1 : 64;
    if (result->bytes + more * row_bytes > RESULT_LIMIT)
        return false;
    struct cell *cells = realloc(result->cells, (result->capacity + more) * row_bytes);
    if (!cells)
        return false;
    result->cells = cells;
    result->capacity += more;
    result->bytes += more * row_bytes;
    return true;
}

bool result_add(struct result *result, const struct cell *cells)
{
    if (result->rows == result->capacity && !grow(result))
        return false;
    struct cell *row = result->cells + result->rows * result->columns;
    for (size_t i = 0; i < result->columns; i++) {
        row[i] = cells[i];
        if (cells[i].type != CELL_TEXT && cells[i].type != CELL_BLOB)
            continue;
        row[i].bytes.data = arena_copy(result, cells[i].bytes);
        if (!row[i].bytes.data)
            return false;
    }
    result->rows++;
    return true;
}

const struct cell *result_row(const struct result *result, size_t row)
{
    return result->cells + row * result->columns;
}

void result_move(struct result *result, size_t from, size_t to)
{
    if (from != to)
        memcpy(result->cells + to * result->columns, result->cells + from * result->columns,
               result->columns * sizeof *result->cells);
}

void result_free(struct result *result)
{
    while (result->arena) {
        struct arena *next = result->arena->next;
        free(result->arena);
        result->arena = next;
    }
    free(result->headings);
    free(result->cells);
    *result = (struct result){0};
}
