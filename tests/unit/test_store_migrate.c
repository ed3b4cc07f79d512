/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stores of every earlier schema, from stores/schema-N.sql, as this version opens them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "../../sql/store.h"
#include "failing_vfs.h"
#include "scratch.h"

#define STORE      scratch_path("spyq.db")
#define TABLES_MAX 64

/* What was asked of a store before it was migrated, and the answers. */
struct memory {
    size_t count;
    char *sql[TABLES_MAX];
    char *rows[TABLES_MAX];
};

static sqlite3 *open_database(void)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(STORE, &db), SQLITE_OK);
    return db;
}

static char *read_file(const char *name)
{
    FILE *file = fopen(name, "r");
    if (!file)
        fail_msg("%s: not there; the tests run at the top of the tree", name);
    struct stat status;
    assert_int_equal(fstat(fileno(file), &status), 0);
    char *text = calloc(1, (size_t)status.st_size + 1);
    assert_int_equal(fread(text, 1, (size_t)status.st_size, file), status.st_size);
    fclose(file);
    return text;
}

static void make_store_of(int version)
{
    char name[64];
    snprintf(name, sizeof(name), "tests/unit/stores/schema-%d.sql", version);
    char *sql = read_file(name);
    sqlite3 *db = open_database();
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", name, sqlite3_errmsg(db));
    sqlite3_close(db);
    free(sql);
}

/* Every value of every row that the query gives, with its type. */
static char *answer(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_str *rows = sqlite3_str_new(NULL);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            sqlite3_str_appendf(rows, "%d:", sqlite3_column_type(statement, i));
            sqlite3_str_append(rows, (const char *)sqlite3_column_text(statement, i),
                               sqlite3_column_bytes(statement, i));
            sqlite3_str_appendall(rows, "|");
        }
        sqlite3_str_appendall(rows, "\n");
    }
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    sqlite3_str_appendall(rows, "."); /* never NULL */
    return sqlite3_str_finish(rows);
}

/* Asks for every column that a relation has now: later ones may have more. */
static void remember(struct memory *memory, sqlite3 *db, const char *relation)
{
    char *sql = sqlite3_mprintf("SELECT '\"' || group_concat(name, '\", \"') || '\"'"
                                " FROM pragma_table_info(%Q)",
                                relation);
    sqlite3_stmt *columns;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &columns, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(columns), SQLITE_ROW);
    assert_in_range(memory->count, 0, TABLES_MAX - 1);
    memory->sql[memory->count] = sqlite3_mprintf("SELECT %s FROM \"%w\" ORDER BY 1, 2",
                                                 sqlite3_column_text(columns, 0), relation);
    memory->rows[memory->count] = answer(db, memory->sql[memory->count]);
    memory->count++;
    sqlite3_finalize(columns);
    sqlite3_free(sql);
}

static void remember_all(struct memory *memory)
{
    sqlite3 *db = open_database();
    sqlite3_stmt *names;
    memory->count = 0;
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT name FROM sqlite_schema WHERE type IN ('table',"
                                        " 'view') AND name <> 'changes'",
                                        -1, &names, NULL),
                     SQLITE_OK);
    while (sqlite3_step(names) == SQLITE_ROW)
        remember(memory, db, (const char *)sqlite3_column_text(names, 0));
    sqlite3_finalize(names);
    sqlite3_close(db);
}

static void assert_remembered(struct memory *memory)
{
    sqlite3 *db = open_database();
    for (size_t i = 0; i < memory->count; i++) {
        char *rows = answer(db, memory->sql[i]);
        if (strcmp(rows, memory->rows[i]) != 0)
            fail_msg("%s\nwas\n%s\nis\n%s", memory->sql[i], memory->rows[i], rows);
        sqlite3_free(rows);
    }
    sqlite3_close(db);
}

static void forget(struct memory *memory)
{
    for (size_t i = 0; i < memory->count; i++) {
        sqlite3_free(memory->sql[i]);
        sqlite3_free(memory->rows[i]);
    }
}

static void open_and_close(void)
{
    struct store_error error;
    struct store *store = store_open(STORE, &error);
    if (!store)
        fail_msg("%s", error.message);
    store_close(store);
}

/* Everything there is, but for how a table that got columns is written down. */
static const char shape_sql[] =
    "SELECT s.type, s.name, s.tbl_name, iif(s.type = 'table', NULL, s.sql), c.name, c.type,"
    " c.\"notnull\", c.dflt_value, c.pk, l.strict, l.wr"
    " FROM sqlite_schema AS s LEFT JOIN pragma_table_info(s.name) AS c"
    " LEFT JOIN pragma_table_list AS l ON l.schema = 'main' AND l.name = s.name ORDER BY 1, 2, "
    "c.cid";

static void a_store_of_each_schema_becomes_one_of_this(void **state)
{
    (void)state;
    open_and_close();
    sqlite3 *db = open_database();
    char *shape = answer(db, shape_sql);
    sqlite3_close(db);
    for (int version = 1; version < STORE_SCHEMA_VERSION; version++) {
        struct memory memory;
        unlink(STORE);
        make_store_of(version);
        remember_all(&memory);
        assert_true(memory.count > 20);
        open_and_close();
        assert_remembered(&memory);
        db = open_database();
        char *migrated = answer(db, shape_sql);
        assert_string_equal(migrated, shape);
        char *number = answer(db, "SELECT user_version, quick_check FROM pragma_user_version,"
                                  " pragma_quick_check");
        char expected[32];
        snprintf(expected, sizeof(expected), "1:%d|3:ok|\n.", STORE_SCHEMA_VERSION);
        assert_string_equal(number, expected);
        sqlite3_free(number);
        sqlite3_free(migrated);
        sqlite3_close(db);
        forget(&memory);
    }
    sqlite3_free(shape);
}

static void a_migrated_store_is_written_on(void **state)
{
    (void)state;
    for (int version = 1; version < STORE_SCHEMA_VERSION; version++) {
        unlink(STORE);
        make_store_of(version);
        struct store_error error;
        struct store *store = store_open(STORE, &error);
        assert_non_null(store);
        int64_t next[ROW_KIND_COUNT];
        assert_int_equal(store_next_ids(store, next), STORE_OK);
        assert_true(next[ROW_PROCESS] > 60);
        struct row_process row;
        row_clear(ROW_PROCESS, &row);
        row.id = next[ROW_PROCESS];
        row.host_id = row.pid = 1;
        row.origin = (struct text){"event", 5};
        assert_int_equal(store_write(store, &(struct row){ROW_PROCESS, &row}, 1), STORE_OK);
        store_close(store);
    }
}

/* At the first write, the second, ...: the store is as it was, and the next try succeeds. */
static void a_migration_that_fails_leaves_the_store_as_it_was(void **state)
{
    (void)state;
    struct memory memory;
    struct store_error error;
    struct store *store = NULL;
    int refused = 0;
    make_store_of(1);
    remember_all(&memory);
    failing_vfs_code = SQLITE_FULL;
    for (int writes = 0; !store && writes < 1000; writes += 5) {
        failing_vfs_writes_left = writes;
        store = store_open(STORE, &error);
        failing_vfs_writes_left = -1;
        refused += !store;
        assert_remembered(&memory);
    }
    assert_non_null(store);
    assert_true(refused > 3);
    store_close(store);
    forget(&memory);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, scratch_set_up, scratch_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_store_of_each_schema_becomes_one_of_this),
        TEST(a_migrated_store_is_written_on),
        TEST(a_migration_that_fails_leaves_the_store_as_it_was),
    };
    return failing_vfs_install() ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
