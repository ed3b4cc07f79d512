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
    char *const *environment;        /* names to keep, NULL-terminated, the caller's; NULL: none */
    char *const *places; /* `name:pattern` of files to watch, likewise; each has a colon */
};

/* Returns NULL when out of memory. */
struct model *model_new(const struct model_start *start);
void model_free(struct model *model);

/*
 * Takes over a row that an earlier run on the same boot left alive (a process, listener or
 * connection, or an open edge), so that what is still there keeps its id. Before the
 * first event only.
 */
void model_adopt(struct model *model, const struct row *row);

/* Takes in one event. Never fails: what can not be kept for want of memory is counted as lost. */
void model_apply(struct model *model, const struct event *event);

/* So late is it (ns, boot clock), though nothing has happened: what ended long enough before is
 * forgotten. Events of before that still come are taken in as any other. */
void model_pass(struct model *model, uint64_t time);

/* Adds a loss that the model did not learn from an event. The model gives it its id and copies it.
 */
void model_lose(struct model *model, const struct row_loss *loss);

/*
 * Returns a batch of every row that is new or has changed since the last call, which the caller
 * owns from here on; NULL when there is none. A process that lived between two calls is one row.
 */
struct batch *model_flush(struct model *model);

/* The time of the newest event, or that has passed since; ns since the epoch. */
int64_t model_newest(const struct model *model);

/* Bytes that the rows waiting for the next flush take, about. */
size_t model_pending(const struct model *model);

#endif
