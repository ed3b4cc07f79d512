/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables and columns of the store that is open, beside what they mean. */
#include <string.h>

#include "../sql/nearest.h"
#include "column_help.h"
#include "command.h"
#include "complain.h"
#include "query.h"
#include "schema_help.h"

static enum status show_rows(struct session *session, const struct heading *headings,
                             const struct result *found, const char *table)
{
    struct result shown;
    bool room = result_begin(&shown, headings, 3);
    for (size_t i = 0; room && i < found->rows; i++) {
        const struct cell *row = result_row(found, i);
        const char *name = row[0].bytes.data;
        const char *meaning = table ? schema_help_column(table, name) : schema_help_table(name);
        struct cell cells[] = {row[0], row[1], cell_text(meaning)};
        room = result_add(&shown, cells);
    }
    if (room)
        query_show(session, &shown);
    else
        complain("out of memory");
    result_free(&shown);
    return room ? STATUS_OK : STATUS_ERROR;
}

static enum status show_tables(struct session *session)
{
    static const struct heading headings[] = {
        {.name = "name"}, {.name = "type"}, {.name = "meaning"}};
    struct result found;
    enum status status = query_fetch(
        session, &found, "SELECT name, type FROM " SCHEMA_SHOWN " ORDER BY type, place", "");
    if (status == STATUS_OK)
        status = show_rows(session, headings, &found, NULL);
    result_free(&found);
    if (status == STATUS_OK && session_for_person(session) && session->interactive)
        fputs("\n.schema TABLE tells what its columns mean.\n", output_file(session->output));
    return status;
}

static enum status no_such_table(struct session *session, const char *table)
{
    const char *names[256] = {NULL};
    struct result found;
    enum status status =
        query_fetch(session, &found, "SELECT name FROM " SCHEMA_SHOWN " LIMIT 255", "");
    for (size_t i = 0; status == STATUS_OK && i < found.rows; i++)
        names[i] = result_row(&found, i)->bytes.data;
    const char *near = nearest(table, names);
    if (near)
        complain("there is no table or view '%s'; did you mean %s?", table, near);
    else
        complain("there is no table or view '%s'; schema without a name lists them", table);
    result_free(&found);
    return status == STATUS_OK ? STATUS_ERROR : status;
}

/* A view's column that is an expression has no type: it is told by the table behind the view. */
static const char columns_sql[] =
    "SELECT c.name, CASE WHEN c.type <> '' OR p.own = ?1 THEN c.type"
    " ELSE coalesce((SELECT replace(t.type, 'ANY', 'TEXT') FROM pragma_table_info(p.own) AS t"
    " WHERE t.name = c.name), 'INTEGER') END AS type"
    " FROM (SELECT " SCHEMA_TABLE_OF("?1") " AS own) AS p"
                                           " JOIN pragma_table_info(?1) AS c ORDER BY c.cid";

static enum status show_columns(struct session *session, const char *table)
{
    static const struct heading headings[] = {
        {.name = "column"}, {.name = "type"}, {.name = "meaning"}};
    struct result found;
    enum status status = query_fetch(session, &found, columns_sql, "t", table);
    if (status == STATUS_OK && found.rows == 0)
        status = no_such_table(session, table);
    else if (status == STATUS_OK)
        status = show_rows(session, headings, &found, table);
    result_free(&found);
    return status;
}

static enum status schema_run(struct session *session, char **operands)
{
    char *dot = operands[0] ? strchr(operands[0], '.') : NULL;
    if (!operands[0])
        return show_tables(session);
    if (!dot)
        return show_columns(session, operands[0]);
    *dot = '\0';
    return column_help(session, operands[0], dot + 1);
}

static const char *const aliases[] = {"tables", "d", NULL};

const struct command command_schema = {
    .name = "schema",
    .aliases = aliases,
    .arguments = "[TABLE | TABLE.COLUMN]",
    .summary = "tables, views, columns",
    .help = "With a line on what each means; of one column also values and an example.\n"
            "spyq-schema(7) has the whole story.\n"
            "Examples: schema processes\n"
            "          schema processes.comm\n",
    .most = 1,
    .run = schema_run,
};
