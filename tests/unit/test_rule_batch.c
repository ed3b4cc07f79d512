/* SPDX-License-Identifier: GPL-3.0-or-later */
/* New rows held in memory: the same as in the store, the newest of each, found as fast as by an
 * index. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../sql/ext.h"
#include "../../sql/rule_batch.h"
#include "../../sql/store.h"
#include "scratch.h"

#define ROWS 300 /* of each kind */

static struct store *store;
static sqlite3 *db;
static struct rule_batch *batch;

static int set_up(void **state)
{
    struct store_error error;

    if (scratch_set_up(state) < 0)
        return -1;
    store = store_open(scratch_path("s.db"), &error);
    if (!store ||
        sqlite3_open_v2(scratch_path("s.db"), &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        spyq_extension_init(db, NULL, NULL) != SQLITE_OK)
        return -1;
    batch = rule_batch_new(db, false);
    return batch ? 0 : -1;
}

static int tear_down(void **state)
{
    rule_batch_free(batch);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    store_close(store);
    return scratch_tear_down(state);
}

/* The first column of the first row; valid until the next call. */
static const char *ask(const char *sql)
{
    static char answer[256];
    sqlite3_stmt *statement;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    const char *text = "(no row)";
    if (sqlite3_step(statement) == SQLITE_ROW)
        text = (const char *)sqlite3_column_text(statement, 0);
    snprintf(answer, sizeof(answer), "%s", text ? text : "NULL");
    sqlite3_finalize(statement);
    return answer;
}

static const char *askf(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    const char *answer = ask(sql);
    sqlite3_free(sql);
    return answer;
}

static struct text text(const char *string)
{
    return (struct text){string, strlen(string)};
}

/* ---- rows of all sorts ---- */

#define BYTES(literal)                                                                             \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

/* What the store has other ways for, and what it may not fall over. */
static const struct text texts[] = {
    {NULL, 0},
    BYTES(""),
    BYTES("event"),
    BYTES("tcp"),
    BYTES("out"),
    BYTES("open"),
    BYTES("fork"),
    BYTES("file"),
    BYTES("pipe:[123]"),
    BYTES("pipe:[0123]"),
    BYTES("socket:[77]"),
    BYTES("[\"a\",\"b c\"]"),
    BYTES("a b c"),
    BYTES("[\"x\"]"),
    BYTES("x"),
    BYTES("12"),
    BYTES("\xff\xfe\x80"),
    BYTES("a\0b"),
    BYTES("\0"),
    BYTES("it's \"quoted\"\n\x1b[31m"),
    BYTES("/usr/bin/true"),
    BYTES("/tmp/ "),
    BYTES("Tmp/X"),
};

static const int64_t integers[] = {INTEGER_NULL, 0, 1, -1, 7, 4026531840, 1700000000000000000};

static unsigned next_random(void)
{
    static uint64_t seed = 1;

    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33);
}

static void make_row(enum row_kind kind, int64_t id, void *columns)
{
    const struct table *shape = &row_tables[kind];

    for (size_t i = 0; i < shape->column_count; i++) {
        char *field = (char *)columns + shape->columns[i].offset;
        if (shape->columns[i].type == COLUMN_INTEGER)
            *(int64_t *)(void *)field =
                integers[next_random() % (sizeof(integers) / sizeof(integers[0]))];
        else
            *(struct text *)(void *)field =
                texts[next_random() % (sizeof(texts) / sizeof(texts[0]))];
    }
    *(int64_t *)columns = id;
}

static const enum row_kind kinds[] = {
    ROW_EXEC, ROW_PROCESS,   ROW_CONNECTION, ROW_LISTENER,  ROW_DNS_QUERY, ROW_FILE,
    ROW_PAIR, ROW_PRIVILEGE, ROW_EDGE,       ROW_CONTAINER, ROW_TRACE,
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Rows as they are handed over; their texts are constants. */
static uint64_t memory[KINDS][ROWS][64];

/* Writes them, and hands those over that the schema does not refuse. Returns how many. */
static int fill(size_t kind)
{
    int count = 0;

    for (int i = 0; i < ROWS; i++) {
        const struct row row = {kinds[kind], memory[kind][i]};
        assert_true(row_tables[kinds[kind]].row_size <= sizeof(memory[kind][i]));
        make_row(kinds[kind], i + 1, memory[kind][i]);
        enum store_status status = store_write(store, &row, 1);
        assert_true(status == STORE_OK || status == STORE_REFUSED);
        if (status != STORE_OK)
            continue;
        assert_int_equal(rule_batch_add(batch, &row), SQLITE_OK);
        count++;
    }
    assert_int_equal(rule_batch_finish(batch), SQLITE_OK);
    return count;
}

static void assert_same(const char *table)
{
    sqlite3_stmt *info;
    char *sql = sqlite3_mprintf("SELECT name FROM pragma_table_info('%q')", table);

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &info, NULL), SQLITE_OK);
    while (sqlite3_step(info) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(info, 0);
        const char *different =
            askf("SELECT count(*) FROM new_%s AS n JOIN main.%s AS m ON m.id = n.id"
                 " WHERE n.\"%w\" IS NOT m.\"%w\" OR typeof(n.\"%w\") <> typeof(m.\"%w\")"
                 " OR hex(n.\"%w\") <> hex(m.\"%w\")",
                 table, table, name, name, name, name, name, name);
        if (strcmp(different, "0") != 0)
            fail_msg("%s.%s is another in %s rows", table, name, different);
    }
    sqlite3_finalize(info);
    sqlite3_free(sql);
    /* Those columns, and in that order. */
    assert_string_equal(
        askf("SELECT (SELECT group_concat(name) FROM pragma_table_info('%q', 'main'))"
             " = (SELECT group_concat(name) FROM pragma_table_info('new_%q'))",
             table, table),
        "1");
}

static void a_row_is_the_same_as_in_the_store(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        const char *table = row_tables[kinds[i]].name;
        int count = fill(i);
        assert_true(count >= 20);
        assert_int_equal(atoi(askf("SELECT count(*) FROM new_%s", table)), count);
        assert_same(table);
    }
}

static void so_is_one_that_is_read_by_its_id(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        fill(i);
        rule_batch_clear(batch);
        for (int64_t id = 0; id < ROWS + 2; id++)
            assert_int_equal(rule_batch_add_id(batch, kinds[i], id), SQLITE_OK);
        assert_int_equal(rule_batch_finish(batch), SQLITE_OK);
        assert_string_equal(askf("SELECT (SELECT count(*) FROM new_%s) = count(*) FROM main.%s",
                                 row_tables[kinds[i]].name, row_tables[kinds[i]].name),
                            "1");
        assert_same(row_tables[kinds[i]].name);
    }
}

/* Tests that are answered before SQLite sees the row, and some that are not. */
static const struct {
    enum row_kind kind;
    const char *condition;
} conditions[] = {
    {ROW_EXEC, "exe = '/usr/bin/true'"},
    {ROW_EXEC, "exe IS NULL"},
    {ROW_EXEC, "exe IS NOT NULL"},
    {ROW_EXEC, "exe IS '/tmp/ '"},
    {ROW_EXEC, "exe = NULL"},
    {ROW_EXEC, "exe IN ('x', '', '/usr/bin/true', NULL)"},
    {ROW_EXEC, "exe = '/USR/BIN/TRUE' COLLATE NOCASE"},
    {ROW_EXEC, "exe = 12"},
    {ROW_EXEC, "exe = '12'"},
    {ROW_EXEC, "argv = 12"},
    {ROW_EXEC, "argc = '7'"},
    {ROW_EXEC, "argc = 7.0"},
    {ROW_EXEC, "argc = 7 AND error IS NULL"},
    {ROW_EXEC, "id = 5"},
    {ROW_EXEC, "id = '5'"},
    {ROW_EXEC, "id IN (1, 2, 3, 400)"},
    {ROW_EXEC, "id = 5 AND exe = 'x'"},
    {ROW_EXEC, "setuid IS 1 AND memfd IS NOT NULL"},
    {ROW_EXEC, "uid IS NOT euid"},
    {ROW_EXEC, "exe = argv"},
    {ROW_EXEC, "exe LIKE '/TMP/%'"},
    {ROW_EXEC, "stdin GLOB 'pipe:*'"},
    {ROW_EXEC, "basename(exe) = 'true'"},
    {ROW_EXEC, "basename(exe) IN ('true', 'tmp', 'x', 'b')"},
    {ROW_EXEC, "basename(exe) IN (SELECT 'true' UNION SELECT 'x')"},
    {ROW_EXEC,
     "error IS NULL AND script IS NULL AND cwd IS NULL AND device IS NULL AND links IS NULL"
     " AND memfd IS NULL AND deleted IS NULL AND setuid IS NULL AND uid IS NULL AND inode = 7"},
    {ROW_EXEC, "argv LIKE '[\"A\",%'"},
    {ROW_EXEC, "argv LIKE '[_x%'"},
    {ROW_EXEC, "stdin LIKE 'PIPE:[_23]'"},
    {ROW_EXEC, "argv LIKE 12"},
    {ROW_EXEC, "cwd LIKE 'tmp/%'"},
    {ROW_EXEC, "argc LIKE '7'"},
    {ROW_EXEC, "script LIKE NULL"},
    {ROW_EXEC, "cwd LIKE '%u%e'"},
    {ROW_EXEC, "filename LIKE ''"},
    {ROW_EXEC, "device LIKE 'tcp' AND exe LIKE 't%'"},
    {ROW_EDGE, "kind = 'fork'"},
    {ROW_EDGE, "kind IN ('fork', 'file', 'none')"},
    {ROW_EDGE, "kind = 'fork' AND detail = 'x'"},
    {ROW_EDGE, "kind = 12"},
    {ROW_EDGE, "kind LIKE 'F%'"},
    {ROW_FILE, "place = 'file' AND op = 'open'"},
    {ROW_FILE, "place IS NULL"},
    {ROW_FILE, "mode & 1"},
    {ROW_PRIVILEGE, "kind = 'event' AND exec_id IS NULL"},
    {ROW_CONNECTION, "direction = 'out' AND remote_port IN (1, 7)"},
};

static char *count_where(const char *table, const char *condition)
{
    return strdup(askf("SELECT count(*) || ' ' || sum(id) FROM %s WHERE %s", table, condition));
}

static void conditions_find_what_they_find_in_the_store(void **state)
{
    int found = 0;

    (void)state;
    for (size_t i = 0; i < KINDS; i++)
        fill(i);
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
        const char *condition = conditions[i].condition;
        char in_store[64], in_memory[64];
        snprintf(in_store, sizeof(in_store), "main.%s", row_tables[conditions[i].kind].name);
        snprintf(in_memory, sizeof(in_memory), "new_%s", row_tables[conditions[i].kind].name);
        char *expected = count_where(in_store, condition), *got = count_where(in_memory, condition);
        if (strcmp(got, expected) != 0)
            fail_msg("%s: %s rather than %s", condition, got, expected);
        found += strcmp(expected, "NULL") != 0;
        free(expected);
        free(got);
    }
    assert_true(found > 25);
}

/* ---- the newest ---- */

static struct row_exec exec_of(int64_t id, const char *exe)
{
    struct row_exec row;

    row_clear(ROW_EXEC, &row);
    row.id = id;
    row.process_id = 1;
    row.at = id;
    row.exe = exe ? text(exe) : TEXT_NULL;
    return row;
}

static void add(enum row_kind kind, const void *columns)
{
    assert_int_equal(rule_batch_add(batch, &(struct row){kind, columns}), SQLITE_OK);
}

static void the_newest_of_a_row_stays(void **state)
{
    const struct row_exec first = exec_of(1, "/bin/a"), other = exec_of(2, "/bin/a"),
                          second = exec_of(1, "/bin/b");

    (void)state;
    add(ROW_EXEC, &first);
    add(ROW_EXEC, &other);
    rule_batch_finish(batch);
    assert_string_equal(ask("SELECT group_concat(id) FROM new_execs WHERE exe = '/bin/a'"), "1,2");
    add(ROW_EXEC, &second);
    rule_batch_finish(batch);
    assert_string_equal(ask("SELECT count(*) FROM new_execs"), "2");
    assert_string_equal(ask("SELECT group_concat(id) FROM new_execs WHERE exe = '/bin/a'"), "2");
    assert_string_equal(ask("SELECT id FROM new_execs WHERE basename(exe) = 'b'"), "1");
    /* What the store has is newer still. */
    const struct row_exec third = exec_of(1, "/bin/c");
    assert_int_equal(store_write(store, &(struct row){ROW_EXEC, &third}, 1), STORE_OK);
    assert_int_equal(rule_batch_add_id(batch, ROW_EXEC, 1), SQLITE_OK);
    rule_batch_finish(batch);
    assert_string_equal(ask("SELECT exe FROM new_execs WHERE id = 1"), "/bin/c");
    assert_int_equal(rule_batch_clear(batch), SQLITE_OK);
    assert_string_equal(ask("SELECT count(*) FROM new_execs"), "0");
    assert_int_equal(rule_batch_filled(batch), 0);
}

static void many_rows_are_all_found_again(void **state)
{
    enum { MANY = 10000 };
    static struct row_exec rows[MANY];
    static char names[MANY / 10][32];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        char *name = names[i / 10];
        snprintf(name, sizeof(names[0]), "/opt/%d/p%d", i / 100, i / 10);
        rows[i] = exec_of(i + 1, name);
        add(ROW_EXEC, &rows[i]);
    }
    rule_batch_finish(batch);
    assert_string_equal(ask("SELECT count(*) || ' ' || sum(id) FROM new_execs"), "10000 50005000");
    for (int i = 0; i < MANY; i += 997)
        assert_string_equal(askf("SELECT count(*) = 10 AND min(id) = %d FROM new_execs"
                                 " WHERE basename(exe) = 'p%d'",
                                 i / 10 * 10 + 1, i / 10),
                            "1");
    assert_string_equal(ask("SELECT count(*) FROM new_execs AS a JOIN new_execs AS b"
                            " ON b.id = a.id + 1"),
                        "9999");
    rule_batch_clear(batch);
    add(ROW_EXEC, &rows[0]);
    rule_batch_finish(batch);
    assert_string_equal(ask("SELECT group_concat(id) FROM new_execs"), "1");
}

static void a_name_is_found_by_an_index(void **state)
{
    (void)state;
    sqlite3_stmt *plan;
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "EXPLAIN QUERY PLAN SELECT argv FROM new_execs AS e"
                                        " JOIN processes AS p ON p.id = e.process_id"
                                        " WHERE e.error IS NULL AND basename(e.exe) IN ('a', 'b')",
                                        -1, &plan, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(plan), SQLITE_ROW);
    assert_non_null(strstr((const char *)sqlite3_column_text(plan, 3), "batch_exes_by_name"));
    sqlite3_finalize(plan);
}

/* ---- which rows ---- */

static void a_row_that_nobody_wants_is_not_taken(void **state)
{
    const struct row_exec row = exec_of(1, "/bin/a");

    (void)state;
    rule_batch_want(batch, 1u << rule_batch_of_kind(ROW_FILE));
    assert_false(rule_batch_wants(batch, ROW_EXEC));
    assert_true(rule_batch_wants(batch, ROW_FILE));
    assert_false(rule_batch_wants(batch, ROW_FLAG));
    add(ROW_EXEC, &row);
    assert_int_equal(rule_batch_filled(batch), 0);
}

/* The row of a trace has columns that others write. */
static void a_row_that_is_not_whole_is_read_from_the_store(void **state)
{
    struct row_trace trace;
    struct row_trace_score score;

    (void)state;
    row_clear(ROW_TRACE, &trace);
    trace.id = 1;
    trace.host_id = 1;
    trace.kind = text("login");
    trace.process_count = trace.connection_count = 0;
    row_clear(ROW_TRACE_SCORE, &score);
    score.id = 1;
    score.flag_count = 3;
    const struct row rows[] = {{ROW_TRACE, &trace}, {ROW_TRACE_SCORE, &score}};
    assert_int_equal(store_write(store, rows, 2), STORE_OK);
    assert_false(rule_batch_holds(batch, ROW_TRACE));
    assert_true(rule_batch_holds(batch, ROW_EXEC));
    add(ROW_TRACE, &trace);
    assert_string_equal(ask("SELECT flag_count || kind FROM new_traces"), "3login");
}

static void a_span_is_the_same_in_memory_and_in_the_store(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++)
        fill(i);
    rule_batch_clear(batch);
    assert_int_equal(rule_batch_add_span(batch, 0, INT64_MAX), SQLITE_OK);
    assert_int_equal(rule_batch_finish(batch), SQLITE_OK);
    char *held[KINDS];
    for (size_t i = 0; i < KINDS; i++)
        held[i] = strdup(
            askf("SELECT count(*) || ' ' || sum(id) FROM new_%s", row_tables[kinds[i]].name));
    rule_batch_free(batch);
    batch = rule_batch_new(db, true);
    assert_non_null(batch);
    assert_int_equal(rule_batch_add_span(batch, 0, INT64_MAX), SQLITE_OK);
    for (size_t i = 0; i < KINDS; i++) {
        assert_string_equal(
            askf("SELECT count(*) || ' ' || sum(id) FROM new_%s", row_tables[kinds[i]].name),
            held[i]);
        assert_true(atoi(held[i]) > 0);
        assert_same(row_tables[kinds[i]].name);
        free(held[i]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_row_is_the_same_as_in_the_store),
        TEST(so_is_one_that_is_read_by_its_id),
        TEST(conditions_find_what_they_find_in_the_store),
        TEST(the_newest_of_a_row_stays),
        TEST(many_rows_are_all_found_again),
        TEST(a_name_is_found_by_an_index),
        TEST(a_row_that_nobody_wants_is_not_taken),
        TEST(a_row_that_is_not_whole_is_read_from_the_store),
        TEST(a_span_is_the_same_in_memory_and_in_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
