/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The columns are written down in C, in SQL and in the manual: here they are held together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../sql/layout.h"
#include "schema.sql.h"
#include "user.sql.h"
#include "views.sql.h"

/* The tests run at the top of the tree. */
#define PAGE    "docs/spyq-schema.7"
#define FOREIGN "docs/spyq-views.7" /* views with other people's names */

static sqlite3 *db;

static int open_schema(void **state)
{
    (void)state;
    return sqlite3_open(":memory:", &db) || sqlite3_exec(db, schema_sql, NULL, NULL, NULL) ||
           sqlite3_exec(db, views_sql, NULL, NULL, NULL);
}

static int close_schema(void **state)
{
    (void)state;
    return sqlite3_close(db);
}

static sqlite3_stmt *columns_of(const char *table)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT name, type, pk FROM pragma_table_info(?1) "
                                        "ORDER BY cid",
                                        -1, &statement, NULL),
                     SQLITE_OK);
    sqlite3_bind_text(statement, 1, table, -1, SQLITE_TRANSIENT);
    return statement;
}

static const char *text(sqlite3_stmt *statement, int index)
{
    return (const char *)sqlite3_column_text(statement, index);
}

/* A row of `traces` is one model's and one judge's; `pinned` is nobody's here. */
static bool is_shared(int kind)
{
    return kind == ROW_TRACE || kind == ROW_TRACE_SCORE;
}

static void every_table_has_the_columns_of_its_row_struct(void **state)
{
    (void)state;
    static const char *const types[] = {[COLUMN_INTEGER] = "INTEGER", [COLUMN_TEXT] = "TEXT"};
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++) {
        const struct table *table = &row_tables[kind];
        sqlite3_stmt *statement = columns_of(table->name);
        for (size_t i = 0; i < table->column_count; i++) {
            do
                assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
            while (is_shared(kind) && strcmp(text(statement, 0), table->columns[i].name) != 0);
            assert_string_equal(text(statement, 0), table->columns[i].name);
            if (layouts[kind].table) /* a view: some of its columns are expressions */
                continue;
            assert_string_equal(text(statement, 1), types[table->columns[i].type]);
            assert_int_equal(sqlite3_column_int(statement, 2), i == 0);
        }
        if (!is_shared(kind))
            assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
        sqlite3_finalize(statement);
        assert_string_equal(table->columns[0].name, "id");
        assert_int_equal(table->columns[0].offset, 0);
    }
}

static bool has_column(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return true;
    return false;
}

static void each_column_of_a_trace_has_one_writer(void **state)
{
    (void)state;
    sqlite3_stmt *statement = columns_of("traces");
    size_t count = 0;
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const char *name = text(statement, 0);
        bool model = has_column(&row_tables[ROW_TRACE], name);
        bool judge = has_column(&row_tables[ROW_TRACE_SCORE], name);
        if (strcmp(name, "id") == 0)
            assert_true(model && judge);
        else if (strcmp(name, "pinned") == 0)
            assert_false(model || judge);
        else
            assert_true(model != judge);
        count++;
    }
    sqlite3_finalize(statement);
    assert_int_equal(count,
                     row_tables[ROW_TRACE].column_count + row_tables[ROW_TRACE_SCORE].column_count);
}

static void every_table_is_strict_and_written_by_somebody(void **state)
{
    (void)state;
    sqlite3_stmt *statement;
    size_t count = 0;
    sqlite3_prepare_v2(db,
                       "SELECT name, strict FROM pragma_table_list WHERE type = 'table' "
                       "AND name NOT LIKE 'sqlite%'",
                       -1, &statement, NULL);
    for (; sqlite3_step(statement) == SQLITE_ROW; count++)
        assert_int_equal(sqlite3_column_int(statement, 1), 1);
    sqlite3_finalize(statement);
    /* And those that are told to be private; two kinds write one table. */
    assert_int_equal(count, ROW_KIND_COUNT + 5);
}

static void columns_lie_side_by_side_in_the_struct(void **state)
{
    (void)state;
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++) {
        const struct table *table = &row_tables[kind];
        size_t end = 0;
        for (size_t i = 0; i < table->column_count; i++) {
            assert_int_equal(table->columns[i].offset, end);
            end += table->columns[i].type == COLUMN_INTEGER ? sizeof(int64_t) : sizeof(struct text);
        }
        assert_int_equal(end, table->row_size);
    }
}

static void a_cleared_row_is_null_in_every_column(void **state)
{
    (void)state;
    struct row_connection row;
    memset(&row, 0x5a, sizeof(row));
    row_clear(ROW_CONNECTION, &row);
    assert_true(row.id == INTEGER_NULL && row.cookie == INTEGER_NULL);
    assert_true(row.local_port == INTEGER_NULL && row.peer_process_id == INTEGER_NULL);
    assert_null(row.protocol.data);
    assert_int_equal(row.origin.length, 0);
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++) {
        unsigned char columns[sizeof(struct row_process) + 1];
        assert_in_range(row_tables[kind].row_size, 1, sizeof(columns) - 1);
        memset(columns, 0x5a, sizeof(columns));
        row_clear((enum row_kind)kind, columns);
        assert_int_equal(columns[row_tables[kind].row_size], 0x5a);
    }
}

static char *read_page(const char *name)
{
    FILE *file = fopen(name, "r");
    if (!file)
        fail_msg("%s: not there; the tests run at the top of the tree", name);
    static char page[1 << 18];
    size_t length = fread(page, 1, sizeof(page) - 1, file);
    fclose(file);
    assert_in_range(length, 1, sizeof(page) - 2);
    page[length] = '\0';
    return page;
}

/* The part of the page about one table or view: from its heading to the next. */
static char *section_of(const char *name)
{
    char heading[80];
    snprintf(heading, sizeof(heading), "\n.Ss %s\n", name);
    char *start = strstr(read_page(PAGE), heading);
    if (!start)
        start = strstr(read_page(FOREIGN), heading);
    if (!start)
        fail_msg("neither " PAGE " nor " FOREIGN " has a section `%s'", name);
    start += strlen(heading) - 1;
    static const char *const headings[] = {"\n.Ss ", "\n.Sh "};
    for (size_t i = 0; i < 2; i++) {
        char *end = strstr(start, headings[i]);
        if (end)
            end[1] = '\0';
    }
    return start;
}

/* Counts the list items of a section. */
static size_t count_items(const char *section)
{
    size_t count = 0;
    while ((section = strstr(section, "\n.It Va "))) {
        count++;
        section++;
    }
    return count;
}

static void assert_documented(const char *relation)
{
    const char *section = section_of(relation), *place = section;
    size_t count = 0;
    sqlite3_stmt *statement = columns_of(relation);
    for (; sqlite3_step(statement) == SQLITE_ROW; count++) {
        char item[80];
        snprintf(item, sizeof(item), "\n.It Va %s", text(statement, 0));
        place = strstr(place, item);
        if (!place || !strchr(" \n", place[strlen(item)]))
            fail_msg("%s.%s is not documented, or out of order", relation, text(statement, 0));
    }
    sqlite3_finalize(statement);
    assert_int_equal(count_items(section), count);
}

static void the_manual_names_every_column_of_every_public_relation_in_order(void **state)
{
    (void)state;
    sqlite3_stmt *statement;
    size_t relations = 0, sections = 0;
    /* Those of the user's store are told of on the same page; they come last here. */
    assert_int_equal(sqlite3_exec(db, user_sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_prepare_v2(
        db,
        "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT"
        " IN ('strings', 'contexts', 'images') AND name NOT LIKE '%\\_rows' ESCAPE '\\'",
        -1, &statement, NULL);
    for (; sqlite3_step(statement) == SQLITE_ROW; relations++)
        assert_documented(text(statement, 0));
    sqlite3_finalize(statement);
    static const char *const pages[] = {PAGE, FOREIGN};
    for (size_t i = 0; i < 2; i++)
        for (const char *at = read_page(pages[i]); (at = strstr(at, "\n.Ss ")); at++)
            sections++;
    assert_int_equal(sections, relations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_has_the_columns_of_its_row_struct),
        cmocka_unit_test(each_column_of_a_trace_has_one_writer),
        cmocka_unit_test(every_table_is_strict_and_written_by_somebody),
        cmocka_unit_test(columns_lie_side_by_side_in_the_struct),
        cmocka_unit_test(a_cleared_row_is_null_in_every_column),
        cmocka_unit_test(the_manual_names_every_column_of_every_public_relation_in_order),
    };
    return cmocka_run_group_tests(tests, open_schema, close_schema);
}
