/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SELECT process_id, depth FROM ancestors(42);
 * SELECT p.comm, d.process_id FROM processes AS p, descendants(p.id, 2) AS d WHERE p.pid = 1;
 *
 * Rows come in order of (depth, at, process_id). The statement that reads a table function holds a
 * read transaction of its own, so that a search sees one state of the store. The statements inside
 * stay prepared for the next query: to prepare them takes longer than a usual search does. SQLite
 * disconnects the function, and so finalises them, before a connection closes.
 */
#include <sqlite3ext.h>

#include <stdbool.h>

#include "fn_call.h"
#include "graph_store.h"
#include "rows.h"
#include "vt_ancestry.h"

SQLITE_EXTENSION_INIT3

enum result_column {
    COLUMN_PROCESS_ID,
    COLUMN_DEPTH,
    COLUMN_EDGE_ID,
    COLUMN_KIND,
    COLUMN_AT,
    COLUMN_FROM_ID,
    COLUMN_ID,        /* hidden: the first argument */
    COLUMN_MAX_DEPTH, /* hidden: the second */
};

static const char declaration[] =
    "CREATE TABLE x (process_id INTEGER, depth INTEGER, edge_id INTEGER, kind TEXT, at INTEGER,"
    " from_id INTEGER, id INTEGER HIDDEN, max_depth INTEGER HIDDEN)";

/* What the planner chose (idxNum): the arguments given, in the order of their bits. */
enum plan { PLAN_ID = 1, PLAN_MAX_DEPTH = 2 };

static const struct walk {
    const char *name;
    enum graph_direction direction;
    sqlite3_int64 rows; /* a usual number of them, for the planner */
} walks[] = {
    {"ancestors", GRAPH_PARENTS, 10},
    {"descendants", GRAPH_CHILDREN, 1000},
};

struct table_function {
    sqlite3_vtab base;
    sqlite3 *db;
    const struct walk *walk;
    struct graph_store store; /* for the first of the cursors open at once */
    bool store_in_use;
};

struct cursor {
    sqlite3_vtab_cursor base;
    struct graph_store *store; /* the function's own, or else own_store */
    struct graph_store own_store;
    struct graph_search search;
    const struct graph_step *step; /* the current row; NULL past the last */
    sqlite3_int64 row;
    int64_t id; /* the arguments; INTEGER_NULL is NULL */
    int64_t max_depth;
};

/* Replaces the error message. Returns the code. */
static int fail(sqlite3_vtab *base, int rc, const char *message)
{
    struct table_function *function = (struct table_function *)base;

    sqlite3_free(base->zErrMsg);
    base->zErrMsg = sqlite3_mprintf("%s: %s", function->walk->name, message);
    return base->zErrMsg ? rc : SQLITE_NOMEM;
}

static int connect(sqlite3 *db, void *walk, int argc, const char *const *argv, sqlite3_vtab **table,
                   char **error)
{
    struct table_function *function;

    (void)argc, (void)argv, (void)error;
    int rc = sqlite3_declare_vtab(db, declaration);
    if (rc != SQLITE_OK)
        return rc;
    function = sqlite3_malloc(sizeof *function);
    if (!function)
        return SQLITE_NOMEM;
    *function = (struct table_function){.db = db, .walk = walk};
    graph_store_open(&function->store, db, function->walk->direction);
    *table = &function->base;
    return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *base)
{
    graph_store_close(&((struct table_function *)base)->store);
    sqlite3_free(base);
    return SQLITE_OK;
}

/* ---- planning ---- */

/* The constraints that are the function's arguments: -1 where not given. */
struct arguments {
    int id;
    int max_depth;
    int unusable; /* how many are given, but not by what this plan has read so far */
};

static struct arguments find_arguments(const sqlite3_index_info *info)
{
    struct arguments found = {-1, -1, 0};

    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];
        if (constraint->op != SQLITE_INDEX_CONSTRAINT_EQ || constraint->iColumn < COLUMN_ID)
            continue;
        int *argument = constraint->iColumn == COLUMN_ID ? &found.id : &found.max_depth;
        if (!constraint->usable)
            found.unusable++;
        else if (*argument < 0)
            *argument = i;
    }
    return found;
}

static void use_argument(sqlite3_index_info *info, int constraint, int *given, enum plan bit)
{
    if (constraint < 0)
        return;
    info->aConstraintUsage[constraint].argvIndex = ++*given;
    info->aConstraintUsage[constraint].omit = 1;
    info->idxNum |= (int)bit;
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
    const struct walk *walk = ((struct table_function *)base)->walk;
    struct arguments arguments = find_arguments(info);
    int given = 0;

    if (arguments.unusable)
        return SQLITE_CONSTRAINT;
    if (arguments.id < 0)
        return fail(base, SQLITE_ERROR, "argument id is missing");
    use_argument(info, arguments.id, &given, PLAN_ID);
    use_argument(info, arguments.max_depth, &given, PLAN_MAX_DEPTH);
    info->estimatedRows = walk->rows;
    info->estimatedCost = (double)walk->rows * 4;
    info->orderByConsumed = in_order(info);
    return SQLITE_OK;
}

/* ---- reading ---- */

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **opened)
{
    struct table_function *function = (struct table_function *)base;
    struct cursor *cursor = sqlite3_malloc(sizeof *cursor);

    if (!cursor)
        return SQLITE_NOMEM;
    *cursor = (struct cursor){.step = NULL};
    graph_store_open(&cursor->own_store, function->db, function->walk->direction);
    cursor->store = function->store_in_use ? &cursor->own_store : &function->store;
    function->store_in_use = true;
    *opened = &cursor->base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    struct cursor *cursor = (struct cursor *)base;
    struct table_function *function = (struct table_function *)base->pVtab;

    graph_search_end(&cursor->search);
    graph_store_close(&cursor->own_store);
    if (cursor->store == &function->store)
        function->store_in_use = false;
    sqlite3_free(cursor);
    return SQLITE_OK;
}

/* Fails with what the statement inside said, where it was that which failed. */
static int search_failed(struct cursor *cursor, int rc)
{
    cursor->step = NULL;
    if (rc == SQLITE_NOMEM || rc == SQLITE_INTERRUPT)
        return rc;
    return fail(cursor->base.pVtab, rc, sqlite3_errmsg(cursor->store->db));
}

static int next(sqlite3_vtab_cursor *base)
{
    struct cursor *cursor = (struct cursor *)base;
    int rc = graph_search_next(&cursor->search, &cursor->step);

    cursor->row++;
    if (rc == SQLITE_ROW)
        return SQLITE_OK;
    cursor->step = NULL;
    return rc == SQLITE_DONE ? SQLITE_OK : search_failed(cursor, rc);
}

static int reject(struct cursor *cursor, const char *argument, const char *expected,
                  sqlite3_value *value)
{
    char *shown = fn_describe(value);
    char *message =
        shown ? sqlite3_mprintf("argument %s must be %s, not %s", argument, expected, shown) : NULL;
    int rc = message ? fail(cursor->base.pVtab, SQLITE_ERROR, message) : SQLITE_NOMEM;

    sqlite3_free(message);
    sqlite3_free(shown);
    return rc;
}

static int take_argument(struct cursor *cursor, const char *name, sqlite3_value *value,
                         int64_t *argument)
{
    *argument = INTEGER_NULL;
    if (sqlite3_value_type(value) == SQLITE_NULL)
        return SQLITE_OK;
    if (sqlite3_value_type(value) != SQLITE_INTEGER)
        return reject(cursor, name, "an integer", value);
    *argument = sqlite3_value_int64(value);
    return SQLITE_OK;
}

static int take_arguments(struct cursor *cursor, int plan, sqlite3_value **values)
{
    cursor->max_depth = INTEGER_NULL;
    int rc = take_argument(cursor, "id", *values++, &cursor->id);

    if (rc != SQLITE_OK || !(plan & PLAN_MAX_DEPTH))
        return rc;
    rc = take_argument(cursor, "max_depth", *values, &cursor->max_depth);
    if (rc == SQLITE_OK && sqlite3_value_type(*values) != SQLITE_NULL && cursor->max_depth < 0)
        rc = reject(cursor, "max_depth", "0 or more", *values);
    return rc;
}

static int filter(sqlite3_vtab_cursor *base, int plan, const char *plan_text, int count,
                  sqlite3_value **values)
{
    struct cursor *cursor = (struct cursor *)base;
    int64_t depth_max;

    (void)plan_text, (void)count;
    cursor->step = NULL;
    cursor->row = 0;
    int rc = take_arguments(cursor, plan, values);
    if (rc != SQLITE_OK || cursor->id == INTEGER_NULL)
        return rc;
    depth_max = cursor->max_depth == INTEGER_NULL ? GRAPH_DEPTH_ANY : cursor->max_depth;
    rc = graph_search_begin(&cursor->search, &cursor->store->source, cursor->id, depth_max);
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

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int index)
{
    const struct cursor *cursor = (const struct cursor *)base;
    const struct graph_step *step = cursor->step;
    const int64_t integers[] = {
        [COLUMN_PROCESS_ID] = step->process_id, [COLUMN_DEPTH] = step->depth,
        [COLUMN_EDGE_ID] = step->edge_id,       [COLUMN_AT] = step->at,
        [COLUMN_FROM_ID] = step->from_id,       [COLUMN_ID] = cursor->id,
        [COLUMN_MAX_DEPTH] = cursor->max_depth,
    };

    if (index == COLUMN_KIND)
        sqlite3_result_text(context, step->kind, -1, SQLITE_STATIC); /* NULL gives NULL */
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

int vt_ancestry_register(sqlite3 *db)
{
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) {
        int rc = sqlite3_create_module_v2(db, walks[i].name, &module, (void *)&walks[i], NULL);
        if (rc != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}
