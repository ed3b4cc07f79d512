/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The newest rows of a store: what is behind the views `new_TABLE` that rules select from.
 *
 * Held in memory, as the recorder has them: rows are handed over as they were written, or read from
 * the store by their ids. Or as any part of the store, for a look at history: then only ids are
 * held, and the rows are read where they are, as often as rules ask for them.
 */
#ifndef SPYQ_RULE_BATCH_H
#define SPYQ_RULE_BATCH_H

#include <sqlite3.h>

#include "rule_rows.h"

/* How many tables there are with new rows. */
#define RULE_BATCH_TABLES 11

struct rule_batch;

/* Makes the views on a connection. NULL: out of memory, or the store has not the tables. */
struct rule_batch *rule_batch_new(sqlite3 *db, bool is_history);
void rule_batch_free(struct rule_batch *batch); /* drops them; NULL is allowed */

/* Which table a kind's rows are in, or that of this name in the schema `temp` has to do with;
 * RULE_BATCH_TABLES: none. */
size_t rule_batch_of_kind(enum row_kind kind);
size_t rule_batch_of_table(const char *name);

/* Only rows of these tables are taken from now on (bit i: table i). */
void rule_batch_want(struct rule_batch *batch, unsigned tables);

/* Bit i: there are rows of table i. */
unsigned rule_batch_filled(const struct rule_batch *batch);

/* Whether a row of that kind is taken, and whether it may be handed over rather than its id. */
bool rule_batch_wants(const struct rule_batch *batch, enum row_kind kind);
bool rule_batch_holds(const struct rule_batch *batch, enum row_kind kind);

/* Adds a row, which must live until the batch is emptied; of a kind that is not held, its id. */
int rule_batch_add(struct rule_batch *batch, const struct row *row);

/* Adds a row of the store, if it is there. */
int rule_batch_add_id(struct rule_batch *batch, enum row_kind kind, int64_t id);

/* Adds all rows that began in that span (ns, ends included). */
int rule_batch_add_span(struct rule_batch *batch, int64_t since, int64_t until);

/* To be called when all rows are in, before anybody looks at them. */
int rule_batch_finish(struct rule_batch *batch);

int rule_batch_clear(struct rule_batch *batch);

typedef void rule_batch_visitor(void *context, enum row_kind kind, int64_t id);

/* Visits what is held in memory. */
void rule_batch_each(const struct rule_batch *batch, rule_batch_visitor *visit, void *context);

/* Visits each row of a store that began in that span. Returns SQLite's result code. */
int rule_batch_each_in_span(sqlite3 *db, int64_t since, int64_t until, rule_batch_visitor *visit,
                            void *context);

#endif
