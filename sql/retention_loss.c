/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was rolled away, as one row of `losses` that grows: an answer's horizon. */
#include <string.h>

#include "retention_private.h"

/* {"processes": 12, ...}, as written by write_counts. */
static int read_counts(struct store *store, const char *json, struct rolled *total)
{
    sqlite3_stmt *counts;
    int code = sqlite3_prepare_v2(
        store->db, "SELECT key, value FROM json_each(?1) WHERE json_valid(?1)", -1, &counts, NULL);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_text(counts, 1, json, -1, SQLITE_STATIC);
    while (sqlite3_step(counts) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(counts, 0);
        for (int kind = 0; kind < ROW_KIND_COUNT; kind++)
            if (name && kind != ROW_TRACE_SCORE && strcmp(name, row_tables[kind].name) == 0)
                total->count[kind] = sqlite3_column_int64(counts, 1);
    }
    return sqlite3_finalize(counts);
}

static int read_row(struct store *store, sqlite3_stmt *row, struct retention_loss *loss)
{
    const char *counts = (const char *)sqlite3_column_text(row, 3);
    loss->id = sqlite3_column_int64(row, 0);
    loss->started_at = sqlite3_column_int64(row, 1);
    loss->ended_at = sqlite3_column_int64(row, 2);
    return counts ? read_counts(store, counts, &loss->total) : SQLITE_OK;
}

static int read_start(struct store *store, int64_t *started_at)
{
    sqlite3_stmt *statement;
    int code =
        sqlite3_prepare_v2(store->db, "SELECT min(first_seen_at) FROM hosts", -1, &statement, NULL);
    if (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW &&
        sqlite3_column_type(statement, 0) == SQLITE_INTEGER)
        *started_at = sqlite3_column_int64(statement, 0);
    return code == SQLITE_OK ? sqlite3_finalize(statement) : code;
}

enum store_status loss_read(struct store *store, int64_t id, struct retention_loss *loss)
{
    static const char sql[] = "SELECT id, started_at, ended_at, detail FROM losses "
                              "WHERE class = 'retention' AND stage = 'store' ORDER BY id LIMIT 1";
    sqlite3_stmt *statement;
    *loss = (struct retention_loss){.id = id, .started_at = INT64_MAX, .ended_at = INTEGER_NULL};
    int code = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);
    bool found = code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW;
    if (found)
        code = read_row(store, statement, loss);
    int end = sqlite3_finalize(statement);
    if (code == SQLITE_OK && end == SQLITE_OK && !found)
        code = read_start(store, &loss->started_at);
    return code == SQLITE_OK && end == SQLITE_OK
               ? STORE_OK
               : store_failed(store, "cannot read what was rolled away");
}

static char *counts_json(const struct rolled *total)
{
    sqlite3_str *json = sqlite3_str_new(NULL);
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++)
        if (total->count[kind])
            sqlite3_str_appendf(json, "%s\"%s\":%lld", sqlite3_str_length(json) ? "," : "{",
                                row_tables[kind].name, (long long)total->count[kind]);
    sqlite3_str_appendall(json, sqlite3_str_length(json) ? "}" : "{}");
    return sqlite3_str_finish(json);
}

enum store_status loss_write(struct store *store, struct retention_loss *loss,
                             const struct rolled *rolled, int64_t horizon)
{
    struct row_loss row;
    row_clear(ROW_LOSS, &row);
    row.id = loss->id;
    row.class = (struct text){"retention", 9};
    row.stage = (struct text){"store", 5};
    row.count = 0;
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++)
        row.count += loss->total.count[kind] += rolled->count[kind];
    if (horizon > loss->ended_at)
        loss->ended_at = horizon;
    if (loss->started_at > loss->ended_at)
        loss->started_at = loss->ended_at;
    row.started_at = loss->started_at;
    row.ended_at = loss->ended_at;
    char *json = counts_json(&loss->total);
    if (json)
        row.detail = (struct text){json, strlen(json)};
    enum store_status status = store_put(store, &(struct row){ROW_LOSS, &row});
    sqlite3_free(json);
    return status;
}
