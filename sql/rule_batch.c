/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rule_batch.h"

#include <stdlib.h>
#include <string.h>

#include "row_fetch.h"
#include "rule_table.h"
#include "statement.h"
#include "text_hash.h"

/* The tables, and the column by which a span of time is chosen. */
static const struct {
    enum row_kind kind;
    const char *time;
} watched[RULE_BATCH_TABLES] = {
    {ROW_PROCESS, "started_at"},  {ROW_EXEC, "at"},       {ROW_CONNECTION, "started_at"},
    {ROW_LISTENER, "started_at"}, {ROW_DNS_QUERY, "at"},  {ROW_FILE, "at"},
    {ROW_PRIVILEGE, "at"},        {ROW_EDGE, "last_at"},  {ROW_CONTAINER, "started_at"},
    {ROW_TRACE, "last_at"},       {ROW_PAIR, "first_at"},
};

/* What most rules ask of a table first. */
static const struct {
    enum row_kind kind;
    const char *column;
} keys[] = {{ROW_EXEC, "exe"}, {ROW_EDGE, "kind"}, {ROW_PRIVILEGE, "kind"}, {ROW_FILE, "place"}};

#define ALL_TABLES ((1u << RULE_BATCH_TABLES) - 1)

/* A row that was read from the store, or the id of one. */
struct copy {
    struct copy *next;
    int64_t columns[]; /* a row struct, and its texts */
};

struct batch_table {
    struct rule_rows rows;
    bool held;           /* a row struct is all of the row */
    sqlite3_stmt *fetch; /* a row by its id; not in history */
    sqlite3_stmt *add;   /* an id; in history only */
};

struct rule_batch {
    sqlite3 *db;
    bool is_history;
    unsigned wanted;
    unsigned filled; /* in history */
    bool finished;
    struct batch_table tables[RULE_BATCH_TABLES];
    struct copy *copies;
    sqlite3_stmt *add_exe;
    sqlite3_stmt *drop_exes;
};

static const char *table_name(size_t i)
{
    return row_tables[watched[i].kind].name;
}

size_t rule_batch_of_kind(enum row_kind kind)
{
    size_t i = 0;

    while (i < RULE_BATCH_TABLES && watched[i].kind != kind)
        i++;
    return i;
}

size_t rule_batch_of_table(const char *name)
{
    static const char prefix[] = "batch_";
    size_t i = 0;

    if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
        return RULE_BATCH_TABLES;
    while (i < RULE_BATCH_TABLES && strcmp(name + sizeof(prefix) - 1, table_name(i)) != 0)
        i++;
    return i;
}

/* ---- statements ---- */

/* Its result, the statement reset. */
static int finish(sqlite3_stmt *statement)
{
    sqlite3_step(statement);
    return sqlite3_reset(statement);
}

/* The rows of the store whose ids are in the batch. */
static char *ids_view(size_t i)
{
    return sqlite3_mprintf("CREATE TEMP VIEW new_%s AS SELECT r.* FROM temp.batch_%s AS b"
                           " CROSS JOIN main.%s AS r ON r.id = b.id",
                           table_name(i), table_name(i), table_name(i));
}

/* ---- making it: history ---- */

/*
 * The planner must know that there are few, or it might read a table of the store instead. It takes
 * what ANALYZE once saw of a table for true.
 */
static int make_history(struct rule_batch *batch)
{
    sqlite3_str *sql = sqlite3_str_new(batch->db);

    for (size_t i = 0; i < RULE_BATCH_TABLES; i++)
        sqlite3_str_appendf(sql,
                            "CREATE TEMP TABLE batch_%s (id INTEGER PRIMARY KEY);"
                            "INSERT INTO temp.batch_%s VALUES (1), (2), (3), (4);",
                            table_name(i), table_name(i));
    sqlite3_str_appendall(sql, "ANALYZE temp;");
    for (size_t i = 0; i < RULE_BATCH_TABLES; i++)
        sqlite3_str_appendf(sql, "DELETE FROM temp.batch_%s;", table_name(i));
    int code = statement_run(batch->db, sqlite3_str_finish(sql));
    for (size_t i = 0; i < RULE_BATCH_TABLES && code == SQLITE_OK; i++) {
        code = statement_run(batch->db, ids_view(i));
        if (code == SQLITE_OK)
            code = statement_prepare(
                batch->db,
                sqlite3_mprintf("INSERT OR IGNORE INTO temp.batch_%s VALUES (?1)", table_name(i)),
                &batch->tables[i].add);
    }
    return code;
}

/* ---- making it: rows in memory ---- */

/* Columns of a view that are the table's own have its types, and so compare as there. */
static const char *type_named(const char *type)
{
    if (type && strcmp(type, "INTEGER") == 0)
        return " INTEGER";
    return type && strcmp(type, "TEXT") == 0 ? " TEXT" : "";
}

/* Declares a table with columns as the store has them, for sqlite3_free(). *whole: they are those
 * of the row struct, one for one; else only the id is declared. */
static char *declare(sqlite3 *db, const struct table *shape, bool *whole)
{
    sqlite3_str *sql = sqlite3_str_new(db);
    sqlite3_stmt *info = NULL;
    size_t i = 0;

    *whole = statement_prepare(db, sqlite3_mprintf("PRAGMA main.table_info(\"%w\")", shape->name),
                               &info) == SQLITE_OK;
    for (; *whole && sqlite3_step(info) == SQLITE_ROW; i++) {
        const char *name = (const char *)sqlite3_column_text(info, 1);
        *whole = i < shape->column_count && strcmp(name, shape->columns[i].name) == 0;
        sqlite3_str_appendf(sql, "%s\"%w\"%s", i ? ", " : "CREATE TABLE x (", name,
                            type_named((const char *)sqlite3_column_text(info, 2)));
    }
    *whole = *whole && i == shape->column_count;
    sqlite3_finalize(info);
    sqlite3_str_appendall(sql, ")");
    char *declared = sqlite3_str_finish(sql);
    if (*whole)
        return declared;
    sqlite3_free(declared);
    return sqlite3_mprintf("CREATE TABLE x (id INTEGER)");
}

/* Selects a row by its id, its columns in the order of the row struct. */
static char *fetch_sql(const struct table *shape, size_t columns)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);

    for (size_t i = 0; i < columns; i++)
        sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "SELECT ", shape->columns[i].name);
    sqlite3_str_appendf(sql, " FROM main.\"%w\" WHERE id = ?1", shape->name);
    return sqlite3_str_finish(sql);
}

/*
 * Programs are executed again and again: what a rule asks of the program's path is asked once for
 * each that was executed, and its base name is found by an index.
 */
static const char exes_sql[] =
    "CREATE TEMP TABLE batch_exes (exe TEXT);"
    "CREATE INDEX temp.batch_exes_by_exe ON batch_exes (exe);"
    "CREATE INDEX temp.batch_exes_by_name ON batch_exes (basename(exe));"
    "WITH n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 48)"
    " INSERT INTO temp.batch_exes SELECT '/' || i FROM n;"
    "ANALYZE temp;"
    "DELETE FROM temp.batch_exes;";

static char *execs_view(const struct table *shape)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);

    for (size_t i = 0; i < shape->column_count; i++)
        sqlite3_str_appendf(sql, "%s%s.\"%w\"", i ? ", " : "CREATE TEMP VIEW new_execs AS SELECT ",
                            strcmp(shape->columns[i].name, "exe") == 0 ? "new_exe" : "new_exec",
                            shape->columns[i].name);
    sqlite3_str_appendall(sql, " FROM temp.batch_exes AS new_exe"
                               " JOIN temp.batch_execs AS new_exec ON new_exec.exe IS new_exe.exe");
    return sqlite3_str_finish(sql);
}

static char *view_sql(size_t i, bool held)
{
    if (held && watched[i].kind == ROW_EXEC)
        return execs_view(&row_tables[ROW_EXEC]);
    if (held)
        return sqlite3_mprintf("CREATE TEMP VIEW new_%s AS SELECT * FROM temp.batch_%s",
                               table_name(i), table_name(i));
    return ids_view(i);
}

static const struct column *key_of(enum row_kind kind)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (keys[i].kind == kind)
            return row_column(&row_tables[kind], keys[i].column);
    return NULL;
}

static int make_table(struct rule_batch *batch, size_t i, uint64_t seed)
{
    const struct table *shape = &row_tables[watched[i].kind];
    struct batch_table *table = &batch->tables[i];
    char *declared = declare(batch->db, shape, &table->held);
    char *name = sqlite3_mprintf("batch_%s", shape->name);
    int code = SQLITE_NOMEM;

    table->rows = (struct rule_rows){.shape = shape, .seed = seed};
    if (table->held)
        table->rows.key = key_of(watched[i].kind);
    if (declared && name)
        code = rule_table_make(batch->db, name, declared, &table->rows);
    if (code == SQLITE_OK)
        code = statement_run(batch->db, view_sql(i, table->held));
    if (code == SQLITE_OK)
        code = statement_prepare(batch->db, fetch_sql(shape, table->held ? shape->column_count : 1),
                                 &table->fetch);
    sqlite3_free(declared);
    sqlite3_free(name);
    return code;
}

static int make_tables(struct rule_batch *batch)
{
    uint64_t seed = text_hash_seed(batch);
    int code = sqlite3_exec(batch->db, exes_sql, NULL, NULL, NULL);
    for (size_t i = 0; i < RULE_BATCH_TABLES && code == SQLITE_OK; i++)
        code = make_table(batch, i, seed);
    if (code == SQLITE_OK)
        code = statement_prepare(
            batch->db, sqlite3_mprintf("INSERT INTO temp.batch_exes VALUES (?1)"), &batch->add_exe);
    if (code == SQLITE_OK)
        code = statement_prepare(batch->db, sqlite3_mprintf("DELETE FROM temp.batch_exes"),
                                 &batch->drop_exes);
    return code;
}

/* ---- life ---- */

struct rule_batch *rule_batch_new(sqlite3 *db, bool is_history)
{
    struct rule_batch *batch = calloc(1, sizeof(*batch));

    if (!batch)
        return NULL;
    batch->db = db;
    batch->is_history = is_history;
    batch->wanted = ALL_TABLES;
    if ((is_history ? make_history(batch) : make_tables(batch)) == SQLITE_OK)
        return batch;
    rule_batch_free(batch);
    return NULL;
}

static void drop_copies(struct rule_batch *batch)
{
    while (batch->copies) {
        struct copy *copy = batch->copies;
        batch->copies = copy->next;
        free(copy);
    }
}

static void drop_table(struct rule_batch *batch, size_t i)
{
    struct batch_table *table = &batch->tables[i];
    char *name = sqlite3_mprintf("batch_%s", table_name(i));

    sqlite3_finalize(table->add);
    sqlite3_finalize(table->fetch);
    statement_run(batch->db, sqlite3_mprintf("DROP VIEW IF EXISTS temp.new_%s", table_name(i)));
    if (name)
        rule_table_drop(batch->db, name);
    sqlite3_free(name);
    rule_rows_free(&table->rows);
}

void rule_batch_free(struct rule_batch *batch)
{
    if (!batch)
        return;
    sqlite3_finalize(batch->add_exe);
    sqlite3_finalize(batch->drop_exes);
    for (size_t i = 0; i < RULE_BATCH_TABLES; i++)
        drop_table(batch, i);
    sqlite3_exec(batch->db, "DROP TABLE IF EXISTS temp.batch_exes", NULL, NULL, NULL);
    drop_copies(batch);
    free(batch);
}

/* ---- filling it ---- */

void rule_batch_want(struct rule_batch *batch, unsigned tables)
{
    batch->wanted = tables;
}

bool rule_batch_wants(const struct rule_batch *batch, enum row_kind kind)
{
    size_t i = rule_batch_of_kind(kind);

    return i < RULE_BATCH_TABLES && batch->wanted & 1u << i;
}

bool rule_batch_holds(const struct rule_batch *batch, enum row_kind kind)
{
    size_t i = rule_batch_of_kind(kind);

    return i < RULE_BATCH_TABLES && batch->tables[i].held;
}

unsigned rule_batch_filled(const struct rule_batch *batch)
{
    unsigned filled = batch->filled;

    for (size_t i = 0; i < RULE_BATCH_TABLES; i++)
        if (batch->tables[i].rows.count)
            filled |= 1u << i;
    return filled;
}

static struct copy *new_copy(struct rule_batch *batch, size_t size)
{
    struct copy *copy = malloc(sizeof(*copy) + size);

    if (copy) {
        copy->next = batch->copies;
        batch->copies = copy;
    }
    return copy;
}

static int put(struct rule_batch *batch, size_t i, const void *columns)
{
    batch->finished = false;
    return rule_rows_put(&batch->tables[i].rows, columns) < 0 ? SQLITE_NOMEM : SQLITE_OK;
}

static int put_id(struct rule_batch *batch, size_t i, int64_t id)
{
    struct copy *copy = new_copy(batch, sizeof(id));

    if (!copy)
        return SQLITE_NOMEM;
    copy->columns[0] = id;
    return put(batch, i, copy->columns);
}

/* A row of any kind, for a statement to fetch it into. */
#define ANY_ROW(NAME, table, name, COLUMNS) struct row_##name name;
union any_row {
    ROW_KINDS(ANY_ROW)
};

static int put_fetched(struct rule_batch *batch, size_t i)
{
    const struct table *shape = &row_tables[watched[i].kind];
    union any_row row;

    row_fetch(batch->tables[i].fetch, watched[i].kind, &row);
    struct copy *copy = new_copy(batch, row_copy_size(shape, &row));
    if (!copy)
        return SQLITE_NOMEM;
    row_copy(shape, &row, copy->columns);
    return put(batch, i, copy->columns);
}

static int fetch(struct rule_batch *batch, size_t i, int64_t id)
{
    sqlite3_stmt *statement = batch->tables[i].fetch;
    int code = SQLITE_OK;

    sqlite3_bind_int64(statement, 1, id);
    if (sqlite3_step(statement) == SQLITE_ROW)
        code = batch->tables[i].held ? put_fetched(batch, i) : put_id(batch, i, id);
    int last = sqlite3_reset(statement);
    return code == SQLITE_OK ? last : code;
}

int rule_batch_add_id(struct rule_batch *batch, enum row_kind kind, int64_t id)
{
    size_t i = rule_batch_of_kind(kind);

    if (!rule_batch_wants(batch, kind))
        return SQLITE_OK;
    if (!batch->is_history)
        return fetch(batch, i, id);
    batch->filled |= 1u << i;
    sqlite3_bind_int64(batch->tables[i].add, 1, id);
    return finish(batch->tables[i].add);
}

int rule_batch_add(struct rule_batch *batch, const struct row *row)
{
    int64_t id = *(const int64_t *)row->columns;

    if (!rule_batch_wants(batch, row->kind))
        return SQLITE_OK;
    if (!rule_batch_holds(batch, row->kind))
        return rule_batch_add_id(batch, row->kind, id);
    return put(batch, rule_batch_of_kind(row->kind), row->columns);
}

/* ---- spans ---- */

static char *span_sql(size_t i, int64_t since, int64_t until)
{
    return sqlite3_mprintf("SELECT id FROM main.%s WHERE %s BETWEEN %lld AND %lld", table_name(i),
                           watched[i].time, since, until);
}

int rule_batch_each_in_span(sqlite3 *db, int64_t since, int64_t until, rule_batch_visitor *visit,
                            void *context)
{
    int code = SQLITE_OK;

    for (size_t i = 0; i < RULE_BATCH_TABLES && code == SQLITE_OK; i++) {
        sqlite3_stmt *statement = NULL;
        code = statement_prepare(db, span_sql(i, since, until), &statement);
        while (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
            visit(context, watched[i].kind, sqlite3_column_int64(statement, 0));
        int last = sqlite3_finalize(statement);
        code = code == SQLITE_OK ? last : code;
    }
    return code;
}

static int add_history(struct rule_batch *batch, int64_t since, int64_t until)
{
    int code = SQLITE_OK;

    for (size_t i = 0; i < RULE_BATCH_TABLES && code == SQLITE_OK; i++) {
        char *ids = span_sql(i, since, until);
        code =
            statement_run(batch->db, ids ? sqlite3_mprintf("INSERT OR IGNORE INTO temp.batch_%s %s",
                                                           table_name(i), ids)
                                         : NULL);
        sqlite3_free(ids);
    }
    batch->filled = ALL_TABLES;
    return code;
}

struct adding {
    struct rule_batch *batch;
    int code;
};

static void add_visited(void *context, enum row_kind kind, int64_t id)
{
    struct adding *adding = context;

    if (adding->code == SQLITE_OK)
        adding->code = rule_batch_add_id(adding->batch, kind, id);
}

int rule_batch_add_span(struct rule_batch *batch, int64_t since, int64_t until)
{
    struct adding adding = {batch, SQLITE_OK};

    if (batch->is_history)
        return add_history(batch, since, until);
    int code = rule_batch_each_in_span(batch->db, since, until, add_visited, &adding);
    return code == SQLITE_OK ? adding.code : code;
}

/* ---- looking at it ---- */

/* The programs of the batch. */
int rule_batch_finish(struct rule_batch *batch)
{
    struct rule_rows *execs = &batch->tables[rule_batch_of_kind(ROW_EXEC)].rows;
    int code = SQLITE_OK;

    if (batch->is_history || batch->finished || !execs->key)
        return SQLITE_OK;
    if (rule_rows_link(execs) < 0)
        return SQLITE_NOMEM;
    code = finish(batch->drop_exes);
    for (uint32_t i = 0; i < execs->count && code == SQLITE_OK; i++) {
        if (!rule_rows_is_first(execs, i))
            continue;
        row_bind_text(batch->add_exe, 1, rule_rows_key(execs, i));
        code = finish(batch->add_exe);
    }
    sqlite3_clear_bindings(batch->add_exe);
    batch->finished = code == SQLITE_OK;
    return code;
}

void rule_batch_each(const struct rule_batch *batch, rule_batch_visitor *visit, void *context)
{
    for (size_t i = 0; i < RULE_BATCH_TABLES; i++) {
        const struct rule_rows *rows = &batch->tables[i].rows;
        for (uint32_t row = 0; row < rows->count; row++)
            visit(context, watched[i].kind, *(const int64_t *)rows->rows[row]);
    }
}

int rule_batch_clear(struct rule_batch *batch)
{
    int code = SQLITE_OK;

    for (size_t i = 0; i < RULE_BATCH_TABLES && code == SQLITE_OK; i++) {
        rule_rows_clear(&batch->tables[i].rows);
        if (batch->filled & 1u << i)
            code = statement_run(batch->db,
                                 sqlite3_mprintf("DELETE FROM temp.batch_%s", table_name(i)));
    }
    batch->filled = 0;
    batch->finished = false;
    drop_copies(batch);
    return code;
}
