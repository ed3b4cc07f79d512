/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What may be rolled away: a rule for each table, in the order in which they are applied, those
 * tables first whose rows need others. A row goes when what it tells was over before the horizon
 * and no row that stays needs it.
 *
 * Kept with a process that stays, so that it does not lose where it came from: the fork that made
 * it, the container that it was started in, who wrote the program or the script that it runs, and
 * all this of those in turn. Kept with a pinned trace: all that its processes did, and those that
 * they acted with.
 */
#include <string.h>

#include "clock.h"
#include "retention_private.h"
#include "statement.h"

/* clang-format off */

/*
 * In the conditions and deletions: x is the row, ?1 and ?2 the ids between which it is looked for, ?3
 * the time just after the horizon, ?4 whether anything is pinned, ?5 the highest id that may go, ?6 now. A
 * time later than now was written before the clock was set back.
 */
#define OVER(time)  "(" time " NOT BETWEEN ?3 AND ?6)"
#define STILL(time) "(" time " IS NULL OR " time " BETWEEN ?3 AND ?6)"

#define NONE(table, condition) "NOT EXISTS (SELECT 1 FROM " table " WHERE " condition ")"
#define SOME(table, condition) "EXISTS (SELECT 1 FROM " table " WHERE " condition ")"

/* No row has it there. The table's own name and a column that begins an index: this looks into the
 * index, which stays open from row to row. */
#define NOWHERE(value, table, column)                                                              \
    "NOT coalesce(" value " IN (SELECT " column " FROM " table "), 0)"

#define TRACE_PINNED(trace) "(?4 AND " SOME("temp.pinned_traces AS n", "n.trace_id = " trace) ")"
#define PINNED(process)                                                                            \
    "(?4 AND " SOME("processes AS o CROSS JOIN temp.pinned_traces AS n ON n.trace_id = o.trace_id", \
                    "o.id = " process) ")"

#define TRACE_OVER(trace) NONE("traces AS t", "t.id = " trace " AND " STILL("t.ended_at"))

/* Why a process runs what it runs. */
#define ORIGIN(edge)                                                                               \
    "(" edge ".kind IN ('fork', 'runtime') OR (" edge ".kind = 'file' AND "                        \
    "coalesce(" edge ".detail, '') IN ('exec', 'script')))"

/* Either end of a connection: both go together or not at all. */
#define END_OVER(end)                                                                              \
    OVER(end ".ended_at") " AND NOT " PINNED(end ".process_id")                                    \
    " AND " NONE("edges AS e", "e.connection_id = " end ".id")                                     \
    " AND " NONE("holders AS h", "h.connection_id = " end ".id")                                   \
    " AND " NONE("files AS f", "f.connection_id = " end ".id")                                     \
    " AND " NONE("flags AS g", "g.connection_id = " end ".id")

/* The rows that go. */
#define GONE "(SELECT id FROM " STORE_FEED "gone)"

struct deletion {
    enum row_kind kind; /* GOES_NOT: of none, rows are only changed */
    /* The rows of GONE, or what goes with them. Where somebody has to know which went it returns
     * their ids, and in a second column a process that each may have kept. */
    const char *sql;
};

#define GOES_NOT ROW_KIND_COUNT

struct rule {
    enum row_kind kind;
    const char *condition;
    struct deletion deletions[RULE_DELETES_MAX];
};

#define ITSELF(KIND, table) {ROW_##KIND, "DELETE FROM " table " WHERE id IN " GONE}

static const struct rule rules_table[] = {
    /* The points of a trace that is over are no longer explained. */
    {ROW_SCORE_REASON,
     TRACE_OVER("x.trace_id") " AND NOT " TRACE_PINNED("x.trace_id"),
     {ITSELF(SCORE_REASON, "score_reasons")}},

    {ROW_FLAG,
     OVER("x.at") " AND NOT " TRACE_PINNED("x.trace_id") " AND NOT " PINNED("x.process_id")
     " AND " NONE("score_reasons AS s", "s.flag_id = x.id"),
     {ITSELF(FLAG, "flags")}},

    /* What was not met again for so long is new when it comes back. */
    {ROW_PAIR, OVER("x.last_at"), {ITSELF(PAIR, "pairs")}},

    {ROW_PRIVILEGE,
     OVER("x.at") " AND NOT " PINNED("x.process_id"),
     {ITSELF(PRIVILEGE, "privileges")}},

    {ROW_DNS_QUERY,
     OVER("x.at") " AND NOT " PINNED("x.process_id"),
     {ITSELF(DNS_QUERY, "dns_queries")}},

    /* The one by which a living process has become what it is stays. */
    {ROW_EXEC,
     OVER("x.at") " AND NOT " PINNED("x.process_id")
     " AND " NONE("privileges AS v", "v.process_id = x.process_id AND v.exec_id = x.id")
     " AND " NONE("flags AS g", "g.exec_id = x.id")
     " AND NOT (x.error IS NULL"
     " AND " SOME("processes AS p", "p.id = x.process_id AND " STILL("p.ended_at"))
     " AND " NONE("execs AS y", "y.process_id = x.process_id AND y.at > x.at AND y.error IS NULL")
     ")",
     {ITSELF(EXEC, "exec_rows")}},

    {ROW_TRACE_LINK,
     OVER("x.last_at")
     " AND (" TRACE_OVER("x.src_trace_id") " OR " TRACE_OVER("x.dst_trace_id") ")"
     " AND NOT " TRACE_PINNED("x.src_trace_id") " AND NOT " TRACE_PINNED("x.dst_trace_id"),
     {ITSELF(TRACE_LINK, "trace_links")}},

    {ROW_HOLDER,
     OVER("x.at") " AND NOT " PINNED("x.process_id")
     " AND " NONE("connections AS c", "c.id = x.connection_id AND (" STILL("c.ended_at")
                  " OR " PINNED("c.process_id") ")"),
     {ITSELF(HOLDER, "holders")}},

    {ROW_EDGE,
     "x.open = 0 AND " OVER("x.last_at")
     " AND NOT " PINNED("x.src") " AND NOT " PINNED("x.dst")
     " AND " NOWHERE("x.id", "trace_links", "edge_id")
     " AND " NONE("flags AS g", "g.edge_id = x.id")
     " AND " NONE("holders AS h", "h.process_id = x.dst AND h.edge_id = x.id")
     " AND NOT (" ORIGIN("x") " AND x.dst IN (SELECT id FROM process_rows))",
     {{ROW_EDGE, "DELETE FROM edge_rows WHERE id IN " GONE " RETURNING id"}}},

    {ROW_FILE,
     OVER("coalesce(x.last_at, x.at)") " AND NOT " PINNED("x.process_id")
     " AND " NONE("edges AS e", "e.file_id = x.id")
     " AND " NONE("flags AS g", "g.file_id = x.id"),
     {ITSELF(FILE, "files")}},

    {ROW_CONNECTION,
     END_OVER("x")
     " AND (x.peer_id IS NULL OR " NONE("connections AS q", "q.id = x.peer_id")
     " OR " SOME("connections AS q", "q.id = x.peer_id AND q.id <= ?5 AND " END_OVER("q")) ")",
     {{ROW_CONNECTION,
       "DELETE FROM connection_rows WHERE id IN (SELECT c.peer_id FROM connections AS c"
       " WHERE c.id IN " GONE ")"},
      ITSELF(CONNECTION, "connection_rows")}},

    /* Whoever it accepted came while it was there: few of those are left so long after. */
    {ROW_LISTENER,
     OVER("x.ended_at") " AND NOT " PINNED("x.process_id")
     " AND " NONE("connections AS c", "c.started_at <= x.ended_at AND c.listener_id = x.id"),
     {ITSELF(LISTENER, "listeners")}},

    {ROW_CONTAINER,
     OVER("x.ended_at") " AND NOT " PINNED("x.root_process_id"),
     {ITSELF(CONTAINER, "containers")}},

    /* The first process of a trace goes last of it, and the trace with it; with a process go the
     * edges that it was kept with, and the files behind these. */
    {ROW_PROCESS,
     OVER("x.ended_at") " AND NOT " TRACE_PINNED("x.trace_id")
     " AND " NOWHERE("x.id", "process_rows", "parent_id")
     " AND " NOWHERE("x.id", "exec_rows", "process_id")
     " AND " NOWHERE("x.id", "privileges", "process_id")
     " AND " NOWHERE("x.id", "dns_queries", "process_id")
     " AND " NOWHERE("x.id", "files", "process_id")
     " AND " NOWHERE("x.id", "connection_rows", "process_id")
     " AND " NOWHERE("x.id", "listeners", "process_id")
     " AND " NOWHERE("x.id", "holders", "process_id")
     " AND " NOWHERE("x.id", "flags", "process_id")
     " AND " NONE("containers AS c", "c.container_id = x.container_id AND c.root_process_id = x.id")
     " AND " NOWHERE("x.id", "edge_rows", "src")
     " AND " NONE("edge_rows AS e", "e.dst = x.id AND NOT (e.open = 0"
                  " AND " OVER("e.at + e.last_after")
                  " AND (e.kind IN (0, 9) OR " SOME("edges AS o", "o.id = e.id AND " ORIGIN("o")) ")"
                  " AND NOT " PINNED("e.src")
                  " AND " NONE("trace_links AS l", "l.edge_id = e.id")
                  " AND " NONE("flags AS g", "g.edge_id = e.id") ")")
     " AND " NONE("traces AS t", "t.id = x.trace_id AND t.root_process_id = x.id AND ("
                  STILL("t.ended_at")
                  " OR " SOME("processes AS o", "o.trace_id = t.id AND o.id <> x.id")
                  " OR " SOME("trace_links AS l", "l.src_trace_id = t.id")
                  " OR " SOME("flags AS g", "g.trace_id = t.id")
                  " OR " SOME("score_reasons AS s", "s.trace_id = t.id")
                  " OR " SOME("trace_links AS l", "l.dst_trace_id = t.id") ")"),
     {{GOES_NOT, "UPDATE pairs SET process_id = NULL WHERE process_id IN " GONE},
      {ROW_FILE,
       "DELETE FROM files WHERE id IN (SELECT e.file_id FROM edges AS e WHERE e.dst IN " GONE ")"
       " AND " OVER("coalesce(last_at, at)")
       " AND " NONE("edges AS e", "e.file_id = files.id AND e.dst NOT IN " GONE)
       " AND " NONE("flags AS g", "g.file_id = files.id")},
      {ROW_EDGE, "DELETE FROM edge_rows WHERE dst IN " GONE " RETURNING id, src"},
      {ROW_TRACE,
       "DELETE FROM traces WHERE id IN (SELECT t.id FROM processes AS p CROSS JOIN traces AS t"
       " ON t.id = p.trace_id AND t.root_process_id = p.id WHERE p.id IN " GONE ")"},
      {ROW_PROCESS, "DELETE FROM process_rows WHERE id IN " GONE " RETURNING id, parent_id"}}},

    /* Those whose first process is not there. */
    {ROW_TRACE,
     OVER("x.ended_at") " AND NOT " TRACE_PINNED("x.id")
     " AND " NONE("processes AS p", "p.id = x.root_process_id")
     " AND " NONE("processes AS p", "p.trace_id = x.id")
     " AND " NONE("flags AS g", "g.trace_id = x.id")
     " AND " NONE("score_reasons AS s", "s.trace_id = x.id")
     " AND " NONE("trace_links AS l", "l.src_trace_id = x.id")
     " AND " NONE("trace_links AS l", "l.dst_trace_id = x.id"),
     {ITSELF(TRACE, "traces")}},

    {ROW_PROBE,
     "x.recorder_id < (SELECT max(id) FROM recorders)"
     " AND " NONE("recorders AS r", "r.id = x.recorder_id AND r.last_seen_at BETWEEN ?3 AND ?6"),
     {ITSELF(PROBE, "probes")}},

    {ROW_RECORDER,
     OVER("x.last_seen_at") " AND x.id < (SELECT max(id) FROM recorders)"
     " AND " NONE("probes AS o", "o.recorder_id = x.id"),
     {ITSELF(RECORDER, "recorders")}},

    {ROW_LOSS,
     OVER("x.ended_at") " AND x.class <> 'retention'",
     {ITSELF(LOSS, "losses")}},
};

/* clang-format on */

#define RULES (sizeof(rules_table) / sizeof(rules_table[0]))
_Static_assert(RULES <= RULES_MAX, "room for every rule's cursor");

#define FREED_MAX 64

/* Rows that go at once. */
#define TOGETHER STORE_FEED_ROWS

struct statements {
    sqlite3_stmt *end;  /* the last of the next ?3 ids between ?1 and ?2 */
    sqlite3_stmt *find; /* the ids that may go */
    sqlite3_stmt *deletions[RULE_DELETES_MAX];
};

struct rules {
    struct store *store;
    struct store_table gone; /* of the feed, as ids */
    struct statements of[RULES];
    int64_t found[RULE_ROWS_MAX];
    int64_t freed[FREED_MAX]; /* processes that one which went may have kept */
    size_t freed_count;
};

/* One look at one rule. */
struct sweep {
    struct rules *rules;
    size_t rule;
    const struct horizon *horizon;
    struct rolled *rolled;
};

size_t rules_count(void)
{
    return RULES;
}

enum row_kind rules_kind(size_t rule)
{
    return rules_table[rule].kind;
}

/* ---- statements ---- */

static int prepare_rule(struct store *store, const struct rule *rule, struct statements *of)
{
    const char *table = row_tables[rule->kind].name;
    int code = statement_prepare(
        store->db,
        sqlite3_mprintf("SELECT max(id) FROM (SELECT id FROM \"%w\" WHERE id > ?1 AND "
                        "id <= ?2 ORDER BY id LIMIT ?3)",
                        table),
        &of->end);
    if (code == SQLITE_OK)
        code = statement_prepare(
            store->db,
            sqlite3_mprintf("SELECT x.id FROM \"%w\" AS x WHERE x.id > ?1 AND x.id <= ?2 "
                            "AND %s ORDER BY x.id",
                            table, rule->condition),
            &of->find);
    for (size_t i = 0; code == SQLITE_OK && i < RULE_DELETES_MAX && rule->deletions[i].sql; i++)
        code = statement_prepare(store->db, sqlite3_mprintf("%s", rule->deletions[i].sql),
                                 &of->deletions[i]);
    return code;
}

static int prepare_gone(struct store *store, struct store_table *gone)
{
    gone->fields[0] = (struct store_field){.name = "id", .type = COLUMN_INTEGER};
    gone->field_count = 1;
    return store_feed_create(store, gone, "gone");
}

struct rules *rules_prepare(struct store *store)
{
    struct rules *rules = sqlite3_malloc64(sizeof(*rules));
    if (rules)
        memset(rules, 0, sizeof(*rules));
    int code = rules ? prepare_gone(store, &rules->gone) : SQLITE_NOMEM;
    for (size_t i = 0; i < RULES && code == SQLITE_OK; i++)
        code = prepare_rule(store, &rules_table[i], &rules->of[i]);
    if (code == SQLITE_OK) {
        rules->store = store;
        return rules;
    }
    store_failed(store, "cannot prepare to roll");
    rules_finalize(rules);
    return NULL;
}

void rules_finalize(struct rules *rules)
{
    for (size_t i = 0; rules && i < RULES; i++) {
        sqlite3_finalize(rules->of[i].end);
        sqlite3_finalize(rules->of[i].find);
        for (size_t j = 0; j < RULE_DELETES_MAX; j++)
            sqlite3_finalize(rules->of[i].deletions[j]);
    }
    sqlite3_free(rules);
}

/* ---- finding ---- */

/* The last of the next `most` ids behind the cursor; 0: there are none. */
static int find_end(const struct sweep *sweep, int64_t cursor, size_t most, int64_t *end)
{
    sqlite3_stmt *statement = sweep->rules->of[sweep->rule].end;
    sqlite3_bind_int64(statement, 1, cursor);
    sqlite3_bind_int64(statement, 2, sweep->horizon->mark->last_id[rules_table[sweep->rule].kind]);
    sqlite3_bind_int64(statement, 3, (int64_t)most);
    *end = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    return sqlite3_reset(statement);
}

static void bind(const struct sweep *sweep, sqlite3_stmt *statement, int64_t from, int64_t to)
{
    const struct horizon *horizon = sweep->horizon;
    const int64_t values[] = {from,
                              to,
                              horizon->mark->at + 1,
                              horizon->pins,
                              horizon->mark->last_id[rules_table[sweep->rule].kind],
                              horizon->now};
    int count = sqlite3_bind_parameter_count(statement);
    for (int i = 0; i < count; i++)
        sqlite3_bind_int64(statement, i + 1, values[i]);
}

/* Behind `from`, up to `to`; there is room for so many ids. */
static int find_rows(const struct sweep *sweep, int64_t from, int64_t to, int64_t *found,
                     size_t *count)
{
    sqlite3_stmt *statement = sweep->rules->of[sweep->rule].find;
    bind(sweep, statement, from, to);
    for (*count = 0; sqlite3_step(statement) == SQLITE_ROW; (*count)++)
        found[*count] = sqlite3_column_int64(statement, 0);
    return sqlite3_reset(statement);
}

/* ---- rolling away ---- */

/* Who holds the graph in memory has to know. */
static void note_gone(struct store *store, enum row_kind kind, int64_t id)
{
    if (kind == ROW_PROCESS || kind == ROW_EDGE)
        store_changes_note(store, &(struct row){kind, &id});
}

static void note_freed(struct rules *rules, int64_t id)
{
    for (size_t i = 0; i < rules->freed_count; i++)
        if (rules->freed[i] == id)
            return;
    if (rules->freed_count < FREED_MAX)
        rules->freed[rules->freed_count++] = id;
}

static int remove_by(const struct sweep *sweep, const struct deletion *deletion,
                     sqlite3_stmt *statement)
{
    struct rules *rules = sweep->rules;
    bind(sweep, statement, 0, 0);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        note_gone(rules->store, deletion->kind, sqlite3_column_int64(statement, 0));
        if (sqlite3_column_count(statement) > 1 &&
            sqlite3_column_type(statement, 1) == SQLITE_INTEGER)
            note_freed(rules, sqlite3_column_int64(statement, 1));
    }
    int code = sqlite3_reset(statement);
    if (code == SQLITE_OK && deletion->kind != GOES_NOT)
        sweep->rolled->count[deletion->kind] += sqlite3_changes(rules->store->db);
    return code;
}

static int remove_rows(const struct sweep *sweep, const int64_t *ids, size_t count)
{
    struct rules *rules = sweep->rules;
    struct store_feed *gone = &rules->store->feed;
    const struct deletion *deletions = rules_table[sweep->rule].deletions;
    int code = SQLITE_OK;
    for (size_t i = 0; i < count; i++)
        gone->values[i][0] = (struct store_value){ids[i], TEXT_NULL};
    gone->count = count;
    for (size_t i = 0; i < RULE_DELETES_MAX && deletions[i].sql && code == SQLITE_OK; i++)
        code = remove_by(sweep, &deletions[i], rules->of[sweep->rule].deletions[i]);
    gone->count = 0;
    return code;
}

/* Parents, and writers of programs, that were only kept by what went. */
static int remove_freed(const struct sweep *sweep)
{
    struct rules *rules = sweep->rules;
    int code = SQLITE_OK;
    while (rules->freed_count > 0 && code == SQLITE_OK) {
        int64_t id = rules->freed[--rules->freed_count];
        int64_t found;
        size_t count = 0;
        if (id <= sweep->horizon->mark->last_id[ROW_PROCESS])
            code = find_rows(sweep, id - 1, id, &found, &count);
        if (code == SQLITE_OK && count > 0)
            code = remove_rows(sweep, &id, 1);
    }
    return code;
}

/* *last: the row up to which all is done. */
static int remove_found(const struct sweep *sweep, size_t count, int64_t until, int64_t *last)
{
    struct rules *rules = sweep->rules;
    int code = SQLITE_OK;
    for (size_t i = 0; i < count && code == SQLITE_OK; i += TOGETHER) {
        size_t end = count - i < TOGETHER ? count : i + TOGETHER;
        code = remove_rows(sweep, rules->found + i, end - i);
        if (code == SQLITE_OK)
            code = remove_freed(sweep);
        if (end < count && clock_ns(CLOCK_MONOTONIC) >= until) {
            *last = rules->found[end - 1];
            break;
        }
    }
    return code;
}

enum store_status rules_apply(struct rules *rules, size_t rule, const struct horizon *horizon,
                              size_t most, int64_t until, int64_t *cursor, bool *done,
                              struct rolled *rolled)
{
    struct sweep sweep = {rules, rule, horizon, rolled};
    size_t count = 0;
    int64_t end;
    int code = find_end(&sweep, *cursor, most, &end);
    *done = end == 0;
    if (code == SQLITE_OK && !*done)
        code = find_rows(&sweep, *cursor, end, rules->found, &count);
    if (code == SQLITE_OK)
        code = remove_found(&sweep, count, until, &end);
    rules->freed_count = 0;
    if (code != SQLITE_OK)
        return store_failed(rules->store, "cannot roll old rows away");
    if (!*done)
        *cursor = end;
    return STORE_OK;
}
