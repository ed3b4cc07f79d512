/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How one process could have influenced another: the way that the table function path() finds. It
 * keeps away from hubs at first, for through init or a shared server everything leads to
 * everything.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "complain.h"
#include "escape.h"
#include "narrative.h"
#include "patience.h"
#include "query.h"
#include "stop.h"
#include "target_tell.h"

/* ---- the queries ---- */

enum way_column {
    WAY_REACHED = 6,
    WAY_COLUMNS = 8,
    WAY_TIME = WAY_COLUMNS, /* these for a person only */
    WAY_SENTENCE,
    WAY_PROOF,
};

#define COLUMNS                                                                                    \
    "SELECT w.process_id, w.depth, w.edge_id, w.kind, w.at, w.from_id, w.reached_at, w.stopped "
/* ?1 and ?2 the ends, ?3 from when on, ?4 depth, ?5 kinds, ?6 hubs, ?7 until when */
#define FIRST                                                                                      \
    "WITH w AS MATERIALIZED (SELECT process_id, depth, edge_id, kind, at, from_id, reached_at, "   \
    "  stopped FROM path(?1, ?2, ?3, ?4, ?5, ?6)) "
/* The same looked for from its end: path() may have found a way that is short but too late. */
#define IN_TIME                                                                                    \
    "WITH RECURSIVE b AS MATERIALIZED (SELECT process_id, edge_id, kind, at, from_id, reached_at " \
    "  FROM backward(?2, ?7, ?4, ?5, NULL, ?6)), "                                                 \
    "back (id, depth) AS (SELECT process_id, 1 FROM b WHERE process_id = ?1 "                      \
    "  AND (?3 IS NULL OR reached_at IS NULL OR reached_at >= ?3) UNION ALL "                      \
    "  SELECT b.from_id, back.depth + 1 FROM back JOIN b ON b.process_id = back.id "               \
    "  WHERE b.from_id IS NOT NULL), "                                                             \
    "w AS (SELECT ?1 AS process_id, 0 AS depth, NULL AS edge_id, NULL AS kind, NULL AS at, "       \
    "  NULL AS from_id, ?3 AS reached_at, NULL AS stopped FROM back WHERE depth = 1 UNION ALL "    \
    "  SELECT b.from_id, back.depth, b.edge_id, b.kind, b.at, b.process_id, NULL, NULL "           \
    "  FROM back JOIN b ON b.process_id = back.id WHERE b.from_id IS NOT NULL) "

#define WHO(alias)                                                                                 \
    "coalesce(" alias ".comm, '?') || ' (pid ' || coalesce(" alias ".pid, '?') || ')'"
#define DETAIL(words) "coalesce('" words "' || e.detail, '')"

#define TOLD ", coalesce(w.at, dst.started_at), CASE w.kind " SENTENCES " END, " PROOF
#define SENTENCES                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 \
    "WHEN 'fork' THEN " WHO("src") " || ' started ' || " WHO("dst") " WHEN 'connect' THEN " WHO("src") " || ' connected to ' || " WHO(                                                                                                                                                                                                                                                                                                                                                                                                            \
        "dst") " || coalesce(' at ' || c.remote_address || ' port ' || c.remote_port, '')"                                                                                                                                                                                                                                                                                                                                                                                                                                                        \
               " WHEN 'unix' THEN " WHO("src") " || ' connected to ' || " WHO("dst") " ||"                                                                                                                                                                                                                                                                                                                                                                                                                                                        \
                                                                                     " " DETAIL(" at ") " WHEN 'pipe' THEN " WHO("src") " || ' wrote what ' || " WHO("dst") " || ' read' || " DETAIL(" from ") " WHEN 'file' THEN " WHO("src") " || ' wrote ' || coalesce(f.path, 'a file') || ', which ' || " WHO("dst") " || ' ran' || " DETAIL(", by ") " WHEN 'fdpass' THEN " WHO("src") " || ' passed a descriptor to ' || " WHO("dst") " || " DETAIL(": ") " WHEN 'ptrace' THEN " WHO("src") " || ' traced ' || " WHO("dst") " || " DETAIL( \
                                                                                         ", by ") " WHEN 'inject' THEN " WHO("src") " || ' wrote into the memory of ' || " WHO("dst") " || " DETAIL(", by ") " WHEN 'signal' THEN " WHO("src") " || ' sent ' || coalesce(e.detail, 'a signal') || ' to ' ||" WHO("dst") " WHEN 'runtime' THEN " WHO("src") " || ' had ' || " WHO("dst") " || ' run in a container' || " DETAIL(", by ") " ELSE " WHO("src") " || ' acted on ' || " WHO("dst") " || coalesce(', by ' || w.kind, '')"
#define PROOF                                                                                      \
    "'[process ' || w.process_id || coalesce(', edge ' || w.edge_id, '') "                         \
    "|| coalesce(', connection ' || e.connection_id, '') || coalesce(', file ' || e.file_id, '') " \
    "|| ']' "
#define WAY "FROM w ORDER BY w.depth"
#define EVIDENT                                                                                    \
    "FROM w LEFT JOIN edges AS e ON e.id = w.edge_id LEFT JOIN files AS f ON f.id = e.file_id "    \
    "LEFT JOIN connections AS c ON c.id = e.connection_id "                                        \
    "LEFT JOIN processes AS src ON src.id = w.from_id "                                            \
    "LEFT JOIN processes AS dst ON dst.id = w.process_id "                                         \
    "WHERE w.from_id IS NOT NULL ORDER BY w.depth"

/* By whether it is for a person, and whether it is looked for from its end. */
static const char *const way_sql[2][2] = {
    {FIRST COLUMNS WAY, IN_TIME COLUMNS WAY},
    {FIRST COLUMNS TOLD EVIDENT, IN_TIME COLUMNS TOLD EVIDENT},
};

/* What the search forward did not go through, and why: ?1 the start, ?2 from when, ?3 depth, ?4
 * kinds. */
static const char stopped_sql[] =
    "SELECT " WHO("p") " || ': ' || s.stopped FROM forward(?1, ?2, ?3, ?4, NULL, ?5) AS s "
                       "LEFT JOIN processes AS p ON p.id = s.process_id "
                       "WHERE s.stopped IS NOT NULL ORDER BY s.depth, s.at LIMIT 8";

/* ---- searching ---- */

/* Both ends, and the bounds of the way between them. */
struct journey {
    struct found from, to;
    int64_t since, until; /* INTEGER_NULL: no bound */
    bool person;
};

static int64_t least_time(int64_t a, int64_t b)
{
    if (a == INTEGER_NULL || b == INTEGER_NULL)
        return a == INTEGER_NULL ? b : a;
    return a < b ? a : b;
}

static bool set_bounds(struct session *session, struct journey *journey)
{
    struct span span;
    if (!session_span(session, &span))
        return false;
    journey->since = journey->from.since;
    if (session->options.since && (journey->since == INTEGER_NULL || journey->since < span.since))
        journey->since = span.since;
    journey->until = least_time(journey->to.at, session->options.until ? span.until : INTEGER_NULL);
    return true;
}

static int64_t depth_limit(const struct session *session)
{
    return session->options.depth ? session->options.depth : INTEGER_NULL;
}

static enum status ask_way(struct session *session, const struct journey *journey, bool from_end,
                           const char *hubs, struct result *way)
{
    result_free(way);
    return query_fetch(session, way, way_sql[journey->person][from_end], "iinnttn",
                       journey->from.process_id, journey->to.process_id, journey->since,
                       depth_limit(session), session->options.kinds, hubs, journey->until);
}

static bool is_late(const struct journey *journey, const struct result *way)
{
    if (way->rows == 0 || journey->until == INTEGER_NULL)
        return false;
    const struct cell *last = result_row(way, way->rows - 1) + WAY_REACHED;
    return last->type == CELL_INTEGER && last->integer > journey->until;
}

static enum status find_way(struct session *session, const struct journey *journey,
                            const char *hubs, struct result *way)
{
    enum status status = ask_way(session, journey, false, hubs, way);
    if (status == STATUS_OK && is_late(journey, way))
        status = ask_way(session, journey, true, hubs, way);
    return status;
}

/* Around hubs, and where no way leads around them, through them. */
static enum status search(struct session *session, const struct journey *journey,
                          struct result *way, bool *through_hubs)
{
    enum status status = STATUS_OK;
    *through_hubs = session->options.through_hubs;
    patience_begin("still searching; --depth and --kinds bound it, Ctrl-C stops it");
    if (!*through_hubs)
        status = find_way(session, journey, "stop", way);
    if (status == STATUS_OK && way->rows == 0) {
        *through_hubs = true;
        status = find_way(session, journey, "follow", way);
    }
    patience_end();
    return status;
}

/* ---- telling ---- */

/* A remark: part of the answer for a person, beside it for a program. */
static void remark(struct session *session, const struct journey *journey, const char *format, ...)
{
    struct text text = TEXT_NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf((char **)&text.data, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    text.length = (size_t)length;
    if (journey->person) {
        escape_print(output_file(session->output), text, output_style(session->output)->utf8);
        fputc('\n', output_file(session->output));
    } else {
        complain("%s", text.data);
    }
    free((char *)text.data);
}

static void remark_stopped(struct session *session, const struct journey *journey, const char *hubs)
{
    struct result stopped;
    enum status status =
        query_fetch(session, &stopped, stopped_sql, "inntt", journey->from.process_id,
                    journey->since, depth_limit(session), session->options.kinds, hubs);
    for (size_t i = 0; status == STATUS_OK && i < stopped.rows; i++) {
        struct text hub = text_of_cell(result_row(&stopped, i));
        remark(session, journey, "  it stopped at %.*s", (int)hub.length, hub.data);
    }
    result_free(&stopped);
}

static void remark_on_way(struct session *session, const struct journey *journey,
                          const struct result *way, bool through_hubs)
{
    bool asked = session->options.through_hubs;
    if (through_hubs && !asked && way->rows > 0)
        remark(session, journey, "Only through hubs, which share much between many:");
    if (way->rows > 0)
        return;
    remark(session, journey, "No way is recorded, %s hubs%s.",
           asked ? "also through" : "neither around nor through",
           journey->until == INTEGER_NULL ? "" : ", that arrives in time");
    remark_stopped(session, journey, asked ? "follow" : "stop");
}

/* Whether the influence may have gone the other way instead, or as well. */
static void remark_on_reverse(struct session *session, const struct journey *journey)
{
    int64_t rows = 0;
    query_integer(session, &rows, "SELECT count(*) FROM path(?1, ?2, ?3, ?4, ?5, 'stop')", "iinnt",
                  journey->to.process_id, journey->from.process_id, journey->to.since,
                  depth_limit(session), session->options.kinds);
    if (rows > 0)
        remark(session, journey, "The other way round there is one: path %lld %lld",
               (long long)journey->to.process_id, (long long)journey->from.process_id);
}

static void tell(struct session *session, const struct result *way)
{
    struct narrative narrative;
    narrative_begin(&narrative, output_file(session->output), output_style(session->output));
    for (size_t i = 0; i < way->rows && !stop_requested(); i++) {
        const struct cell *row = result_row(way, i);
        narrative_say(&narrative, &row[WAY_TIME], text_of_cell(&row[WAY_SENTENCE]),
                      text_of_cell(&row[WAY_PROOF]));
    }
}

static enum status show(struct session *session, const struct journey *journey)
{
    struct result way = {0};
    bool through_hubs;
    enum status status = search(session, journey, &way, &through_hubs);
    if (status == STATUS_OK) {
        if (journey->person) {
            FILE *out = output_file(session->output);
            tell_found(out, output_style(session->output), "from ", &journey->from);
            tell_found(out, output_style(session->output), "to ", &journey->to);
        }
        remark_on_way(session, journey, &way, through_hubs);
        if (journey->person)
            tell(session, &way);
        else
            query_show(session, &way);
        remark_on_reverse(session, journey);
        fflush(output_file(session->output));
    }
    result_free(&way);
    return status;
}

static enum status path_run(struct session *session, char **operands)
{
    struct journey journey = {.person = session_format(session) == &format_table};
    enum status status = target_find(session, operands[0], &journey.from);
    if (status == STATUS_OK)
        status = target_find(session, operands[1], &journey.to);
    if (status == STATUS_OK && journey.from.process_id == journey.to.process_id) {
        complain("%s and %s are the same process, %lld", operands[0], operands[1],
                 (long long)journey.to.process_id);
        status = STATUS_ERROR;
    }
    if (status == STATUS_OK && !set_bounds(session, &journey))
        status = STATUS_USAGE;
    if (status == STATUS_OK)
        status = show(session, &journey);
    found_free(&journey.from);
    found_free(&journey.to);
    return status;
}

const struct command command_path = {
    .name = "path",
    .arguments = "A B",
    .summary = "how A could have reached B",
    .help = "A and B are TARGETs. The way with the fewest edges, from A's moment on and to B's,\n"
            "where they have one, or --since and --until. First a way around hubs, such as init\n"
            "or a shared server, is looked for, then one through them. Where there is none, what\n"
            "the search stopped at is named.\n"
            "  --through-hubs   look for a way through hubs at once\n"
            "  --depth N        at most N edges\n"
            "  --kinds LIST     only these kinds of edges: fork,file,connect\n"
            "'help targets' tells what a TARGET can be.\n"
            "Example:  path exe:curl file:/etc/cron.d/job\n",
    .least = 2,
    .most = 2,
    .takes = OPTIONS_SPAN | OPTION_DEPTH | OPTION_KINDS | OPTION_HUBS,
    .followed = true,
    .run = path_run,
};
