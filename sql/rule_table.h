/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows held in memory as a table of SQL: nothing is copied for it, and what is asked of a column is
 * mostly answered before SQLite sees the row. */
#ifndef SPYQ_RULE_TABLE_H
#define SPYQ_RULE_TABLE_H

#include <sqlite3.h>

#include "rule_rows.h"

/*
 * Makes temp.NAME of rows, which outlive it. `declared` is a CREATE TABLE with its columns, in the
 * order of the rows'. Returns SQLite's result code.
 */
int rule_table_make(sqlite3 *db, const char *name, const char *declared, struct rule_rows *rows);

/* Drops it. */
void rule_table_drop(sqlite3 *db, const char *name);

#endif
