/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "column_help.h"

#include <stdlib.h>
#include <string.h>

#include "../sql/nearest.h"
#include "catalog.h"
#include "complain.h"
#include "escape.h"
#include "query.h"
#include "schema_help.h"
#include "token.h"

#define SAMPLE_MOST 32 /* bytes of a value that stands in an example */

/* A column, and one of its values where there is one that can be shown as it is. */
struct subject {
    const char *table, *name, *type, *meaning;
    char sample[SAMPLE_MOST + 1];
    char *quoted; /* its name as SQL has it */
};

/* A value that needs neither escaping nor much room. */
static bool is_plain(struct text text)
{
    for (size_t at = 0; at < text.length;) {
        int32_t code = utf8_next(text, &at);
        if (code < 0 || is_unsafe(code))
            return false;
    }
    return text.length > 0 && text.length <= SAMPLE_MOST;
}

/* The table that a column's meaning points to, as "hosts.id"; NULL: none. To be freed. */
static char *find_reference(const struct subject *column)
{
    const char *end = column->meaning ? strstr(column->meaning, ".id") : NULL;
    const char *start = end;
    while (start && start > column->meaning && strchr("abcdefghijklmnopqrstuvwxyz_", start[-1]))
        start--;
    return start && start < end ? strndup(start, (size_t)(end - start)) : NULL;
}

/* Each maker below gives SQL, to be freed with sqlite3_free(), or NULL where it does not fit. */
typedef char *example_maker(const struct subject *column);

static char *time_example(const struct subject *column)
{
    if (!is_time_name(column->name))
        return NULL;
    return sqlite3_mprintf("SELECT * FROM %w WHERE %s >= ago('1h');", column->table,
                           column->quoted);
}

static char *reference_example(const struct subject *column)
{
    char *other = find_reference(column);
    if (!other || strcmp(other, column->table) == 0) {
        free(other);
        return NULL;
    }
    char *sql = sqlite3_mprintf("SELECT * FROM %w AS a JOIN %w AS b ON b.id = a.%s;", column->table,
                                other, column->quoted);
    free(other);
    return sql;
}

static char *list_example(const struct subject *column)
{
    if (column->sample[0] != '[')
        return NULL;
    return sqlite3_mprintf("SELECT value, count(*) FROM %w AS t, json_each(t.%s) GROUP BY value;",
                           column->table, column->quoted);
}

static char *value_example(const struct subject *column)
{
    bool number = strcmp(column->type, "INTEGER") == 0 || strcmp(column->type, "REAL") == 0;
    if (!*column->sample)
        return NULL;
    if (number)
        return sqlite3_mprintf("SELECT * FROM %w WHERE %s = %s;", column->table, column->quoted,
                               column->sample);
    return sqlite3_mprintf("SELECT * FROM %w WHERE %s = %Q;", column->table, column->quoted,
                           column->sample);
}

static char *any_example(const struct subject *column)
{
    return sqlite3_mprintf("SELECT * FROM %w WHERE %s IS NOT NULL;", column->table, column->quoted);
}

static char *make_example(const struct subject *column)
{
    static example_maker *const makers[] = {time_example, reference_example, list_example,
                                            value_example, any_example};
    char *sql = NULL;
    for (size_t i = 0; !sql && i < sizeof makers / sizeof *makers; i++)
        sql = makers[i](column);
    return sql;
}

/* Some of the newest values, with commas; and one of them as the column's sample. */
static char *find_values(struct session *session, struct subject *column)
{
    struct catalog values = {0};
    char *text = NULL;
    size_t length = 0;
    const char *shown = is_time_name(column->name) ? "iso(value)" : "value";
    char *sql = sqlite3_mprintf(
        "SELECT DISTINCT %s AS value FROM (SELECT \"%w\" AS value FROM \"%w\" WHERE \"%w\" IS NOT "
        "NULL LIMIT 1000) AS t WHERE length(t.value) <= %d LIMIT 5",
        shown, column->name, column->table, column->name, SAMPLE_MOST);
    FILE *memory = open_memstream(&text, &length);
    if (sql && memory)
        catalog_query(&values, session->db, sql, NULL);
    for (size_t i = 0, told = 0; memory && i < values.count; i++) {
        struct text value = {values.at[i], strlen(values.at[i])};
        if (!is_plain(value))
            continue;
        if (!*column->sample)
            snprintf(column->sample, sizeof column->sample, "%s", values.at[i]);
        fprintf(memory, "%s%s", told++ ? ", " : "", values.at[i]);
    }
    if (memory)
        fclose(memory);
    sqlite3_free(sql);
    catalog_free(&values);
    return text;
}

static enum status fetch_column(struct session *session, struct result *found, const char *table,
                                const char *column)
{
    return query_fetch(
        session, found,
        "SELECT name, type, (SELECT group_concat(DISTINCT l.name) FROM pragma_index_list(?1) AS l, "
        "pragma_index_info(l.name) AS i WHERE i.seqno = 0 AND i.name = t.name), pk "
        "FROM pragma_table_info(?1) AS t WHERE name = ?2 COLLATE NOCASE",
        "tt", table, column);
}

static enum status no_such_column(struct session *session, const char *table, const char *column)
{
    struct catalog names = {0};
    catalog_columns(&names, session->db, table);
    const char *near = names.at ? nearest(column, (const char *const *)names.at) : NULL;
    if (names.count == 0)
        complain("there is no table or view '%s'", table);
    else if (near)
        complain("%s has no column '%s'; did you mean %s?", table, column, near);
    else
        complain("%s has no column '%s'; 'schema %s' lists them", table, column, table);
    catalog_free(&names);
    return STATUS_ERROR;
}

static enum status show(struct session *session, const struct result *found, const char *table)
{
    static const struct heading headings[] = {{.name = "column"},  {.name = "type"},
                                              {.name = "meaning"}, {.name = "index"},
                                              {.name = "values"},  {.name = "example"}};
    const struct cell *row = result_row(found, 0);
    struct subject column = {.table = table, .name = row[0].bytes.data, .type = row[1].bytes.data};
    struct result result = {0};
    column.meaning = schema_help_column(table, column.name);
    column.quoted = sqlite3_mprintf(token_is_plain(column.name) ? "%w" : "\"%w\"", column.name);
    char *values = find_values(session, &column);
    char *example = column.quoted ? make_example(&column) : NULL;
    struct cell cells[] = {row[0],
                           row[1],
                           cell_text(column.meaning),
                           row[3].integer             ? cell_text("the key")
                           : row[2].type == CELL_NULL ? cell_text("none")
                                                      : row[2],
                           values && *values ? cell_text(values) : cell_text(NULL),
                           cell_text(example)};
    bool room = result_begin(&result, headings, 6) && result_add(&result, cells);
    const struct format *usual = session->options.format;
    if (session_format(session) == &format_table)
        session->options.format = &format_line;
    if (room)
        query_show(session, &result);
    session->options.format = usual;
    result_free(&result);
    sqlite3_free(example);
    sqlite3_free(column.quoted);
    free(values);
    return room ? STATUS_OK : STATUS_ERROR;
}

enum status column_help(struct session *session, const char *table, const char *column)
{
    struct result found;
    enum status status = fetch_column(session, &found, table, column);
    if (status == STATUS_OK && found.rows == 0)
        status = no_such_column(session, table, column);
    else if (status == STATUS_OK)
        status = show(session, &found, table);
    result_free(&found);
    return status;
}
