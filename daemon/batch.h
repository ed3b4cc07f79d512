/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A batch: rows on their way from the model to the writer, with the memory that they live in.
 *
 * One owner at a time. Rows and text are copied into the batch's own arena and die with it.
 */
#ifndef SPYQ_BATCH_H
#define SPYQ_BATCH_H

#include "../sql/rows.h"

struct batch;

/* Returns NULL when out of memory. */
struct batch *batch_new(void);
void batch_free(struct batch *batch);

/*
 * Adds a copy of a row struct of that kind, text included. Returns 0, or -1 when out of memory
 * (the batch is unchanged; the caller counts the row as lost).
 */
int batch_add(struct batch *batch, enum row_kind kind, const void *columns);

/* The rows in the order in which they were added; valid until the next call on the batch. */
const struct row *batch_rows(const struct batch *batch);
size_t batch_count(const struct batch *batch);

/* Bytes of memory that the batch holds. */
size_t batch_bytes(const struct batch *batch);

/*
 * Drops all rows of that kind, to make room when the disk does not keep up. Returns how many. The
 * memory is given back with the batch.
 */
size_t batch_drop(struct batch *batch, enum row_kind kind);

#endif
