/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules run over a store in memory: what becomes a flag, what a trace's score is then, and what is
 * done about rules that are wrong or slow. What is handed out is written as the recorder would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../sql/ext.h"
#include "../../sql/judge.h"
#include "schema.sql.h"
#include "user.sql.h"
#include "views.sql.h"

#define HEAD(id, severity)                                                                         \
    "-- id: " id "\n-- title: Title of " id "\n-- severity: " severity "\n"                        \
    "-- techniques: T1059.004\n-- tactics: execution\n-- description: d\n"

#define NOW 5000

static sqlite3 *db;
static struct rule_set set;
static struct judge *judge;
static struct rule_limits limits;
static uint64_t trace_flags;
static int64_t next_flag, next_reason;
static size_t flags_out, scores_out;
static char user_store[] = "/tmp/test_judge.XXXXXX"; /* a directory, then the file in it */
static char user_file[64];

static void run(const char *sql)
{
    char *error = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", sql, error);
}

static int64_t ask(const char *sql)
{
    sqlite3_stmt *statement;
    int64_t value = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    if (sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static int set_up(void **state)
{
    (void)state;
    limits = (struct rule_limits){0};
    trace_flags = 0;
    next_flag = next_reason = 1;
    if (sqlite3_open(":memory:", &db) || spyq_extension_init(db, NULL, NULL))
        return -1;
    run(schema_sql);
    run(views_sql);
    run("INSERT INTO traces (id, host_id, kind, process_count, connection_count, flag_count, "
        "pinned)"
        " VALUES (1, 1, 'login', 0, 0, 0, 0), (2, 1, 'cron', 0, 0, 0, 0);"
        "INSERT INTO processes (id, host_id, pid, parent_id, trace_id, started_at, origin, comm, "
        "exe)"
        " VALUES (1, 1, 10, NULL, 1, 100, 'event', 'sshd', '/usr/sbin/sshd'),"
        "        (2, 1, 20, 1, 1, 200, 'event', 'bash', '/bin/bash'),"
        "        (3, 1, 30, 2, 1, 300, 'event', 'nc', '/bin/nc');"
        "INSERT INTO execs (id, process_id, at, exe, argv, stdin)"
        " VALUES (1, 2, 210, '/bin/bash', '[\"bash\"]', NULL),"
        "        (2, 3, 310, '/bin/nc', '[\"nc\",\"-l\"]', 'socket:[9]');");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    judge_free(judge);
    judge = NULL;
    for (size_t i = 0; i < set.count; i++)
        rule_free(set.rules[i]);
    free(set.rules);
    set = (struct rule_set){0};
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return 0;
}

/* The rules of the test; each begins with its header. */
static void with_rules(const char *const *texts)
{
    char *error = NULL;
    for (; *texts; texts++) {
        set.rules = reallocarray(set.rules, set.count + 1, sizeof(struct rule *));
        set.rules[set.count++] = rule_parse("r.sql", *texts, false);
    }
    judge = judge_new(
        db, &set, &(struct judge_options){&limits, trace_flags, next_flag, next_reason, user_file},
        &error);
    if (!judge)
        fail_msg("%s", error ? error : "out of memory");
}

#define WITH_RULES(...) with_rules((const char *const[]){__VA_ARGS__, NULL})

/* As the store writes it: rows replace those of their id, a score takes the old reasons away. */
static void write_row(void *context, enum row_kind kind, const void *columns)
{
    sqlite3_str *sql = context;
    const struct table *shape = &row_tables[kind];
    bool is_score = kind == ROW_TRACE_SCORE;

    flags_out += kind == ROW_FLAG;
    scores_out += is_score;
    if (is_score)
        sqlite3_str_appendf(sql,
                            "DELETE FROM score_reasons WHERE trace_id = %lld; UPDATE traces SET ",
                            *(const int64_t *)columns);
    else
        sqlite3_str_appendf(sql, "INSERT OR REPLACE INTO %s VALUES (", shape->name);
    for (size_t i = is_score; i < shape->column_count; i++) {
        const void *field = (const char *)columns + shape->columns[i].offset;
        sqlite3_str_appendall(sql, i > is_score ? ", " : "");
        if (is_score)
            sqlite3_str_appendf(sql, "%s = ", shape->columns[i].name);
        if (shape->columns[i].type == COLUMN_TEXT) {
            const struct text *text = field;
            char *copy = text->data ? strndup(text->data, text->length) : NULL;
            sqlite3_str_appendf(sql, "%Q", copy);
            free(copy);
        } else if (*(const int64_t *)field == INTEGER_NULL) {
            sqlite3_str_appendall(sql, "NULL");
        } else {
            sqlite3_str_appendf(sql, "%lld", *(const int64_t *)field);
        }
    }
    if (is_score)
        sqlite3_str_appendf(sql, " WHERE id = %lld;", *(const int64_t *)columns);
    else
        sqlite3_str_appendall(sql, ");");
}

static void judge_now(void)
{
    sqlite3_str *sql = sqlite3_str_new(db);

    flags_out = scores_out = 0;
    assert_int_equal(judge_batch(judge, NOW, write_row, sql), SQLITE_OK);
    char *text = sqlite3_str_finish(sql);
    if (text)
        run(text);
    sqlite3_free(text);
}

static void new_row(enum row_kind kind, int64_t id)
{
    assert_int_equal(judge_add_id(judge, kind, id), SQLITE_OK);
}

static void assert_score_adds_up(void)
{
    assert_int_equal(ask("SELECT count(*) FROM traces AS t WHERE score IS NOT (SELECT CASE WHEN "
                         "t.score IS NULL THEN NULL ELSE coalesce(sum(points), 0) END FROM "
                         "score_reasons WHERE trace_id = t.id)"),
                     0);
}

/* ---- flags ---- */

#define EXEC_RULE HEAD("any-exec", "medium") "SELECT id AS exec_id, exe AS detail FROM new_execs"

static void a_hit_becomes_a_flag_with_all_that_is_known(void **state)
{
    (void)state;
    WITH_RULES(EXEC_RULE);
    new_row(ROW_EXEC, 2);
    judge_now();
    assert_int_equal(ask("SELECT count(*) FROM flags"), 1);
    assert_int_equal(
        ask("SELECT id = 1 AND at = 310 AND rule = 'any-exec' AND severity = 'medium' "
            "AND title = 'Title of any-exec' AND techniques = '[\"T1059.004\"]' AND "
            "process_id = 3 AND exec_id = 2 AND connection_id IS NULL AND file_id IS "
            "NULL AND trace_id = 1 AND detail = '/bin/nc' AND suppressed_by IS NULL "
            "AND edge_id IS NULL AND tactics = '[\"execution\"]' AND flagged_at = 5000 "
            "AND host_id = 1 FROM flags"),
        1);
    assert_int_equal(ask("SELECT score = 28 AND severity = 'medium' AND flag_count = 1 AND tactics "
                         "= '[\"execution\"]' FROM traces WHERE id = 1"),
                     1);
    assert_int_equal(ask("SELECT count(*) FROM traces WHERE id = 2 AND score IS NULL"), 1);
    assert_score_adds_up();
}

static void a_rule_may_name_neither_techniques_nor_tactics(void **state)
{
    (void)state;
    WITH_RULES("-- id: plain\n-- title: t\n-- severity: low\n-- description: d\n"
               "SELECT id AS exec_id FROM new_execs");
    new_row(ROW_EXEC, 1);
    judge_now();
    assert_int_equal(ask("SELECT count(*) FROM flags WHERE techniques IS NULL AND tactics IS NULL"),
                     1);
    assert_int_equal(ask("SELECT score = 10 AND tactics IS NULL FROM traces WHERE id = 1"), 1);
}

static void only_new_rows_are_looked_at_and_each_is_flagged_once(void **state)
{
    (void)state;
    WITH_RULES(EXEC_RULE);
    judge_now();
    assert_int_equal(flags_out, 0);
    new_row(ROW_EXEC, 2);
    judge_now();
    assert_int_equal(flags_out, 1);
    judge_now();
    assert_int_equal(flags_out, 0);
    new_row(ROW_EXEC, 2); /* written again */
    new_row(ROW_EXEC, 1);
    judge_now();
    assert_int_equal(flags_out, 1);
    assert_int_equal(ask("SELECT max(id) FROM flags WHERE exec_id = 1"), 2);
    assert_int_equal(rule_runner_work(judge_runner(judge), 0)->runs, 2);
}

static void a_rule_without_new_rows_of_its_kind_is_not_run(void **state)
{
    (void)state;
    WITH_RULES(EXEC_RULE);
    new_row(ROW_CONNECTION, 1);
    judge_now();
    assert_int_equal(rule_runner_work(judge_runner(judge), 0)->runs, 0);
}

static void another_judge_goes_on_where_one_has_stopped(void **state)
{
    (void)state;
    WITH_RULES(EXEC_RULE);
    new_row(ROW_EXEC, 1);
    judge_now();
    judge_next_ids(judge, &next_flag, &next_reason);
    assert_int_equal(next_flag, 2);
    tear_down(NULL);
    set_up(NULL);
    run("INSERT INTO flags (id, at, rule, severity, process_id, exec_id, trace_id)"
        " VALUES (1, 210, 'any-exec', 'medium', 2, 1, 1)");
    next_flag = 2;
    WITH_RULES(EXEC_RULE);
    new_row(ROW_EXEC, 1);
    judge_now();
    assert_int_equal(flags_out, 0);
}

static void a_span_adds_all_of_history(void **state)
{
    (void)state;
    WITH_RULES(EXEC_RULE);
    assert_int_equal(rule_batch_add_span(rule_runner_batch(judge_runner(judge)), 0, 250),
                     SQLITE_OK);
    judge_now();
    assert_int_equal(flags_out, 1);
    assert_int_equal(rule_batch_add_span(rule_runner_batch(judge_runner(judge)), 0, INT64_MAX),
                     SQLITE_OK);
    judge_now();
    assert_int_equal(flags_out, 1);
}

static void a_row_may_have_a_severity_and_a_time_of_its_own(void **state)
{
    (void)state;
    WITH_RULES(HEAD("own", "low") "SELECT process_id, id AS exec_id, 77 AS at,"
                                  " CASE id WHEN 2 THEN 'high' END AS severity FROM new_execs");
    new_row(ROW_EXEC, 1);
    new_row(ROW_EXEC, 2);
    judge_now();
    assert_int_equal(ask("SELECT count(*) FROM flags WHERE at = 77"), 2);
    assert_int_equal(ask("SELECT exec_id FROM flags WHERE severity = 'high'"), 2);
    assert_int_equal(ask("SELECT exec_id FROM flags WHERE severity = 'low'"), 1);
}

static void flags_follow_their_process_to_another_trace(void **state)
{
    (void)state;
    WITH_RULES(EXEC_RULE);
    new_row(ROW_EXEC, 2);
    judge_now();
    run("UPDATE processes SET trace_id = 2 WHERE id = 3");
    new_row(ROW_PROCESS, 3);
    judge_now();
    assert_int_equal(ask("SELECT trace_id FROM flags"), 2);
    assert_int_equal(ask("SELECT score FROM traces WHERE id = 2"), 28);
    assert_int_equal(ask("SELECT score = 0 AND severity IS NULL AND flag_count = 0 FROM traces "
                         "WHERE id = 1"),
                     1);
    assert_score_adds_up();
}

static void a_trace_is_not_flooded(void **state)
{
    (void)state;
    trace_flags = 3;
    WITH_RULES(EXEC_RULE);
    for (int i = 10; i < 20; i++) {
        char sql[128];
        snprintf(sql, sizeof(sql), "INSERT INTO execs (id, process_id, at) VALUES (%d, 2, %d)", i,
                 i);
        run(sql);
        new_row(ROW_EXEC, i);
    }
    judge_now();
    assert_int_equal(flags_out, 3);
    assert_int_equal(judge_withheld(judge, 0), 7);
    assert_int_equal(ask("SELECT score FROM traces WHERE id = 1"), 28);
}

static void hostile_text_stays_text(void **state)
{
    (void)state;
    run("UPDATE execs SET exe = '''); DROP TABLE flags; --' || char(27) || '[2J' WHERE id = 2");
    WITH_RULES(EXEC_RULE);
    new_row(ROW_EXEC, 2);
    judge_now();
    assert_int_equal(ask("SELECT count(*) FROM flags JOIN execs ON exe = flags.detail"), 1);
}

static void rules_can_call_the_functions_of_the_extension(void **state)
{
    (void)state;
    WITH_RULES(HEAD("fn", "low") "SELECT process_id, chain(process_id) AS detail FROM new_execs"
                                 " WHERE basename(exe) = 'nc'"
                                 " AND process_id IN (SELECT process_id FROM descendants(1))");
    assert_string_equal(set.rules[0]->error, "");
    run("INSERT INTO edges (id, host_id, at, last_at, count, kind, src, dst)"
        " VALUES (1, 1, 200, 200, 1, 'fork', 1, 2), (2, 1, 300, 300, 1, 'fork', 2, 3)");
    new_row(ROW_EXEC, 2);
    judge_now();
    assert_int_equal(ask("SELECT count(*) FROM flags WHERE detail = 'sshd > bash > nc'"), 1);
}

/* ---- scores ---- */

static void a_suppressed_flag_does_not_count(void **state)
{
    (void)state;
    WITH_RULES(EXEC_RULE, HEAD("other", "low") "SELECT id AS process_id FROM new_processes");
    run("INSERT INTO flags (id, at, rule, severity, process_id, trace_id, suppressed_by)"
        " VALUES (50, 1, 'bad-one', 'critical', 2, 1, 3)");
    new_row(ROW_PROCESS, 2);
    judge_now();
    assert_int_equal(ask("SELECT score FROM traces WHERE id = 1"), 10);
    assert_int_equal(ask("SELECT score = 10 AND severity = 'low' AND flag_count = 1 FROM traces "
                         "WHERE id = 1"),
                     1);
    assert_score_adds_up();
}

static void bonuses_have_their_reasons(void **state)
{
    (void)state;
    WITH_RULES(EXEC_RULE);
    run("INSERT INTO connections (id, host_id, protocol, state, origin) VALUES"
        " (4, 1, 'tcp', 'open', 'event');"
        "INSERT INTO files (id, process_id, at, op, path, connection_id, host_id)"
        " VALUES (5, 2, 250, 'write', '/tmp/x', 4, 1);"
        "INSERT INTO edges (id, host_id, at, last_at, count, kind, src, dst, file_id)"
        " VALUES (6, 1, 250, 310, 1, 'file', 2, 3, 5);"
        "INSERT INTO privileges (id, process_id, at, kind, old, new, host_id) VALUES"
        " (7, 3, 320, 'setuid', '{\"uid\":5,\"euid\":5}', '{\"uid\":0,\"euid\":0}', 1);"
        "INSERT INTO pairs (id, kind, a, b, first_at, last_at, count, novel, process_id)"
        " VALUES (8, 'parent-child', '/bin/bash', '/bin/nc', 300, 300, 1, 1, 3)");
    new_row(ROW_EXEC, 2);
    judge_now();
    assert_int_equal(ask("SELECT count(*) FROM score_reasons WHERE trace_id = 1 AND flag_id = 1"),
                     4);
    assert_int_equal(ask("SELECT score FROM traces WHERE id = 1"), 28 + 15 + 15 + 5);
    assert_int_equal(ask("SELECT points FROM score_reasons WHERE reason LIKE '%network%'"), 15);
    assert_score_adds_up();
}

static void reasons_add_up_over_any_sequence_of_flags(void **state)
{
    (void)state;
    WITH_RULES(
        HEAD("r-low", "low") "SELECT process_id, id AS exec_id FROM new_execs WHERE id % 3 = 0",
        HEAD("r-medium", "medium") "SELECT id AS exec_id FROM new_execs WHERE id % 5 = 0",
        HEAD("r-high", "high") "SELECT id AS exec_id FROM new_execs WHERE id % 7 = 0",
        HEAD("r-worst", "critical") "SELECT id AS exec_id FROM new_execs WHERE id % 31 = 0");
    srandom(3);
    for (int id = 10; id < 300; id++) {
        char sql[160];
        snprintf(sql, sizeof(sql), "INSERT INTO execs (id, process_id, at) VALUES (%d, %ld, %d)",
                 id, random() % 3 + 1, id);
        run(sql);
        new_row(ROW_EXEC, id);
        if (random() % 4 == 0)
            run("UPDATE processes SET trace_id = 3 - trace_id WHERE id = abs(random()) % 3 + 1");
        for (int process = 1; process <= 3; process++)
            new_row(ROW_PROCESS, process);
        judge_now();
        assert_score_adds_up();
        assert_int_equal(
            ask("SELECT count(*) FROM traces AS t WHERE flag_count <> (SELECT count(*) "
                "FROM flags WHERE trace_id = t.id AND suppressed_by IS NULL)"),
            0);
    }
    assert_true(ask("SELECT count(*) FROM flags") > 150);
    assert_int_equal(
        ask("SELECT count(*) FROM flags AS f JOIN processes AS p ON p.id = f.process_id "
            "WHERE p.trace_id <> f.trace_id"),
        0);
    assert_int_equal(ask("SELECT count(*) - count(DISTINCT rule || '/' || exec_id) FROM flags"), 0);
}

/* ---- suppressions ---- */

/* As people's store has it; made where it is missing. */
static void suppress(const char *columns, const char *values)
{
    sqlite3 *user;
    assert_int_equal(sqlite3_open(user_file, &user), SQLITE_OK);
    char *sql = sqlite3_mprintf("PRAGMA application_id = 0x53505955; %s"
                                "INSERT INTO suppressions (%s, added_at) VALUES (%s, 1)",
                                user_sql, columns, values);
    assert_int_equal(sqlite3_exec(user, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_free(sql);
    sqlite3_close(user);
}

static int remove_user_store(void **state)
{
    unlink(user_file);
    return tear_down(state);
}

static const struct {
    const char *columns, *values;
    bool fits; /* the exec of nc by bash, which sshd has started */
} scopes[] = {
    {"rule", "'any-exec'", true},
    {"rule", "'any-*'", true},
    {"rule", "'other'", false},
    {"program", "'/bin/n?'", true},
    {"program", "'nc'", true},
    {"program", "'/bin/bash'", false},
    {"ancestor", "'*/sshd'", true},
    {"ancestor", "'bash'", true},
    {"ancestor", "'nc'", false},
    {"user", "'ann'", true},
    {"user", "'an*'", false},
    {"container", "'web*'", true},
    {"container", "'abc*'", true},
    {"container", "'db'", false},
    {"arguments", "'*-l*'", true},
    {"arguments", "'*-z*'", false},
    {"rule, expires_at", "'any-exec', 309", false},
    {"rule, expires_at", "'any-exec', 310", true},
    {"rule, program, user", "'any-exec', 'nc', 'ann'", true},
    {"rule, program, user", "'any-exec', 'nc', 'bob'", false},
    {"rule", "'''; DROP TABLE flags; --'", false},
};

static void a_suppression_fits_in_all_that_it_says(void **state)
{
    for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
        run("UPDATE processes SET user = 'ann', cmdline = 'nc -l', container_id = 'abc1' WHERE id "
            "= 3;"
            "INSERT INTO containers (id, container_id, name, host_id) VALUES (1, 'abc1', 'web1', "
            "1)");
        suppress(scopes[i].columns, scopes[i].values);
        WITH_RULES(EXEC_RULE);
        new_row(ROW_EXEC, 2);
        judge_now();
        if (ask("SELECT count(suppressed_by) FROM flags") != scopes[i].fits)
            fail_msg("%s = %s", scopes[i].columns, scopes[i].values);
        assert_int_equal(ask("SELECT coalesce(score, 0) FROM traces WHERE id = 1"),
                         scopes[i].fits ? 0 : 28);
        assert_score_adds_up();
        remove_user_store(state);
        set_up(state);
    }
}

static void known_flags_are_suppressed_too_and_stay_so(void **state)
{
    (void)state;
    WITH_RULES(EXEC_RULE);
    new_row(ROW_EXEC, 1);
    new_row(ROW_EXEC, 2);
    judge_now();
    assert_int_equal(ask("SELECT score FROM traces WHERE id = 1"), 28);
    assert_false(judge_has_news(judge));
    suppress("program", "'nc'");
    assert_true(judge_has_news(judge));
    judge_now();
    assert_false(judge_has_news(judge));
    assert_int_equal(flags_out, 1);
    assert_int_equal(ask("SELECT suppressed_by FROM flags WHERE exec_id = 2"), 1);
    assert_int_equal(ask("SELECT flag_count FROM traces WHERE id = 1"), 1);
    suppress("program", "'bash'");
    judge_now();
    assert_int_equal(ask("SELECT suppressed_by FROM flags WHERE exec_id = 1"), 2);
    assert_int_equal(ask("SELECT score = 0 AND severity IS NULL FROM traces WHERE id = 1"), 1);
    unlink(user_file);
    judge_now();
    assert_int_equal(ask("SELECT count(*) FROM flags WHERE suppressed_by IS NOT NULL"), 2);
    assert_score_adds_up();
}

static void a_file_that_is_none_of_ours_suppresses_nothing(void **state)
{
    (void)state;
    suppress("rule", "'any-exec'");
    sqlite3 *user;
    assert_int_equal(sqlite3_open(user_file, &user), SQLITE_OK);
    sqlite3_exec(user, "PRAGMA application_id = 7", NULL, NULL, NULL);
    sqlite3_close(user);
    WITH_RULES(EXEC_RULE);
    new_row(ROW_EXEC, 1);
    judge_now();
    assert_int_equal(ask("SELECT count(*) FROM flags WHERE suppressed_by IS NULL"), 1);
    assert_non_null(strstr(judge_trouble(judge), "not a user's store of spyq"));
    judge_now();
    assert_null(judge_trouble(judge)); /* it is said once */
}

/* ---- rules that are wrong or slow ---- */

static const struct {
    const char *text, *error;
} wrongs[] = {
    {"SELECT id AS exec_id\nFROM new_execs\nWHERE nought = 1", "r.sql:9: no such column: nought"},
    {"SELECT\n  id AS exec_id FRM new_execs", "r.sql:8: near \"FRM\": syntax error"},
    {"SELECT id AS exec_id FROM new_exec", "r.sql:7: no such table: new_exec"},
    {"SELECT id AS exec_id FROM execs", "r.sql:7: it selects from no view of new rows, such as "
                                        "new_execs: it would read the whole store "
                                        "each time"},
    {"SELECT exe FROM new_execs",
     "r.sql:7: it selects none of process_id, exec_id, connection_id, file_id, edge_id"},
    {"DELETE FROM flags", "r.sql:7: it may only read"},
    {"ATTACH '/tmp/x' AS x", "r.sql:7: it may only read"},
    {"PRAGMA writable_schema = 1", "r.sql:7: it may only read"},
    {"CREATE TEMP TABLE t (a)", "r.sql:7: it may only read"},
    {"SELECT id AS exec_id, load_extension('x') FROM new_execs",
     "r.sql:7: it may not call load_extension"},
    {"SELECT id AS exec_id FROM new_execs WHERE id = ?1",
     "r.sql:7: it has parameters, for which there are no values"},
    {"SELECT id AS exec_id FROM new_execs;\nSELECT 2", "r.sql:7: there is more than one statement"},
    {"/* nothing */", "r.sql:7: there is no SELECT"},
};

static void a_wrong_rule_is_named_and_left_out_alone(void **state)
{
    (void)state;
    const char *texts[sizeof(wrongs) / sizeof(wrongs[0]) + 2] = {EXEC_RULE};
    char *made[sizeof(wrongs) / sizeof(wrongs[0])];
    size_t count = sizeof(wrongs) / sizeof(wrongs[0]);
    for (size_t i = 0; i < count; i++) {
        made[i] = sqlite3_mprintf("%s%s", HEAD("bad", "low"), wrongs[i].text);
        texts[i + 1] = made[i];
    }
    with_rules(texts);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(set.rules[i + 1]->error, wrongs[i].error);
        assert_int_equal(set.rules[i + 1]->state, RULE_FAILED);
        sqlite3_free(made[i]);
    }
    new_row(ROW_EXEC, 1);
    judge_now();
    assert_int_equal(flags_out, 1);
}

static void a_semicolon_and_remarks_may_end_a_rule(void **state)
{
    (void)state;
    WITH_RULES(EXEC_RULE ";\n-- the end\n;  \n/* really */");
    assert_string_equal(set.rules[0]->error, "");
}

static void a_rule_that_fails_while_it_runs_is_left_out_alone(void **state)
{
    (void)state;
    WITH_RULES(
        HEAD("breaks", "low") "SELECT id AS exec_id FROM new_execs\nWHERE at('nonsense') > 1",
        EXEC_RULE);
    new_row(ROW_EXEC, 1);
    judge_now();
    assert_int_equal(flags_out, 1);
    assert_int_equal(set.rules[0]->state, RULE_FAILED);
    assert_non_null(strstr(set.rules[0]->error, "r.sql:7: at: "));
}

static void a_slow_rule_is_cut_off_and_then_suspended(void **state)
{
    (void)state;
    limits = (struct rule_limits){.run_ns = 20000000, .strikes = 2};
    WITH_RULES(
        HEAD("slow", "low") "SELECT n.id AS exec_id FROM new_execs AS n WHERE (WITH RECURSIVE "
                            "c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT count(*) "
                            "FROM c) > 0",
        EXEC_RULE);
    new_row(ROW_EXEC, 1);
    judge_now();
    assert_int_equal(flags_out, 1);
    assert_int_equal(set.rules[0]->state, RULE_ACTIVE);
    assert_true(rule_runner_work(judge_runner(judge), 0)->slowest_ns >= 20000000);
    new_row(ROW_EXEC, 2);
    judge_now();
    assert_int_equal(flags_out, 1);
    assert_int_equal(set.rules[0]->state, RULE_SUSPENDED);
    assert_non_null(strstr(set.rules[0]->error, "r.sql:7: took more than 20 ms 2 times in a row"));
    new_row(ROW_EXEC, 1);
    judge_now();
    assert_int_equal(rule_runner_work(judge_runner(judge), 0)->runs, 2);
}

static void wait_20_ms(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    (void)values;
    usleep(20000);
    sqlite3_result_int(context, 1);
}

/* Its budget is of the clock's time, as others wait for it; what it costs is the CPU's. */
static void waiting_is_no_work(void **state)
{
    (void)state;
    sqlite3_create_function(db, "wait_20_ms", 0, SQLITE_UTF8, NULL, wait_20_ms, NULL, NULL);
    WITH_RULES(HEAD("waits", "low") "SELECT id AS exec_id FROM new_execs WHERE wait_20_ms()",
               HEAD("works", "low") "SELECT id AS exec_id FROM new_execs WHERE (WITH RECURSIVE c "
                                    "(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c LIMIT 10000) "
                                    "SELECT count(*) FROM c) > 0");
    new_row(ROW_EXEC, 1);
    clock_t before = clock();
    judge_now();
    int64_t spent = (int64_t)(clock() - before) * (1000000000 / CLOCKS_PER_SEC) + 1000000;
    const struct rule_work *waits = rule_runner_work(judge_runner(judge), 0);
    const struct rule_work *works = rule_runner_work(judge_runner(judge), 1);
    assert_in_range(waits->slowest_ns, 20000000, INT64_MAX);
    assert_in_range(works->busy_ns, 1, works->slowest_ns);
    assert_in_range(waits->busy_ns, 1, waits->slowest_ns - 1);
    assert_in_range(waits->busy_ns + works->busy_ns, 1, spent);
}

static void a_rule_that_selects_too_much_is_cut_off(void **state)
{
    (void)state;
    limits = (struct rule_limits){.rows = 1};
    WITH_RULES(EXEC_RULE);
    new_row(ROW_EXEC, 1);
    new_row(ROW_EXEC, 2);
    judge_now();
    assert_int_equal(flags_out, 1);
    assert_int_equal(set.rules[0]->state, RULE_ACTIVE);
}

/* ---- those that are built in ---- */

/* Batches, the lists of a view, what a function of the graph gives, and what the rule has made
 * itself may be read from end to end. */
static bool is_short(const char *scanned)
{
    static const char *const words[] = {
        "CONSTANT ROWS", "VIRTUAL TABLE INDEX", "json_", "known_programs", "recent", "(subquery-"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strstr(scanned, words[i]))
            return true;
    return strcmp(scanned, "b") == 0 || strcmp(scanned, "k") == 0 ||
           strcmp(scanned, "new_exe") == 0;
}

static void assert_uses_indexes(const struct rule *rule)
{
    sqlite3_stmt *plan;
    char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", rule->sql);

    assert_string_equal(rule->error, "");
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &plan, NULL), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(plan, 3);
        if (strncmp(detail, "SCAN ", 5) == 0 && !is_short(detail + 5))
            fail_msg("%s: %s", rule->file, detail);
    }
    sqlite3_finalize(plan);
    sqlite3_free(sql);
}

/* New rows in memory, and any part of the store. */
static void built_in_rules_fit_the_schema_and_use_indexes(void **state)
{
    (void)state;
    for (int is_history = 0; is_history < 2; is_history++) {
        const struct rule_limits both = {.is_history = is_history};
        struct rule_set *builtin = rule_set_load(NULL);
        char *error = NULL;
        struct rule_runner *runner = rule_runner_new(db, builtin, &both, &error);
        assert_non_null(runner);
        for (size_t i = 0; i < builtin->count; i++)
            assert_uses_indexes(builtin->rules[i]);
        rule_runner_free(runner);
        rule_set_free(builtin);
    }
}

static int make_directory(void **state)
{
    (void)state;
    if (!mkdtemp(user_store))
        return -1;
    snprintf(user_file, sizeof(user_file), "%s/s.db.user", user_store);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(user_store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_hit_becomes_a_flag_with_all_that_is_known),
        TEST(a_rule_may_name_neither_techniques_nor_tactics),
        TEST(only_new_rows_are_looked_at_and_each_is_flagged_once),
        TEST(a_rule_without_new_rows_of_its_kind_is_not_run),
        TEST(another_judge_goes_on_where_one_has_stopped),
        TEST(a_span_adds_all_of_history),
        TEST(a_row_may_have_a_severity_and_a_time_of_its_own),
        TEST(flags_follow_their_process_to_another_trace),
        TEST(a_trace_is_not_flooded),
        TEST(hostile_text_stays_text),
        TEST(rules_can_call_the_functions_of_the_extension),
        TEST(a_suppressed_flag_does_not_count),
        TEST(bonuses_have_their_reasons),
        TEST(reasons_add_up_over_any_sequence_of_flags),
        cmocka_unit_test_setup_teardown(a_suppression_fits_in_all_that_it_says, set_up,
                                        remove_user_store),
        cmocka_unit_test_setup_teardown(known_flags_are_suppressed_too_and_stay_so, set_up,
                                        remove_user_store),
        cmocka_unit_test_setup_teardown(a_file_that_is_none_of_ours_suppresses_nothing, set_up,
                                        remove_user_store),
        TEST(a_wrong_rule_is_named_and_left_out_alone),
        TEST(a_semicolon_and_remarks_may_end_a_rule),
        TEST(a_rule_that_fails_while_it_runs_is_left_out_alone),
        TEST(a_slow_rule_is_cut_off_and_then_suspended),
        TEST(waiting_is_no_work),
        TEST(a_rule_that_selects_too_much_is_cut_off),
        TEST(built_in_rules_fit_the_schema_and_use_indexes),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
