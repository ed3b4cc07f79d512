/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rule_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "row_fetch.h"
#include "rule_batch.h"
#include "rule_complete.sql.h"

#define PROGRESS_STEPS 2000 /* of SQLite's machine, between two looks at the clock */

/* What a rule may select, by name. */
enum hit_column {
    HIT_PROCESS,
    HIT_EXEC,
    HIT_CONNECTION,
    HIT_FILE,
    HIT_EDGE,
    HIT_IDS, /* those above are ids: it has to select one of them at least */
    HIT_AT = HIT_IDS,
    HIT_DETAIL,
    HIT_SEVERITY,
    HIT_COLUMNS
};

static const char *const hit_columns[HIT_COLUMNS] = {
    "process_id", "exec_id", "connection_id", "file_id", "edge_id", "at", "detail", "severity",
};

struct prepared {
    sqlite3_stmt *statement; /* NULL: it is not active */
    unsigned watches;        /* bit i: table i of a batch */
    int columns[HIT_COLUMNS];
    int strikes;
    int64_t spent; /* by the clock, in this look at new rows; ns */
    struct rule_work work;
};

struct rule_runner {
    sqlite3 *db;
    struct rule_set *set;
    struct rule_limits limits;
    struct prepared *prepared; /* one for each rule of the set */
    sqlite3_stmt *complete;
    struct rule_batch *batch;
    int64_t deadline; /* of the rule that runs; 0: none */
    struct prepared *preparing;
    char refused[96]; /* what the rule that is being prepared wanted to do */
};

static int64_t now(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* ---- what a rule may do ---- */

/* SQLite asks it about each thing that a rule's statement would do. */
static int authorize(void *context, int action, const char *a, const char *b, const char *database,
                     const char *view)
{
    struct rule_runner *runner = context;

    (void)view;
    if (!runner->preparing)
        return SQLITE_OK;
    if (action == SQLITE_READ) {
        bool temporary = a && database && strcmp(database, "temp") == 0;
        size_t table = temporary ? rule_batch_of_table(a) : RULE_BATCH_TABLES;
        if (table < RULE_BATCH_TABLES)
            runner->preparing->watches |= 1u << table;
        return SQLITE_OK;
    }
    /* SQLite asks for this when a table function is first used, although nothing is written. */
    if (action == SQLITE_UPDATE && a && strcmp(a, "sqlite_master") == 0)
        return SQLITE_OK;
    if (action == SQLITE_FUNCTION && b && strcasecmp(b, "load_extension") == 0)
        snprintf(runner->refused, sizeof(runner->refused), "it may not call %s", b);
    else if (action == SQLITE_SELECT || action == SQLITE_FUNCTION || action == SQLITE_RECURSIVE)
        return SQLITE_OK;
    else
        snprintf(runner->refused, sizeof(runner->refused), "it may only read");
    return SQLITE_DENY;
}

/* ---- preparing ---- */

static int line_at(const struct rule *rule, int offset)
{
    int line = rule->sql_line;

    for (int i = 0; i < offset && rule->sql[i]; i++)
        line += rule->sql[i] == '\n';
    return line;
}

static void find_columns(struct prepared *prepared)
{
    int count = sqlite3_column_count(prepared->statement);

    for (int i = 0; i < HIT_COLUMNS; i++) {
        prepared->columns[i] = -1;
        for (int j = 0; j < count; j++)
            if (strcasecmp(sqlite3_column_name(prepared->statement, j), hit_columns[i]) == 0)
                prepared->columns[i] = j;
    }
}

static bool names_a_row(const struct prepared *prepared)
{
    for (int i = 0; i < HIT_IDS; i++)
        if (prepared->columns[i] >= 0)
            return true;
    return false;
}

/* Whether nothing but white space, comments and semicolons is left. */
static bool is_the_end(sqlite3 *db, const char *tail)
{
    while (*tail) {
        sqlite3_stmt *more = NULL;
        const char *at = tail;
        if (sqlite3_prepare_v2(db, at, -1, &more, &tail) != SQLITE_OK || more) {
            sqlite3_finalize(more);
            return false;
        }
        if (tail == at)
            break;
    }
    return true;
}

static void check_statement(struct rule_runner *runner, struct rule *rule,
                            struct prepared *prepared, const char *tail)
{
    if (!prepared->statement)
        rule_fail(rule, rule->sql_line, "there is no SELECT");
    else if (!is_the_end(runner->db, tail))
        rule_fail(rule, line_at(rule, (int)(tail - rule->sql)), "there is more than one statement");
    else if (sqlite3_bind_parameter_count(prepared->statement))
        rule_fail(rule, rule->sql_line, "it has parameters, for which there are no values");
    else if (!prepared->watches)
        rule_fail(rule, rule->sql_line,
                  "it selects from no view of new rows, such as new_execs: it would read the whole "
                  "store each time");
    else if (!names_a_row(prepared))
        rule_fail(rule, rule->sql_line,
                  "it selects none of process_id, exec_id, connection_id, file_id, edge_id");
}

static void prepare_rule(struct rule_runner *runner, size_t index)
{
    struct rule *rule = runner->set->rules[index];
    struct prepared *prepared = &runner->prepared[index];
    const char *tail = rule->sql;

    if (rule->state != RULE_ACTIVE)
        return;
    runner->preparing = prepared;
    runner->refused[0] = '\0';
    int code = sqlite3_prepare_v3(runner->db, rule->sql, -1, SQLITE_PREPARE_PERSISTENT,
                                  &prepared->statement, &tail);
    if (code != SQLITE_OK) {
        int offset = sqlite3_error_offset(runner->db);
        rule_fail(rule, offset < 0 ? rule->sql_line : line_at(rule, offset), "%s",
                  *runner->refused ? runner->refused : sqlite3_errmsg(runner->db));
    } else {
        find_columns(prepared);
        check_statement(runner, rule, prepared, tail);
    }
    runner->preparing = NULL;
    if (rule->state == RULE_ACTIVE)
        return;
    sqlite3_finalize(prepared->statement);
    prepared->statement = NULL;
}

/* The lists of a view that nearly every rule asks: found by an index rather than made anew each
 * time. */
static int copy_lists(sqlite3 *db)
{
    return sqlite3_exec(
        db,
        "CREATE TEMP TABLE known_programs (kind TEXT, name TEXT,"
        " PRIMARY KEY (kind, name)) WITHOUT ROWID;"
        "INSERT OR IGNORE INTO temp.known_programs SELECT * FROM main.known_programs",
        NULL, NULL, NULL);
}

static int prepare_own(struct rule_runner *runner)
{
    int code = sqlite3_exec(runner->db, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL);

    if (code == SQLITE_OK) {
        runner->batch = rule_batch_new(runner->db, runner->limits.is_history);
        code = runner->batch ? SQLITE_OK : SQLITE_ERROR;
    }
    if (code == SQLITE_OK)
        code = copy_lists(runner->db);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v3(runner->db, rule_complete_sql, -1, SQLITE_PREPARE_PERSISTENT,
                                  &runner->complete, NULL);
    return code;
}

/* What no rule that is active selects from need not be there. Pairs are counted in any case. */
static unsigned tables_wanted(const struct rule_runner *runner)
{
    static const enum row_kind counted[] = {ROW_EXEC, ROW_CONNECTION, ROW_LISTENER};
    unsigned wanted = 0;

    for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
        wanted |= 1u << rule_batch_of_kind(counted[i]);
    for (size_t i = 0; i < runner->set->count; i++)
        if (runner->set->rules[i]->state == RULE_ACTIVE)
            wanted |= runner->prepared[i].watches;
    return wanted;
}

struct rule_runner *rule_runner_new(sqlite3 *db, struct rule_set *set,
                                    const struct rule_limits *limits, char **error)
{
    struct rule_runner *runner = calloc(1, sizeof(*runner));

    *error = NULL;
    if (!runner)
        return NULL;
    runner->db = db;
    runner->set = set;
    runner->limits = *limits;
    runner->prepared = calloc(set->count + 1, sizeof(*runner->prepared));
    if (!runner->prepared || prepare_own(runner) != SQLITE_OK) {
        *error = sqlite3_mprintf("cannot prepare for rules: %s", sqlite3_errmsg(db));
        rule_runner_free(runner);
        return NULL;
    }
    sqlite3_set_authorizer(db, authorize, runner);
    for (size_t i = 0; i < set->count; i++)
        prepare_rule(runner, i);
    sqlite3_set_authorizer(db, NULL, NULL);
    rule_batch_want(runner->batch, tables_wanted(runner));
    return runner;
}

void rule_runner_free(struct rule_runner *runner)
{
    if (!runner)
        return;
    for (size_t i = 0; runner->prepared && i < runner->set->count; i++)
        sqlite3_finalize(runner->prepared[i].statement);
    sqlite3_finalize(runner->complete);
    sqlite3_exec(runner->db, "DROP TABLE IF EXISTS temp.known_programs", NULL, NULL, NULL);
    rule_batch_free(runner->batch);
    free(runner->prepared);
    free(runner);
}

struct rule_batch *rule_runner_batch(struct rule_runner *runner)
{
    return runner->batch;
}

/* ---- running ---- */

static int is_overdue(void *context)
{
    const struct rule_runner *runner = context;

    if (runner->limits.stop && runner->limits.stop())
        return 1;
    return runner->deadline && now() > runner->deadline;
}

/* INTEGER_NULL where the rule does not select that. */
static int64_t integer_of(sqlite3_stmt *statement, int column)
{
    return column < 0 ? INTEGER_NULL : row_integer(statement, column);
}

/* What the rule has left out, from the rows that it names. */
static int complete(struct rule_runner *runner, struct hit *hit)
{
    const int64_t given[] = {hit->process_id, hit->exec_id, hit->connection_id,
                             hit->file_id,    hit->edge_id, hit->at};
    sqlite3_stmt *statement = runner->complete;

    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
        row_bind_integer(statement, (int)i + 1, given[i]);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        hit->process_id = integer_of(statement, 0);
        hit->at = integer_of(statement, 1);
        hit->trace_id = integer_of(statement, 2);
        hit->host_id = integer_of(statement, 3);
    }
    return sqlite3_reset(statement);
}

static enum severity severity_of(const struct rule *rule, sqlite3_stmt *statement, int column)
{
    const char *name = column < 0 ? NULL : (const char *)sqlite3_column_text(statement, column);
    enum severity severity = name ? severity_named(name, strlen(name)) : SEVERITIES;

    return severity == SEVERITIES ? rule->severity : severity;
}

static int take_row(struct rule_runner *runner, size_t index, hit_visitor *visit, void *context)
{
    const struct prepared *prepared = &runner->prepared[index];
    sqlite3_stmt *statement = prepared->statement;
    const int *columns = prepared->columns;
    struct hit hit = {
        .rule = runner->set->rules[index],
        .severity = severity_of(runner->set->rules[index], statement, columns[HIT_SEVERITY]),
        .at = integer_of(statement, columns[HIT_AT]),
        .process_id = integer_of(statement, columns[HIT_PROCESS]),
        .exec_id = integer_of(statement, columns[HIT_EXEC]),
        .connection_id = integer_of(statement, columns[HIT_CONNECTION]),
        .file_id = integer_of(statement, columns[HIT_FILE]),
        .edge_id = integer_of(statement, columns[HIT_EDGE]),
        .trace_id = INTEGER_NULL,
        .host_id = INTEGER_NULL,
    };

    if (columns[HIT_DETAIL] >= 0)
        hit.detail = row_text(statement, columns[HIT_DETAIL]);
    int code = complete(runner, &hit);
    if (code == SQLITE_OK && hit.at != INTEGER_NULL)
        visit(context, &hit);
    return code;
}

static int step_through(struct rule_runner *runner, size_t index, hit_visitor *visit, void *context)
{
    struct prepared *prepared = &runner->prepared[index];
    int64_t rows = 0;
    int code = SQLITE_ROW;

    while (code == SQLITE_ROW && (code = sqlite3_step(prepared->statement)) == SQLITE_ROW) {
        int failure = take_row(runner, index, visit, context);
        if (failure != SQLITE_OK)
            code = failure;
        else if (runner->limits.rows && ++rows >= runner->limits.rows)
            code = SQLITE_DONE;
        prepared->work.hits++;
    }
    int last = sqlite3_reset(prepared->statement);
    return code == SQLITE_DONE ? SQLITE_OK : last != SQLITE_OK ? last : code;
}

static void strike(struct rule_runner *runner, size_t index)
{
    struct rule *rule = runner->set->rules[index];
    struct prepared *prepared = &runner->prepared[index];

    if (++prepared->strikes < runner->limits.strikes)
        return;
    rule->state = RULE_SUSPENDED;
    snprintf(rule->error, sizeof(rule->error),
             "%s:%d: took more than %lld ms %d times in a row, and is not run any more", rule->file,
             rule->sql_line, (long long)(runner->limits.run_ns / 1000000), prepared->strikes);
}

/* Whether a failure of the statement is the rule's own. */
static bool is_own_fault(int code)
{
    code &= 0xff;
    return code == SQLITE_ERROR || code == SQLITE_TOOBIG || code == SQLITE_MISMATCH ||
           code == SQLITE_RANGE || code == SQLITE_AUTH || code == SQLITE_READONLY;
}

static void account(struct prepared *prepared, int64_t spent)
{
    prepared->spent = spent;
    prepared->work.runs++;
    prepared->work.newest_ns = spent;
    if (spent > prepared->work.slowest_ns)
        prepared->work.slowest_ns = spent;
}

static int run_rule(struct rule_runner *runner, size_t index, hit_visitor *visit, void *context)
{
    struct rule *rule = runner->set->rules[index];
    struct prepared *prepared = &runner->prepared[index];
    int64_t began = now();

    runner->deadline = runner->limits.run_ns ? began + runner->limits.run_ns : 0;
    int code = step_through(runner, index, visit, context);
    runner->deadline = 0;
    account(prepared, now() - began);
    if (code == SQLITE_INTERRUPT && runner->limits.run_ns) {
        strike(runner, index);
        return SQLITE_OK;
    }
    if (code == SQLITE_OK)
        prepared->strikes = 0;
    if (!is_own_fault(code))
        return code;
    rule_fail(rule, rule->sql_line, "%s", sqlite3_errmsg(runner->db));
    return SQLITE_OK;
}

/* The clock of a thread's CPU time is a call of the kernel, which takes longer than most rules do:
 * it is asked about the whole look, and each rule has the part of it that it has of the time. */
static void share_out(struct rule_runner *runner, int64_t cpu)
{
    int64_t spent = 0;

    for (size_t i = 0; i < runner->set->count; i++)
        spent += runner->prepared[i].spent;
    double part = cpu < spent ? (double)cpu / (double)spent : 1;
    for (size_t i = 0; i < runner->set->count; i++) {
        struct prepared *prepared = &runner->prepared[i];
        prepared->work.busy_ns += (int64_t)((double)prepared->spent * part);
        prepared->spent = 0;
    }
}

int rule_runner_run(struct rule_runner *runner, hit_visitor *visit, void *context)
{
    int code = rule_batch_finish(runner->batch);
    unsigned filled = rule_batch_filled(runner->batch);
    int64_t began = clock_ns(CLOCK_THREAD_CPUTIME_ID);

    sqlite3_progress_handler(runner->db, PROGRESS_STEPS, is_overdue, runner);
    for (size_t i = 0; i < runner->set->count && code == SQLITE_OK; i++)
        if (runner->set->rules[i]->state == RULE_ACTIVE && runner->prepared[i].watches & filled)
            code = run_rule(runner, i, visit, context);
    sqlite3_progress_handler(runner->db, 0, NULL, NULL);
    share_out(runner, clock_ns(CLOCK_THREAD_CPUTIME_ID) - began);
    return code;
}

const struct rule_work *rule_runner_work(const struct rule_runner *runner, size_t index)
{
    return &runner->prepared[index].work;
}
