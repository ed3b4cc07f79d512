/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The flags: what rules have found, of the traces with the highest scores first, and why it counts.
 */
#include "command.h"
#include "complain.h"
#include "query.h"
#include "target.h"

#define PERSON_ROWS 100 /* for a person, unless --rows says otherwise */
#define WIDE        130 /* columns from which a terminal shows the table for programs */

#define RANK                                                                                       \
    "CASE f.severity WHEN 'critical' THEN 4 WHEN 'high' THEN 3 WHEN 'medium' THEN 2 "              \
    "WHEN 'low' THEN 1 ELSE 0 END"
#define WHY                                                                                        \
    "(SELECT group_concat(r.points || ' points: ' || r.reason, '; ') FROM score_reasons AS r "     \
    "WHERE r.flag_id = f.id)"

/* ?1 is how many, ?2 and ?3 the span, ?4 the trace; NULL: all. Suppressed ones come last. */
#define ORDER                                                                                      \
    "ORDER BY f.suppressed_by IS NOT NULL, coalesce(t.score, 0) DESC, f.trace_id, " RANK " DESC, " \
    "f.at DESC, f.id DESC LIMIT ?1"
#define JOINED                                                                                     \
    "LEFT JOIN processes AS p ON p.id = f.process_id LEFT JOIN traces AS t ON t.id = f.trace_id "
#define FOUND                                                                                      \
    "FROM flags AS f " JOINED                                                                      \
    "WHERE f.at >= ?2 AND f.at <= ?3 AND (?4 IS NULL OR f.trace_id = ?4) " ORDER

/*
 * The first ?1 of all, without sorting all: by the index of the scores from the highest on, then
 * those that have none, by the index of their traces; then the same of what is suppressed. Each is
 * asked for as many as the ones before it lack.
 */
#define SCORED(suppressed, before)                                                                 \
    "(SELECT f.id FROM traces AS t CROSS JOIN flags AS f ON f.trace_id = t.id "                    \
    "WHERE t.score > 0 AND f.suppressed_by IS " suppressed " ORDER BY t.score DESC, t.id, " RANK   \
    " DESC, f.at DESC, f.id DESC LIMIT ?1 - (" before ")), "
#define UNSCORED(suppressed, before)                                                               \
    "(SELECT f.id FROM flags AS f WHERE f.suppressed_by IS " suppressed                            \
    " AND NOT EXISTS (SELECT 1 FROM traces AS t WHERE t.id = f.trace_id AND t.score > 0) "         \
    "ORDER BY f.trace_id, " RANK " DESC, f.at DESC, f.id DESC LIMIT ?1 - (" before ")), "
#define COUNT(part) "(SELECT count(*) FROM " part ")"
#define UP_TO_TOP   COUNT("top")
#define UP_TO_REST  UP_TO_TOP " + " COUNT("rest")
#define UP_TO_QUIET UP_TO_REST " + " COUNT("quiet")
#define TOP         "top (id) AS MATERIALIZED " SCORED("NULL", "0")
#define REST        "rest (id) AS MATERIALIZED " UNSCORED("NULL", UP_TO_TOP)
#define QUIET       "quiet (id) AS MATERIALIZED " SCORED("NOT NULL", UP_TO_REST)
#define LAST        "last (id) AS MATERIALIZED " UNSCORED("NOT NULL", UP_TO_QUIET)
#define FIRST                                                                                      \
    "WITH " TOP REST QUIET LAST "first (id) AS (SELECT id FROM top UNION ALL SELECT id FROM rest " \
    "UNION ALL SELECT id FROM quiet UNION ALL SELECT id FROM last) "
#define OF_FIRST "FROM first CROSS JOIN flags AS f ON f.id = first.id " JOINED ORDER

#define ALL                                                                                        \
    "SELECT f.id, f.at, f.severity, f.rule, f.title, f.detail, f.techniques, f.process_id, "       \
    "p.pid, coalesce(p.cmdline, p.comm) AS process, f.exec_id, f.connection_id, f.file_id, "       \
    "f.edge_id, f.trace_id, t.score, f.suppressed_by, " WHY " AS why "
#define NARROW                                                                                     \
    "SELECT f.id, strftime('%m-%d %H:%M', f.at / 1000000000, 'unixepoch') AS at, f.trace_id AS "   \
    "trace, coalesce(t.score, '') AS score, CASE WHEN f.suppressed_by IS NULL THEN f.severity "    \
    "ELSE 'suppr.' END AS severity, f.title || coalesce(': ' || p.comm || ' (pid ' || p.pid || "   \
    "')', '') || coalesce(', ' || f.detail, '') AS what "

static const char all_sql[] = ALL FOUND;
static const char all_first_sql[] = FIRST ALL OF_FIRST;
static const char narrow_sql[] = NARROW FOUND;
static const char narrow_first_sql[] = FIRST NARROW OF_FIRST;

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

static enum status list(struct session *session, const struct span *span, int64_t trace_id)
{
    struct result result;
    enum status status;
    int64_t limit = row_limit(session);
    bool narrow = is_narrow(session);
    bool ever = span->since == INT64_MIN && span->until == INT64_MAX;
    if (ever && trace_id == INTEGER_NULL && limit < INT64_MAX)
        status =
            query_fetch(session, &result, narrow ? narrow_first_sql : all_first_sql, "i", limit);
    else
        status = query_fetch(session, &result, narrow ? narrow_sql : all_sql, "iiin", limit,
                             span->since, span->until, trace_id);
    if (status == STATUS_OK)
        query_show(session, &result);
    if (!session->options.rows && result.rows == PERSON_ROWS && session_for_person(session))
        complain("these are the first %d; --rows, --since and --until choose others", PERSON_ROWS);
    result_free(&result);
    return status;
}

/* The trace that the TARGET's process belongs to. */
static enum status find_trace(struct session *session, const char *target, int64_t *trace_id)
{
    struct found found;
    enum status status = target_find(session, target, &found);
    *trace_id = INTEGER_NULL;
    if (status == STATUS_OK)
        status = query_integer(session, trace_id, "SELECT trace_id FROM processes WHERE id = ?1",
                               "i", found.process_id);
    if (status == STATUS_OK && *trace_id == INTEGER_NULL) {
        complain("%s belongs to no trace", target);
        status = STATUS_ERROR;
    }
    found_free(&found);
    return status;
}

static enum status flags_run(struct session *session, char **operands)
{
    struct span span, ever = {INT64_MIN, INT64_MAX};
    int64_t trace_id = INTEGER_NULL;
    enum status status = query_need(session, "flags");
    if (status == STATUS_OK && !session_span(session, &span))
        status = STATUS_USAGE;
    if (status == STATUS_OK && operands[0])
        status = find_trace(session, operands[0], &trace_id);
    return status == STATUS_OK ? list(session, operands[0] ? &ever : &span, trace_id) : status;
}

const struct command command_flags = {
    .name = "flags",
    .arguments = "[TARGET]",
    .summary = "what rules have found",
    .help =
        "Those of the trace with the highest score first, in it the worst; what is suppressed is\n"
        "shown last. Why: the points that each adds to the score of its trace. A person gets\n"
        "the first 100, --rows N as many as that; --since and --until bound when it happened.\n"
        "With a TARGET, all flags of the trace that it belongs to.\n"
        "Example:  flags --since 1d\n",
    .most = 1,
    .takes = OPTIONS_SPAN | OPTION_ROWS,
    .followed = true,
    .run = flags_run,
};
