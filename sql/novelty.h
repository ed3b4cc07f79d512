/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What goes with what on this host, counted: rows of `pairs`. Each new exec, connection and
 * listener of a batch is a sight of one pair or two. A pair that was never seen before is handed
 * out at once, one that is known when novelty_tell() is asked, so that a busy host does not write
 * each sight.
 */
#ifndef SPYQ_NOVELTY_H
#define SPYQ_NOVELTY_H

#include "judge.h"

struct novelty;

struct novelty_options {
    int64_t warmup_ns;      /* after the first run of a recorder, in which nothing is novel */
    const int64_t *next_id; /* the lowest ids not used so far, by kind of row */
};

/*
 * Prepares on the connection of a rule_runner, whose batch it reads; it goes before that. Returns
 * NULL and sets *error, for sqlite3_free(), when that can not be done.
 */
struct novelty *novelty_new(sqlite3 *db, const struct novelty_options *options, char **error);
void novelty_free(struct novelty *novelty);

/*
 * Counts what is new in the batch, and visits with ROW_PAIR each pair that was never seen before.
 * What was handed out must be in the store before the next call. Returns SQLite's result code.
 */
int novelty_count(struct novelty *novelty, judge_visitor *visit, void *context);

/* Visits each known pair that was seen since the last call. Likewise. */
int novelty_tell(struct novelty *novelty, judge_visitor *visit, void *context);

#endif
