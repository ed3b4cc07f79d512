/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rule_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "row_fetch.h"
#include "rule_complete.sql.h"

#define PROGRESS_STEPS 2000 /* of SQLite's machine, between two looks at the clock */

/* The tables with new rows, and the column by which a span of time is chosen. */
static const struct {
    enum row_kind kind;
    const char *time;
} watched[] = {
    {ROW_PROCESS, "started_at"},  {ROW_EXEC, "at"},       {ROW_CONNECTION, "started_at"},
    {ROW_LISTENER, "started_at"}, {ROW_DNS_QUERY, "at"},  {ROW_FILE, "at"},
    {ROW_PRIVILEGE, "at"},        {ROW_EDGE, "last_at"},  {ROW_CONTAINER, "started_at"},
    {ROW_TRACE, "last_at"},       {ROW_PAIR, "first_at"},
};

#define WATCHED (sizeof(watched) / sizeof(watched[0]))

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
    unsigned watches;        /* bit i: watched[i] */
    int columns[HIT_COLUMNS];
    int strikes;
    struct rule_work work;
};

struct rule_runner {
    sqlite3 *db;
    struct rule_set *set;
    struct rule_limits limits;
    struct prepared *prepared; /* one for each rule of the set */
    sqlite3_stmt *complete;
    sqlite3_stmt *add[WATCHED];
    unsigned filled;  /* bit i: there are new rows of watched[i] */
    int64_t deadline; /* of the rule that runs; 0: none */
    struct prepared *preparing;
    char refused[96]; /* what the rule that is being prepared wanted to do */
};

static int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static const char *table_name(size_t i)
{
    return row_tables[watched[i].kind].name;
}

/* ---- what a rule may do ---- */

/* The index of the batch whose table that is; WATCHED: it is none. */
static size_t batch_of(const char *table)
{
    static const char prefix[] = "batch_";

    if (!table || strncmp(table, prefix, sizeof(prefix) - 1) != 0)
        return WATCHED;
    for (size_t i = 0; i < WATCHED; i++)
        if (strcmp(table + sizeof(prefix) - 1, table_name(i)) == 0)
            return i;
    return WATCHED;
}

/* SQLite asks it about each thing that a rule's statement would do. */
static int authorize(void *context, int action, const char *a, const char *b, const char *database,
                     const char *view)
{
    struct rule_runner *runner = context;

    (void)view;
    if (!runner->preparing)
        return SQLITE_OK;
    if (action == SQLITE_READ) {
        size_t batch = database && strcmp(database, "temp") == 0 ? batch_of(a) : WATCHED;
        if (batch < WATCHED)
            runner->preparing->watches |= 1u << batch;
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

/*
 * The planner must know that a batch is small, or it might read a table of the store instead. It
 * takes what ANALYZE once saw of it for true.
 */
static int make_batches(sqlite3 *db)
{
    sqlite3_str *sql = sqlite3_str_new(db);

    for (size_t i = 0; i < WATCHED; i++)
        sqlite3_str_appendf(sql,
                            "CREATE TEMP TABLE batch_%s (id INTEGER PRIMARY KEY);"
                            "INSERT INTO temp.batch_%s VALUES (1), (2), (3), (4);",
                            table_name(i), table_name(i));
    sqlite3_str_appendall(sql, "ANALYZE temp;");
    for (size_t i = 0; i < WATCHED; i++)
        sqlite3_str_appendf(sql,
                            "DELETE FROM temp.batch_%s;"
                            "CREATE TEMP VIEW new_%s AS SELECT r.* FROM temp.batch_%s AS b"
                            " CROSS JOIN main.%s AS r ON r.id = b.id;",
                            table_name(i), table_name(i), table_name(i), table_name(i));
    char *text = sqlite3_str_finish(sql);
    int code = text ? sqlite3_exec(db, text, NULL, NULL, NULL) : SQLITE_NOMEM;
    sqlite3_free(text);
    return code;
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

static void drop_batches(sqlite3 *db)
{
    sqlite3_exec(db, "DROP TABLE IF EXISTS temp.known_programs", NULL, NULL, NULL);
    for (size_t i = 0; i < WATCHED; i++) {
        char *sql = sqlite3_mprintf("DROP VIEW IF EXISTS temp.new_%s;"
                                    "DROP TABLE IF EXISTS temp.batch_%s",
                                    table_name(i), table_name(i));
        if (sql)
            sqlite3_exec(db, sql, NULL, NULL, NULL);
        sqlite3_free(sql);
    }
}

static int prepare_own(struct rule_runner *runner)
{
    int code = sqlite3_exec(runner->db, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL);

    if (code == SQLITE_OK)
        code = make_batches(runner->db);
    if (code == SQLITE_OK)
        code = copy_lists(runner->db);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v3(runner->db, rule_complete_sql, -1, SQLITE_PREPARE_PERSISTENT,
                                  &runner->complete, NULL);
    for (size_t i = 0; i < WATCHED && code == SQLITE_OK; i++) {
        char *sql =
            sqlite3_mprintf("INSERT OR IGNORE INTO temp.batch_%s VALUES (?1)", table_name(i));
        code = sql ? sqlite3_prepare_v3(runner->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                        &runner->add[i], NULL)
                   : SQLITE_NOMEM;
        sqlite3_free(sql);
    }
    return code;
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
    return runner;
}

void rule_runner_free(struct rule_runner *runner)
{
    if (!runner)
        return;
    for (size_t i = 0; runner->prepared && i < runner->set->count; i++)
        sqlite3_finalize(runner->prepared[i].statement);
    for (size_t i = 0; i < WATCHED; i++)
        sqlite3_finalize(runner->add[i]);
    sqlite3_finalize(runner->complete);
    drop_batches(runner->db);
    free(runner->prepared);
    free(runner);
}

/* ---- the batch ---- */

static size_t watched_index(enum row_kind kind)
{
    size_t i = 0;

    while (i < WATCHED && watched[i].kind != kind)
        i++;
    return i;
}

bool rule_runner_watches(enum row_kind kind)
{
    return watched_index(kind) < WATCHED;
}

int rule_runner_add(struct rule_runner *runner, enum row_kind kind, int64_t id)
{
    size_t i = watched_index(kind);

    if (i == WATCHED)
        return SQLITE_OK;
    runner->filled |= 1u << i;
    sqlite3_bind_int64(runner->add[i], 1, id);
    sqlite3_step(runner->add[i]);
    return sqlite3_reset(runner->add[i]);
}

int rule_runner_clear(struct rule_runner *runner)
{
    int code = SQLITE_OK;

    for (size_t i = 0; i < WATCHED && code == SQLITE_OK; i++) {
        if (!(runner->filled & 1u << i))
            continue;
        char *sql = sqlite3_mprintf("DELETE FROM temp.batch_%s", table_name(i));
        code = sql ? sqlite3_exec(runner->db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
        sqlite3_free(sql);
    }
    runner->filled = 0;
    return code;
}

int rule_runner_add_span(struct rule_runner *runner, int64_t since, int64_t until)
{
    int code = SQLITE_OK;

    for (size_t i = 0; i < WATCHED && code == SQLITE_OK; i++) {
        char *sql = sqlite3_mprintf("INSERT OR IGNORE INTO temp.batch_%s SELECT id FROM main.%s"
                                    " WHERE %s BETWEEN %lld AND %lld",
                                    table_name(i), table_name(i), watched[i].time, since, until);
        code = sql ? sqlite3_exec(runner->db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
        sqlite3_free(sql);
        runner->filled |= 1u << i;
    }
    return code;
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
    prepared->work.runs++;
    prepared->work.busy_ns += spent;
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

int rule_runner_run(struct rule_runner *runner, hit_visitor *visit, void *context)
{
    int code = SQLITE_OK;

    sqlite3_progress_handler(runner->db, PROGRESS_STEPS, is_overdue, runner);
    for (size_t i = 0; i < runner->set->count && code == SQLITE_OK; i++)
        if (runner->set->rules[i]->state == RULE_ACTIVE &&
            runner->prepared[i].watches & runner->filled)
            code = run_rule(runner, i, visit, context);
    sqlite3_progress_handler(runner->db, 0, NULL, NULL);
    return code;
}

const struct rule_work *rule_runner_work(const struct rule_runner *runner, size_t index)
{
    return &runner->prepared[index].work;
}
