/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the writer hands over to the rules' thread, and what comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../daemon/risk.h"
#include "../../sql/store.h"
#include "scratch.h"

#define DEADLINE_S 20

static struct store *store;
static struct risk *risk;
static int64_t next_id[ROW_KIND_COUNT];
static int flags; /* that came back */
static int64_t highest_exec;
static char store_path[128];
static char rules_path[128];

static void is_ready(void *context)
{
    (void)context;
}

static void write_rule(const char *sql)
{
    FILE *file = fopen(scratch_path("rules.d/any.sql"), "w");

    assert_non_null(file);
    fprintf(file,
            "-- id: any\n-- title: t\n-- severity: low\n-- description: d\n-- tactics: execution\n"
            "%s\n",
            sql);
    fclose(file);
}

static int set_up(void **state)
{
    struct store_error error;

    if (scratch_set_up(state) < 0)
        return -1;
    snprintf(store_path, sizeof(store_path), "%s", scratch_path("s.db"));
    snprintf(rules_path, sizeof(rules_path), "%s", scratch_path("rules.d"));
    if (mkdir(rules_path, 0700) < 0)
        return -1;
    store = store_open(store_path, &error);
    flags = 0;
    highest_exec = 0;
    return store && store_next_ids(store, next_id) == STORE_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    risk_stop(risk);
    risk = NULL;
    store_close(store);
    return scratch_tear_down(state);
}

static void start(const char *rule, int64_t since)
{
    write_rule(rule);
    risk = risk_start(&(struct risk_options){
        .store = store_path,
        .directory = rules_path,
        .budget_ms = 1000,
        .since = since,
        .next_id = next_id,
        .ready = is_ready,
    });
    assert_non_null(risk);
}

static void wait_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void take_in(const struct batch *batch)
{
    const struct row *rows = batch_rows(batch);

    for (size_t i = 0; i < batch_count(batch); i++) {
        if (rows[i].kind != ROW_FLAG)
            continue;
        const struct row_flag *flag = rows[i].columns;
        if (flag->rule.length != 3 || memcmp(flag->rule.data, "any", 3) != 0)
            continue;
        flags++;
        if (flag->exec_id > highest_exec)
            highest_exec = flag->exec_id;
    }
    assert_int_equal(store_write(store, rows, batch_count(batch)), STORE_OK);
    risk_written(risk, rows, batch_count(batch));
}

/* Writes what comes back until all is judged. */
static void settle(void)
{
    time_t until = time(NULL) + DEADLINE_S;

    while (!risk_is_idle(risk)) {
        struct batch *batch = risk_take(risk);
        if (batch)
            take_in(batch);
        else
            wait_a_little();
        batch_free(batch);
        if (time(NULL) > until)
            fail_msg("the rules are not done after %d s", DEADLINE_S);
    }
}

static struct row_exec exec_of(int64_t id, struct text argv)
{
    struct row_exec row;

    row_clear(ROW_EXEC, &row);
    row.id = id;
    row.process_id = id;
    row.at = 1000 + id;
    row.exe = (struct text){"/bin/x", 6};
    row.argv = argv;
    return row;
}

#define ANY_EXEC "SELECT id AS exec_id, process_id, at FROM new_execs WHERE basename(exe) = 'x'"

static void rows_are_judged_as_they_were_handed_over(void **state)
{
    (void)state;
    start(ANY_EXEC, INTEGER_NULL);
    settle();
    /* It is not in the store: nobody has to read it there. */
    const struct row_exec row = exec_of(7, TEXT_NULL);
    risk_written(risk, &(struct row){ROW_EXEC, &row}, 1);
    settle();
    assert_int_equal(flags, 1);
    assert_int_equal(highest_exec, 7);
    assert_int_equal(risk_take_missed(risk), 0);
}

/* More than is kept in memory: what is beyond is found by its id. */
static void no_row_is_missed_where_many_come_at_once(void **state)
{
    enum { MANY = 400, LENGTH = 30000 };
    static struct row_exec execs[MANY];
    static struct row rows[MANY];
    static char argv[LENGTH];

    (void)state;
    memset(argv, 'a', sizeof(argv));
    for (int i = 0; i < MANY; i++) {
        execs[i] = exec_of(i + 1, (struct text){argv, LENGTH});
        rows[i] = (struct row){ROW_EXEC, &execs[i]};
    }
    start(ANY_EXEC, INTEGER_NULL);
    settle();
    assert_int_equal(store_write(store, rows, MANY - 1), STORE_OK);
    risk_written(risk, rows, MANY); /* the last of them is neither in memory nor in the store */
    settle();
    assert_int_equal(flags, MANY - 1);
    assert_int_equal(highest_exec, MANY - 1);
    assert_int_equal(risk_take_missed(risk), 0);
}

static int64_t in_store(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *statement;

    assert_int_equal(sqlite3_open(store_path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

/* No rule selects from processes, and still their flags go with them. */
static void flags_follow_a_process_of_which_no_rule_knows(void **state)
{
    struct row_process process;
    const struct row_exec exec = exec_of(1, TEXT_NULL);
    const struct row rows[] = {{ROW_PROCESS, &process}, {ROW_EXEC, &exec}};

    (void)state;
    row_clear(ROW_PROCESS, &process);
    process.id = process.host_id = process.pid = process.trace_id = 1;
    process.origin = (struct text){"event", 5};
    start(ANY_EXEC, INTEGER_NULL);
    settle();
    assert_int_equal(store_write(store, rows, 2), STORE_OK);
    risk_written(risk, rows, 2);
    settle();
    assert_int_equal(flags, 1);
    process.trace_id = 2;
    assert_int_equal(store_write(store, rows, 1), STORE_OK);
    risk_written(risk, rows, 1);
    settle();
    assert_int_equal(flags, 2); /* again, in its other trace */
    assert_int_equal(in_store("SELECT trace_id FROM flags"), 2);
    assert_int_equal(in_store("SELECT count(*) FROM flags"), 1);
}

static void what_an_earlier_run_wrote_last_is_judged(void **state)
{
    const struct row_exec early = exec_of(1, TEXT_NULL);
    struct row_exec late = exec_of(2, TEXT_NULL);
    const struct row rows[] = {{ROW_EXEC, &early}, {ROW_EXEC, &late}};

    (void)state;
    late.at = 100000000000;
    assert_int_equal(store_write(store, rows, 2), STORE_OK);
    start(ANY_EXEC, 101000000000);
    settle();
    assert_int_equal(flags, 1);
    assert_int_equal(highest_exec, 2);
}

/* Rules that are loaded anew may want other rows. */
static void other_rules_get_other_rows(void **state)
{
    struct row_process process;
    const struct row row = {ROW_PROCESS, &process};

    (void)state;
    row_clear(ROW_PROCESS, &process);
    process.id = process.host_id = process.pid = process.trace_id = process.started_at = 5;
    process.origin = (struct text){"event", 5};
    start(ANY_EXEC, INTEGER_NULL);
    settle();
    risk_written(risk, &row, 1);
    settle();
    assert_int_equal(flags, 0);
    write_rule("SELECT id AS process_id, started_at AS at FROM new_processes WHERE pid = 5");
    risk_reload(risk);
    settle();
    risk_written(risk, &row, 1);
    settle();
    assert_int_equal(flags, 1);
}

/* A run may end long before that would be told by itself. */
static void how_rules_fare_is_told_when_asked_for(void **state)
{
    (void)state;
    start(ANY_EXEC, INTEGER_NULL);
    settle();
    const struct row_exec row = exec_of(7, TEXT_NULL);
    risk_written(risk, &(struct row){ROW_EXEC, &row}, 1);
    settle();
    assert_int_equal(in_store("SELECT runs FROM rules WHERE name = 'any'"), 0);
    risk_tell(risk);
    settle();
    assert_int_equal(in_store("SELECT runs FROM rules WHERE name = 'any'"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_are_judged_as_they_were_handed_over),
        TEST(no_row_is_missed_where_many_come_at_once),
        TEST(flags_follow_a_process_of_which_no_rule_knows),
        TEST(what_an_earlier_run_wrote_last_is_judged),
        TEST(other_rules_get_other_rows),
        TEST(how_rules_fare_is_told_when_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
