/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The graph of a store in memory, for connections that search much.
 *
 * To read a store of a million processes takes longer than a search through its statements does, so
 * the graph is held only once a connection has spent as long on searching: whatever it asks, it
 * never takes more than twice the time of the better choice. What a search finds is what it would
 * have found in the store, within the transaction of the statement that asks. The recorder notes
 * what it writes: processes to which something has happened since are read through the statements,
 * until there are so many that it is time for another image. Where it can not be shown what has
 * changed, the image is given up.
 */
#ifndef SPYQ_GRAPH_MEMORY_H
#define SPYQ_GRAPH_MEMORY_H

#include <sqlite3.h>

#include "graph_store.h"

struct graph_image;

/* What has changed leads to processes. */
enum graph_news { GRAPH_NEW_PARENT, GRAPH_NEW_ENDS, GRAPH_NEWS_COUNT };

struct graph_memory {
    struct graph_source held;     /* answers from the image, and from the store where it must */
    struct graph_source not_held; /* answers from the store, and counts how often */
    struct graph_store store;
    struct graph_image *image; /* NULL: none */
    sqlite3_stmt *in_main;     /* is the store the main database? */
    sqlite3_stmt *not_hidden;  /* ... and not hidden by what is temporary? */
    sqlite3_stmt *news[GRAPH_NEWS_COUNT];
    int64_t change;        /* changes.id up to which the image knows them; 0: none */
    unsigned data_version; /* SQLite's, of what the image shows */
    size_t searches;       /* that use the image now */
    int64_t expanded;      /* processes, through statements, since the image was made */
    int64_t worth;         /* as many make it worth while to look at the store's size again */
};

/* Sets up a memory for db that holds nothing yet. *memory must stay where it is. */
void graph_memory_open(struct graph_memory *memory, sqlite3 *db);

/* Frees what is held and finalises the statements. It can be used again after that. */
void graph_memory_close(struct graph_memory *memory);

/*
 * Gives the source for one search, which may take as long as to read the whole store. Called within
 * a statement that holds a read transaction until graph_memory_end. Fails with SQLITE_INTERRUPT
 * only.
 */
int graph_memory_begin(struct graph_memory *memory, const struct graph_source **source);

/* The search is over. source: as begin gave it; NULL: there was none. */
void graph_memory_end(struct graph_memory *memory, const struct graph_source *source);

#endif
