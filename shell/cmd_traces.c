/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The traces, the highest score first, then the newest activity; or the trace of one process, and
 * those that led into it and that it led into.
 */
#include "command.h"
#include "complain.h"
#include "narrative.h"
#include "query.h"
#include "stop.h"
#include "target_tell.h"

#define PERSON_ROWS 100 /* for a person, unless --rows says otherwise */
#define WIDE        130 /* columns from which a terminal shows the table for programs */

#define STATE "CASE WHEN t.ended_at IS NULL THEN 'open' ELSE 'ended' END"
#define TRACE                                                                                      \
    "t.id, t.kind, t.title, t.user, t.started_at, t.last_at, t.process_count AS processes, "       \
    "t.connection_count AS connections, " STATE " AS state, t.score "
#define MINUTES(column) "strftime('%m-%d %H:%M', t." column " / 1000000000, 'unixepoch')"

/* ---- all of them: ?1 and ?2 are the span, ?3 how many ---- */

/* The first of those with a score and the first of those without, each by its index. */
#define ACTIVE "t.last_at >= ?1 AND (t.started_at IS NULL OR +t.started_at <= ?2) "
#define SCORED                                                                                     \
    "SELECT t.id FROM traces AS t WHERE t.score IS NOT NULL AND +" ACTIVE                          \
    "ORDER BY t.score DESC, t.last_at DESC, t.id DESC LIMIT ?3"
#define UNSCORED                                                                                   \
    "SELECT t.id FROM traces AS t WHERE t.score IS NULL AND " ACTIVE                               \
    "ORDER BY t.last_at DESC, t.id DESC LIMIT ?3"
#define FIRST                                                                                      \
    "WITH first (id) AS MATERIALIZED (SELECT id FROM (" SCORED                                     \
    ") UNION ALL SELECT id FROM (" UNSCORED ")) "
#define NEWEST                                                                                     \
    "FROM first CROSS JOIN traces AS t ON t.id = first.id "                                        \
    "ORDER BY coalesce(t.score, 0) DESC, t.last_at DESC, t.id DESC LIMIT ?3"
#define WHY                                                                                        \
    "(SELECT group_concat(why, '; ') FROM (SELECT r.points || ' points: ' || r.reason AS why "     \
    "FROM "                                                                                        \
    "score_reasons AS r WHERE r.trace_id = t.id ORDER BY r.id))"

static const char all_sql[] = FIRST "SELECT " TRACE ", t.severity, " WHY " AS why " NEWEST;
/* For stores of before there were rules. */
static const char scoreless_sql[] = FIRST "SELECT " TRACE NEWEST;
static const char narrow_sql[] =
    FIRST "SELECT t.id, " MINUTES("started_at") " AS started, " MINUTES(
        "last_at") " AS last, "
                   "t.process_count AS procs, t.connection_count AS conns, " STATE " AS state, "
                   "coalesce(t.score, '') AS score, t.title " NEWEST;

/* Whether a person's table has to be made narrow. */
static bool is_narrow(const struct session *session)
{
    const struct style *style = output_style(session->output);
    return session_format(session) == &format_table && !style->raw_times && style->width &&
           style->width < WIDE;
}

static int64_t row_limit(const struct session *session)
{
    if (session->options.rows)
        return session->options.rows;
    return session_for_person(session) ? PERSON_ROWS : INT64_MAX;
}

static enum status list(struct session *session)
{
    struct span span;
    struct result result;
    int64_t limit = row_limit(session);
    if (!session_span(session, &span))
        return STATUS_USAGE;
    int64_t reasons = 0;
    enum status status = query_integer(
        session, &reasons, "SELECT count(*) FROM sqlite_schema WHERE name = 'score_reasons'", "");
    if (status != STATUS_OK)
        return status;
    status = query_fetch(session, &result,
                         is_narrow(session) ? narrow_sql
                         : reasons          ? all_sql
                                            : scoreless_sql,
                         "iii", span.since, span.until, limit);
    if (status == STATUS_OK)
        query_show(session, &result);
    if (!session->options.rows && result.rows == PERSON_ROWS && session_for_person(session))
        complain("these are the first %d; --rows, --since and --until choose others", PERSON_ROWS);
    result_free(&result);
    return status;
}

/* ---- one of them: ?1 is the process, ?2 and ?3 the span ---- */

#define LINKED                                                                                     \
    "WITH this (id) AS (SELECT trace_id FROM processes WHERE id = ?1), "                           \
    "linked (relation, id, kind, at, last_at, count, edge_id) AS ("                                \
    "SELECT 'this', id, NULL, NULL, NULL, NULL, NULL FROM this UNION ALL "                         \
    "SELECT 'from', src_trace_id, kind, at, last_at, count, edge_id FROM trace_links "             \
    "  WHERE dst_trace_id = (SELECT id FROM this) AND at <= ?3 AND last_at >= ?2 UNION ALL "       \
    "SELECT 'into', dst_trace_id, kind, at, last_at, count, edge_id FROM trace_links "             \
    "  WHERE src_trace_id = (SELECT id FROM this) AND at <= ?3 AND last_at >= ?2) "
#define IN_ORDER                                                                                   \
    "FROM linked AS l CROSS JOIN traces AS t ON t.id = l.id ORDER BY l.relation <> 'this', l.at, " \
    "l.edge_id"

static const char linked_sql[] =
    LINKED "SELECT l.relation, " TRACE ", l.kind AS link_kind, l.at AS link_at, "
           "l.last_at AS link_last_at, l.count AS link_count, l.edge_id " IN_ORDER;

enum told_column { TOLD_AT, TOLD_SENTENCE, TOLD_PROOF };

#define COUNTED(column, one, many)                                                                 \
    column " || CASE " column " WHEN 1 THEN ' " one "' ELSE ' " many "' END"
#define NAMED "'trace ' || t.id || coalesce(', ' || t.title, '')"
#define TIMES "CASE l.count WHEN 1 THEN '' ELSE ', ' || l.count || ' times' END"

static const char told_sql[] = LINKED
    "SELECT coalesce(l.at, t.started_at), CASE l.relation WHEN 'from' THEN " NAMED
    " || ', led into it (' || l.kind || " TIMES " || ')' WHEN 'into' THEN 'it led into ' || " NAMED
    " || ' (' || l.kind || " TIMES " || ')' ELSE " NAMED
    " || ': ' || " COUNTED("t.process_count", "process", "processes") " || ', ' || " COUNTED(
        "t.connection_count", "connection",
        "connections") " || ', ' || coalesce('score ' || "
                       "t.score || ', ', '') || " STATE
                       " || ', last active ' || strftime('%Y-%m-%dT%H:%M:%SZ', t.last_at / "
                       "1000000000, 'unixepoch') END, "
                       "'[edge ' || l.edge_id || ']' " IN_ORDER;

static void tell(struct session *session, const struct found *found, const struct result *result)
{
    FILE *out = output_file(session->output);
    struct narrative narrative;
    tell_found(out, output_style(session->output), "", found);
    narrative_begin(&narrative, out, output_style(session->output));
    for (size_t i = 0; i < result->rows && !stop_requested(); i++) {
        const struct cell *row = result_row(result, i);
        narrative_say(&narrative, &row[TOLD_AT], text_of_cell(&row[TOLD_SENTENCE]),
                      text_of_cell(&row[TOLD_PROOF]));
    }
    fflush(out);
}

static enum status show_linked(struct session *session, const struct found *found,
                               const struct span *span)
{
    bool person = session_format(session) == &format_table;
    struct result result;
    enum status status = query_fetch(session, &result, person ? told_sql : linked_sql, "iii",
                                     found->process_id, span->since, span->until);
    if (status == STATUS_OK && result.rows == 0) {
        complain("process %lld belongs to no trace in the store", (long long)found->process_id);
        status = STATUS_ERROR;
    } else if (status == STATUS_OK && person) {
        tell(session, found, &result);
    } else if (status == STATUS_OK) {
        query_show(session, &result);
    }
    result_free(&result);
    return status;
}

static enum status traces_run(struct session *session, char **operands)
{
    struct found found;
    struct span span;
    enum status status = query_need(session, "traces");
    if (status != STATUS_OK || !operands[0])
        return status == STATUS_OK ? list(session) : status;
    status = target_find(session, operands[0], &found);
    if (status == STATUS_OK && !session_span(session, &span))
        status = STATUS_USAGE;
    if (status == STATUS_OK)
        status = show_linked(session, &found, &span);
    found_free(&found);
    return status;
}

const struct command command_traces = {
    .name = "traces",
    .arguments = "[TARGET]",
    .summary = "logins, jobs, services",
    .help = "A trace is all that one login session, cron job, service or container set off.\n"
            "The highest score first, with where its points come from, then the newest activity;\n"
            "--since and --until keep those that were active then. A person gets the first 100,\n"
            "--rows N as many as that. With a TARGET, the trace of\n"
            "that process, and each trace that led into it or that it led into, with the edge.\n"
            "'help targets' tells what a TARGET can be.\n"
            "Example:  traces --since today\n",
    .most = 1,
    .takes = OPTIONS_SPAN | OPTION_ROWS,
    .followed = true,
    .run = traces_run,
};
