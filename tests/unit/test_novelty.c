/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pairs: what is counted of execs, connections and listeners, once each, and what is novel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../sql/ext.h"
#include "../../sql/novelty.h"
#include "schema.sql.h"
#include "views.sql.h"

#define WARM 1000 /* ns after the first run, which began at 0 */

static sqlite3 *db;
static struct rule_set set;
static struct rule_runner *runner;
static struct novelty *novelty;
static size_t handed_out;

static void run(const char *sql)
{
    char *error = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", sql, error);
}

static const char *ask(const char *sql)
{
    static char answer[512];
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    const char *text = (const char *)sqlite3_column_text(statement, 0);
    snprintf(answer, sizeof(answer), "%s", text ? text : "NULL");
    sqlite3_finalize(statement);
    return answer;
}

/* As if the recorder had been started now. */
static void begin(void)
{
    int64_t next_id[ROW_KIND_COUNT] = {0};
    const struct rule_limits limits = {0};
    char *error = NULL;
    next_id[ROW_PAIR] = atoi(ask("SELECT coalesce(max(id), 0) + 1 FROM pairs"));
    next_id[ROW_EXEC] = atoi(ask("SELECT coalesce(max(id), 0) + 1 FROM execs"));
    next_id[ROW_CONNECTION] = atoi(ask("SELECT coalesce(max(id), 0) + 1 FROM connections"));
    next_id[ROW_LISTENER] = atoi(ask("SELECT coalesce(max(id), 0) + 1 FROM listeners"));
    runner = rule_runner_new(db, &set, &limits, &error);
    assert_non_null(runner);
    novelty = novelty_new(db, &(struct novelty_options){WARM, next_id}, &error);
    if (!novelty)
        fail_msg("%s", error);
}

static int set_up(void **state)
{
    (void)state;
    if (sqlite3_open(":memory:", &db) || spyq_extension_init(db, NULL, NULL))
        return -1;
    run(schema_sql);
    run(views_sql);
    run("INSERT INTO recorders (id, started_at) VALUES (1, 0);"
        "INSERT INTO processes (id, host_id, pid, parent_id, started_at, origin, exe, user, uid)"
        " VALUES (1, 1, 10, NULL, 1, 'event', '/usr/sbin/sshd', 'root', 0),"
        "        (2, 1, 20, 1, 2, 'event', '/bin/bash', 'ann', 5),"
        "        (3, 1, 30, 2, 3, 'event', '/bin/nc', NULL, 6);");
    begin();
    return 0;
}

static int end(void)
{
    novelty_free(novelty);
    rule_runner_free(runner);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    end();
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return 0;
}

static void write_pair(void *context, enum row_kind kind, const void *columns)
{
    const struct row_pair *pair = columns;
    sqlite3_str *sql = context;

    assert_int_equal(kind, ROW_PAIR);
    handed_out++;
    sqlite3_str_appendf(sql,
                        "INSERT OR REPLACE INTO pairs VALUES (%lld, '%.*q', '%.*q', '%.*q', %lld, "
                        "%lld, %lld, %lld, %lld);",
                        pair->id, (int)pair->kind.length, pair->kind.data, (int)pair->a.length,
                        pair->a.data, (int)pair->b.length, pair->b.data, pair->first_at,
                        pair->last_at, pair->count, pair->novel, pair->process_id);
}

static void finish(sqlite3_str *sql)
{
    char *text = sqlite3_str_finish(sql);
    if (text)
        run(text);
    sqlite3_free(text);
    assert_int_equal(rule_batch_clear(rule_runner_batch(runner)), SQLITE_OK);
}

static void count(void)
{
    sqlite3_str *sql = sqlite3_str_new(db);
    handed_out = 0;
    assert_int_equal(novelty_count(novelty, write_pair, sql), SQLITE_OK);
    finish(sql);
}

static void tell(void)
{
    sqlite3_str *sql = sqlite3_str_new(db);
    handed_out = 0;
    assert_int_equal(novelty_tell(novelty, write_pair, sql), SQLITE_OK);
    finish(sql);
}

static void exec(int id, int process, int at, const char *exe)
{
    char *sql =
        sqlite3_mprintf("INSERT INTO execs (id, process_id, at, exe, uid) SELECT %d, %d, %d, "
                        "%Q, uid FROM processes WHERE id = %d",
                        id, process, at, exe, process);
    run(sql);
    sqlite3_free(sql);
    assert_int_equal(rule_batch_add_id(rule_runner_batch(runner), ROW_EXEC, id), SQLITE_OK);
}

static void an_exec_is_two_pairs(void **state)
{
    (void)state;
    exec(1, 2, 10, "/bin/bash");
    exec(2, 3, 20, "/bin/nc");
    count();
    assert_string_equal(
        ask("SELECT group_concat(kind || ' ' || a || ' ' || b || ' ' || first_at || "
            "' ' || count || ' ' || process_id, '|') FROM (SELECT * FROM pairs ORDER "
            "BY kind, a, b)"),
        "parent-child /bin/bash /bin/nc 20 1 3|"
        "parent-child /usr/sbin/sshd /bin/bash 10 1 2|"
        "user-program 6 /bin/nc 20 1 3|user-program ann /bin/bash 10 1 2");
    assert_string_equal(ask("SELECT sum(novel) FROM pairs"), "0");
}

static void of_several_at_once_the_first_is_named(void **state)
{
    (void)state;
    run("INSERT INTO processes (id, host_id, pid, parent_id, started_at, origin, exe, user) VALUES"
        " (4, 1, 40, 1, 4, 'event', '/bin/bash', 'ann'), (5, 1, 50, 1, 5, 'event', '/bin/bash', "
        "'ann')");
    exec(1, 4, 12, "/bin/bash");
    exec(2, 2, 10, "/bin/bash");
    exec(3, 5, 11, "/bin/bash");
    count();
    assert_string_equal(
        ask("SELECT group_concat(process_id || '/' || first_at || '/' || last_at || "
            "'/' || count) FROM pairs"),
        "2/10/12/3,2/10/12/3");
}

static void the_parent_is_what_it_was_then(void **state)
{
    (void)state;
    run("INSERT INTO execs (id, process_id, at, exe, error) VALUES (1, 1, 5, '/sbin/old', NULL),"
        " (2, 1, 6, '/sbin/failed', 'ENOENT'), (3, 1, 90, '/usr/sbin/sshd', NULL)");
    exec(4, 2, 50, "/bin/bash");
    count();
    assert_string_equal(ask("SELECT a FROM pairs WHERE kind = 'parent-child'"), "/sbin/old");
}

static const char *parents(void)
{
    return ask("SELECT group_concat(a || '*' || count) FROM (SELECT a, count FROM pairs"
               " WHERE kind = 'parent-child' ORDER BY a)");
}

/* Its program is remembered from one batch to the next, as long as it is the same. */
static void a_parent_that_executes_another_program_is_that(void **state)
{
    (void)state;
    exec(1, 1, 5, "/sbin/one");
    exec(2, 2, 10, "/bin/bash");
    count();
    exec(3, 2, 20, "/bin/bash");
    count();
    exec(4, 1, 30, "/sbin/two");
    exec(5, 2, 40, "/bin/bash");
    exec(6, 2, 50, "/bin/bash");
    count();
    exec(7, 2, 25, "/bin/bash"); /* late */
    count();
    tell();
    assert_string_equal(parents(), "/sbin/one*3,/sbin/two*2");
}

static void many_different_pairs_are_all_counted(void **state)
{
    (void)state;
    for (int i = 0; i < 700; i++) {
        char exe[32];
        snprintf(exe, sizeof(exe), "/bin/p%d", i % 350);
        exec(i + 1, 2, i + 10, exe);
    }
    count();
    assert_int_equal(handed_out, 700);
    assert_string_equal(ask("SELECT count(*) || ' ' || sum(count) || ' ' || min(count) || ' ' ||"
                            " max(count) FROM pairs WHERE kind = 'user-program'"),
                        "350 700 2 2");
    assert_string_equal(ask("SELECT first_at || ' ' || last_at FROM pairs"
                            " WHERE b = '/bin/p7' AND kind = 'parent-child'"),
                        "17 367");
}

static void what_is_known_is_counted_and_told_when_asked(void **state)
{
    (void)state;
    exec(1, 2, 10, "/bin/bash");
    count();
    assert_int_equal(handed_out, 2);
    exec(2, 2, 20, "/bin/bash");
    exec(3, 2, 30, "/bin/bash");
    count();
    assert_int_equal(handed_out, 0);
    exec(4, 2, 40, "/bin/bash");
    count();
    assert_string_equal(ask("SELECT max(count) FROM pairs"), "1");
    tell();
    assert_int_equal(handed_out, 2);
    assert_string_equal(
        ask("SELECT group_concat(count || '/' || first_at || '/' || last_at) FROM pairs"),
        "4/10/40,4/10/40");
    tell();
    assert_int_equal(handed_out, 0);
}

static void a_row_is_counted_once_however_often_it_is_written(void **state)
{
    (void)state;
    exec(1, 2, 10, "/bin/bash");
    count();
    assert_int_equal(rule_batch_add_id(rule_runner_batch(runner), ROW_EXEC, 1), SQLITE_OK);
    count();
    tell();
    assert_string_equal(ask("SELECT max(count) FROM pairs"), "1");
    end();
    begin();
    assert_int_equal(rule_batch_add_span(rule_runner_batch(runner), 0, INT64_MAX), SQLITE_OK);
    count();
    tell();
    assert_string_equal(ask("SELECT max(count) || '/' || count(*) FROM pairs"), "1/2");
}

static void only_after_the_warm_up_is_something_novel(void **state)
{
    (void)state;
    exec(1, 2, WARM - 1, "/bin/bash");
    count();
    exec(2, 2, WARM, "/bin/dash");
    exec(3, 2, WARM + 1, "/bin/bash");
    count();
    tell();
    assert_string_equal(ask("SELECT group_concat(b || novel) FROM (SELECT * FROM first_seen WHERE "
                            "kind = 'parent-child' ORDER BY b)"),
                        "/bin/bash0,/bin/dash1");
}

static void failed_execs_are_none(void **state)
{
    (void)state;
    run("INSERT INTO execs (id, process_id, at, exe, error) VALUES (1, 2, 5, '/bin/x', 'ENOENT')");
    assert_int_equal(rule_batch_add_id(rule_runner_batch(runner), ROW_EXEC, 1), SQLITE_OK);
    count();
    assert_string_equal(ask("SELECT count(*) FROM pairs"), "0");
}

static void connections_and_listeners_are_told_apart_by_what_matters(void **state)
{
    (void)state;
    run("INSERT INTO connections (id, host_id, process_id, protocol, direction, remote_address,"
        " remote_port, remote_name, started_at, state, origin) VALUES"
        " (1, 1, 3, 'tcp', 'out', '192.0.2.1', 443, 'example.org', 5, 'open', 'event'),"
        " (2, 1, 3, 'tcp', 'out', '192.0.2.2', 443, 'example.org', 6, 'open', 'event'),"
        " (3, 1, 3, 'tcp', 'out', '192.0.2.3', 25, NULL, 7, 'open', 'event'),"
        " (4, 1, 3, 'tcp', 'out', '127.0.0.1', 5432, 'localhost', 8, 'open', 'event'),"
        " (5, 1, 3, 'tcp', 'in', '192.0.2.9', 50000, NULL, 9, 'open', 'event');"
        "INSERT INTO listeners (id, process_id, protocol, address, port, started_at, origin, "
        "host_id)"
        " VALUES (1, 3, 'tcp', '0.0.0.0', 22, 5, 'event', 1), (2, 3, 'tcp', '::', 22, 5, 'event', "
        "1),"
        " (3, 3, 'udp', '::', 40000, 5, 'event', 1), (4, 3, 'udp', '::', 50000, 5, 'event', 1)");
    for (int id = 1; id <= 5; id++)
        assert_int_equal(rule_batch_add_id(rule_runner_batch(runner), ROW_CONNECTION, id),
                         SQLITE_OK);
    for (int id = 1; id <= 4; id++)
        assert_int_equal(rule_batch_add_id(rule_runner_batch(runner), ROW_LISTENER, id), SQLITE_OK);
    count();
    assert_string_equal(ask("SELECT group_concat(b || ' ' || count, '|') FROM (SELECT * FROM pairs "
                            "WHERE a = '/bin/nc' ORDER BY kind, b)"),
                        "192.0.2.3 1|example.org 2|localhost:5432 1|tcp:22 2|udp:high 2");
}

static void a_program_with_countless_partners_has_a_star(void **state)
{
    (void)state;
    for (int id = 1; id <= 1100; id++) {
        char *sql = sqlite3_mprintf(
            "INSERT INTO connections (id, host_id, process_id, protocol, direction, remote_address,"
            " remote_port, started_at, state, origin) VALUES (%d, 1, 3, 'tcp', 'out', '10.0.%d.%d',"
            " 80, %d, 'open', 'event')",
            id, id / 250, id % 250, id);
        run(sql);
        sqlite3_free(sql);
        assert_int_equal(rule_batch_add_id(rule_runner_batch(runner), ROW_CONNECTION, id),
                         SQLITE_OK);
        if (id % 100 == 0)
            count();
    }
    assert_string_equal(ask("SELECT count(*) || '/' || sum(b = '*') FROM pairs"), "1001/1");
}

static void text_of_any_kind_is_a_pair(void **state)
{
    (void)state;
    exec(1, 2, 10, "/tmp/'); DROP TABLE pairs;--\x1b\xff");
    count();
    exec(2, 2, 20, "/tmp/'); DROP TABLE pairs;--\x1b\xff");
    count();
    tell();
    assert_string_equal(ask("SELECT max(count) FROM pairs"), "2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_exec_is_two_pairs),
        TEST(of_several_at_once_the_first_is_named),
        TEST(the_parent_is_what_it_was_then),
        TEST(a_parent_that_executes_another_program_is_that),
        TEST(many_different_pairs_are_all_counted),
        TEST(what_is_known_is_counted_and_told_when_asked),
        TEST(a_row_is_counted_once_however_often_it_is_written),
        TEST(only_after_the_warm_up_is_something_novel),
        TEST(failed_execs_are_none),
        TEST(connections_and_listeners_are_told_apart_by_what_matters),
        TEST(a_program_with_countless_partners_has_a_star),
        TEST(text_of_any_kind_is_a_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
