/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules tried on the store that is open: do they work, how long do they take, what do they find in
 * history. They get a connection of their own, on which they may only read; nothing is written.
 */
#include <stdlib.h>
#include <string.h>

#include "../sql/rule_run.h"
#include "command.h"
#include "complain.h"
#include "query.h"
#include "reader.h"
#include "stop.h"

struct trial {
    struct session *session;
    sqlite3 *db;
    struct rule_set *set;
    struct rule_runner *runner;
    struct result hits; /* of rescan */
    bool full;          /* there is no room for more hits */
};

static bool interrupted(void)
{
    return stop_requested();
}

/* The store once more: temporary tables are made in it, which the guard would refuse. */
static enum status open_store(struct trial *trial)
{
    enum status status = reader_open(trial->session->path, &trial->db);
    if (status != STATUS_OK)
        return status;
    sqlite3_set_authorizer(trial->db, NULL, NULL);
    if (sqlite3_exec(trial->db, "PRAGMA query_only = 0", NULL, NULL, NULL) == SQLITE_OK)
        return STATUS_OK;
    complain("%s", sqlite3_errmsg(trial->db));
    return STATUS_ERROR;
}

static enum status open_rules(struct trial *trial, const char *directory)
{
    static const struct rule_limits limits = {.stop = interrupted, .is_history = true};
    char *error = NULL;
    trial->set = rule_set_load(directory ? directory : RULE_DIRECTORY);
    if (trial->set && *trial->set->error) {
        complain("%s", trial->set->error);
        return STATUS_ERROR;
    }
    if (trial->set)
        trial->runner = rule_runner_new(trial->db, trial->set, &limits, &error);
    if (!trial->runner)
        complain("%s", error ? error : "out of memory");
    sqlite3_free(error);
    return trial->runner ? STATUS_OK : STATUS_ERROR;
}

static enum status run_rules(struct trial *trial, hit_visitor *visit)
{
    struct span span;
    if (!session_span(trial->session, &span))
        return STATUS_USAGE;
    int code = rule_batch_add_span(rule_runner_batch(trial->runner), span.since, span.until);
    if (code == SQLITE_OK)
        code = rule_runner_run(trial->runner, visit, trial);
    if (stop_requested()) {
        complain("%s", stop_words(stop_reason()));
        return STATUS_STOPPED;
    }
    if (code == SQLITE_OK)
        return STATUS_OK;
    complain("%s", sqlite3_errmsg(trial->db));
    return STATUS_ERROR;
}

/* Names each rule that is wrong; returns how many are. */
static size_t tell_wrong(const struct rule_set *set)
{
    size_t wrong = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (set->rules[i]->state != RULE_FAILED)
            continue;
        complain("%s", set->rules[i]->error);
        wrong++;
    }
    return wrong;
}

static enum status try_rules(struct session *session, const char *directory, hit_visitor *visit,
                             enum status (*show)(struct trial *trial))
{
    struct trial trial = {.session = session};
    enum status status = open_store(&trial);
    if (status == STATUS_OK)
        status = open_rules(&trial, directory);
    if (status == STATUS_OK)
        status = run_rules(&trial, visit);
    if (status == STATUS_OK)
        status = show(&trial);
    if (trial.set && tell_wrong(trial.set) && status == STATUS_OK)
        status = STATUS_ERROR;
    result_free(&trial.hits);
    rule_runner_free(trial.runner);
    rule_set_free(trial.set);
    sqlite3_close(trial.db);
    return status;
}

static enum status no_room(void)
{
    complain("out of memory");
    return STATUS_ERROR;
}

/* ---- check-rules ---- */

static void count_hit(void *context, const struct hit *hit)
{
    (void)context;
    (void)hit;
}

static enum status show_rules(struct trial *trial)
{
    static const struct heading headings[] = {{.name = "rule"},  {.name = "severity"},
                                              {.name = "state"}, {.name = "hits"},
                                              {.name = "ms"},    {.name = "file"}};
    struct result shown;
    bool room = result_begin(&shown, headings, sizeof headings / sizeof *headings);
    for (size_t i = 0; room && i < trial->set->count; i++) {
        const struct rule *rule = trial->set->rules[i];
        const struct rule_work *work = rule_runner_work(trial->runner, i);
        struct cell cells[] = {
            cell_text(rule->id),
            cell_text(rule->severity < SEVERITIES ? severity_names[rule->severity] : NULL),
            cell_text(rule_state_names[rule->state]),
            cell_integer((int64_t)work->hits),
            cell_integer(work->busy_ns / 1000000),
            cell_text(rule->file),
        };
        room = result_add(&shown, cells);
    }
    if (room)
        query_show(trial->session, &shown);
    result_free(&shown);
    return room ? STATUS_OK : no_room();
}

static enum status check_rules_run(struct session *session, char **operands)
{
    return try_rules(session, operands[0], count_hit, show_rules);
}

const struct command command_check_rules = {
    .name = "check-rules",
    .arguments = "[DIRECTORY]",
    .summary = "try rules on this store",
    .help =
        "Runs all rules, those of the directory (/etc/spyq/rules.d) included, over the rows of\n"
        "this store and tells how many rows each selects, and how long that took. What is wrong\n"
        "with a rule is told with its file and line, and the exit status is 1.\n"
        "Example:  check-rules ./rules --since 1d\n",
    .most = 1,
    .takes = OPTIONS_SPAN,
    .outside = true,
    .run = check_rules_run,
};

/* ---- rescan ---- */

static const struct heading hit_headings[] = {
    {.name = "at", .is_time = true},
    {.name = "severity"},
    {.name = "rule"},
    {.name = "title"},
    {.name = "detail"},
    {.name = "process_id"},
    {.name = "exec_id"},
    {.name = "connection_id"},
    {.name = "file_id"},
    {.name = "edge_id"},
    {.name = "trace_id"},
};

static struct cell id_cell(int64_t id)
{
    return id == INTEGER_NULL ? cell_text(NULL) : cell_integer(id);
}

static void keep_hit(void *context, const struct hit *hit)
{
    struct trial *trial = context;
    struct cell detail = cell_text(NULL);
    if (hit->detail.data)
        detail = (struct cell){.type = CELL_TEXT, .bytes = hit->detail};
    struct cell cells[] = {
        cell_integer(hit->at),
        cell_text(severity_names[hit->severity]),
        cell_text(hit->rule->id),
        cell_text(hit->rule->title),
        detail,
        id_cell(hit->process_id),
        id_cell(hit->exec_id),
        id_cell(hit->connection_id),
        id_cell(hit->file_id),
        id_cell(hit->edge_id),
        id_cell(hit->trace_id),
    };
    if (!trial->hits.columns &&
        !result_begin(&trial->hits, hit_headings, sizeof hit_headings / sizeof *hit_headings))
        trial->full = true;
    else if (!trial->full)
        trial->full = !result_add(&trial->hits, cells);
}

static enum status show_hits(struct trial *trial)
{
    if (trial->full)
        return no_room();
    if (!trial->hits.columns &&
        !result_begin(&trial->hits, hit_headings, sizeof hit_headings / sizeof *hit_headings))
        return no_room();
    query_show(trial->session, &trial->hits);
    return STATUS_OK;
}

static enum status rescan_run(struct session *session, char **operands)
{
    return try_rules(session, operands[0], keep_hit, show_hits);
}

const struct command command_rescan = {
    .name = "rescan",
    .arguments = "[DIRECTORY]",
    .summary = "run rules over history",
    .help = "Runs all rules, those of the directory (/etc/spyq/rules.d) included, over what is in\n"
            "the store already, and shows what they find: one row for each, as a flag would have\n"
            "it. Nothing is written into the store, whose flags and scores stay as they are; -o\n"
            "FILE keeps the answer.\n"
            "Example:  rescan ./rules --since 30d -o found.csv\n",
    .most = 1,
    .takes = OPTIONS_SPAN,
    .outside = true,
    .run = rescan_run,
};
