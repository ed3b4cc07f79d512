/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What ran: at a moment, over a span, or now. A process whose start is unknown ran from the
 * beginning, as far as anyone can tell.
 */
#include "command.h"
#include "query.h"
#include "recorder.h"

#define COLUMNS "SELECT id, pid, ppid, user, started_at, comm, cmdline FROM processes "

/*
 * The partial index on the living makes this one fast, so it is a query of its own. The plus keeps
 * the planner from reading the whole table because that comes in order.
 */
static const char alive_sql[] = COLUMNS "WHERE ended_at IS NULL ORDER BY +id";

static const char indexed_sql[] =
    "SELECT count(*) FROM sqlite_schema WHERE name = 'processes_long'";

/*
 * Four parts that have none in common: who has not ended, who began nobody knows when, who lived
 * for less than ten seconds and began little before the span, and who lived longer. Of these a
 * lifetime of so many digits is below the next power of ten, and so much after the span they ended
 * at the latest: no more than the tenfold of the answer is read, however large the store. The terms
 * are written as the index `processes_long` has them.
 */
static const char during_sql[] =
    "WITH lifetime (digits, most) AS (VALUES (11, 100000000000), (12, 1000000000000), "
    "  (13, 10000000000000), (14, 100000000000000), (15, 1000000000000000), "
    "  (16, 10000000000000000), (17, 100000000000000000), (18, 1000000000000000000), "
    "  (19, 9223372036854775807)), "
    "there (id) AS ("
    "  SELECT id FROM processes WHERE ended_at IS NULL "
    "    AND (+started_at IS NULL OR +started_at <= ?2) "
    "  UNION ALL SELECT id FROM processes WHERE started_at IS NULL AND ended_at >= ?1 "
    "  UNION ALL SELECT id FROM processes WHERE started_at > ?1 - 10000000000 "
    "    AND started_at <= ?2 AND ended_at >= ?1 AND ended_at - started_at < 10000000000 "
    "  UNION ALL SELECT id FROM lifetime JOIN processes ON length(ended_at - started_at) = digits "
    "    AND ended_at BETWEEN ?1 AND ?2 + most WHERE ended_at - started_at >= 10000000000 "
    "    AND +started_at <= ?2) " COLUMNS "WHERE id IN there ORDER BY id";

/* The same of a store of an earlier schema, without the index. */
static const char unindexed_sql[] = COLUMNS
    "WHERE (started_at IS NULL OR started_at <= ?2) AND (ended_at IS NULL OR ended_at >= ?1) "
    "ORDER BY id";

static enum status fetch_during(struct session *session, struct result *result, struct span span)
{
    int64_t indexed = 0;
    enum status status = query_integer(session, &indexed, indexed_sql, "");
    *result = (struct result){0};
    if (status != STATUS_OK)
        return status;
    return query_fetch(session, result, indexed ? during_sql : unindexed_sql, "ii", span.since,
                       span.until);
}

static enum status ps_run(struct session *session, char **operands)
{
    (void)operands;
    const struct options *options = &session->options;
    struct span span;
    struct result result;
    enum status status;
    if (!session_span(session, &span))
        return STATUS_USAGE;
    if (options->at) {
        if (!session_time(session, "--at", options->at, &span.since))
            return STATUS_USAGE;
        span.until = span.since;
    }
    if (options->at || options->since || options->until)
        status = fetch_during(session, &result, span);
    else
        status = query_fetch(session, &result, alive_sql, "");
    if (status == STATUS_OK)
        query_show(session, &result);
    result_free(&result);
    if (status == STATUS_OK && !options->at && !options->until)
        recorder_warn_if_stale(session);
    return status;
}

const struct command command_ps = {
    .name = "ps",
    .arguments = "[--at TIME]",
    .summary = "what ran then, or runs now",
    .help = "Without --at, what is alive now; with --since or --until, what was alive at any\n"
            "time in that span. The first column is the process's id in the store, which is a\n"
            "TARGET for other verbs; pid and ppid are the kernel's numbers.\n"
            "Example:  ps --at 03:12\n",
    .takes = OPTION_AT | OPTIONS_SPAN,
    .followed = true,
    .run = ps_run,
};
