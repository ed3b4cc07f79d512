/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows out of SQLite's statements. */
#ifndef SPYQ_ROW_FETCH_H
#define SPYQ_ROW_FETCH_H

#include <sqlite3.h>

#include "rows.h"

/* The value of a statement's column; text belongs to the statement, until its next step. */
int64_t row_integer(sqlite3_stmt *statement, int column);
struct text row_text(sqlite3_stmt *statement, int column);

/* Fills a row struct from a statement that selects all columns of its table in their order. */
void row_fetch(sqlite3_stmt *statement, enum row_kind kind, void *columns);

/* Binds a value; INTEGER_NULL and TEXT_NULL are NULL. Text must live until the statement's reset.
 */
int row_bind_integer(sqlite3_stmt *statement, int parameter, int64_t value);
int row_bind_text(sqlite3_stmt *statement, int parameter, struct text text);

#endif
