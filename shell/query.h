/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs SQL and writes its answers. */
#ifndef SPYQ_QUERY_H
#define SPYQ_QUERY_H

#include <stdarg.h>

#include "result.h"
#include "session.h"

/* Where SQL came from, for messages: `FILE:LINE: ` before the error. */
struct origin {
    const char *file; /* NULL: typed or given as an argument */
    size_t line;
};

/*
 * Runs every statement in sql, in order, and writes each answer in the session's format, up to the
 * first that fails.
 *
 * A table, and any answer for a terminal, is fetched whole and its statement ended before the first
 * byte is written; it may take RESULT_LIMIT of memory. For a pipe the same is done by way of a
 * temporary file, so that a slow reader keeps no lock on the store. An answer for a file is written
 * as it comes.
 */
enum status query_run(struct session *session, const char *sql, const struct origin *origin);

/*
 * Prepares the first statement of sql; *tail is what follows it, and *statement NULL where sql
 * holds none. After a failure a message has been written.
 */
enum status query_prepare(struct session *session, const char *sql, const struct origin *origin,
                          sqlite3_stmt **statement, const char **tail);

/* Writes the answer of a prepared statement as query_run() does, and finalizes it. */
enum status query_answer(struct session *session, sqlite3_stmt *statement,
                         const struct origin *origin);

/*
 * Fetches the answer of a prepared statement into *result, which the caller frees in any case, and
 * finalizes it.
 */
enum status query_collect(struct session *session, sqlite3_stmt *statement, struct result *result,
                          const struct origin *origin);

/*
 * Fetches the answer to one statement of ours into *result, which the caller frees in any case.
 * types tells the parameters ?1, ?2, ...: 'i' int64_t, 'n' the same with INTEGER_NULL as NULL,
 * 't' const char * (NULL is NULL).
 */
enum status query_fetch(struct session *session, struct result *result, const char *sql,
                        const char *types, ...);

/* query_fetch() for an answer of one integer; NULL and no row leave *value as it was. */
enum status query_integer(struct session *session, int64_t *value, const char *sql,
                          const char *types, ...);

/* STATUS_OK if the store has this table or view; STATUS_ERROR, after a message, where it lacks it.
 */
enum status query_need(struct session *session, const char *table);

/* Writes a result in the session's format. */
void query_show(struct session *session, const struct result *result);

#endif
