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

static const char during_sql[] = COLUMNS
    "WHERE (started_at IS NULL OR started_at <= ?2) AND (ended_at IS NULL OR ended_at >= ?1) "
    "ORDER BY id";

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
        status = query_fetch(session, &result, during_sql, "ii", span.since, span.until);
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
