/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "salvage.h"

#include <stdio.h>
#include <string.h>

#include "complain.h"
#include "stop.h"

/* Looks for the ends of damage give up after so many that failed, for each table. */
#define FAILURES_MOST 20000

/* Between two damages a stretch is halved so often. */
#define INSIDE_DEPTH 10

/* How far above the highest id that is known there may be others. */
#define UNKNOWN_IDS 1000000
#define IDS_MOST    (1ll << 48)

/* One table on its way. */
struct copying {
    sqlite3 *from, *to;
    sqlite3_stmt *up, *down; /* rows from an id ?1 to ?2, in either direction */
    sqlite3_stmt *insert;
    struct salvaged told;
    int64_t failures;
};

static enum status failed(sqlite3 *db, const char *doing)
{
    complain("%s: %s", doing, sqlite3_errmsg(db));
    return STATUS_ERROR;
}

/* ---- the schema ---- */

/* The file may come from anywhere: one statement, and one that makes something. */
static enum status make_object(sqlite3 *to, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (!sql || sqlite3_strnicmp(sql, "CREATE ", 7) != 0) {
        complain("its schema makes no sense");
        return STATUS_ERROR;
    }
    int code = sqlite3_prepare_v2(to, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        sqlite3_step(statement);
    if (sqlite3_finalize(statement) != SQLITE_OK || code != SQLITE_OK)
        return failed(to, "cannot make the new store's schema");
    return STATUS_OK;
}

/* Objects of the kinds, in the order in which they were made. */
static enum status copy_schema(sqlite3 *from, sqlite3 *to, const char *kinds)
{
    char *sql =
        sqlite3_mprintf("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND type IN (%s) "
                        "AND name NOT LIKE 'sqlite\\_%%' ESCAPE '\\' ORDER BY rowid",
                        kinds);
    sqlite3_stmt *statement = NULL;
    int code = sql ? sqlite3_prepare_v2(from, sql, -1, &statement, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    enum status status = STATUS_OK;
    while (code == SQLITE_OK && status == STATUS_OK && sqlite3_step(statement) == SQLITE_ROW)
        status = make_object(to, (const char *)sqlite3_column_text(statement, 0));
    if (sqlite3_finalize(statement) != SQLITE_OK || code != SQLITE_OK)
        return failed(from, "its schema cannot be read");
    return status;
}

static enum status copy_version(sqlite3 *from, sqlite3 *to)
{
    static const char *const pragmas[] = {"application_id", "user_version"};
    for (size_t i = 0; i < sizeof pragmas / sizeof *pragmas; i++) {
        char sql[64];
        sqlite3_stmt *statement = NULL;
        snprintf(sql, sizeof sql, "PRAGMA %s", pragmas[i]);
        bool read = sqlite3_prepare_v2(from, sql, -1, &statement, NULL) == SQLITE_OK &&
                    sqlite3_step(statement) == SQLITE_ROW;
        if (read)
            snprintf(sql, sizeof sql, "PRAGMA %s = %d", pragmas[i],
                     sqlite3_column_int(statement, 0));
        sqlite3_finalize(statement);
        if (!read)
            return failed(from, "its header cannot be read");
        if (sqlite3_exec(to, sql, NULL, NULL, NULL) != SQLITE_OK)
            return failed(to, "cannot make the new store");
    }
    return STATUS_OK;
}

/* ---- rows ---- */

static bool is_damage(int code)
{
    code &= 0xff;
    return code == SQLITE_CORRUPT || code == SQLITE_IOERR || code == SQLITE_NOTADB;
}

/* Copies the row that a statement is at. What the schema refuses is no row of it. */
static int copy_row(struct copying *copying, sqlite3_stmt *row)
{
    for (int i = 0; i < sqlite3_column_count(row); i++)
        sqlite3_bind_value(copying->insert, i + 1, sqlite3_column_value(row, i));
    int code = sqlite3_step(copying->insert);
    sqlite3_reset(copying->insert);
    if (code == SQLITE_DONE)
        copying->told.rows += sqlite3_changes(copying->to);
    else if ((code & 0xff) == SQLITE_CONSTRAINT || (code & 0xff) == SQLITE_MISMATCH)
        copying->told.refused++;
    else
        return code;
    return SQLITE_OK;
}

/*
 * Copies rows in one direction until there are no more between the ids, or something can not be
 * read: *at is then the last id that could, and stays as it was where none could. *whole tells
 * which.
 */
static enum status copy_run(struct copying *copying, sqlite3_stmt *rows, int64_t first,
                            int64_t last, int64_t *at, bool *whole)
{
    enum status status = STATUS_OK;
    int code;
    sqlite3_bind_int64(rows, 1, first);
    sqlite3_bind_int64(rows, 2, last);
    while (status == STATUS_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        *at = sqlite3_column_int64(rows, 0);
        if (copy_row(copying, rows) != SQLITE_OK)
            status = failed(copying->to, "cannot write the new store");
    }
    *whole = status == STATUS_OK && code == SQLITE_DONE;
    if (status == STATUS_OK && !*whole && (stop_requested() || !is_damage(code)))
        status = failed(copying->from, "cannot read it");
    copying->failures += status == STATUS_OK && !*whole;
    sqlite3_reset(rows);
    return status;
}

static void note_stretch(struct copying *copying, int64_t first, int64_t last)
{
    struct salvaged *told = &copying->told;
    if (!told->stretches || last + 1 != told->first)
        told->stretches += !told->stretches || first != told->last + 1;
    if (!told->first || first < told->first)
        told->first = first;
    if (last > told->last)
        told->last = last;
}

/* What lies between two damages: looked for in the middle, in the middle of the halves, and so on.
 */
static enum status copy_inside(struct copying *copying, int64_t first, int64_t last, int depth)
{
    bool whole = false;
    int64_t middle = first + (last - first) / 2, above = middle, below = middle - 1;
    if (first > last)
        return STATUS_OK;
    if (depth == 0 || copying->failures > FAILURES_MOST) {
        note_stretch(copying, first, last);
        return STATUS_OK;
    }
    enum status status = copy_run(copying, copying->up, middle, last, &below, &whole);
    if (status == STATUS_OK)
        status = copy_run(copying, copying->down, first, middle - 1, &above, &whole);
    if (status == STATUS_OK && below < last)
        status = copy_inside(copying, below + 1, last, below < middle ? depth - 1 : 0);
    if (status == STATUS_OK && above > first)
        status = copy_inside(copying, first, above - 1, above == middle ? depth - 1 : 0);
    return status;
}

/* Behind a damage: tries farther and farther on. *from is where something could be read, or the end
 * was; *at and *whole as in copy_run. */
static enum status copy_behind(struct copying *copying, int64_t damage, int64_t last, int64_t *from,
                               int64_t *at, bool *whole)
{
    enum status status = STATUS_OK;
    *whole = false;
    for (int64_t step = 1; status == STATUS_OK && step <= last - damage; step *= 2) {
        *from = damage + step;
        *at = *from - 1;
        status = copy_run(copying, copying->up, *from, last, at, whole);
        if (*whole || *at >= *from || step > INT64_MAX / 2)
            return status;
    }
    *from = last + 1;
    *at = last;
    *whole = true;
    return status;
}

/* Upwards to the damage, from what can be read behind it back to it, and on from there. */
static enum status copy_between(struct copying *copying, int64_t first, int64_t last)
{
    bool whole = false;
    int64_t at = first - 1;
    enum status status = copy_run(copying, copying->up, first, last, &at, &whole);
    while (status == STATUS_OK && !whole && copying->failures <= FAILURES_MOST) {
        bool met;
        int64_t damage = at + 1, from = 0;
        status = copy_behind(copying, damage, last, &from, &at, &whole);
        int64_t back = from;
        if (status == STATUS_OK)
            status = copy_run(copying, copying->down, damage, from - 1, &back, &met);
        if (status == STATUS_OK && !met)
            status = copy_inside(copying, damage, back - 1, INSIDE_DEPTH);
    }
    return status;
}

/* ---- tables ---- */

static char *column_list(sqlite3 *db, const char *table, int *count, bool *has_id)
{
    sqlite3_stmt *columns = NULL;
    sqlite3_str *list = sqlite3_str_new(NULL);
    *count = 0;
    *has_id = false;
    if (sqlite3_prepare_v2(db, "SELECT name, pk, type FROM pragma_table_info(?1)", -1, &columns,
                           NULL) == SQLITE_OK) {
        sqlite3_bind_text(columns, 1, table, -1, SQLITE_STATIC);
        while (sqlite3_step(columns) == SQLITE_ROW) {
            const char *name = (const char *)sqlite3_column_text(columns, 0);
            *has_id |= *count == 0 && name && strcmp(name, "id") == 0;
            sqlite3_str_appendf(list, "%s\"%w\"", (*count)++ ? ", " : "", name ? name : "");
        }
    }
    sqlite3_finalize(columns);
    return sqlite3_str_finish(list);
}

static char *insert_sql(const char *table, const char *columns, int count)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendf(sql, "INSERT OR IGNORE INTO \"%w\" (%s) VALUES (?", table, columns);
    for (int i = 1; i < count; i++)
        sqlite3_str_appendall(sql, ", ?");
    sqlite3_str_appendall(sql, ")");
    return sqlite3_str_finish(sql);
}

static int prepare(sqlite3 *db, sqlite3_stmt **statement, char *sql)
{
    int code = sql ? sqlite3_prepare_v2(db, sql, -1, statement, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    return code;
}

/* Tables without an id are small: what comes before the damage is taken. */
static int prepare_copying(struct copying *copying, const char *table, bool *has_id)
{
    int count;
    char *columns = column_list(copying->from, table, &count, has_id);
    if (!columns)
        return SQLITE_NOMEM;
    const char *between = *has_id ? "WHERE id BETWEEN ?1 AND ?2 ORDER BY id" : "";
    int code = prepare(copying->from, &copying->up,
                       sqlite3_mprintf("SELECT %s FROM \"%w\" %s", columns, table, between));
    if (code == SQLITE_OK && *has_id)
        code = prepare(copying->from, &copying->down,
                       sqlite3_mprintf("SELECT %s FROM \"%w\" %s DESC", columns, table, between));
    if (code == SQLITE_OK)
        code = prepare(copying->to, &copying->insert, insert_sql(table, columns, count));
    sqlite3_free(columns);
    return code;
}

static int64_t highest(sqlite3 *db, const char *sql, const char *table)
{
    sqlite3_stmt *statement = NULL;
    int64_t value = 0;
    char *text = sqlite3_mprintf(sql, table);
    if (text && sqlite3_prepare_v2(db, text, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_free(text);
    return value;
}

/* No table has more ids than the one that has given out most; unless the numbering is damaged too.
 */
static int64_t last_id(sqlite3 *from, const char *table)
{
    int64_t told = highest(from, "SELECT max(last_id) FROM sequences", table);
    int64_t there = highest(from, "SELECT max(id) FROM \"%w\"", table);
    int64_t known = told > there ? told : there;
    return known < 0 || known > IDS_MOST ? IDS_MOST : known + (told ? 1 : UNKNOWN_IDS);
}

static enum status copy_table(sqlite3 *from, sqlite3 *to, const char *table, salvage_teller *tell,
                              void *context, bool *missing)
{
    struct copying copying = {.from = from, .to = to, .told = {.table = table}};
    bool has_id = false, whole = true;
    int64_t at = 0;
    enum status status = STATUS_OK;
    if (prepare_copying(&copying, table, &has_id) != SQLITE_OK)
        status = failed(from, table);
    else if (has_id)
        status = copy_between(&copying, 0, last_id(from, table));
    else
        status = copy_run(&copying, copying.up, 0, 0, &at, &whole);
    copying.told.stretches += !whole;
    *missing |= copying.told.stretches > 0 || copying.told.refused > 0;
    if (status == STATUS_OK)
        tell(context, &copying.told);
    sqlite3_finalize(copying.up);
    sqlite3_finalize(copying.down);
    sqlite3_finalize(copying.insert);
    return status;
}

static enum status copy_tables(sqlite3 *from, sqlite3 *to, salvage_teller *tell, void *context,
                               bool *missing)
{
    static const char sql[] =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE "
        "'sqlite\\_%' ESCAPE '\\' ORDER BY rowid";
    sqlite3_stmt *tables = NULL;
    enum status status = STATUS_OK;
    /* Of the new store: the old one's schema need not be read again while it is read. */
    if (sqlite3_prepare_v2(to, sql, -1, &tables, NULL) != SQLITE_OK)
        return failed(to, "cannot read the new store");
    while (status == STATUS_OK && sqlite3_step(tables) == SQLITE_ROW)
        status = copy_table(from, to, (const char *)sqlite3_column_text(tables, 0), tell, context,
                            missing);
    sqlite3_finalize(tables);
    return status;
}

/* ---- the end ---- */

/* Ids go on above all that are there, and the store says that it is not all of it. */
static enum status settle(sqlite3 *to, bool missing)
{
    static const char loss[] =
        "INSERT INTO losses (id, started_at, ended_at, class, stage, detail) "
        "SELECT 1 + max(coalesce((SELECT max(id) FROM losses), 0), coalesce((SELECT last_id FROM "
        "sequences WHERE name = 'losses'), 0)), coalesce((SELECT min(first_seen_at) FROM hosts), "
        "0), "
        "coalesce((SELECT max(last_seen_at) FROM recorders), strftime('%s') * 1000000000), "
        "'salvage', 'store', 'this store was salvaged from a damaged one'";
    sqlite3_stmt *names = NULL;
    int code = missing ? sqlite3_exec(to, loss, NULL, NULL, NULL) : SQLITE_OK;
    sqlite3_str *sql = sqlite3_str_new(NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(to,
                                  "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') "
                                  "AND name IN (SELECT name FROM sequences UNION SELECT 'losses' "
                                  "WHERE EXISTS (SELECT 1 FROM losses WHERE class = 'salvage'))"
                                  " AND name <> 'changes'",
                                  -1, &names, NULL);
    while (code == SQLITE_OK && sqlite3_step(names) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(names, 0);
        sqlite3_str_appendf(sql,
                            "INSERT INTO sequences (name, last_id) SELECT %Q, coalesce(max(id), 0) "
                            "FROM \"%w\" WHERE true ON CONFLICT (name) DO UPDATE SET last_id = "
                            "max(last_id, excluded.last_id);",
                            name, name);
    }
    sqlite3_finalize(names);
    char *script = sqlite3_str_finish(sql);
    if (code == SQLITE_OK && script)
        code = sqlite3_exec(to, script, NULL, NULL, NULL);
    sqlite3_free(script);
    return code == SQLITE_OK ? STATUS_OK : failed(to, "cannot finish the new store");
}

enum status salvage(sqlite3 *from, sqlite3 *to, salvage_teller *tell, void *context)
{
    bool missing = false;
    enum status status = copy_version(from, to);
    if (sqlite3_exec(to, "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = OFF; BEGIN", NULL,
                     NULL, NULL) != SQLITE_OK)
        return failed(to, "cannot make the new store");
    if (status == STATUS_OK)
        status = copy_schema(from, to, "'table'");
    if (status == STATUS_OK)
        status = copy_tables(from, to, tell, context, &missing);
    if (status == STATUS_OK)
        status = copy_schema(from, to, "'index', 'view', 'trigger'");
    if (status == STATUS_OK)
        status = settle(to, missing);
    if (status == STATUS_OK && sqlite3_exec(to, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        status = failed(to, "cannot write the new store");
    return status;
}
