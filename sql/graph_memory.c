/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sqlite3ext.h>

#include <stdlib.h>

#include "graph_image.h"
#include "graph_memory.h"

SQLITE_EXTENSION_INIT3

/* To expand a process through statements takes as long as to read so many rows into an image. */
#define ROWS_PER_EXPANSION 10

/* ---- sources ---- */

static int look_not_held(void *context, const struct graph_question *question, int64_t process_id,
                         bool *known, const char **hub)
{
    struct graph_store *store = &((struct graph_memory *)context)->store;

    return store->source.look(store, question, process_id, known, hub);
}

static int expand_not_held(void *context, const struct graph_question *question, int64_t process_id,
                           int64_t time, uint32_t kinds, struct graph_search *search)
{
    struct graph_memory *memory = context;

    memory->expanded++;
    return memory->store.source.expand(&memory->store, question, process_id, time, kinds, search);
}

static int look_held(void *context, const struct graph_question *question, int64_t process_id,
                     bool *known, const char **hub)
{
    const struct graph_memory *memory = context;

    if (graph_image_lacks(memory->image, process_id))
        return look_not_held(context, question, process_id, known, hub);
    graph_image_look(memory->image, question, process_id, known, hub);
    return SQLITE_OK;
}

static int expand_held(void *context, const struct graph_question *question, int64_t process_id,
                       int64_t time, uint32_t kinds, struct graph_search *search)
{
    const struct graph_memory *memory = context;

    if (graph_image_lacks(memory->image, process_id))
        return expand_not_held(context, question, process_id, time, kinds, search);
    return graph_image_expand(memory->image, question, process_id, kinds, search);
}

/* ---- is it what the store says? ---- */

/* Of the main database alone SQLite tells whether it has changed. */
static const char in_main_sql[] =
    "SELECT 1 FROM main.sqlite_master WHERE name = 'processes' AND type IN ('table', 'view')"
    " AND EXISTS (SELECT 1 FROM main.sqlite_master WHERE name = 'edges'"
    " AND type IN ('table', 'view'))";

/* What has our names here is what the statements read. */
static const char not_hidden_sql[] = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM temp.sqlite_master"
                                     " WHERE lower(name) IN ('processes', 'edges'))";

/* Has the statement a row? It is kept in *statement. */
static bool has_row(sqlite3 *db, const char *sql, sqlite3_stmt **statement)
{
    unsigned flags = SQLITE_PREPARE_PERSISTENT | SQLITE_PREPARE_NO_VTAB;

    if (!*statement && sqlite3_prepare_v3(db, sql, -1, flags, statement, NULL) != SQLITE_OK)
        return false;
    bool row = sqlite3_step(*statement) == SQLITE_ROW;
    return sqlite3_reset(*statement) == SQLITE_OK && row;
}

/* Within a transaction that only reads the version tells of all that others or this connection
 * have committed; what it has written itself and not committed it does not. false: an image would
 * not show what the statements read. */
static bool version_of(struct graph_memory *memory, unsigned *version)
{
    sqlite3 *db = memory->store.db;

    return sqlite3_txn_state(db, "main") == SQLITE_TXN_READ &&
           has_row(db, not_hidden_sql, &memory->not_hidden) &&
           sqlite3_file_control(db, "main", SQLITE_FCNTL_DATA_VERSION, version) == SQLITE_OK;
}

static void forget(struct graph_memory *memory)
{
    graph_image_free(memory->image);
    memory->image = NULL;
}

/* Is it worth while by now? The size of the store is looked at only now and then. */
static bool is_worth(struct graph_memory *memory)
{
    int64_t rows;

    if (memory->expanded < memory->worth)
        return false;
    rows = graph_image_rows(memory->store.db);
    memory->worth = rows < 0 ? 2 * memory->expanded + 1 : rows / ROWS_PER_EXPANSION;
    return rows >= 0 && memory->expanded >= memory->worth;
}

/* 0: none has been noted, nor will what follows be all that changes. */
static int64_t newest_change(sqlite3 *db)
{
    sqlite3_stmt *row = NULL;
    int64_t change = 0;

    if (sqlite3_prepare_v3(db, "SELECT max(id) FROM main.changes", -1, SQLITE_PREPARE_NO_VTAB, &row,
                           NULL) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW)
        change = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    return change;
}

static int make(struct graph_memory *memory)
{
    sqlite3 *db = memory->store.db;

    if (!is_worth(memory) || !version_of(memory, &memory->data_version) ||
        !has_row(db, in_main_sql, &memory->in_main))
        return SQLITE_OK;
    memory->change = newest_change(db);
    int rc = graph_image_make(db, &memory->image);
    memory->expanded = 0;
    if (rc != SQLITE_OK && rc != SQLITE_INTERRUPT)
        memory->worth = INT64_MAX; /* for want of memory: not again */
    return rc == SQLITE_INTERRUPT ? rc : SQLITE_OK;
}

/* ---- keeping it current ---- */

#define PARENT_OF(processes) "SELECT parent_id FROM " processes " WHERE id = ?1"
#define ENDS_OF(edges)                                                                             \
    "SELECT src FROM " edges " WHERE id = ?1 UNION ALL SELECT dst FROM " edges " WHERE id = ?1"

/* Runs a statement of one argument that gives ids of processes, which the image loses. */
static int lose_found(struct graph_memory *memory, enum graph_news which, int64_t id)
{
    static const char *const sql[][2] = {
        [GRAPH_NEW_PARENT] = {PARENT_OF("main.process_rows"), PARENT_OF("processes")},
        [GRAPH_NEW_ENDS] = {ENDS_OF("main.edge_rows"), ENDS_OF("edges")},
    };
    sqlite3_stmt **statement = &memory->news[which];
    int rc = SQLITE_OK;

    if (!*statement)
        rc = graph_store_prepare(memory->store.db, sql[which][0], sql[which][1],
                                 SQLITE_PREPARE_PERSISTENT, statement);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(*statement, 1, id);
    while (sqlite3_step(*statement) == SQLITE_ROW)
        graph_image_lose(memory->image, sqlite3_column_int64(*statement, 0));
    return sqlite3_reset(*statement);
}

static int lose_process(struct graph_memory *memory, int64_t id)
{
    graph_image_lose_process(memory->image, id);
    return lose_found(memory, GRAPH_NEW_PARENT, id);
}

static int lose_edge(struct graph_memory *memory, int64_t id)
{
    graph_image_lose_edge(memory->image, id);
    return lose_found(memory, GRAPH_NEW_ENDS, id);
}

/* Calls lose for each number of a JSON array of integers, if there is one. *left: how many more
 * changes are worth following. */
static int lose_all(struct graph_memory *memory, const char *array, int64_t *left,
                    int (*lose)(struct graph_memory *memory, int64_t id))
{
    int rc = SQLITE_OK;
    char *end;

    for (; rc == SQLITE_OK && array && (*array == '[' || *array == ','); array = end) {
        rc = lose(memory, strtoll(array + 1, &end, 10));
        if (end == array + 1 || --*left < 0)
            return SQLITE_ERROR;
    }
    return rc == SQLITE_OK && array && *array != ']' ? SQLITE_ERROR : rc;
}

/* The row up to which the changes are known has to be there still: then so are all after it. */
static int follow_changes(struct graph_memory *memory, sqlite3_stmt *row)
{
    int64_t left = memory->worth;
    int rc = SQLITE_OK;

    sqlite3_bind_int64(row, 1, memory->change);
    if (!memory->change || sqlite3_step(row) != SQLITE_ROW ||
        sqlite3_column_int64(row, 0) != memory->change)
        return SQLITE_ERROR;
    while (rc == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW) {
        memory->change = sqlite3_column_int64(row, 0);
        rc = lose_all(memory, (const char *)sqlite3_column_text(row, 1), &left, lose_process);
        if (rc == SQLITE_OK)
            rc = lose_all(memory, (const char *)sqlite3_column_text(row, 2), &left, lose_edge);
    }
    return rc;
}

/* Returns SQLITE_OK where the image is what the store says again; what has changed it lacks. */
static int follow(struct graph_memory *memory)
{
    static const char sql[] = "SELECT id, processes, edges FROM main.changes"
                              " WHERE id >= ?1 ORDER BY id";
    sqlite3_stmt *row = NULL;
    int rc = sqlite3_prepare_v3(memory->store.db, sql, -1, SQLITE_PREPARE_NO_VTAB, &row, NULL);

    if (rc == SQLITE_OK)
        rc = follow_changes(memory, row);
    int finalized = sqlite3_finalize(row);
    return rc == SQLITE_OK ? finalized : rc;
}

/* ---- public ---- */

void graph_memory_open(struct graph_memory *memory, sqlite3 *db)
{
    *memory = (struct graph_memory){
        .held = {.look = look_held, .expand = expand_held, .context = memory},
        .not_held = {.look = look_not_held, .expand = expand_not_held, .context = memory},
        .worth = 1,
    };
    graph_store_open(&memory->store, db);
}

void graph_memory_close(struct graph_memory *memory)
{
    forget(memory);
    sqlite3_finalize(memory->in_main);
    sqlite3_finalize(memory->not_hidden);
    for (int i = 0; i < GRAPH_NEWS_COUNT; i++)
        sqlite3_finalize(memory->news[i]);
    memory->in_main = memory->not_hidden = memory->news[0] = memory->news[1] = NULL;
    graph_store_close(&memory->store);
}

/* Is there an image of what the store says now? One that others still read stays as it is. */
static bool is_current(struct graph_memory *memory)
{
    unsigned version;
    bool readable = version_of(memory, &version);

    if (readable && version == memory->data_version)
        return true;
    if (memory->searches)
        return false;
    if (readable && follow(memory) == SQLITE_OK) {
        memory->data_version = version;
        return true;
    }
    forget(memory);
    return false;
}

int graph_memory_begin(struct graph_memory *memory, const struct graph_source **source)
{
    int rc = SQLITE_OK;

    *source = &memory->not_held;
    if (memory->image && !memory->searches && memory->expanded >= memory->worth)
        forget(memory); /* it lacks so much by now that it is time for another */
    if (memory->image && !is_current(memory))
        return SQLITE_OK;
    if (!memory->image)
        rc = make(memory);
    if (!memory->image)
        return rc;
    memory->searches++;
    *source = &memory->held;
    return SQLITE_OK;
}

void graph_memory_end(struct graph_memory *memory, const struct graph_source *source)
{
    if (source == &memory->held)
        memory->searches--;
}
