/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rule_table.h"

#include <stdlib.h>
#include <string.h>

#include "statement.h"

#define CONDITIONS_MOST 8
#define ROWS_USUAL      400.0 /* what the planner is told */
#define ROWS_OF_KEY     8.0
#define LOOK            20.0 /* what it costs to begin a search, in rows handed out */

enum test { IS_EQUAL, IS_SAME, IS_LIKE, IS_NULL, IS_NOT_NULL, TESTS };

/* By which a plan tells them, before the letter of their column. */
static const char test_letters[TESTS] = {'=', '~', '%', '0', '1'};

struct condition {
    enum test test;
    const struct column *column;
    sqlite3_value *value; /* NULL: the test needs none */
    int type;             /* SQLite's, of the value */
    int64_t integer;
    struct text text;
};

/* How rows are found. */
enum way { BY_ALL, BY_ID, BY_KEY };

struct rule_vtab {
    sqlite3_vtab base;
    struct rule_rows *rows;
};

struct cursor {
    sqlite3_vtab_cursor base;
    struct rule_rows *rows;
    enum way way;
    uint32_t row; /* RULE_ROWS_NONE, or beyond the last: at the end */
    struct condition conditions[CONDITIONS_MOST];
    size_t count;
};

static struct rule_rows *rows_of(sqlite3_vtab *base)
{
    return ((struct rule_vtab *)base)->rows;
}

/* ---- plans ---- */

static enum test test_of(int operator)
{
    switch (operator) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
        return IS_EQUAL;
    case SQLITE_INDEX_CONSTRAINT_IS:
        return IS_SAME;
    case SQLITE_INDEX_CONSTRAINT_LIKE:
        return IS_LIKE;
    case SQLITE_INDEX_CONSTRAINT_ISNULL:
        return IS_NULL;
    case SQLITE_INDEX_CONSTRAINT_ISNOTNULL:
        return IS_NOT_NULL;
    default:
        return TESTS;
    }
}

/* What a plan is thought to cost, and to find. */
struct estimate {
    double cost;
    double rows;
};

static void estimate(const struct rule_rows *rows, enum test test, int column,
                     struct estimate *estimate)
{
    bool equal = test == IS_EQUAL || test == IS_SAME;

    if (equal && column == 0) {
        *estimate = (struct estimate){1, 1};
    } else if (equal && rows->key == &rows->shape->columns[column]) {
        estimate->rows = estimate->rows < ROWS_OF_KEY ? estimate->rows : ROWS_OF_KEY;
        estimate->cost = estimate->cost < 2 * ROWS_OF_KEY ? estimate->cost : 2 * ROWS_OF_KEY;
    } else if (estimate->cost > LOOK) {
        estimate->rows = equal             ? estimate->rows / 20
                         : test == IS_LIKE ? estimate->rows / 4
                                           : estimate->rows;
        estimate->cost = LOOK + estimate->rows;
    }
    if (estimate->rows < 1)
        estimate->rows = 1;
}

/* SQLite itself tests each row again: what may hold passes, such as values of other types, which it
 * would convert, and what is like a pattern up to its first wildcard. */
static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const struct rule_rows *rows = rows_of(base);
    struct estimate known = {LOOK + ROWS_USUAL, ROWS_USUAL};
    char plan[2 * CONDITIONS_MOST + 1] = "";
    int count = 0;

    for (int i = 0; i < info->nConstraint && count < CONDITIONS_MOST; i++) {
        int column = info->aConstraint[i].iColumn < 0 ? 0 : info->aConstraint[i].iColumn;
        enum test test = test_of(info->aConstraint[i].op);
        if (!info->aConstraint[i].usable || test == TESTS ||
            strcmp(sqlite3_vtab_collation(info, i), "BINARY") != 0)
            continue;
        plan[2 * count] = test_letters[test];
        plan[2 * count + 1] = (char)('A' + column);
        info->aConstraintUsage[i].argvIndex = ++count;
        estimate(rows, test, column, &known);
    }
    info->estimatedCost = known.cost;
    info->estimatedRows = (sqlite3_int64)known.rows;
    if (known.rows < 2 && known.cost < 2)
        info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
    info->idxStr = sqlite3_mprintf("%s", plan);
    info->needToFreeIdxStr = 1;
    return info->idxStr ? SQLITE_OK : SQLITE_NOMEM;
}

/* ---- a search ---- */

static void forget(struct cursor *cursor)
{
    for (size_t i = 0; i < cursor->count; i++)
        sqlite3_value_free(cursor->conditions[i].value);
    cursor->count = 0;
}

static int take_value(struct condition *condition, const sqlite3_value *value)
{
    condition->value = sqlite3_value_dup(value);
    if (!condition->value)
        return SQLITE_NOMEM;
    condition->type = sqlite3_value_type(condition->value);
    condition->integer = sqlite3_value_int64(condition->value);
    if (condition->type == SQLITE_TEXT) {
        condition->text.data = (const char *)sqlite3_value_text(condition->value);
        condition->text.length = (size_t)sqlite3_value_bytes(condition->value);
        if (!condition->text.data)
            return SQLITE_NOMEM;
    }
    return SQLITE_OK;
}

static int take_conditions(struct cursor *cursor, const char *plan, sqlite3_value **values)
{
    int code = SQLITE_OK;

    forget(cursor);
    for (; plan && *plan && code == SQLITE_OK; plan += 2) {
        struct condition *condition = &cursor->conditions[cursor->count];
        const char *letter = memchr(test_letters, plan[0], TESTS);
        *condition = (struct condition){
            .test = (enum test)(letter - test_letters),
            .column = &cursor->rows->shape->columns[plan[1] - 'A'],
        };
        if (condition->test != IS_NULL && condition->test != IS_NOT_NULL)
            code = take_value(condition, values[cursor->count]);
        cursor->count++;
    }
    return code;
}

static const void *field_of(const struct cursor *cursor, const struct column *column)
{
    return (const char *)cursor->rows->rows[cursor->row] + column->offset;
}

static bool is_null(const struct column *column, const void *field)
{
    if (column->type == COLUMN_INTEGER)
        return *(const int64_t *)field == INTEGER_NULL;
    return !((const struct text *)field)->data;
}

/* Whether the value may be that of the field. */
static bool equals(const struct condition *condition, const void *field)
{
    if (condition->type == SQLITE_NULL)
        return condition->test == IS_SAME && is_null(condition->column, field);
    if (is_null(condition->column, field))
        return false;
    if (condition->column->type == COLUMN_INTEGER)
        return condition->type != SQLITE_INTEGER || *(const int64_t *)field == condition->integer;
    const struct text *text = field;
    return condition->type != SQLITE_TEXT ||
           (text->length == condition->text.length &&
            memcmp(text->data, condition->text.data, text->length) == 0);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Whether the field may be like the pattern: it begins as that does. */
static bool begins_like(const struct condition *condition, const void *field)
{
    const struct text *text = field;
    const struct text pattern = condition->text;

    if (is_null(condition->column, field))
        return false;
    if (condition->type != SQLITE_TEXT || condition->column->type != COLUMN_TEXT)
        return true;
    for (size_t i = 0; i < pattern.length && pattern.data[i] != '%' && pattern.data[i] != '_'; i++)
        if (i == text->length || lower(text->data[i]) != lower(pattern.data[i]))
            return false;
    return true;
}

static bool holds(const struct cursor *cursor, const struct condition *condition)
{
    const void *field = field_of(cursor, condition->column);

    switch (condition->test) {
    case IS_NULL:
        return is_null(condition->column, field);
    case IS_NOT_NULL:
        return !is_null(condition->column, field);
    case IS_LIKE:
        return begins_like(condition, field);
    default:
        return equals(condition, field);
    }
}

static bool is_wanted(const struct cursor *cursor)
{
    for (size_t i = 0; i < cursor->count; i++)
        if (!holds(cursor, &cursor->conditions[i]))
            return false;
    return true;
}

static bool is_at_end(const struct cursor *cursor)
{
    return cursor->row >= cursor->rows->count;
}

static void step(struct cursor *cursor)
{
    if (cursor->way == BY_ALL)
        cursor->row++;
    else
        cursor->row = cursor->way == BY_KEY ? cursor->rows->same[cursor->row] : RULE_ROWS_NONE;
}

static void skip(struct cursor *cursor)
{
    while (!is_at_end(cursor) && !is_wanted(cursor))
        step(cursor);
}

/* The condition by which rows are found at once; NULL: none. */
static const struct condition *find_way(struct cursor *cursor)
{
    const struct condition *by_key = NULL;

    for (size_t i = 0; i < cursor->count; i++) {
        const struct condition *condition = &cursor->conditions[i];
        if (condition->test != IS_EQUAL && condition->test != IS_SAME)
            continue;
        if (condition->column == cursor->rows->shape->columns &&
            condition->type == SQLITE_INTEGER) {
            cursor->way = BY_ID;
            return condition;
        }
        if (condition->column == cursor->rows->key &&
            (condition->type == SQLITE_TEXT || condition->type == SQLITE_NULL))
            by_key = condition;
    }
    cursor->way = by_key ? BY_KEY : BY_ALL;
    return by_key;
}

static int filter(sqlite3_vtab_cursor *base, int number, const char *plan, int count,
                  sqlite3_value **values)
{
    struct cursor *cursor = (struct cursor *)base;
    int code = take_conditions(cursor, plan, values);

    (void)number;
    (void)count;
    cursor->row = RULE_ROWS_NONE;
    if (code == SQLITE_OK && rule_rows_link(cursor->rows) < 0)
        code = SQLITE_NOMEM;
    if (code != SQLITE_OK || !cursor->rows->count)
        return code;
    const struct condition *by = find_way(cursor);
    if (cursor->way == BY_ID)
        cursor->row = rule_rows_find(cursor->rows, by->integer);
    else
        cursor->row = by ? rule_rows_find_text(cursor->rows, by->text) : 0;
    skip(cursor);
    return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *base)
{
    struct cursor *cursor = (struct cursor *)base;

    step(cursor);
    skip(cursor);
    return SQLITE_OK;
}

static int at_end(sqlite3_vtab_cursor *base)
{
    return is_at_end((const struct cursor *)base);
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int index)
{
    const struct cursor *cursor = (const struct cursor *)base;
    const struct column *column = &cursor->rows->shape->columns[index];
    const void *field = field_of(cursor, column);

    if (is_null(column, field))
        return SQLITE_OK; /* what is not set is NULL */
    if (column->type == COLUMN_INTEGER) {
        sqlite3_result_int64(context, *(const int64_t *)field);
    } else {
        const struct text *text = field;
        sqlite3_result_text64(context, text->data, text->length, SQLITE_STATIC, SQLITE_UTF8);
    }
    return SQLITE_OK;
}

static int rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *row)
{
    const struct cursor *cursor = (const struct cursor *)base;

    *row = *(const int64_t *)cursor->rows->rows[cursor->row];
    return SQLITE_OK;
}

/* ---- life ---- */

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **made)
{
    struct cursor *cursor = calloc(1, sizeof(*cursor));

    if (!cursor)
        return SQLITE_NOMEM;
    cursor->rows = rows_of(base);
    *made = &cursor->base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    forget((struct cursor *)base);
    free(base);
    return SQLITE_OK;
}

struct source {
    struct rule_rows *rows;
    char declared[];
};

static int connect(sqlite3 *db, void *context, int count, const char *const *arguments,
                   sqlite3_vtab **made, char **error)
{
    const struct source *source = context;
    struct rule_vtab *table = calloc(1, sizeof(*table));
    int code = table ? sqlite3_declare_vtab(db, source->declared) : SQLITE_NOMEM;

    (void)count;
    (void)arguments;
    if (code != SQLITE_OK) {
        *error = sqlite3_mprintf("%s", sqlite3_errmsg(db));
        free(table);
        return code;
    }
    sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
    table->rows = source->rows;
    *made = &table->base;
    return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *base)
{
    free(base);
    return SQLITE_OK;
}

static const sqlite3_module module = {
    .xCreate = connect,
    .xConnect = connect,
    .xBestIndex = best_index,
    .xDisconnect = disconnect,
    .xDestroy = disconnect,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next,
    .xEof = at_end,
    .xColumn = column,
    .xRowid = rowid,
};

/* Each table has a module of its own, by its name. */
int rule_table_make(sqlite3 *db, const char *name, const char *declared, struct rule_rows *rows)
{
    size_t size = strlen(declared) + 1;
    struct source *source = malloc(sizeof(*source) + size);

    if (!source)
        return SQLITE_NOMEM;
    source->rows = rows;
    memcpy(source->declared, declared, size);
    int code = sqlite3_create_module_v2(db, name, &module, source, free);
    if (code == SQLITE_OK)
        code = statement_run(
            db, sqlite3_mprintf("CREATE VIRTUAL TABLE temp.\"%w\" USING \"%w\"", name, name));
    return code;
}

void rule_table_drop(sqlite3 *db, const char *name)
{
    statement_run(db, sqlite3_mprintf("DROP TABLE IF EXISTS temp.\"%w\"", name));
    sqlite3_create_module_v2(db, name, NULL, NULL, NULL);
}
