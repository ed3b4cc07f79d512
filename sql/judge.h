/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Judging: rules are run over a batch of new rows; what is found becomes flags, each once, and the
 * traces that they fall into get their score. Everything is read from one connection; what is to be
 * written is handed out as rows.
 */
#ifndef SPYQ_JUDGE_H
#define SPYQ_JUDGE_H

#include "rule_run.h"

struct judge;

struct judge_options {
    const struct rule_limits *limits;
    uint64_t
        trace_flags;   /* of one rule in one trace: what is beyond is only counted; 0: no limit */
    int64_t next_flag; /* the lowest ids not used so far */
    int64_t next_reason;
    const char
        *user_store; /* the file that holds suppressions, need not exist; NULL: none are read */
};

/*
 * Takes a connection over for its own use, as rule_runner_new() does; `set` and it outlive the
 * judge. Returns NULL and sets *error, for sqlite3_free().
 */
struct judge *judge_new(sqlite3 *db, struct rule_set *set, const struct judge_options *options,
                        char **error);
void judge_free(struct judge *judge);

/* Add what was written to the batch; see rule_batch.h. Return SQLite's result code. */
int judge_add(struct judge *judge, const struct row *row);
int judge_add_id(struct judge *judge, enum row_kind kind, int64_t id);

struct rule_runner *judge_runner(struct judge *judge);

/* The lowest ids not used so far: where a judge after this one goes on. */
void judge_next_ids(const struct judge *judge, int64_t *next_flag, int64_t *next_reason);

/* How the rule with that index fares. */
const struct rule_work *judge_work(const struct judge *judge, size_t index);

/* Whether suppressions have been added or have ended; the next batch goes by them. */
bool judge_has_news(const struct judge *judge);

/* Why suppressions could not be read for the last batch; NULL: they could. */
const char *judge_trouble(const struct judge *judge);

/* Hits of a rule that were not flagged because its trace had its fill. */
uint64_t judge_withheld(const struct judge *judge, size_t index);

/* Visited with ROW_FLAG, ROW_TRACE_SCORE and ROW_SCORE_REASON; the row is valid during the call. */
typedef void judge_visitor(void *context, enum row_kind kind, const void *columns);

/*
 * Runs the rules over the batch, which it empties, in one read transaction. First come the flags:
 * new ones, and known ones that have moved to another trace with their process or are suppressed
 * now. Then for each trace concerned its score, and behind that the reasons. `now` is the time at
 * which they are flagged (ns).
 *
 * What was handed out must be in the store before the next call. Returns SQLITE_OK, or another code
 * where the store could not be read; then the batch is still there, and what was handed out counts
 * for nothing.
 */
int judge_batch(struct judge *judge, int64_t now, judge_visitor *visit, void *context);

#endif
