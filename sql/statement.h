/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statements whose text was made, for sqlite3_free(): NULL where there was no memory for it. Both
 * free it, and return SQLite's code. */
#ifndef SPYQ_STATEMENT_H
#define SPYQ_STATEMENT_H

#include <sqlite3.h>

/* Runs all statements in the text; rows are of no interest. */
int statement_run(sqlite3 *db, char *sql);

/* Prepares the first, to be run again and again; it is the caller's to finalize. */
int statement_prepare(sqlite3 *db, char *sql, sqlite3_stmt **statement);

#endif
