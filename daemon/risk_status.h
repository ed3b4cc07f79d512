/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of `rules`: which rules there are, and how they fare. Each rule keeps its row, by its id. */
#ifndef SPYQ_RISK_STATUS_H
#define SPYQ_RISK_STATUS_H

#include "../sql/judge.h"

struct risk_status {
    struct rule_row *rows; /* by name */
    size_t count;
    int64_t next_rule;
};

/* Reads the rows of earlier runs; what of them is no rule any more is put as `removed`. */
void risk_status_load(struct risk_status *status, sqlite3 *db, judge_visitor *put, void *context,
                      const struct rule_set *set);

/* Puts the rows that have changed since they were last put; `loaded`: all, as they are new. */
void risk_status_put(struct risk_status *status, const struct judge *judge,
                     const struct rule_set *set, bool loaded, judge_visitor *put, void *context);

/* Whether a rule's state is another than when it was last put. */
bool risk_status_has_news(const struct risk_status *status, const struct rule_set *set);

void risk_status_free(struct risk_status *status);

#endif
