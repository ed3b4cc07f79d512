/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SELECT process_id, depth FROM ancestors(42);
 * SELECT p.comm, b.* FROM processes AS p, backward(p.id, p.started_at, 5) AS b WHERE p.pid = 77;
 *
 * Rows come in order of (depth, at, process_id). The statement that reads a table function holds a
 * read transaction of its own, so that a search sees one state of the store. The statements inside
 * stay prepared for the next query: to prepare them takes longer than a usual search does. All
 * functions of a connection share them. SQLite disconnects the functions before it closes a
 * connection, and with the last of them they are finalised.
 */
#include <sqlite3ext.h>

#include <stdbool.h>
#include <string.h>

#include "fn_call.h"
#include "graph_memory.h"
#include "rows.h"
#include "vt_graph.h"

SQLITE_EXTENSION_INIT3

enum result_column {
    COLUMN_PROCESS_ID,
    COLUMN_DEPTH,
    COLUMN_EDGE_ID,
    COLUMN_KIND,
    COLUMN_AT,
    COLUMN_FROM_ID,
    COLUMN_REACHED_AT,
    COLUMN_STOPPED,
    COLUMN_COUNT, /* what follows differs, see first_argument(); story() has COLUMN_DIRECTION there
                   */
    COLUMN_DIRECTION = COLUMN_COUNT
};

static const char result_columns[] =
    "process_id INTEGER, depth INTEGER, edge_id INTEGER, kind TEXT, at INTEGER, from_id INTEGER,"
    " reached_at INTEGER, stopped TEXT";

/* Of story(), by what the search that found them goes after. */
static const char *const directions[] = {[GRAPH_BACKWARD] = "cause", [GRAPH_FORWARD] = "effect"};

/* ---- arguments ---- */

static bool take_integer(sqlite3_value *value, int64_t *integer)
{
    *integer = sqlite3_value_int64(value);
    return sqlite3_value_type(value) == SQLITE_INTEGER;
}

static bool take_start(struct graph_question *question, sqlite3_value *value)
{
    return take_integer(value, &question->start);
}

static bool take_target(struct graph_question *question, sqlite3_value *value)
{
    return take_integer(value, &question->target);
}

static bool take_at(struct graph_question *question, sqlite3_value *value)
{
    return take_integer(value, &question->at);
}

static bool take_depth(struct graph_question *question, sqlite3_value *value)
{
    return take_integer(value, &question->depth_max) && question->depth_max >= 0;
}

static bool take_rows(struct graph_question *question, sqlite3_value *value)
{
    return take_integer(value, &question->rows_max) && question->rows_max > 0;
}

static bool take_kinds(struct graph_question *question, sqlite3_value *value)
{
    const char *text = (const char *)sqlite3_value_text(value);

    return sqlite3_value_type(value) == SQLITE_TEXT && text &&
           graph_kinds_parse(text, (size_t)sqlite3_value_bytes(value), &question->kinds);
}

static bool take_hubs(struct graph_question *question, sqlite3_value *value)
{
    const char *text = (const char *)sqlite3_value_text(value);

    if (sqlite3_value_type(value) != SQLITE_TEXT || !text)
        return false;
    question->through_hubs = strcmp(text, "follow") == 0;
    return question->through_hubs || strcmp(text, "stop") == 0;
}

static const struct argument {
    const char *name;
    const char *column; /* the hidden one, where a column of the results has that name */
    const char *type;
    const char *expected;    /* in the message about a value that `take` refuses */
    const char *const *list; /* the end of that message; NULL: nothing more */

    /* Sets the question's part from a value that is not NULL. Returns whether it is one. */
    bool (*take)(struct graph_question *question, sqlite3_value *value);
} argument_id = {"id", NULL, "INTEGER", "an integer", NULL, take_start},
  argument_src = {"src", NULL, "INTEGER", "an integer", NULL, take_start},
  argument_dst = {"dst", NULL, "INTEGER", "an integer", NULL, take_target},
  argument_at = {"at", "start_at", "INTEGER", "an integer of ns since 1970", NULL, take_at},
  argument_depth = {"max_depth", NULL, "INTEGER", "an integer, 0 or more", NULL, take_depth},
  argument_kinds = {"kinds", NULL, "TEXT", "a list of some of ", &graph_kind_list, take_kinds},
  argument_rows = {"max_rows", NULL, "INTEGER", "an integer, 1 or more", NULL, take_rows},
  argument_hubs = {"hubs", NULL, "TEXT", "'stop' or 'follow'", NULL, take_hubs};

/* ---- the functions ---- */

#define ARGUMENTS_MAX 6

#define ALL_OF_IT                                                                                  \
    .target = INTEGER_NULL, .at = INTEGER_NULL, .depth_max = GRAPH_ANY, .rows_max = GRAPH_ANY

static const struct function {
    const char *name;
    const struct argument *arguments[ARGUMENTS_MAX];
    int required;                   /* how many of them, at the least */
    sqlite3_int64 rows;             /* a usual number of them, for the planner */
    struct graph_question question; /* what is asked where nothing else is given */
    bool both;                      /* after that, the same in the other direction */
} functions[] = {
    {"ancestors",
     {&argument_id, &argument_depth, &argument_rows},
     1,
     10,
     {GRAPH_BACKWARD, true, true, GRAPH_KIND_BIT(GRAPH_FORK), ALL_OF_IT},
     false},
    {"descendants",
     {&argument_id, &argument_depth, &argument_rows},
     1,
     1000,
     {GRAPH_FORWARD, true, true, GRAPH_KIND_BIT(GRAPH_FORK), ALL_OF_IT},
     false},
    {"backward",
     {&argument_id, &argument_at, &argument_depth, &argument_kinds, &argument_rows, &argument_hubs},
     1,
     1000,
     {GRAPH_BACKWARD, false, false, GRAPH_KINDS_ALL, ALL_OF_IT},
     false},
    {"forward",
     {&argument_id, &argument_at, &argument_depth, &argument_kinds, &argument_rows, &argument_hubs},
     1,
     1000,
     {GRAPH_FORWARD, false, false, GRAPH_KINDS_ALL, ALL_OF_IT},
     false},
    {"path",
     {&argument_src, &argument_dst, &argument_at, &argument_depth, &argument_kinds, &argument_hubs},
     2,
     10,
     {GRAPH_FORWARD, false, false, GRAPH_KINDS_ALL, ALL_OF_IT},
     false},
    {"story",
     {&argument_id, &argument_at, &argument_depth, &argument_kinds, &argument_rows, &argument_hubs},
     1,
     2000,
     {GRAPH_BACKWARD, false, false, GRAPH_KINDS_ALL, ALL_OF_IT},
     true},
};

static int argument_count(const struct function *function)
{
    int count = 0;

    while (count < ARGUMENTS_MAX && function->arguments[count])
        count++;
    return count;
}

/* Hidden columns are the arguments, in their order, behind the others. */
static int first_argument(const struct function *function)
{
    return function->both ? COLUMN_DIRECTION + 1 : COLUMN_COUNT;
}

/* What the functions of a connection share. */
struct connection {
    struct graph_memory memory;
    int modules; /* registered: the last to go frees it */
    int tables;  /* connected: the last to go frees all it holds */
};

struct module_data {
    const struct function *function;
    struct connection *connection;
};

struct table_function {
    sqlite3_vtab base;
    const struct function *function;
    struct connection *connection;
};

struct cursor {
    sqlite3_vtab_cursor base;
    struct graph_search search;
    struct graph_question question;
    const struct graph_source *source; /* of the search; NULL: none has begun */
    const struct graph_step *step;     /* the current row; NULL past the last */
    sqlite3_int64 row;
    sqlite3_value *values[ARGUMENTS_MAX]; /* the arguments; NULL: not given */
};

static const struct table_function *table_of(const struct cursor *cursor)
{
    return (const struct table_function *)cursor->base.pVtab;
}

/* Replaces the error message by that one, which it frees. Returns the code. */
static int fail(sqlite3_vtab *base, int rc, char *message)
{
    const struct table_function *table = (const struct table_function *)base;

    sqlite3_free(base->zErrMsg);
    base->zErrMsg = message ? sqlite3_mprintf("%s: %s", table->function->name, message) : NULL;
    sqlite3_free(message);
    return base->zErrMsg ? rc : SQLITE_NOMEM;
}

static int declare(sqlite3 *db, const struct function *function)
{
    sqlite3_str *sql = sqlite3_str_new(db);
    char *declaration;

    sqlite3_str_appendf(sql, "CREATE TABLE x (%s%s", result_columns,
                        function->both ? ", direction TEXT" : "");
    for (int i = 0; i < argument_count(function); i++) {
        const struct argument *argument = function->arguments[i];
        sqlite3_str_appendf(sql, ", %s %s HIDDEN",
                            argument->column ? argument->column : argument->name, argument->type);
    }
    sqlite3_str_appendall(sql, ")");
    declaration = sqlite3_str_finish(sql);
    if (!declaration)
        return SQLITE_NOMEM;
    int rc = sqlite3_declare_vtab(db, declaration);
    sqlite3_free(declaration);
    return rc;
}

static int connect(sqlite3 *db, void *context, int argc, const char *const *argv,
                   sqlite3_vtab **opened, char **error)
{
    const struct module_data *data = context;
    struct table_function *table;

    (void)argc, (void)argv, (void)error;
    int rc = declare(db, data->function);
    if (rc != SQLITE_OK)
        return rc;
    table = sqlite3_malloc(sizeof *table);
    if (!table)
        return SQLITE_NOMEM;
    *table = (struct table_function){.function = data->function, .connection = data->connection};
    data->connection->tables++;
    *opened = &table->base;
    return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *base)
{
    struct connection *connection = ((struct table_function *)base)->connection;

    if (--connection->tables == 0)
        graph_memory_close(&connection->memory);
    sqlite3_free(base);
    return SQLITE_OK;
}

/* ---- planning ---- */

/* Finds the constraints that are the function's arguments: -1 where not given. Returns false where
 * one is given, but not by what this plan has read so far. */
static bool find_arguments(const struct function *function, const sqlite3_index_info *info,
                           int found[ARGUMENTS_MAX])
{
    for (int i = 0; i < ARGUMENTS_MAX; i++)
        found[i] = -1;
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];
        int argument = constraint->iColumn - first_argument(function);
        if (constraint->op != SQLITE_INDEX_CONSTRAINT_EQ || argument < 0)
            continue;
        if (!constraint->usable)
            return false;
        if (found[argument] < 0)
            found[argument] = i;
    }
    return true;
}

/* The values that xFilter gets are those whose bits idxNum has, in order. */
static void use_arguments(sqlite3_index_info *info, const int found[ARGUMENTS_MAX])
{
    int given = 0;

    for (int i = 0; i < ARGUMENTS_MAX; i++) {
        if (found[i] < 0)
            continue;
        info->aConstraintUsage[found[i]].argvIndex = ++given;
        info->aConstraintUsage[found[i]].omit = 1;
        info->idxNum |= 1 << i;
    }
}

/* Is what ORDER BY wants the start of (depth, at, process_id)? */
static int in_order(const sqlite3_index_info *info)
{
    static const int order[] = {COLUMN_DEPTH, COLUMN_AT, COLUMN_PROCESS_ID};
    int length = (int)(sizeof order / sizeof *order);

    if (info->nOrderBy > length)
        return 0;
    for (int i = 0; i < info->nOrderBy; i++)
        if (info->aOrderBy[i].iColumn != order[i] || info->aOrderBy[i].desc)
            return 0;
    return 1;
}

static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const struct function *function = ((const struct table_function *)base)->function;
    int found[ARGUMENTS_MAX];

    if (!find_arguments(function, info, found))
        return SQLITE_CONSTRAINT;
    for (int i = 0; i < function->required; i++)
        if (found[i] < 0)
            return fail(base, SQLITE_ERROR,
                        sqlite3_mprintf("argument %s is missing", function->arguments[i]->name));
    use_arguments(info, found);
    info->estimatedRows = function->rows;
    info->estimatedCost = (double)function->rows * 4;
    info->orderByConsumed = !function->both && in_order(info);
    return SQLITE_OK;
}

/* ---- reading ---- */

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **opened)
{
    struct cursor *cursor = sqlite3_malloc(sizeof *cursor);

    (void)base;
    if (!cursor)
        return SQLITE_NOMEM;
    *cursor = (struct cursor){.step = NULL};
    *opened = &cursor->base;
    return SQLITE_OK;
}

static void forget_values(struct cursor *cursor)
{
    for (int i = 0; i < ARGUMENTS_MAX; i++) {
        sqlite3_value_free(cursor->values[i]);
        cursor->values[i] = NULL;
    }
}

static void end_search(struct cursor *cursor)
{
    graph_search_end(&cursor->search);
    graph_memory_end(&table_of(cursor)->connection->memory, cursor->source);
    cursor->source = NULL;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    struct cursor *cursor = (struct cursor *)base;

    end_search(cursor);
    forget_values(cursor);
    sqlite3_free(cursor);
    return SQLITE_OK;
}

/* Fails with what the statement inside said, where it was that which failed. */
static int search_failed(struct cursor *cursor, int rc)
{
    sqlite3 *db = table_of(cursor)->connection->memory.store.db;

    cursor->step = NULL;
    if (rc == SQLITE_NOMEM || rc == SQLITE_INTERRUPT)
        return rc;
    return fail(cursor->base.pVtab, rc, sqlite3_mprintf("%s", sqlite3_errmsg(db)));
}

/* Of story(), where all causes have been told: goes on to the first effect. */
static int turn(struct cursor *cursor)
{
    cursor->question.direction = GRAPH_FORWARD;
    int rc = graph_search_begin(&cursor->search, cursor->source, &cursor->question);
    if (rc == SQLITE_OK)
        rc = graph_search_next(&cursor->search, &cursor->step); /* where the causes began */
    return rc == SQLITE_ROW ? graph_search_next(&cursor->search, &cursor->step) : rc;
}

static int next(sqlite3_vtab_cursor *base)
{
    struct cursor *cursor = (struct cursor *)base;
    int rc = graph_search_next(&cursor->search, &cursor->step);

    if (rc == SQLITE_DONE && table_of(cursor)->function->both &&
        cursor->question.direction == GRAPH_BACKWARD)
        rc = turn(cursor);
    cursor->row++;
    if (rc == SQLITE_ROW)
        return SQLITE_OK;
    cursor->step = NULL;
    return rc == SQLITE_DONE ? SQLITE_OK : search_failed(cursor, rc);
}

static int reject(struct cursor *cursor, const struct argument *argument, sqlite3_value *value)
{
    char *shown = fn_describe(value);
    int rc;

    if (!shown)
        return SQLITE_NOMEM;
    rc = fail(cursor->base.pVtab, SQLITE_ERROR,
              sqlite3_mprintf("argument %s must be %s%s, not %s", argument->name,
                              argument->expected, argument->list ? *argument->list : "", shown));
    sqlite3_free(shown);
    return rc;
}

/* NULL leaves what the function asks for without the argument. */
static int take_argument(struct cursor *cursor, int index, sqlite3_value *value)
{
    const struct argument *argument = table_of(cursor)->function->arguments[index];

    cursor->values[index] = sqlite3_value_dup(value);
    if (!cursor->values[index])
        return SQLITE_NOMEM;
    if (sqlite3_value_type(value) == SQLITE_NULL || argument->take(&cursor->question, value))
        return SQLITE_OK;
    return reject(cursor, argument, value);
}

/* Either is NULL to a search. */
static bool is_nobody(sqlite3_value *value)
{
    return sqlite3_value_type(value) == SQLITE_NULL || sqlite3_value_int64(value) == INTEGER_NULL;
}

/* Sets *asked: every argument that must be given names a process. */
static int take_arguments(struct cursor *cursor, int plan, sqlite3_value **values, bool *asked)
{
    const struct function *function = table_of(cursor)->function;
    int rc = SQLITE_OK;

    *asked = true;
    cursor->question = function->question;
    cursor->question.start = INTEGER_NULL;
    forget_values(cursor);
    for (int i = 0; rc == SQLITE_OK && i < ARGUMENTS_MAX; i++) {
        if (!(plan & 1 << i))
            continue;
        if (i < function->required && is_nobody(*values))
            *asked = false;
        rc = take_argument(cursor, i, *values++);
    }
    return rc;
}

static int filter(sqlite3_vtab_cursor *base, int plan, const char *plan_text, int count,
                  sqlite3_value **values)
{
    struct cursor *cursor = (struct cursor *)base;
    struct graph_memory *memory = &table_of(cursor)->connection->memory;
    bool asked;

    (void)plan_text, (void)count;
    cursor->step = NULL;
    cursor->row = 0;
    end_search(cursor);
    int rc = take_arguments(cursor, plan, values, &asked);
    if (rc != SQLITE_OK || !asked)
        return rc;
    rc = graph_memory_begin(memory, &cursor->source);
    if (rc == SQLITE_OK)
        rc = graph_search_begin(&cursor->search, cursor->source, &cursor->question);
    return rc == SQLITE_OK ? next(base) : search_failed(cursor, rc);
}

static int at_end(sqlite3_vtab_cursor *base)
{
    return ((struct cursor *)base)->step == NULL;
}

static void result_integer(sqlite3_context *context, int64_t value)
{
    if (value != INTEGER_NULL)
        sqlite3_result_int64(context, value);
}

static void result_argument(sqlite3_context *context, sqlite3_value *value)
{
    if (value)
        sqlite3_result_value(context, value);
}

static const char *direction(const struct cursor *cursor)
{
    return cursor->step->depth == 0 ? NULL : directions[cursor->question.direction];
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int index)
{
    const struct cursor *cursor = (const struct cursor *)base;
    const struct graph_step *step = cursor->step;
    int argument = index - first_argument(table_of(cursor)->function);
    const int64_t integers[] = {
        [COLUMN_PROCESS_ID] = step->process_id, [COLUMN_DEPTH] = step->depth,
        [COLUMN_EDGE_ID] = step->edge_id,       [COLUMN_AT] = step->at,
        [COLUMN_FROM_ID] = step->from_id,       [COLUMN_REACHED_AT] = step->reached_at,
    };

    if (argument >= 0)
        result_argument(context, cursor->values[argument]);
    else if (index == COLUMN_DIRECTION)
        sqlite3_result_text(context, direction(cursor), -1, SQLITE_STATIC);
    else if (index == COLUMN_KIND) /* NULL gives NULL */
        sqlite3_result_text(context, step->kind, -1, SQLITE_STATIC);
    else if (index == COLUMN_STOPPED)
        sqlite3_result_text(context, step->stopped, -1, SQLITE_STATIC);
    else
        result_integer(context, integers[index]);
    return SQLITE_OK;
}

static int rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *row)
{
    *row = ((struct cursor *)base)->row;
    return SQLITE_OK;
}

/* No xCreate: the functions exist by themselves, and only so. */
static const sqlite3_module module = {
    .xConnect = connect,
    .xBestIndex = best_index,
    .xDisconnect = disconnect,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next,
    .xEof = at_end,
    .xColumn = column,
    .xRowid = rowid,
};

/* ---- registration ---- */

static void free_data(void *context)
{
    struct module_data *data = context;

    if (--data->connection->modules == 0)
        sqlite3_free(data->connection);
    sqlite3_free(data);
}

static int register_function(sqlite3 *db, const struct function *function,
                             struct connection *connection)
{
    struct module_data *data = sqlite3_malloc(sizeof *data);

    if (!data)
        return SQLITE_NOMEM;
    *data = (struct module_data){function, connection};
    connection->modules++;
    return sqlite3_create_module_v2(db, function->name, &module, data, free_data);
}

int vt_graph_register(sqlite3 *db)
{
    struct connection *connection = sqlite3_malloc(sizeof *connection);
    int rc = SQLITE_OK;

    if (!connection)
        return SQLITE_NOMEM;
    *connection = (struct connection){.modules = 1}; /* this function's own */
    graph_memory_open(&connection->memory, db);
    for (size_t i = 0; rc == SQLITE_OK && i < sizeof functions / sizeof *functions; i++)
        rc = register_function(db, &functions[i], connection);
    if (--connection->modules == 0)
        sqlite3_free(connection);
    return rc;
}
