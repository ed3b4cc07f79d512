/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"

/* Chunks grow from the first size to the second: a batch of three rows should not cost 64 KiB. */
#define CHUNK_FIRST 2048u
#define CHUNK_MOST  65536u
#define ROWS_FIRST  32u

struct chunk {
    struct chunk *older;
    size_t size; /* of data */
    size_t used;
    alignas(max_align_t) char data[];
};

struct batch {
    void *(*allocate)(size_t size);
    struct row *rows;
    size_t count;
    size_t capacity;
    size_t bytes;
    struct chunk *chunks[ROW_KIND_COUNT]; /* the newest, which has room, first */
};

struct batch *batch_new_from(void *(*allocate)(size_t size))
{
    struct batch *batch = allocate(sizeof(*batch));
    if (batch)
        *batch = (struct batch){.allocate = allocate, .bytes = sizeof(*batch)};
    return batch;
}

struct batch *batch_new(void)
{
    return batch_new_from(malloc);
}

static void free_chunks(struct batch *batch, enum row_kind kind)
{
    struct chunk *chunk = batch->chunks[kind];
    while (chunk) {
        struct chunk *older = chunk->older;
        batch->bytes -= sizeof(*chunk) + chunk->size;
        free(chunk);
        chunk = older;
    }
    batch->chunks[kind] = NULL;
}

void batch_free(struct batch *batch)
{
    if (!batch)
        return;
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++)
        free_chunks(batch, (enum row_kind)kind);
    free(batch->rows);
    free(batch);
}

static size_t next_chunk_size(const struct chunk *newest, size_t needed)
{
    size_t size = newest ? newest->size * 2 : CHUNK_FIRST;
    if (size > CHUNK_MOST)
        size = CHUNK_MOST;
    return size < needed ? needed : size;
}

/* Room for `size` bytes among the rows of that kind, aligned for a row struct; NULL: no memory. */
static char *take(struct batch *batch, enum row_kind kind, size_t size)
{
    struct chunk *chunk = batch->chunks[kind];
    size = (size + alignof(int64_t) - 1) / alignof(int64_t) * alignof(int64_t);
    if (!chunk || chunk->size - chunk->used < size) {
        size_t room = next_chunk_size(chunk, size);
        chunk = batch->allocate(sizeof(*chunk) + room);
        if (!chunk)
            return NULL;
        *chunk = (struct chunk){.older = batch->chunks[kind], .size = room};
        batch->chunks[kind] = chunk;
        batch->bytes += sizeof(*chunk) + room;
    }
    chunk->used += size;
    return chunk->data + chunk->used - size;
}

static int make_room_for_row(struct batch *batch)
{
    if (batch->count < batch->capacity)
        return 0;
    size_t capacity = batch->capacity ? batch->capacity * 2 : ROWS_FIRST;
    struct row *rows = batch->allocate(capacity * sizeof(*rows));
    if (!rows)
        return -1;
    if (batch->count)
        memcpy(rows, batch->rows, batch->count * sizeof(*rows));
    free(batch->rows);
    batch->rows = rows;
    batch->bytes += (capacity - batch->capacity) * sizeof(*rows);
    batch->capacity = capacity;
    return 0;
}

int batch_add(struct batch *batch, enum row_kind kind, const void *columns)
{
    const struct table *table = &row_tables[kind];
    if (make_room_for_row(batch) < 0)
        return -1;
    char *copy = take(batch, kind, row_copy_size(table, columns));
    if (!copy)
        return -1;
    row_copy(table, columns, copy);
    batch->rows[batch->count++] = (struct row){kind, copy};
    return 0;
}

const struct row *batch_rows(const struct batch *batch)
{
    return batch->rows;
}

size_t batch_count(const struct batch *batch)
{
    return batch->count;
}

size_t batch_bytes(const struct batch *batch)
{
    return batch->bytes;
}

size_t batch_drop(struct batch *batch, enum row_kind kind)
{
    size_t kept = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->rows[i].kind != kind)
            batch->rows[kept++] = batch->rows[i];
    }
    size_t dropped = batch->count - kept;
    batch->count = kept;
    free_chunks(batch, kind);
    return dropped;
}
