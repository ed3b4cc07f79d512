/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts and sets of columns that are stored as numbers: they come back as they went. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../sql/interned.h"
#include "../../sql/store.h"
#include "scratch.h"

#define STORE scratch_path("spyq.db")

static struct store *store;

static struct text text(const char *string)
{
    return (struct text){string, strlen(string)};
}

static void open_store(void)
{
    struct store_error error;
    store = store_open(STORE, &error);
    if (!store)
        fail_msg("%s", error.message);
}

static struct row_exec exec_of(int64_t id, const char *argv, const char *input)
{
    struct row_exec row;
    row_clear(ROW_EXEC, &row);
    row.id = row.process_id = row.at = id;
    row.argv = text(argv);
    row.stdin = text(input);
    return row;
}

static struct row_process process_of(int64_t id, const char *cmdline)
{
    struct row_process row;
    row_clear(ROW_PROCESS, &row);
    row.id = row.host_id = row.pid = id;
    row.origin = text("event");
    row.comm = text("a text that is met again");
    row.cmdline = text(cmdline);
    return row;
}

static void write_both(int64_t id, const char *argv, const char *cmdline, const char *input)
{
    struct row_exec exec = exec_of(id, argv, input);
    struct row_process process = process_of(id, cmdline);
    const struct row rows[] = {{ROW_PROCESS, &process}, {ROW_EXEC, &exec}};
    if (store_write(store, rows, 2) != STORE_OK)
        fail_msg("%s", store_failure(store)->message);
}

static void assert_answer(const char *format, int64_t id, const char *expected)
{
    char sql[200];
    sqlite3 *db;
    sqlite3_stmt *row;
    snprintf(sql, sizeof(sql), format, (long long)id);
    assert_int_equal(sqlite3_open_v2(STORE, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    assert_string_equal(sqlite3_column_text(row, 0), expected);
    sqlite3_finalize(row);
    sqlite3_close(db);
}

static void a_command_line_is_told_by_its_arguments_where_it_can_be(void **state)
{
    (void)state;
    static const struct {
        const char *argv, *cmdline;
        bool told;
    } cases[] = {
        {"[\"ls\",\"-l\"]", "ls -l", true},
        {"[\"sh\",\"-c\",\"a b  c\"]", "sh -c a b  c", true},
        {"[\"x\",\"\",\"y\"]", "x  y", true},
        {"[\"a\\\"\",\"b\"]", "a\" b", false},
        {"[\"a\\\\\",\"b\"]", "a\\ b", false},
        {"[\"\xc3\xa4\"]", "\xc3\xa4rger", false},
        {"[\"renamed\"]", "something else", false},
        {"[]", "", false},
    };
    open_store();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t id = (int64_t)i + 1;
        write_both(id, cases[i].argv, cases[i].cmdline, "x");
        assert_answer("SELECT cmdline FROM processes WHERE id = %lld", id, cases[i].cmdline);
        assert_answer("SELECT argv FROM execs WHERE id = %lld", id, cases[i].argv);
        assert_answer("SELECT typeof(cmdline) = 'integer' FROM process_rows WHERE id = %lld", id,
                      cases[i].told ? "1" : "0");
    }
    store_close(store);
}

static void what_looks_like_a_number_comes_back_as_it_was(void **state)
{
    (void)state;
    static const char *const inputs[] = {
        "pipe:[1]",  "pipe:[88123]", "pipe:[0]",
        "pipe:[01]", "pipe:[-1]",    "pipe:[99999999999999999999]",
        "pipe:[1] ", "pipe:[",       "pipe:[1x]",
        "5",         "-5",           "/dev/null",
    };
    open_store();
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
            write_both((int64_t)i + 1, "[\"x\"]", inputs[i], inputs[i]);
            assert_answer("SELECT stdin FROM execs WHERE id = %lld", (int64_t)i + 1, inputs[i]);
            assert_answer("SELECT cmdline FROM processes WHERE id = %lld", (int64_t)i + 1,
                          inputs[i]);
        }
    }
    assert_answer("SELECT typeof(stdin) FROM exec_rows WHERE id = %lld", 2, "integer");
    assert_answer("SELECT stdin FROM exec_rows WHERE id = %lld", 2, "-88123");
    store_close(store);
}

static void numbers_of_what_was_rolled_back_are_forgotten(void **state)
{
    (void)state;
    open_store();
    write_both(1, "[\"x\"]", "x", "x");
    struct row_process good = process_of(2, "new words"), bad = process_of(3, "new words");
    bad.host_id = INTEGER_NULL;
    const struct row rows[] = {{ROW_PROCESS, &good}, {ROW_PROCESS, &good}, {ROW_PROCESS, &bad}};
    assert_int_equal(store_write(store, rows, 3), STORE_REFUSED);
    assert_int_equal(store_write(store, rows, 2), STORE_OK);
    write_both(4, "[\"others\"]", "others", "other words");
    write_both(5, "[\"others\"]", "others", "other words");
    assert_answer("SELECT cmdline FROM processes WHERE id = %lld", 2, "new words");
    assert_answer("SELECT comm FROM processes WHERE id = %lld", 2, "a text that is met again");
    assert_answer("SELECT stdin FROM execs WHERE id = %lld", 5, "other words");
    store_close(store);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    open_store();
    struct row_edge row;
    row_clear(ROW_EDGE, &row);
    row.id = row.host_id = row.count = row.src = row.dst = 1;
    row.kind = text("fork");
    row.open = 0;
    row.at = -5;
    row.last_at = INT64_MAX;
    assert_int_equal(store_write(store, &(struct row){ROW_EDGE, &row}, 1), STORE_REFUSED);
    assert_non_null(strstr(store_failure(store)->message, "last_after"));
    store_close(store);
}

static void memory_has_a_bound_and_the_newest_stay(void **state)
{
    (void)state;
    struct interned *interned = interned_new(64 << 10);
    char key[40];
    for (int64_t i = 1; i <= 20000; i++) {
        snprintf(key, sizeof(key), "text number %lld", (long long)i);
        interned_put(interned, 0, key, strlen(key), i);
        assert_in_range(interned_bytes(interned), 1, 64 << 10);
        assert_int_equal(interned_get(interned, 0, "text number 1", 13), 1); /* used all the time */
    }
    assert_int_equal(interned_get(interned, 0, key, strlen(key)), 20000);
    assert_int_equal(interned_get(interned, 1, key, strlen(key)), 0);
    assert_int_equal(interned_get(interned, 0, "text number 2", 13), 0);
    assert_int_equal(interned_met(interned, "once", 4), 0);
    assert_int_equal(interned_met(interned, "once", 4), 1);
    interned_clear(interned);
    assert_int_equal(interned_get(interned, 0, key, strlen(key)), 0);
    assert_int_equal(interned_bytes(interned), 0);
    interned_free(interned);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, scratch_set_up, scratch_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_command_line_is_told_by_its_arguments_where_it_can_be),
        TEST(what_looks_like_a_number_comes_back_as_it_was),
        TEST(numbers_of_what_was_rolled_back_are_forgotten),
        TEST(what_does_not_fit_is_refused),
        cmocka_unit_test(memory_has_a_bound_and_the_newest_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
