/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What may have been meant by SQL that SQLite refuses. */
#ifndef SPYQ_SUGGEST_H
#define SPYQ_SUGGEST_H

#include <sqlite3.h>

#define SUGGESTION_SIZE 200

/*
 * For SQLite's message about `sql` and the byte in it that it is about (-1: it does not say, in
 * which case *offset is set where the name that it is about is found). Leaves a suggestion, or ''.
 */
void suggest(sqlite3 *db, const char *sql, const char *message, int *offset,
             char suggestion[SUGGESTION_SIZE]);

#endif
