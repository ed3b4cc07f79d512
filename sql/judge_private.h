/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What judge.c (flags) and judge_score.c (scores of traces) share; nobody else includes this. */
#ifndef SPYQ_JUDGE_PRIVATE_H
#define SPYQ_JUDGE_PRIVATE_H

#include "judge.h"
#include "suppress.h"

enum judge_statement {
    JUDGE_KNOWN,
    JUDGE_COUNT,
    JUDGE_FLAG,
    JUDGE_FLAGGED,
    JUDGE_MOVING,
    JUDGE_LEFT,
    JUDGE_MOVE,
    JUDGE_SUPPRESS_KNOWN,
    JUDGE_SUPPRESS,
    JUDGE_TOUCH,
    JUDGE_TOUCHED,
    JUDGE_FRESH,
    JUDGE_RULES,
    JUDGE_TACTICS,
    JUDGE_STATEMENTS
};

/* A trace's rules: name, title, rank of the worst severity, its oldest flag, how many flags. */
#define JUDGE_RULES_SQL                                                                            \
    "SELECT rule, title, rank, id, max(rank * 1000000000000000 - id), count(*)"                    \
    " FROM (SELECT rule, title, id, CASE severity WHEN 'low' THEN 1 WHEN 'medium' THEN 2"          \
    "        WHEN 'high' THEN 3 WHEN 'critical' THEN 4 ELSE 0 END AS rank"                         \
    "       FROM temp.current_flags WHERE trace_id = ?1 AND suppressed_by IS NULL)"                \
    " GROUP BY rule"

#define JUDGE_BONUSES 3

/* By the ids of processes, which processes may have flags: where a bit is not set, none has. */
#define JUDGE_FLAGGED_BITS 65536

struct judge {
    sqlite3 *db;
    struct rule_set *set;
    struct judge_options options;
    struct rule_runner *runner;
    uint64_t *withheld; /* by index of the rule */
    sqlite3_stmt *statements[JUDGE_STATEMENTS];
    sqlite3_stmt *bonuses[JUDGE_BONUSES];
    uint64_t flagged[JUDGE_FLAGGED_BITS / 64];
    bool moving; /* a process with flags was written */
    struct suppressions suppressions;
    bool new_suppressions; /* flags that are known have not been held against them yet */
    char trouble[512];
    int64_t now;
    int code; /* the first failure in this batch */
};

/* Keeps the first failure. */
static inline void judge_note(struct judge *judge, int code)
{
    if (judge->code == SQLITE_OK)
        judge->code = code;
}

int judge_score_prepare(struct judge *judge);
void judge_score_finalize(struct judge *judge);

/* Scores a trace by the flags that it will have, and hands score and reasons out. */
void judge_score(struct judge *judge, int64_t trace_id, judge_visitor *visit, void *context);

#endif
