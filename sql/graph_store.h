/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A graph source that reads the store that a connection has open, through cached statements. */
#ifndef SPYQ_GRAPH_STORE_H
#define SPYQ_GRAPH_STORE_H

#include <sqlite3.h>

#include "graph.h"

enum graph_statement {
    GRAPH_LOOK,
    GRAPH_PEERS_IN,
    GRAPH_PEERS_OUT,
    GRAPH_PARENT,
    GRAPH_CHILDREN,
    GRAPH_CAUSES,
    GRAPH_EFFECTS,
    GRAPH_STATEMENT_COUNT
};

struct graph_store {
    struct graph_source source; /* what a search is begun on */
    sqlite3 *db;
    sqlite3_stmt *statements[GRAPH_STATEMENT_COUNT]; /* each prepared when first needed */
};

/*
 * Sets up a source on db; nothing is read or prepared before the first search. *store must stay
 * where it is. The search sees one state of the store only where the caller holds a transaction
 * open throughout, as a running statement does. Any number of searches may use it in turns: none
 * leaves a statement running.
 */
void graph_store_open(struct graph_store *store, sqlite3 *db);

/*
 * Finalises the statements, which stay prepared from one search to the next until then. A source
 * can be used again after it.
 */
void graph_store_close(struct graph_store *store);

#endif
