/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows as they arrive. The recorder writes several times a second; whether it has is one look into
 * shared memory, and only then a question is asked again. How often depends on what it costs, so
 * that nobody who looks on takes more than a small part of a processor.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "command.h"
#include "complain.h"
#include "follow.h"
#include "live.h"
#include "query.h"
#include "recorder.h"
#include "stop.h"

#define LOOK_MS   150  /* between two looks whether something has been written */
#define REST      8    /* a question that took so long rests so many times as long */
#define REST_MOST 3000 /* ms, but no longer than that */

/*
 * What is told where nothing is asked for: all that begins. Each has the same columns, and the ids
 * of its own table.
 */
#define WHO       "coalesce(p.user, p.euid) AS user, p.comm"
#define OF(table) " FROM " table " AS t LEFT JOIN processes AS p ON p.id = t.process_id"
static const char *const feed[] = {
    "SELECT t.id, t.at, 'exec' AS what, t.process_id, " WHO
    ", coalesce((SELECT group_concat(value, ' ') FROM json_each(t.argv)), t.filename) "
    "|| coalesce(' (' || t.error || ')', '') AS text" OF("execs"),
    "SELECT t.id, t.started_at AS at, CASE t.direction WHEN 'in' THEN 'accept' ELSE 'connect' END "
    "AS what, t.process_id, " WHO
    ", t.protocol || ' ' || coalesce(t.remote_name || ' ', '') || coalesce(t.remote_address, '?') "
    "|| ' port ' || coalesce(CASE t.direction WHEN 'in' THEN t.local_port ELSE t.remote_port END, "
    "'?') AS text" OF("connections"),
    "SELECT t.id, t.started_at AS at, 'listen' AS what, t.process_id, " WHO
    ", t.protocol || ' ' || coalesce(t.address, '?') || ' port ' || coalesce(t.port, '?') AS "
    "text" OF("listeners"),
    "SELECT t.id, t.at, 'dns' AS what, t.process_id, " WHO
    ", t.type || ' ' || t.name AS text" OF("dns_queries"),
    "SELECT t.id, t.at, t.op AS what, t.process_id, " WHO ", t.path AS text" OF("files"),
    "SELECT t.id, t.at, t.kind AS what, t.process_id, " WHO
    ", coalesce(t.old, '') || ' -> ' || coalesce(t.new, '') AS text" OF("privileges"),
    "SELECT t.id, t.at, 'flag' AS what, t.process_id, " WHO
    ", t.severity || ': ' || coalesce(t.title, t.rule) AS text" OF("flags"),
};

#define FEED_COUNT (sizeof feed / sizeof *feed)

struct tail {
    struct session *session;
    struct live live;
    struct follow follows[FEED_COUNT];
    size_t count;
    /* A verb instead. */
    const struct command *verb;
    char **operands;
    int operand_count;
    const struct format *format; /* that the person wants */
    enum status status;          /* of the last answer of the verb */
    bool first;                  /* its first answer, which is not new */
};

/* ---- one turn ---- */

static int by_time(const void *a, const void *b)
{
    const struct cell *const *left = a, *const *right = b;
    int64_t first = (*left)[1].type == CELL_INTEGER ? (*left)[1].integer : INT64_MIN;
    int64_t second = (*right)[1].type == CELL_INTEGER ? (*right)[1].integer : INT64_MIN;
    return (first > second) - (first < second);
}

/* Writes what came in several answers in the order of time: their second column. */
static bool write_sorted(struct tail *tail, const struct result *all)
{
    const struct cell **rows = calloc(all->rows + 1, sizeof(struct cell *));
    struct result sorted = {0};
    bool room = rows && result_begin(&sorted, all->headings, all->columns);
    for (size_t i = 0; room && i < all->rows; i++)
        rows[i] = result_row(all, i);
    if (room)
        qsort(rows, all->rows, sizeof *rows, by_time);
    for (size_t i = 0; room && i < all->rows; i++)
        room = result_add(&sorted, rows[i]);
    if (room)
        live_rows(tail->session, &tail->live, &sorted);
    result_free(&sorted);
    free(rows);
    return room;
}

static bool add_rows(struct result *all, const struct result *some)
{
    bool room = all->columns > 0 || result_begin(all, some->headings, some->columns);
    for (size_t i = 0; room && i < some->rows; i++)
        room = result_add(all, result_row(some, i));
    return room;
}

static enum status look_at_sql(struct tail *tail)
{
    enum status status = STATUS_OK;
    struct result all = {0};
    for (size_t i = 0; status == STATUS_OK && i < tail->count; i++) {
        struct result some;
        status = follow_look(tail->session, &tail->follows[i], &some);
        if (status == STATUS_OK && !add_rows(&all, &some))
            status = STATUS_ERROR;
        result_free(&some);
    }
    if (status == STATUS_OK && tail->count == 1)
        live_rows(tail->session, &tail->live, &all);
    else if (status == STATUS_OK && !write_sorted(tail, &all))
        status = STATUS_ERROR;
    result_free(&all);
    return status;
}

/* An answer of the verb that is followed: comes here instead of to the output. */
static void take_answer(struct session *session, const struct result *result)
{
    struct tail *tail = session->sink_to;
    struct result fresh = {0};
    if (!add_rows(&fresh, result) || !follow_new(&tail->follows[0], &fresh))
        tail->status = STATUS_ERROR;
    const struct format *rows = session->options.format;
    session->options.format = tail->format;
    if (tail->status == STATUS_OK && !tail->first)
        live_rows(session, &tail->live, &fresh);
    session->options.format = rows;
    result_free(&fresh);
}

/* A verb gives rows, and draws nothing, in any format but a table. On stderr it talks once. */
static enum status look_at_verb(struct tail *tail)
{
    struct session *session = tail->session;
    tail->format = session->options.format;
    tail->status = STATUS_OK;
    session->options.format = &format_jsonl;
    session->sink = take_answer;
    session->sink_to = tail;
    complain_quietly(!tail->first);
    enum status status = command_run(session, tail->verb, tail->operands, tail->operand_count);
    complain_quietly(false);
    session->sink = NULL;
    session->options.format = tail->format;
    tail->first = false;
    return status == STATUS_OK ? tail->status : status;
}

static enum status look(struct tail *tail)
{
    return tail->verb ? look_at_verb(tail) : look_at_sql(tail);
}

/* ---- when ---- */

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Whether the recorder has written since the last call. */
static bool has_changed(sqlite3_stmt *version, int64_t *last)
{
    int64_t now = *last;
    if (sqlite3_step(version) == SQLITE_ROW)
        now = sqlite3_column_int64(version, 0);
    sqlite3_reset(version);
    bool changed = now != *last;
    *last = now;
    return changed;
}

static enum status watch(struct tail *tail, sqlite3_stmt *version)
{
    enum status status = STATUS_OK;
    int64_t last = 0;
    int wait = LOOK_MS;
    has_changed(version, &last);
    while (status == STATUS_OK && stop_wait(wait, output_pipe(tail->session->output))) {
        wait = LOOK_MS;
        if (!has_changed(version, &last))
            continue;
        int64_t before = monotonic_ms();
        status = look(tail);
        int64_t rest = REST * (monotonic_ms() - before);
        wait = rest < LOOK_MS ? LOOK_MS : rest > REST_MOST ? REST_MOST : (int)rest;
    }
    /* Told to stop while it was looking: that is the end that is meant to be. */
    return status == STATUS_OK || status == STATUS_STOPPED ? STATUS_STOPPED : status;
}

static enum status run_tail(struct tail *tail)
{
    sqlite3_stmt *version = NULL;
    const char *end;
    enum status status = query_prepare(tail->session, "PRAGMA data_version", NULL, &version, &end);
    if (status == STATUS_OK && session_for_person(tail->session))
        recorder_warn_if_stale(tail->session);
    if (status == STATUS_OK)
        status = watch(tail, version);
    sqlite3_finalize(version);
    live_end(tail->session, &tail->live);
    return status;
}

/* ---- what ---- */

static bool no_options(const struct session *session)
{
    if (!session->options.given)
        return true;
    complain("--%s means nothing to tail, unless it is of the verb",
             options_name(session->options.given));
    return false;
}

static enum status tail_sql(struct tail *tail, const char *sql)
{
    if (!no_options(tail->session))
        return STATUS_USAGE;
    tail->count = 1;
    return follow_begin(tail->session, &tail->follows[0], sql);
}

/* A store that an older recorder made may lack a table. */
static enum status tail_feed(struct tail *tail)
{
    enum status status = no_options(tail->session) ? STATUS_OK : STATUS_USAGE;
    for (size_t i = 0; status == STATUS_OK && i < FEED_COUNT; i++) {
        sqlite3_stmt *statement = NULL;
        bool known =
            sqlite3_prepare_v2(tail->session->db, feed[i], -1, &statement, NULL) == SQLITE_OK;
        sqlite3_finalize(statement);
        if (known)
            status = follow_begin(tail->session, &tail->follows[tail->count++], feed[i]);
    }
    return status;
}

static enum status tail_verb(struct tail *tail, char **operands)
{
    if (strcasecmp(operands[0], "select") == 0 || strcasecmp(operands[0], "with") == 0) {
        complain("quote the SQL, so that it is one argument: tail '%s ...'", operands[0]);
        return STATUS_USAGE;
    }
    tail->verb = command_find(operands[0], tail->session->interactive ? "." : "");
    if (!tail->verb)
        return STATUS_USAGE;
    if (!tail->verb->followed) {
        complain("tail cannot follow %s", tail->verb->name);
        return STATUS_USAGE;
    }
    if (tail->session->options.only_new) {
        complain("tail shows what is new by itself: without --new");
        return STATUS_USAGE;
    }
    tail->operands = operands + 1;
    while (tail->operands[tail->operand_count])
        tail->operand_count++;
    tail->first = true;
    return look_at_verb(tail);
}

/* One operand that no verb could be. */
static bool is_sql(char **operands)
{
    return operands[0] && !operands[1] && strpbrk(operands[0], " \t\n(;");
}

static enum status tail_run(struct session *session, char **operands)
{
    struct tail tail = {.session = session};
    enum status status;
    session->endless = true;
    if (is_sql(operands))
        status = tail_sql(&tail, operands[0]);
    else
        status = operands[0] ? tail_verb(&tail, operands) : tail_feed(&tail);
    if (status == STATUS_OK)
        status = run_tail(&tail);
    for (size_t i = 0; i < FEED_COUNT; i++)
        follow_free(&tail.follows[i]);
    return status;
}

const struct command command_tail = {
    .name = "tail",
    .arguments = "[SQL | VERB ARGS...]",
    .summary = "new rows as they arrive",
    .help =
        "Of a SELECT, given as one word in quotes, or of a verb with its arguments; without\n"
        "either, whatever begins: programs, connections, listeners, questions to name servers,\n"
        "files that matter, changes of privileges, flags. Ctrl-C ends it.\n"
        "Example:  tail \"SELECT id, at, exe, argv FROM execs WHERE uid = 0\"\n"
        "          tail run root-gained --jsonl\n",
    .most = 16,
    .takes = ~0U,
    .live = true,
    .run = tail_run,
};
