/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sqlite3ext.h>

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
    "SELECT 1 FROM main.sqlite_master WHERE name = 'processes' AND type = 'table'"
    " AND EXISTS (SELECT 1 FROM main.sqlite_master WHERE name = 'edges' AND type = 'table')";

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

static int make(struct graph_memory *memory)
{
    sqlite3 *db = memory->store.db;

    if (!is_worth(memory) || !version_of(memory, &memory->data_version) ||
        !has_row(db, in_main_sql, &memory->in_main))
        return SQLITE_OK;
    int rc = graph_image_make(db, &memory->image);
    memory->expanded = 0;
    if (rc != SQLITE_OK && rc != SQLITE_INTERRUPT)
        memory->worth = INT64_MAX; /* for want of memory: not again */
    return rc == SQLITE_INTERRUPT ? rc : SQLITE_OK;
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
    memory->in_main = memory->not_hidden = NULL;
    graph_store_close(&memory->store);
}

int graph_memory_begin(struct graph_memory *memory, const struct graph_source **source)
{
    unsigned version;
    int rc = SQLITE_OK;

    *source = &memory->not_held;
    if (memory->image && (!version_of(memory, &version) || version != memory->data_version)) {
        if (memory->searches) /* somebody is still reading the older state, and its image */
            return SQLITE_OK;
        forget(memory);
    }
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
