/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Texts and sets of columns that no row refers to any more go away: all rows are looked through,
 * slice by slice, and what they refer to is marked, as is what is written meanwhile; then go those
 * that were there at the beginning and have no mark. What is known lives in memory only: whoever
 * is stopped begins anew.
 */
#include <stdlib.h>

#include "clock.h"
#include "layout.h"
#include "store_private.h"

/* Rows between two looks at the clock. */
#define ROWS 1024

/* Of more numbers only the lowest are looked at: 8 MiB of marks. */
#define MARKS_MAX ((int64_t)1 << 26)

/* What is numbered: texts, and the sets of each kind of row. */
enum { TEXTS, SETS, NUMBERED = SETS + ROW_KIND_COUNT };

struct marks {
    int64_t first, last;
    unsigned char *bits; /* NULL: there is nothing to tidy */
};

struct tidy {
    int step; /* below ROW_KIND_COUNT: reading that kind; then: removing what has no mark */
    int64_t cursor;
    struct marks marks[NUMBERED];
};

static const char *table_of(int numbered)
{
    return numbered == TEXTS ? "strings" : layouts[numbered - SETS].folded;
}

/* ---- marks ---- */

void store_tidy_mark(struct store *store, int set_of, int64_t number)
{
    if (!store->tidy)
        return;
    const struct marks *marks = &store->tidy->marks[set_of < 0 ? TEXTS : SETS + set_of];
    if (marks->bits && number >= marks->first && number <= marks->last)
        marks->bits[(number - marks->first) / 8] |=
            (unsigned char)(1u << ((number - marks->first) % 8));
}

static bool is_marked(const struct marks *marks, int64_t number)
{
    return marks->bits[(number - marks->first) / 8] >> ((number - marks->first) % 8) & 1;
}

static int prepare(struct store *store, char *sql, sqlite3_stmt **statement)
{
    int code = sql ? sqlite3_prepare_v2(store->db, sql, -1, statement, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    return code;
}

static int make_marks(struct store *store, int numbered, struct marks *marks)
{
    sqlite3_stmt *row = NULL;
    if (!table_of(numbered))
        return SQLITE_OK;
    int code = prepare(store,
                       sqlite3_mprintf("SELECT (SELECT min(id) FROM \"%w\"),"
                                       " (SELECT max(id) FROM \"%w\")",
                                       table_of(numbered), table_of(numbered)),
                       &row);
    if (code == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW &&
        sqlite3_column_type(row, 0) != SQLITE_NULL) {
        marks->first = sqlite3_column_int64(row, 0);
        marks->last = sqlite3_column_int64(row, 1);
        if (marks->last - marks->first >= MARKS_MAX)
            marks->last = marks->first + MARKS_MAX - 1;
        marks->bits = calloc(1, (size_t)(marks->last - marks->first) / 8 + 1);
        code = marks->bits ? SQLITE_OK : SQLITE_NOMEM;
    }
    int finalized = sqlite3_finalize(row);
    return code ? code : finalized;
}

static int begin(struct store *store)
{
    int code = SQLITE_OK;
    store->added = 0;
    store->tidy = calloc(1, sizeof(*store->tidy));
    if (!store->tidy)
        return SQLITE_NOMEM;
    for (int i = 0; i < NUMBERED && code == SQLITE_OK; i++)
        code = make_marks(store, i, &store->tidy->marks[i]);
    return code;
}

void store_tidy_stop(struct store *store)
{
    for (int i = 0; store->tidy && i < NUMBERED; i++)
        free(store->tidy->marks[i].bits);
    free(store->tidy);
    store->tidy = NULL;
}

/* ---- reading ---- */

/* The next rows of a kind: the id, the number of the set or NULL, then what may be texts. */
static char *reading_sql(enum row_kind kind)
{
    const struct layout *layout = &layouts[kind];
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendf(sql, "SELECT id, %s", layout->number ? layout->number : "NULL");
    for (const struct stored *stored = layout->columns; stored->column; stored++) {
        const char *name = stored->name ? stored->name : stored->column;
        if (stored->as == STORED_TEXT)
            sqlite3_str_appendf(sql, ", \"%w\"", name);
        else if (stored->as == STORED_JOINED)
            sqlite3_str_appendf(sql, ", iif(typeof(\"%w\") = 'integer', abs(\"%w\"), NULL)", name,
                                name);
        else if (stored->as == STORED_PIPE) /* a negative one is no number of a text */
            sqlite3_str_appendf(sql, ", \"%w\"", name);
    }
    sqlite3_str_appendf(sql, " FROM \"%w\" WHERE id > ?1 ORDER BY id LIMIT %d", layout->table,
                        ROWS);
    return sqlite3_str_finish(sql);
}

static void mark_row(struct store *store, enum row_kind kind, sqlite3_stmt *row)
{
    if (sqlite3_column_type(row, 1) == SQLITE_INTEGER)
        store_tidy_mark(store, (int)kind, sqlite3_column_int64(row, 1));
    for (int i = 2; i < sqlite3_column_count(row); i++)
        if (sqlite3_column_type(row, i) == SQLITE_INTEGER)
            store_tidy_mark(store, STORE_TIDY_TEXT, sqlite3_column_int64(row, i));
}

/* *done: there were no more. */
static int read_rows(struct store *store, enum row_kind kind, bool *done)
{
    sqlite3_stmt *row = NULL;
    int count = 0;
    int code = prepare(store, reading_sql(kind), &row);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(row, 1, store->tidy->cursor);
    for (; code == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW; count++) {
        mark_row(store, kind, row);
        store->tidy->cursor = sqlite3_column_int64(row, 0);
    }
    *done = count < ROWS;
    int finalized = sqlite3_finalize(row);
    return code ? code : finalized;
}

/* ---- removing ---- */

static int remove_number(sqlite3_stmt *statement, int64_t number)
{
    sqlite3_bind_int64(statement, 1, number);
    sqlite3_step(statement);
    return sqlite3_reset(statement);
}

static int remove_unmarked(struct store *store, int numbered, bool *done)
{
    struct marks *marks = &store->tidy->marks[numbered];
    sqlite3_stmt *row = NULL, *removal = NULL;
    int count = 0, removed = SQLITE_OK;
    int code = prepare(store,
                       sqlite3_mprintf("SELECT id FROM \"%w\" WHERE id > ?1 AND id <= ?2"
                                       " ORDER BY id LIMIT %d",
                                       table_of(numbered), ROWS),
                       &row);
    if (code == SQLITE_OK)
        code =
            prepare(store, sqlite3_mprintf("DELETE FROM \"%w\" WHERE id = ?1", table_of(numbered)),
                    &removal);
    sqlite3_bind_int64(row, 1, store->tidy->cursor);
    sqlite3_bind_int64(row, 2, marks->last);
    for (; code == SQLITE_OK && removed == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW; count++) {
        store->tidy->cursor = sqlite3_column_int64(row, 0);
        if (!is_marked(marks, store->tidy->cursor))
            removed = remove_number(removal, store->tidy->cursor);
    }
    *done = count < ROWS;
    sqlite3_finalize(removal);
    int finalized = sqlite3_finalize(row);
    code = code ? code : removed;
    return code ? code : finalized;
}

/* ---- step by step ---- */

static int some_rows(struct store *store, bool *done)
{
    int step = store->tidy->step;
    *done = true;
    if (step < ROW_KIND_COUNT)
        return layouts[step].table ? read_rows(store, (enum row_kind)step, done) : SQLITE_OK;
    /* What goes must not be given out again. */
    if (step == ROW_KIND_COUNT && store->tidy->cursor == 0)
        store_text_forget(store);
    if (!store->tidy->marks[step - ROW_KIND_COUNT].bits)
        return SQLITE_OK;
    return remove_unmarked(store, step - ROW_KIND_COUNT, done);
}

enum store_status store_tidy(struct store *store, int64_t until, bool *done)
{
    int code = store->tidy ? SQLITE_OK : begin(store);
    *done = false;
    while (code == SQLITE_OK && !*done) {
        bool done_with_step;
        code = some_rows(store, &done_with_step);
        if (code == SQLITE_OK && done_with_step) {
            store->tidy->cursor = 0;
            *done = ++store->tidy->step == ROW_KIND_COUNT + NUMBERED;
        }
        if (clock_ns(CLOCK_MONOTONIC) >= until)
            break;
    }
    if (code != SQLITE_OK || *done)
        store_tidy_stop(store);
    return code == SQLITE_OK ? STORE_OK : store_failed(store, "cannot tidy up its texts");
}
