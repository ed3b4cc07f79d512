/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The model: turns events, in time order, into rows. It keeps the processes and sockets that are
 * alive, gives out ids, and knows who caused what. Pure: no I/O, no clock, no libuv, no SQLite;
 * the same events always give the same rows.
 */
#ifndef SPYQ_MODEL_H
#define SPYQ_MODEL_H

#include "batch.h"
#include "decode.h"

struct model;

struct model_start {
    int64_t host_id;
    int64_t next_id[ROW_KIND_COUNT]; /* the lowest id not used so far, for each kind of row */
    int64_t wall_minus_boot;         /* ns; EVENT_CLOCK changes it */
};

/* Returns NULL when out of memory. */
struct model *model_new(const struct model_start *start);
void model_free(struct model *model);

/*
 * Takes over a row that an earlier run on the same boot left alive (a process, listener or
 * connection), so that what is still there keeps its id. Before the first event only.
 */
void model_adopt(struct model *model, const struct row *row);

/* Takes in one event. Never fails: what can not be kept for want of memory is counted as lost. */
void model_apply(struct model *model, const struct event *event);

/*
 * Moves every row that is new or has changed since the last flush into the batch. Processes
 * younger than `settle` ns (as of the newest event) may be held back, so that a short life is
 * written once; 0 holds nothing back.
 */
void model_flush(struct model *model, struct batch *batch, uint64_t settle);

#endif
