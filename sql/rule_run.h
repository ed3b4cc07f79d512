/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs rules over the newest rows of a store.
 *
 * The runner gives a connection a temporary view `new_TABLE` beside each table: the rows of it
 * that are in its batch. A rule selects from these, joined with whatever it wants. It may only
 * read. A rule that is wrong, or runs for longer than it may, is switched off alone.
 */
#ifndef SPYQ_RULE_RUN_H
#define SPYQ_RULE_RUN_H

#include <sqlite3.h>

#include "rule.h"
#include "rule_batch.h"

/* A row that a rule has selected, completed from the store; text is valid during the call only. */
struct hit {
    const struct rule *rule;
    enum severity severity; /* the rule's, unless it selects one */
    int64_t at;             /* ns; when what was found happened */
    int64_t process_id;     /* these are INTEGER_NULL where the rule names none */
    int64_t exec_id;
    int64_t connection_id;
    int64_t file_id;
    int64_t edge_id;
    int64_t trace_id; /* of the process */
    int64_t host_id;
    struct text detail;
};

typedef void hit_visitor(void *context, const struct hit *hit);

/* How a rule fares. */
struct rule_work {
    uint64_t runs;
    uint64_t hits;      /* rows that it selected, those known already included */
    int64_t busy_ns;    /* CPU time, about: waiting is not in it, as it is in the next two */
    int64_t slowest_ns; /* what run_ns is held against */
    int64_t newest_ns;  /* of the newest run */
};

struct rule_limits {
    int64_t run_ns;     /* a run that takes longer is cut off; 0: none is */
    int strikes;        /* after so many runs in a row that were cut off a rule is suspended */
    bool (*stop)(void); /* asked now and then: all is to end; NULL: nobody is asked */
    int64_t rows;       /* beyond which a run is cut off as well; 0: no limit */
    bool is_history;    /* rows are any part of the store, and stay there: see rule_batch.h */
};

struct rule_runner;

/*
 * Prepares rules on a connection that has the extension and is used for nothing else; both outlive
 * the runner. Those that are wrong become RULE_FAILED. Returns NULL and sets *error, for
 * sqlite3_free(), when the store has not the tables that it needs, or out of memory.
 */
struct rule_runner *rule_runner_new(sqlite3 *db, struct rule_set *set,
                                    const struct rule_limits *limits, char **error);

/* Drops the temporary views as well. NULL is allowed. */
void rule_runner_free(struct rule_runner *runner);

/* What it runs its rules over, to be filled, and emptied, by the caller. It takes only rows that a
 * rule which is active selects from, or of which pairs are counted. */
struct rule_batch *rule_runner_batch(struct rule_runner *runner);

/*
 * Runs each active rule for which there are new rows. Returns SQLITE_OK, or another result code
 * where the store could not be read: then nothing is held against the rule.
 */
int rule_runner_run(struct rule_runner *runner, hit_visitor *visit, void *context);

/* How the rule with that index in the set fares. */
const struct rule_work *rule_runner_work(const struct rule_runner *runner, size_t index);

#endif
