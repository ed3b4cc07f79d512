/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "checks.h"

#include <string.h>

#include "query.h"

#define SHOWN 4 /* ids of violating rows that are told */

enum explanation { NOTHING, LOST, CLOCK, ROLLED, EXPLANATIONS };

/* Each is a statement that gives a row where the store itself accounts for violations of the kind.
 */
static const struct {
    const char *sql;
    const char *words;
} explanations[EXPLANATIONS] = {
    [LOST] =
        {"SELECT 1 FROM losses WHERE stage IN ('queue', 'store') AND class <> 'retention' LIMIT 1",
         "rows were lost on their way to the store, see gaps"},
    [CLOCK] = {"SELECT 1 FROM losses WHERE class = 'clock' LIMIT 1", "the clock was set, see gaps"},
    [ROLLED] = {"SELECT 1 FROM losses WHERE class <> 'clock' LIMIT 1",
                "rows were lost or rolled away, see gaps"},
};

/* ---- rows name rows that are there ---- */

static const struct {
    const char *table, *column, *target;
} references[] = {
    {"recorders", "host_id", "hosts"},
    {"probes", "recorder_id", "recorders"},
    {"processes", "host_id", "hosts"},
    {"processes", "parent_id", "processes"},
    {"processes", "trace_id", "traces"},
    {"execs", "process_id", "processes"},
    {"connections", "host_id", "hosts"},
    {"connections", "process_id", "processes"},
    {"connections", "listener_id", "listeners"},
    {"connections", "peer_id", "connections"},
    {"connections", "peer_process_id", "processes"},
    {"listeners", "process_id", "processes"},
    {"holders", "connection_id", "connections"},
    {"holders", "process_id", "processes"},
    {"holders", "edge_id", "edges"},
    {"dns_queries", "process_id", "processes"},
    {"files", "process_id", "processes"},
    {"files", "connection_id", "connections"},
    {"privileges", "process_id", "processes"},
    {"privileges", "exec_id", "execs"},
    {"containers", "root_process_id", "processes"},
    {"traces", "root_process_id", "processes"},
    {"trace_links", "src_trace_id", "traces"},
    {"trace_links", "dst_trace_id", "traces"},
    {"trace_links", "edge_id", "edges"},
    {"edges", "src", "processes"},
    {"edges", "dst", "processes"},
    {"edges", "connection_id", "connections"},
    {"edges", "file_id", "files"},
    {"flags", "process_id", "processes"},
    {"flags", "exec_id", "execs"},
    {"flags", "connection_id", "connections"},
    {"flags", "file_id", "files"},
    {"flags", "edge_id", "edges"},
    {"flags", "trace_id", "traces"},
    {"score_reasons", "trace_id", "traces"},
    {"score_reasons", "flag_id", "flags"},
    {"pairs", "process_id", "processes"},
};

/* ---- the rest: `condition` is of rows x that violate it ---- */

static const struct rule {
    const char *table, *condition, *words;
    enum explanation explained;
} rules[] = {
    {"processes", "x.ended_at < x.started_at", "ended before they began", CLOCK},
    {"connections", "x.ended_at < x.started_at", "ended before they began", CLOCK},
    {"listeners", "x.ended_at < x.started_at", "ended before they began", CLOCK},
    {"containers", "x.ended_at < x.started_at", "ended before they began", CLOCK},
    {"traces", "x.ended_at < x.started_at", "ended before they began", CLOCK},
    {"traces", "x.last_at < x.started_at", "were last active before they began", CLOCK},
    {"edges", "x.last_at < x.at", "end before they begin", CLOCK},
    {"files", "x.last_at < x.at", "end before they begin", CLOCK},
    {"losses", "x.ended_at < x.started_at", "end before they begin", CLOCK},
    {"processes",
     "EXISTS (SELECT 1 FROM processes AS p WHERE p.id = x.parent_id AND p.started_at > "
     "x.started_at)",
     "began before their parents", CLOCK},
    {"edges",
     "EXISTS (SELECT 1 FROM processes AS p WHERE p.id = x.src AND p.started_at > x.last_at)",
     "are of processes that had not begun", CLOCK},
    {"connections",
     "x.peer_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM connections AS q WHERE q.id = x.peer_id "
     "AND q.peer_id = x.id)",
     "have an other end of which they are not the other end", LOST},
    {"edges", "x.count < 1", "happened less than once", NOTHING},
    {"processes", "x.parent_id = x.id", "are their own parents", NOTHING},
    {"traces", "x.process_count < (SELECT count(*) FROM processes AS p WHERE p.trace_id = x.id)",
     "have more processes than they count", LOST},
    {"traces", "x.process_count > (SELECT count(*) FROM processes AS p WHERE p.trace_id = x.id)",
     "count more processes than they have", ROLLED},
};

/* ---- running them ---- */

struct checking {
    struct session *session;
    finding_taker *take;
    void *context;
    size_t wrong;
    bool holds[EXPLANATIONS];
};

static void tell(struct checking *checking, enum explanation explained, const char *text)
{
    struct finding finding = {0};
    snprintf(finding.text, sizeof finding.text, "%s", text);
    if (checking->holds[explained])
        finding.explained = explanations[explained].words;
    else
        checking->wrong++;
    checking->take(checking->context, &finding);
}

static enum status read_explanations(struct checking *checking)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < EXPLANATIONS && status == STATUS_OK; i++) {
        int64_t found = 0;
        if (explanations[i].sql)
            status = query_integer(checking->session, &found, explanations[i].sql, "");
        checking->holds[i] = found;
    }
    return status;
}

static bool has_table(struct session *session, const char *name, enum status *status)
{
    int64_t found = 0;
    if (*status == STATUS_OK)
        *status = query_integer(session, &found,
                                "SELECT 1 FROM sqlite_schema WHERE name = ?1 AND type IN ('table', "
                                "'view')",
                                "t", name);
    return found;
}

/* The rows x of a table for which the condition holds: how many, and the first few. */
static enum status find_violations(struct checking *checking, const char *table,
                                   const char *condition, const char *words,
                                   enum explanation explained)
{
    struct result rows = {0};
    char text[400];
    char *sql =
        sqlite3_mprintf("SELECT count(*), group_concat(id, ', ') FILTER (WHERE n <= %d) FROM "
                        "(SELECT x.id, row_number() OVER (ORDER BY x.id) AS n FROM \"%w\" AS "
                        "x WHERE %s)",
                        SHOWN, table, condition);
    if (!sql)
        return STATUS_ERROR;
    enum status status = query_fetch(checking->session, &rows, sql, "");
    sqlite3_free(sql);
    if (status == STATUS_OK && result_row(&rows, 0)[0].integer > 0) {
        int64_t count = result_row(&rows, 0)[0].integer;
        snprintf(text, sizeof text, "%lld rows of %s %s: %s%s", (long long)count, table, words,
                 result_row(&rows, 0)[1].bytes.data, count > SHOWN ? ", ..." : "");
        tell(checking, explained, text);
    }
    result_free(&rows);
    return status;
}

static enum status check_file(struct checking *checking)
{
    struct result rows = {0};
    enum status status = query_fetch(checking->session, &rows, "PRAGMA integrity_check(20)", "");
    for (size_t i = 0; i < rows.rows; i++) {
        char text[400];
        struct text line = text_of_cell(result_row(&rows, i));
        if (line.length == 2 && memcmp(line.data, "ok", 2) == 0)
            continue;
        snprintf(text, sizeof text, "the file: %.*s", (int)line.length, line.data);
        tell(checking, NOTHING, text);
    }
    result_free(&rows);
    return status;
}

static enum status check_references(struct checking *checking)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof references / sizeof *references && status == STATUS_OK; i++) {
        const char *column = references[i].column, *target = references[i].target;
        if (!has_table(checking->session, references[i].table, &status) || status != STATUS_OK)
            continue;
        char words[80];
        snprintf(words, sizeof words, "name in %s a row of %s that is not there", column, target);
        char *condition =
            sqlite3_mprintf("x.\"%w\" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM \"%w\" "
                            "AS y WHERE y.id = x.\"%w\")",
                            column, target, column);
        status = condition ? find_violations(checking, references[i].table, condition, words, LOST)
                           : STATUS_ERROR;
        sqlite3_free(condition);
    }
    return status;
}

static enum status check_rules(struct checking *checking)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof rules / sizeof *rules && status == STATUS_OK; i++)
        if (has_table(checking->session, rules[i].table, &status))
            status = find_violations(checking, rules[i].table, rules[i].condition, rules[i].words,
                                     rules[i].explained);
    return status;
}

/* Numbers that were given out are below where the numbering stands, or they would come again. */
static enum status check_numbering(struct checking *checking)
{
    struct result tables = {0};
    enum status status = query_fetch(checking->session, &tables,
                                     "SELECT name, last_id FROM sequences WHERE name IN "
                                     "(SELECT name FROM sqlite_schema)",
                                     "");
    for (size_t i = 0; i < tables.rows && status == STATUS_OK; i++) {
        const struct cell *row = result_row(&tables, i);
        char *condition = sqlite3_mprintf("x.id > %lld OR x.id < 1", (long long)row[1].integer);
        status = condition ? find_violations(checking, row[0].bytes.data, condition,
                                             "have ids outside of their numbering", NOTHING)
                           : STATUS_ERROR;
        sqlite3_free(condition);
    }
    result_free(&tables);
    return status;
}

enum status checks_run(struct session *session, finding_taker *take, void *context, size_t *wrong)
{
    struct checking checking = {.session = session, .take = take, .context = context};
    enum status status = check_file(&checking);
    if (status == STATUS_OK)
        status = read_explanations(&checking);
    if (status == STATUS_OK)
        status = check_references(&checking);
    if (status == STATUS_OK)
        status = check_rules(&checking);
    if (status == STATUS_OK)
        status = check_numbering(&checking);
    *wrong = checking.wrong;
    return status;
}
