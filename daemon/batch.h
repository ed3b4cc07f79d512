/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A batch: rows on their way from the model to the writer, with the memory that they live in.
 *
 * One owner at a time. Rows and text are copied into the batch's own memory and die with it. Each
 * kind of row has its own stretch of that memory, so that dropping a kind gives it back at once.
 */
#ifndef SPYQ_BATCH_H
#define SPYQ_BATCH_H

#include "../sql/rows.h"

struct batch;

/* Returns NULL when out of memory. */
struct batch *batch_new(void);

/* The same with memory from `allocate`, which may return NULL and whose memory free() takes. */
struct batch *batch_new_from(void *(*allocate)(size_t size));

/* NULL is allowed. */
void batch_free(struct batch *batch);

/*
 * Adds a copy of a row struct of that kind, text included. Returns 0, or -1 when out of memory
 * (the batch is unchanged; the caller counts the row as lost).
 */
int batch_add(struct batch *batch, enum row_kind kind, const void *columns);

/* The rows in the order in which they were added; valid until the next call on the batch. */
const struct row *batch_rows(const struct batch *batch);
size_t batch_count(const struct batch *batch);

/* Bytes of memory that the batch holds, free room in them included. */
size_t batch_bytes(const struct batch *batch);

/*
 * Drops all rows of that kind and gives their memory back, to make room when the disk does not keep
 * up. Returns how many there were.
 */
size_t batch_drop(struct batch *batch, enum row_kind kind);

#endif
