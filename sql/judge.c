/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "judge.h"

#include <stdlib.h>
#include <string.h>

#include "judge_private.h"
#include "judge_tables.sql.h"
#include "row_fetch.h"

static const char *const statements[JUDGE_STATEMENTS] = {
    /* ?1 process, ?2 rule, ?3 exec, ?4 connection, ?5 file, ?6 edge */
    [JUDGE_KNOWN] =
        "SELECT 1 FROM main.flags WHERE process_id IS ?1 AND rule = ?2 AND exec_id IS ?3"
        " AND connection_id IS ?4 AND file_id IS ?5 AND edge_id IS ?6"
        " UNION ALL "
        "SELECT 1 FROM temp.fresh_flags WHERE process_id IS ?1 AND rule = ?2 AND exec_id IS ?3"
        " AND connection_id IS ?4 AND file_id IS ?5 AND edge_id IS ?6 LIMIT 1",
    [JUDGE_COUNT] = "SELECT (SELECT count(*) FROM main.flags WHERE trace_id = ?1 AND rule = ?2)"
                    " + (SELECT count(*) FROM temp.fresh_flags WHERE trace_id = ?1 AND rule = ?2)",
    [JUDGE_FLAG] = "INSERT INTO temp.fresh_flags VALUES"
                   " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
    [JUDGE_FLAGGED] = "SELECT process_id FROM main.flags WHERE process_id IS NOT NULL",
    [JUDGE_MOVING] = "INSERT OR IGNORE INTO temp.moving_processes VALUES (?1)",
    /* Flags follow their process from trace to trace. */
    [JUDGE_LEFT] = "INSERT OR IGNORE INTO temp.touched_traces"
                   " SELECT f.trace_id FROM temp.moving_processes AS b"
                   " CROSS JOIN main.flags AS f ON f.process_id = b.id"
                   " CROSS JOIN main.processes AS p ON p.id = b.id"
                   " WHERE f.trace_id <> p.trace_id",
    [JUDGE_MOVE] = "INSERT INTO temp.fresh_flags"
                   " SELECT f.id, f.at, f.rule, f.severity, f.title, f.techniques, f.process_id,"
                   "  f.exec_id, f.connection_id, f.file_id, p.trace_id, f.detail,"
                   "  f.suppressed_by, f.edge_id, f.tactics, f.flagged_at, f.host_id"
                   " FROM temp.moving_processes AS b"
                   " CROSS JOIN main.flags AS f ON f.process_id = b.id"
                   " CROSS JOIN main.processes AS p ON p.id = b.id"
                   " WHERE f.trace_id IS NOT p.trace_id AND p.trace_id IS NOT NULL",
    [JUDGE_SUPPRESS_KNOWN] =
        "INSERT OR IGNORE INTO temp.fresh_flags"
        " SELECT id, at, rule, severity, title, techniques, process_id, exec_id, connection_id,"
        "  file_id, trace_id, detail, suppression, edge_id, tactics, flagged_at, host_id"
        " FROM (SELECT f.*, " SUPPRESSED_BY " AS suppression FROM main.flags AS f"
        "       WHERE f.suppressed_by IS NULL)"
        " WHERE suppression IS NOT NULL",
    [JUDGE_SUPPRESS] = "UPDATE temp.fresh_flags AS f SET suppressed_by = " SUPPRESSED_BY
                       " WHERE suppressed_by IS NULL",
    [JUDGE_TOUCH] = "INSERT OR IGNORE INTO temp.touched_traces"
                    " SELECT trace_id FROM temp.fresh_flags WHERE trace_id IS NOT NULL",
    [JUDGE_TOUCHED] = "SELECT id FROM temp.touched_traces ORDER BY id",
    [JUDGE_FRESH] = "SELECT * FROM temp.fresh_flags ORDER BY id",
    [JUDGE_RULES] = JUDGE_RULES_SQL,
    [JUDGE_TACTICS] = "SELECT DISTINCT t.value FROM temp.current_flags AS f,"
                      " json_each(iif(json_valid(f.tactics), f.tactics, NULL)) AS t WHERE "
                      "f.trace_id = ?1 AND f.suppressed_by IS NULL",
};

/* ---- which processes have flags ---- */

static uint64_t *word_of(struct judge *judge, int64_t process_id, uint64_t *bit)
{
    uint64_t hash = ((uint64_t)process_id * 0x9e3779b97f4a7c15ull >> 32) % JUDGE_FLAGGED_BITS;

    *bit = (uint64_t)1 << hash % 64;
    return &judge->flagged[hash / 64];
}

static void note_flagged(struct judge *judge, int64_t process_id)
{
    uint64_t bit;

    *word_of(judge, process_id, &bit) |= bit;
}

static bool may_be_flagged(struct judge *judge, int64_t process_id)
{
    uint64_t bit;

    return *word_of(judge, process_id, &bit) & bit;
}

static int find_flagged(struct judge *judge)
{
    sqlite3_stmt *statement = judge->statements[JUDGE_FLAGGED];

    while (sqlite3_step(statement) == SQLITE_ROW)
        note_flagged(judge, sqlite3_column_int64(statement, 0));
    return sqlite3_reset(statement);
}

/* ---- hits ---- */

static void bind_key(sqlite3_stmt *statement, const struct hit *hit)
{
    row_bind_integer(statement, 1, hit->process_id);
    sqlite3_bind_text(statement, 2, hit->rule->id, -1, SQLITE_STATIC);
    row_bind_integer(statement, 3, hit->exec_id);
    row_bind_integer(statement, 4, hit->connection_id);
    row_bind_integer(statement, 5, hit->file_id);
    row_bind_integer(statement, 6, hit->edge_id);
}

static bool is_known(struct judge *judge, const struct hit *hit)
{
    sqlite3_stmt *statement = judge->statements[JUDGE_KNOWN];

    bind_key(statement, hit);
    bool known = sqlite3_step(statement) == SQLITE_ROW;
    judge_note(judge, sqlite3_reset(statement));
    return known;
}

/* Whether the trace has all the flags of that rule that it may have. */
static bool is_full(struct judge *judge, const struct hit *hit)
{
    sqlite3_stmt *statement = judge->statements[JUDGE_COUNT];
    uint64_t count = 0;

    if (!judge->options.trace_flags || hit->trace_id == INTEGER_NULL)
        return false;
    sqlite3_bind_int64(statement, 1, hit->trace_id);
    sqlite3_bind_text(statement, 2, hit->rule->id, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) == SQLITE_ROW)
        count = (uint64_t)sqlite3_column_int64(statement, 0);
    judge_note(judge, sqlite3_reset(statement));
    return count >= judge->options.trace_flags;
}

static struct text as_text(const char *string)
{
    return string ? (struct text){string, strlen(string)} : TEXT_NULL;
}

static void bind_row(sqlite3_stmt *statement, const struct row_flag *flag)
{
    const struct table *shape = &row_tables[ROW_FLAG];

    for (size_t i = 0; i < shape->column_count; i++) {
        const void *field = (const char *)flag + shape->columns[i].offset;
        if (shape->columns[i].type == COLUMN_INTEGER)
            row_bind_integer(statement, (int)i + 1, *(const int64_t *)field);
        else
            row_bind_text(statement, (int)i + 1, *(const struct text *)field);
    }
}

static void add_flag(struct judge *judge, const struct hit *hit)
{
    const struct rule *rule = hit->rule;
    char *tactics = rule_tactics_json(rule->tactics);
    struct row_flag flag = {
        .id = judge->options.next_flag++,
        .at = hit->at,
        .rule = as_text(rule->id),
        .severity = as_text(severity_names[hit->severity]),
        .title = as_text(rule->title),
        .techniques = as_text(rule->techniques),
        .process_id = hit->process_id,
        .exec_id = hit->exec_id,
        .connection_id = hit->connection_id,
        .file_id = hit->file_id,
        .trace_id = hit->trace_id,
        .detail = hit->detail,
        .suppressed_by = INTEGER_NULL,
        .edge_id = hit->edge_id,
        .tactics = as_text(tactics),
        .flagged_at = judge->now,
        .host_id = hit->host_id,
    };
    sqlite3_stmt *statement = judge->statements[JUDGE_FLAG];

    bind_row(statement, &flag);
    sqlite3_step(statement);
    judge_note(judge, sqlite3_reset(statement));
    sqlite3_clear_bindings(statement);
    sqlite3_free(tactics);
    if (hit->process_id != INTEGER_NULL)
        note_flagged(judge, hit->process_id);
}

static size_t index_of(const struct judge *judge, const struct rule *rule)
{
    size_t i = 0;

    while (judge->set->rules[i] != rule)
        i++;
    return i;
}

static void take_hit(void *context, const struct hit *hit)
{
    struct judge *judge = context;

    if (is_known(judge, hit))
        return;
    if (is_full(judge, hit))
        judge->withheld[index_of(judge, hit->rule)]++;
    else
        add_flag(judge, hit);
}

/* ---- a batch ---- */

/* A process that was written may be in another trace. */
static int note_written(struct judge *judge, enum row_kind kind, int64_t id)
{
    sqlite3_stmt *statement = judge->statements[JUDGE_MOVING];

    if (kind != ROW_PROCESS || !may_be_flagged(judge, id))
        return SQLITE_OK;
    judge->moving = true;
    sqlite3_bind_int64(statement, 1, id);
    sqlite3_step(statement);
    return sqlite3_reset(statement);
}

int judge_add(struct judge *judge, const struct row *row)
{
    int code = note_written(judge, row->kind, *(const int64_t *)row->columns);

    return code == SQLITE_OK ? rule_batch_add(rule_runner_batch(judge->runner), row) : code;
}

int judge_add_id(struct judge *judge, enum row_kind kind, int64_t id)
{
    int code = note_written(judge, kind, id);

    return code == SQLITE_OK ? rule_batch_add_id(rule_runner_batch(judge->runner), kind, id) : code;
}

static void run(struct judge *judge, enum judge_statement which)
{
    sqlite3_step(judge->statements[which]);
    judge_note(judge, sqlite3_reset(judge->statements[which]));
}

bool judge_has_news(const struct judge *judge)
{
    return judge->options.user_store &&
           suppressions_changed(&judge->suppressions, judge->options.user_store);
}

/* What is known falls under a suppression only when there is a new one. */
static void suppress(struct judge *judge)
{
    if (judge->new_suppressions)
        run(judge, JUDGE_SUPPRESS_KNOWN);
    run(judge, JUDGE_SUPPRESS);
}

/* Outside the transaction: the other file may be locked for a while. */
static void take_news(struct judge *judge)
{
    judge->trouble[0] = '\0';
    if (!judge_has_news(judge))
        return;
    suppressions_load(&judge->suppressions, judge->db, judge->options.user_store, judge->trouble,
                      sizeof(judge->trouble));
    judge->new_suppressions = true;
}

const char *judge_trouble(const struct judge *judge)
{
    return *judge->trouble ? judge->trouble : NULL;
}

static void find(struct judge *judge)
{
    judge_note(judge, rule_runner_run(judge->runner, take_hit, judge));
    if (judge->moving) {
        run(judge, JUDGE_LEFT);
        run(judge, JUDGE_MOVE);
    }
    suppress(judge);
    run(judge, JUDGE_TOUCH);
}

static void hand_out(struct judge *judge, judge_visitor *visit, void *context)
{
    sqlite3_stmt *fresh = judge->statements[JUDGE_FRESH];
    sqlite3_stmt *touched = judge->statements[JUDGE_TOUCHED];

    while (sqlite3_step(fresh) == SQLITE_ROW) {
        struct row_flag flag;
        row_fetch(fresh, ROW_FLAG, &flag);
        visit(context, ROW_FLAG, &flag);
    }
    judge_note(judge, sqlite3_reset(fresh));
    while (sqlite3_step(touched) == SQLITE_ROW)
        judge_score(judge, sqlite3_column_int64(touched, 0), visit, context);
    judge_note(judge, sqlite3_reset(touched));
}

static int forget(struct judge *judge)
{
    return sqlite3_exec(judge->db, "DELETE FROM temp.fresh_flags; DELETE FROM temp.touched_traces",
                        NULL, NULL, NULL);
}

static int empty(struct judge *judge)
{
    int code = SQLITE_OK;

    if (judge->moving)
        code = sqlite3_exec(judge->db, "DELETE FROM temp.moving_processes", NULL, NULL, NULL);
    judge->moving = judge->moving && code != SQLITE_OK;
    return code == SQLITE_OK ? rule_batch_clear(rule_runner_batch(judge->runner)) : code;
}

int judge_batch(struct judge *judge, int64_t now, judge_visitor *visit, void *context)
{
    judge->now = now;
    take_news(judge);
    judge->code = rule_batch_finish(rule_runner_batch(judge->runner));
    if (judge->code != SQLITE_OK)
        return judge->code;
    judge->code = sqlite3_exec(judge->db, "BEGIN", NULL, NULL, NULL);
    if (judge->code == SQLITE_OK)
        find(judge);
    if (judge->code == SQLITE_OK)
        hand_out(judge, visit, context);
    judge_note(judge, forget(judge));
    if (judge->code == SQLITE_OK)
        judge_note(judge, empty(judge));
    if (judge->code == SQLITE_OK)
        judge->new_suppressions = false;
    sqlite3_exec(judge->db, judge->code == SQLITE_OK ? "COMMIT" : "ROLLBACK", NULL, NULL, NULL);
    return judge->code;
}

/* ---- life ---- */

static int prepare(struct judge *judge)
{
    int code = sqlite3_exec(judge->db, judge_tables_sql, NULL, NULL, NULL);

    if (code == SQLITE_OK)
        code = suppressions_prepare(judge->db);
    for (int i = 0; i < JUDGE_STATEMENTS && code == SQLITE_OK; i++)
        code = sqlite3_prepare_v3(judge->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                                  &judge->statements[i], NULL);
    if (code == SQLITE_OK)
        code = find_flagged(judge);
    return code == SQLITE_OK ? judge_score_prepare(judge) : code;
}

struct judge *judge_new(sqlite3 *db, struct rule_set *set, const struct judge_options *options,
                        char **error)
{
    struct judge *judge = calloc(1, sizeof(*judge));

    *error = NULL;
    if (!judge)
        return NULL;
    judge->db = db;
    judge->set = set;
    judge->options = *options;
    judge->withheld = calloc(set->count + 1, sizeof(*judge->withheld));
    judge->runner = rule_runner_new(db, set, options->limits, error);
    if (judge->withheld && judge->runner) {
        if (prepare(judge) == SQLITE_OK)
            return judge;
        *error = sqlite3_mprintf("cannot prepare for rules: %s", sqlite3_errmsg(db));
    }
    judge_free(judge);
    return NULL;
}

void judge_free(struct judge *judge)
{
    if (!judge)
        return;
    for (int i = 0; i < JUDGE_STATEMENTS; i++)
        sqlite3_finalize(judge->statements[i]);
    judge_score_finalize(judge);
    rule_runner_free(judge->runner);
    sqlite3_exec(judge->db,
                 "DROP VIEW IF EXISTS temp.current_flags;"
                 "DROP TABLE IF EXISTS temp.fresh_flags;"
                 "DROP TABLE IF EXISTS temp.touched_traces;"
                 "DROP TABLE IF EXISTS temp.moving_processes;"
                 "DROP TABLE IF EXISTS temp.suppressions",
                 NULL, NULL, NULL);
    free(judge->withheld);
    free(judge);
}

struct rule_runner *judge_runner(struct judge *judge)
{
    return judge->runner;
}

void judge_next_ids(const struct judge *judge, int64_t *next_flag, int64_t *next_reason)
{
    *next_flag = judge->options.next_flag;
    *next_reason = judge->options.next_reason;
}

const struct rule_work *judge_work(const struct judge *judge, size_t index)
{
    return rule_runner_work(judge->runner, index);
}

uint64_t judge_withheld(const struct judge *judge, size_t index)
{
    return judge->withheld[index];
}
