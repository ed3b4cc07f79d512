/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How SQLite would answer a statement, and where it would read whole tables for it. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "complain.h"
#include "escape.h"
#include "query.h"
#include "schema_help.h"
#include "scope.h"

#define DEPTH_MOST 40

enum plan_column { PLAN_ID, PLAN_PARENT, PLAN_UNUSED, PLAN_DETAIL };

static int depth_of(const struct result *plan, size_t row)
{
    int depth = 0;
    int64_t parent = result_row(plan, row)[PLAN_PARENT].integer;
    for (size_t i = row; i-- > 0 && parent != 0 && depth < DEPTH_MOST;) {
        if (result_row(plan, i)[PLAN_ID].integer != parent)
            continue;
        parent = result_row(plan, i)[PLAN_PARENT].integer;
        depth++;
    }
    return depth;
}

/* A text or a set of columns that a view looks up by its number: that is as quick as a column. */
static bool is_lookup(const char *detail)
{
    static const char *const tables[] = {"strings", "contexts", "images"};
    if (strncmp(detail, "SEARCH ", 7) != 0 || !strstr(detail, " USING INTEGER PRIMARY KEY"))
        return false;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strncmp(detail + 7, tables[i], strlen(tables[i])) == 0)
            return true;
    return false;
}

/* Is it a look-up, or does it consist of one? */
static bool is_small(const struct result *plan, size_t row)
{
    size_t children = 0;
    if (is_lookup(result_row(plan, row)[PLAN_DETAIL].bytes.data))
        return true;
    for (size_t i = row + 1; i < plan->rows; i++) {
        if (result_row(plan, i)[PLAN_PARENT].integer != result_row(plan, row)[PLAN_ID].integer)
            continue;
        if (!is_lookup(result_row(plan, i)[PLAN_DETAIL].bytes.data))
            return false;
        children++;
    }
    return children > 0;
}

static void print_plan(struct session *session, const struct result *plan)
{
    FILE *out = output_file(session->output);
    for (size_t i = 0; i < plan->rows; i++) {
        if (is_small(plan, i))
            continue;
        fprintf(out, "%*s", 2 * depth_of(plan, i), "");
        escape_print(out, text_of_cell(&result_row(plan, i)[PLAN_DETAIL]),
                     output_style(session->output)->utf8);
        fputc('\n', out);
    }
}

/* "SCAN p": the table behind that alias; NULL: it scans no table, or only an index. */
static const char *scanned(const struct scope *scope, const char *detail, char name[SCOPE_NAME])
{
    if (strncmp(detail, "SCAN ", 5) != 0)
        return NULL;
    size_t length = strcspn(detail + 5, " ");
    if (length >= SCOPE_NAME || strstr(detail, "VIRTUAL TABLE") || strstr(detail, "CONSTANT ROW"))
        return NULL;
    memcpy(name, detail + 5, length);
    name[length] = '\0';
    const struct scope_source *source = scope_source(scope, name);
    return source && *source->table ? source->table : name;
}

/* The columns that an index begins with, as "a, b, c". */
static enum status fetch_indexed(struct session *session, const char *table, struct result *found)
{
    return query_fetch(
        session, found,
        "WITH t (name) AS (SELECT " SCHEMA_TABLE_OF(
            "?1") ") "
                  "SELECT (SELECT count(*) FROM sqlite_schema AS s, t WHERE s.type = 'table' "
                  "AND s.name = t.name), (SELECT group_concat(name, ', ') FROM (SELECT "
                  "DISTINCT i.name FROM t, pragma_index_list(t.name) AS l, "
                  "pragma_index_info(l.name) AS i WHERE i.seqno = 0 ORDER BY i.name))",
        "t", table);
}

static enum status warn(struct session *session, const char *table)
{
    FILE *out = output_file(session->output);
    bool utf8 = output_style(session->output)->utf8;
    struct result found;
    enum status status = fetch_indexed(session, table, &found);
    if (status == STATUS_OK && found.rows == 1 && result_row(&found, 0)[0].integer == 1) {
        struct text columns = text_of_cell(&result_row(&found, 0)[1]);
        fputs("! reads every row of ", out);
        escape_print(out, cell_text(table).bytes, utf8);
        fputs("; it has an index on\n  id", out);
        if (columns.data) {
            fputs(", ", out);
            escape_print(out, columns, utf8);
        }
        fputc('\n', out);
    }
    result_free(&found);
    return status;
}

static enum status warn_of_scans(struct session *session, const char *sql,
                                 const struct result *plan)
{
    struct scope scope;
    enum status status = STATUS_OK;
    /* The space is where one is: behind the last table. */
    scope_find(&scope, sql, strlen(sql));
    for (size_t i = 0; status == STATUS_OK && i < plan->rows; i++) {
        char name[SCOPE_NAME];
        const char *detail = result_row(plan, i)[PLAN_DETAIL].bytes.data;
        const char *table = scanned(&scope, detail, name);
        if (table)
            status = warn(session, table);
    }
    return status;
}

/* The statement without its semicolon; to be freed. */
static char *make_text(const char *sql)
{
    char *text = NULL;
    size_t length = strlen(sql);
    while (length > 0 && strchr("; \t\n", sql[length - 1]))
        length--;
    return asprintf(&text, "EXPLAIN QUERY PLAN %.*s ", (int)length, sql) < 0 ? NULL : text;
}

static enum status show_plan(struct session *session, const char *text, const struct result *plan)
{
    if (!session_for_person(session)) {
        query_show(session, plan);
        return STATUS_OK;
    }
    print_plan(session, plan);
    return warn_of_scans(session, text, plan);
}

static enum status explain(struct session *session, const char *sql)
{
    struct result plan = {0};
    sqlite3_stmt *statement = NULL;
    const char *tail;
    char *text = make_text(sql);
    if (!text) {
        complain("out of memory");
        return STATUS_ERROR;
    }
    enum status status = query_prepare(session, text, NULL, &statement, &tail);
    if (status == STATUS_OK && statement)
        status = query_collect(session, statement, &plan, NULL);
    if (status == STATUS_OK)
        status = show_plan(session, text, &plan);
    result_free(&plan);
    free(text);
    return status;
}

static enum status explain_run(struct session *session, char **operands)
{
    const char *sql = operands[0] ? operands[0] : session->last;
    if (sql)
        return explain(session, sql);
    complain("nothing has been asked yet that could be explained");
    return STATUS_USAGE;
}

const struct command command_explain = {
    .name = "explain",
    .arguments = "[SQL]",
    .summary = "how SQL would be answered",
    .help = "The plan of SQLite, and a warning for each table of which every row would be read.\n"
            "At the prompt, without SQL: the last statement.\n"
            "Example:  explain \"SELECT * FROM processes WHERE comm = 'curl'\"\n",
    .most = 1,
    .verbatim = true,
    .run = explain_run,
};
