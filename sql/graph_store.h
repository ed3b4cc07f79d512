/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Graph sources that read the store that a connection has open, through cached statements. */
#ifndef SPYQ_GRAPH_STORE_H
#define SPYQ_GRAPH_STORE_H

#include <sqlite3.h>

#include "graph.h"

/* From a process to the one that forked it, or to those that it forked. */
enum graph_direction { GRAPH_PARENTS, GRAPH_CHILDREN };

struct graph_store {
    struct graph_source source; /* what a search is begun on */
    sqlite3 *db;
    const char *expand_sql;
    sqlite3_stmt *contains;
    sqlite3_stmt *expand;
};

/*
 * Sets up a source on db; nothing is read or prepared before the first search. *store must stay
 * where it is. The search sees one state of the store only where the caller holds a transaction
 * open throughout, as a running statement does.
 */
void graph_store_open(struct graph_store *store, sqlite3 *db, enum graph_direction direction);

/*
 * Finalises the statements, which stay prepared from one search to the next until then. A source
 * can be opened again after it.
 */
void graph_store_close(struct graph_store *store);

#endif
