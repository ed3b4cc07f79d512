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
    GRAPH_FORK_EDGE,
    GRAPH_STARTED,
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
 * Prepares the first statement, or where the tables that it reads are not there the second, for the
 * public names. Returns SQLite's code; what is made never reads a virtual table.
 */
int graph_store_prepare(sqlite3 *db, const char *of_rows, const char *of_public, unsigned flags,
                        sqlite3_stmt **statement);

/* The kind of an edge in a row: a number or a name. GRAPH_KIND_COUNT: it is none. */
enum graph_kind graph_store_kind(sqlite3_stmt *row, int index);

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
