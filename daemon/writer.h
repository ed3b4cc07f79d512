/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The writer: a thread that takes batches off a bounded queue and writes each in one transaction.
 *
 * Nobody waits for the disk: submitting never blocks. While the disk is slow, full or locked the
 * queue absorbs; a transaction that failed is tried again with the same rows after 100 ms, then
 * 200 and so on up to 1 s. When the queue holds more than its limit, rows are dropped by kind, in
 * the reverse of the order of ROW_KINDS (connections first, processes last), the oldest first, for
 * a later row of the same id replaces every column of an earlier one. Hosts, recorders, probes and
 * losses are never dropped. What is dropped is counted until writer_take_losses fetches it.
 *
 * All functions belong to one thread, the caller's, and may be called at any time between start
 * and stop.
 */
#ifndef SPYQ_WRITER_H
#define SPYQ_WRITER_H

#include "../sql/retention.h"
#include "batch.h"

struct writer;

struct writer_options {
    /* Bytes of batches in the queue, the one being written included. While all is well one batch
     * is always taken, however large. */
    size_t limit;

    /* ns; whatever clock the spans of losses shall be on. Called by writer_start and
     * writer_submit, in the caller's thread. */
    int64_t (*clock)(void *context);

    /* Called in the writer's thread, without a lock held, after every commit and every failure;
     * may be NULL. It must not call back into the writer: wake your own thread and return. */
    void (*notify)(void *context);

    /* Called in the writer's thread, without a lock held, with the rows that a commit has put into
     * the store; may be NULL. It must not call back into the writer either. */
    void (*written)(void *context, const struct row *rows, size_t count);

    void *context; /* of all three */

    /* Of the store, the caller's to close after writer_stop; used by the thread only. NULL: nothing
     * is rolled away. */
    struct retention *retention;
};

/*
 * Starts the thread. The store is the writer's own until writer_stop returns; the caller keeps the
 * pointer, to close it then. Returns NULL with errno set when there is no memory or no thread.
 */
struct writer *writer_start(struct store *store, const struct writer_options *options);

/* Hands a batch over, to be written after all that came before. The writer frees it. */
void writer_submit(struct writer *writer, struct batch *batch);

/* Makes the thread give back memory that it keeps for speed, when it has nothing to write. */
void writer_relax(struct writer *writer);

/* Rows that were given up since the last call, added up. */
struct writer_loss {
    enum row_kind kind;
    unsigned loss_class; /* EVENT_CLASS_*; edges that carry a connection count as network */
    const char *stage;   /* "queue": dropped for want of room; "store": the schema refused them */
    uint64_t count;
    int64_t started_at; /* the span in which the rows were made, on the clock of the options */
    int64_t ended_at;
};

/* Each kind of row for each stage and class. */
#define WRITER_LOSSES_MAX (ROW_KIND_COUNT * 4)

/*
 * Moves the losses counted so far to `losses` and forgets them. Returns how many were written. The
 * model makes rows of them: it alone gives out ids.
 */
size_t writer_take_losses(struct writer *writer, struct writer_loss losses[WRITER_LOSSES_MAX]);

struct writer_status {
    /* How the newest attempt to write went: STORE_OK, or what is wrong, for which `error` has the
     * line to log. It stays there until a batch has been written. */
    enum store_status status;
    char error[512];
    uint64_t failures; /* attempts in a row that failed; 0: all is well */

    char
        damage[512]; /* that the store is damaged, as writing or rolling has shown; empty: not so */

    uint64_t batches_written; /* since the start, as all below */
    uint64_t rows_written;
    uint64_t rows_dropped; /* for want of room */
    uint64_t rows_refused; /* by the schema */
    char refusal[512];     /* the newest one; empty: none */

    size_t queued_batches; /* now */
    size_t queued_bytes;

    struct retention_status retention;
    char retention_error[512]; /* why the newest attempt to roll failed; empty: it did not */
};

void writer_status(struct writer *writer, struct writer_status *status);

/*
 * Writes all that is queued, ends the thread and frees the writer. When the store is in trouble,
 * writing is tried five times in a row, within about three seconds. Returns the number of rows that
 * could not be written and are lost; 0 when everything is in the store. With `last`, if not NULL,
 * goes the final status.
 */
size_t writer_stop(struct writer *writer, struct writer_status *last);

#endif
