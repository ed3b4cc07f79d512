/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows that are written may name others that have been rolled away since the recorder heard of
 * them: who wrote a file a month before somebody ran it. Only ids up to the horizon have to be
 * looked up.
 */
#include <string.h>

#include "retention_private.h"

/* Columns without which a row means nothing; in others there is NULL instead. */
static const struct {
    enum row_kind kind;
    size_t offset;
} required[] = {
    {ROW_PROBE, offsetof(struct row_probe, recorder_id)},
    {ROW_EXEC, offsetof(struct row_exec, process_id)},
    {ROW_PRIVILEGE, offsetof(struct row_privilege, process_id)},
    {ROW_EDGE, offsetof(struct row_edge, src)},
    {ROW_EDGE, offsetof(struct row_edge, dst)},
    {ROW_HOLDER, offsetof(struct row_holder, process_id)},
    {ROW_HOLDER, offsetof(struct row_holder, connection_id)},
    {ROW_SCORE_REASON, offsetof(struct row_score_reason, trace_id)},
    {ROW_TRACE_LINK, offsetof(struct row_trace_link, src_trace_id)},
    {ROW_TRACE_LINK, offsetof(struct row_trace_link, dst_trace_id)},
};

static bool is_required(enum row_kind kind, size_t offset)
{
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
        if (required[i].kind == kind && required[i].offset == offset)
            return true;
    return false;
}

int admission_prepare(struct admission *admission, struct store *store, const struct mark *horizon)
{
    int code = SQLITE_OK;
    admission->horizon = horizon;
    for (int kind = 0; kind < ROW_KIND_COUNT && code == SQLITE_OK; kind++) {
        char *sql = sqlite3_mprintf("SELECT 1 FROM \"%w\" WHERE id = ?1", row_tables[kind].name);
        code = sql ? sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                        &admission->exists[kind], NULL)
                   : SQLITE_NOMEM;
        sqlite3_free(sql);
    }
    return code;
}

void admission_finalize(struct admission *admission)
{
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++)
        sqlite3_finalize(admission->exists[kind]);
}

void admission_forget(struct admission *admission, const struct rolled *rolled)
{
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++)
        if (rolled->count[kind])
            memset(admission->known[kind], 0, sizeof(admission->known[kind]));
}

/* In doubt it is there: what is wrong with the store shows when the row is written. */
static bool is_gone(struct admission *admission, enum row_kind kind, int64_t id)
{
    if (kind == ROW_HOST || id <= 0 || id > admission->horizon->last_id[kind])
        return false;
    int64_t *known = &admission->known[kind][id % ADMIT_KNOWN];
    if (*known == id)
        return false;
    sqlite3_bind_int64(admission->exists[kind], 1, id);
    bool gone = sqlite3_step(admission->exists[kind]) == SQLITE_DONE;
    sqlite3_reset(admission->exists[kind]);
    if (!gone)
        *known = id;
    return gone;
}

const struct row *retention_admit(struct retention *retention, const struct row *row)
{
    static union any_row changed; /* one thread writes */
    static struct row result;
    struct admission *admission = &retention->admission;
    const struct store_table *table = &retention->store->tables[row->kind];
    const void *columns = row->columns;
    for (size_t i = 0; i < table->id_column_count; i++) {
        size_t offset = table->id_columns[i].offset;
        int64_t id = *(const int64_t *)(const void *)((const char *)columns + offset);
        if (offset == 0 || !is_gone(admission, table->id_columns[i].kind, id))
            continue;
        if (is_required(row->kind, offset)) {
            admission->refused.count[row->kind]++;
            return NULL;
        }
        if (columns == row->columns)
            columns = memcpy(&changed, row->columns, row_tables[row->kind].row_size);
        *(int64_t *)(void *)((char *)&changed + offset) = INTEGER_NULL;
    }
    result = (struct row){row->kind, columns};
    return &result;
}
