/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What verbs ask of a store, seen as they ask it: none reads the whole of a table that grows with
 * what the host does, nor lets SQLite put a Bloom filter or an index of its own over one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../shell/command.h"
#include "../../shell/greeting.h"
#include "../../shell/reader.h"
#include "../../sql/store.h"
#include "scratch.h"

#define STATEMENTS 256

static struct session session;
static char *seen[STATEMENTS];
static size_t count;

/* A login in which a process was fetched, and talked to a server over loopback. */
static const char rows[] =
    "INSERT INTO hosts (id, hostname) VALUES (1, 'h');"
    "INSERT INTO traces (id, host_id, root_process_id, kind, started_at, last_at, process_count,"
    "  connection_count, flag_count, pinned) VALUES (1, 1, 2, 'login', 1000, 9000, 3, 2, 1, 0);"
    "INSERT INTO processes (id, host_id, pid, ppid, parent_id, trace_id, started_at, ended_at,"
    "  origin, comm, exe, cmdline) VALUES"
    "  (1, 1, 1, 0, NULL, NULL, 100, NULL, 'scan', 'init', '/sbin/init', 'init'),"
    "  (2, 1, 20, 1, 1, 1, 1000, NULL, 'event', 'bash', '/bin/bash', 'bash'),"
    "  (3, 1, 30, 20, 2, 1, 2000, 3000, 'event', 'curl', '/usr/bin/curl', 'curl x'),"
    "  (4, 1, 40, 1, 1, 1, 1500, NULL, 'event', 'web', '/srv/web', 'web');"
    "INSERT INTO execs (id, process_id, at, exe, argv) SELECT id, id, started_at, exe, '[\"a\"]'"
    "  FROM processes;"
    "INSERT INTO connections (id, host_id, process_id, protocol, direction, local_port,"
    "  remote_address, remote_port, started_at, state, peer_id, peer_process_id, origin) VALUES"
    "  (1, 1, 3, 'tcp', 'out', 40000, '192.0.2.1', 80, 2100, 'open', 2, 4, 'event'),"
    "  (2, 1, 4, 'tcp', 'in', 80, '192.0.2.1', 40000, 2100, 'open', 1, 3, 'event');"
    "INSERT INTO listeners (id, process_id, protocol, address, port, started_at, origin, host_id)"
    "  VALUES (1, 4, 'tcp', '192.0.2.1', 80, 1500, 'event', 1);"
    "INSERT INTO files (id, process_id, at, op, path, host_id)"
    "  VALUES (1, 3, 2200, 'write', '/tmp/x', 1);"
    "INSERT INTO edges (id, host_id, at, last_at, count, kind, src, dst, connection_id) VALUES"
    "  (1, 1, 1000, 1000, 1, 'fork', 1, 2, NULL), (2, 1, 2000, 2000, 1, 'fork', 2, 3, NULL),"
    "  (3, 1, 1500, 1500, 1, 'fork', 1, 4, NULL), (4, 1, 2100, 2100, 1, 'connect', 3, 4, 1);"
    "INSERT INTO containers (id, container_id, name, root_process_id, host_id)"
    "  VALUES (1, 'abc', 'box', 4, 1);"
    "INSERT INTO flags (id, at, rule, severity, process_id, trace_id, host_id)"
    "  VALUES (1, 2300, 'r', 'low', 3, 1, 1);";

/* ---- plans ---- */

/* A view that is flattened goes by the name that it has for its own table, never by an alias. */
static const char *const big[] = {"processes",    "execs",     "connections",     "edges",
                                  "process_rows", "exec_rows", "connection_rows", "edge_rows"};

/* Of few rows, whatever the size of the table. */
static const char *const partial[] = {"processes_alive", "connections_open", "edges_open"};

/* Reads the whole on purpose: the graph for memory. */
static const char *const on_purpose[] = {
    "SELECT id, parent_id, started_at, pid, exe FROM main.process_rows",
    "SELECT id, at, at + last_after, src, dst, kind, open FROM main.edge_rows ORDER BY id",
    "SELECT count(*) FROM (SELECT 1 FROM processes LIMIT ?1 + 1)", /* the greeting: only so many */
};

static bool is_one_of(const char *word, size_t length, const char *const *words, size_t number)
{
    for (size_t i = 0; i < number; i++)
        if (strlen(words[i]) == length && memcmp(words[i], word, length) == 0)
            return true;
    return false;
}

#define IS_ONE_OF(word, length, words) is_one_of(word, length, words, sizeof words / sizeof *words)

static bool reads_all(const char *step)
{
    char table[64] = "", index[64] = "";

    if (strstr(step, "BLOOM"))
        return true;
    if (sscanf(step, "SEARCH %63s USING AUTOMATIC", table) == 1 && strstr(step, "AUTOMATIC"))
        return IS_ONE_OF(table, strlen(table), big);
    if (sscanf(step, "SCAN %63s USING INDEX %63s", table, index) < 1)
        return false;
    return IS_ONE_OF(table, strlen(table), big) && !IS_ONE_OF(index, strlen(index), partial);
}

/* The first step of a statement's plan that reads a big table from end to end, in step; or false.
 */
static bool complaint(const char *sql, char *step, size_t size)
{
    sqlite3_stmt *plan;
    bool found = false;
    char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);

    assert_int_equal(sqlite3_prepare_v2(session.db, explain, -1, &plan, NULL), SQLITE_OK);
    while (!found && sqlite3_step(plan) == SQLITE_ROW) {
        snprintf(step, size, "%s", (const char *)sqlite3_column_text(plan, 3));
        found = reads_all(step);
    }
    sqlite3_finalize(plan);
    sqlite3_free(explain);
    return found;
}

/* ---- what is asked ---- */

static int note(unsigned event, void *context, void *statement, void *text)
{
    const char *sql = sqlite3_sql(statement);

    (void)event, (void)context, (void)text;
    for (size_t i = 0; i < count; i++)
        if (strcmp(seen[i], sql) == 0)
            return 0;
    assert_true(count < STATEMENTS);
    seen[count++] = strdup(sql);
    return 0;
}

static void check_seen(const char *what)
{
    char step[256];

    sqlite3_trace_v2(session.db, 0, NULL, NULL);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        if (!IS_ONE_OF(seen[i], strlen(seen[i]), on_purpose) &&
            complaint(seen[i], step, sizeof step))
            fail_msg("%s: %s: %s", what, step, seen[i]);
        free(seen[i]);
    }
    count = 0;
}

static void ask(const char *line)
{
    sqlite3_trace_v2(session.db, SQLITE_TRACE_STMT, note, NULL);
    assert_int_equal(command_line(&session, line), STATUS_OK);
    check_seen(line);
}

/* ---- the tests ---- */

static int set_up(void **state)
{
    struct store_error error;
    sqlite3 *db = NULL;

    if (scratch_set_up(state) < 0)
        return -1;
    session = (struct session){.path = scratch_path("s.db"), .interactive = true};
    struct store *store = store_open(session.path, &error);
    store_close(store);
    if (!store || sqlite3_open(session.path, &db) != SQLITE_OK ||
        sqlite3_exec(db, rows, NULL, NULL, NULL) != SQLITE_OK)
        return -1;
    sqlite3_close(db);
    session.output = output_open("/dev/null", false);
    return session.output && reader_open(session.path, &session.db) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    output_close(session.output, false);
    session_free(&session);
    sqlite3_close(session.db);
    return scratch_tear_down(state);
}

static void no_verb_reads_a_big_table_from_end_to_end(void **state)
{
    static const char *const lines[] = {
        "ps",
        "ps --at 2026-01-01",
        "ps --since 1970-01-01 --until 2026-01-02",
        "tree 3",
        "why 3",
        "impact 2",
        "story 3",
        "path 1 4",
        "traces",
        "traces 3",
        "flags",
        "flags --rows 10",
        "flags 3",
        "why pid:30",
        "why exe:curl",
        "why exe:/bin/bash",
        "why file:/tmp/x",
        "why 192.0.2.1",
        "why :80",
        "why 192.0.2.1:80",
        "why conn:1",
        "why flag:1",
        "why trace:1",
        "why container:box",
        "why 3 --since 2026-01-01 --until 2026-01-02",
        "traces --since 1970-01-01 --until 2026-01-02",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ask(lines[i]);
}

static void nor_does_the_greeting(void **state)
{
    (void)state;
    sqlite3_trace_v2(session.db, SQLITE_TRACE_STMT, note, NULL);
    greeting_print(&session);
    check_seen("the greeting");
}

static void the_check_sees_what_it_is_for(void **state)
{
    char step[256];

    (void)state;
    assert_true(complaint("SELECT * FROM processes WHERE comm = 'x'", step, sizeof step));
    assert_true(complaint("SELECT count(*) FROM edges", step, sizeof step));
    assert_true(complaint("SELECT p.id FROM processes AS p JOIN execs AS x ON x.cwd = p.cwd", step,
                          sizeof step));
    assert_false(complaint("SELECT * FROM processes WHERE ended_at IS NULL", step, sizeof step));
    assert_true(reads_all("BLOOM FILTER ON p (id=?)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_verb_reads_a_big_table_from_end_to_end, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nor_does_the_greeting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_check_sees_what_it_is_for, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
