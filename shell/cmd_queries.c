/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The saved queries: a list of them, or one with its parameters; and running one. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "complain.h"
#include "query.h"
#include "saved.h"
#include "saved_bind.h"
#include "watermark.h"

/* A file that is wrong is told of, and does not keep the others from being listed. */
static enum status complain_of_wrong(const struct saved_list *list)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < list->count; i++)
        if (list->at[i].error) {
            complain("%s", list->at[i].error);
            status = STATUS_ERROR;
        }
    return status;
}

static enum status finish(struct session *session, struct result *result, bool room)
{
    if (room)
        query_show(session, result);
    else
        complain("out of memory");
    result_free(result);
    return room ? STATUS_OK : STATUS_ERROR;
}

/* since=24h until=now; free it. */
static char *parameters_text(const struct saved *saved)
{
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    for (size_t i = 0; memory && i < saved->parameter_count; i++)
        fprintf(memory, "%s%s=%s", i ? " " : "", saved->parameters[i].name,
                saved->parameters[i].fallback);
    if (memory)
        fclose(memory);
    return text;
}

static bool add_query(struct result *result, const struct saved *saved)
{
    char *parameters = parameters_text(saved);
    struct cell cells[] = {cell_text(saved->name), cell_text(saved->description),
                           cell_text(parameters),
                           cell_text(saved->built_in ? "built in" : saved->file)};
    bool added = parameters && result_add(result, cells);
    free(parameters);
    return added;
}

static enum status list_all(struct session *session, const struct saved_list *list)
{
    static const struct heading headings[] = {
        {.name = "name"}, {.name = "description"}, {.name = "parameters"}, {.name = "file"}};
    struct result result;
    bool person = session_format(session) == &format_table;
    /* For a person what a line has room for: the rest is told of each by itself. */
    bool room = result_begin(&result, headings, person ? 2 : 4);
    for (size_t i = 0; room && i < list->count; i++)
        if (!list->at[i].error)
            room = add_query(&result, &list->at[i]);
    return finish(session, &result, room);
}

static enum status list_one(struct session *session, const struct saved *saved)
{
    static const struct heading headings[] = {
        {.name = "parameter"}, {.name = "type"}, {.name = "default"}, {.name = "meaning"}};
    struct result result;
    if (session_for_person(session))
        fprintf(output_file(session->output), "%s: %s\n", saved->name, saved->description);
    bool room = result_begin(&result, headings, 4);
    for (size_t i = 0; room && i < saved->parameter_count; i++) {
        const struct saved_parameter *parameter = &saved->parameters[i];
        struct cell cells[] = {cell_text(parameter->name),
                               cell_text(saved_type_names[parameter->type]),
                               cell_text(parameter->fallback), cell_text(parameter->meaning)};
        room = result_add(&result, cells);
    }
    return finish(session, &result, room);
}

static enum status queries_run(struct session *session, char **operands)
{
    struct saved_list list;
    enum status status = saved_load(&list) ? STATUS_OK : STATUS_ERROR;
    if (status == STATUS_OK && !operands[0]) {
        status = list_all(session, &list);
        if (complain_of_wrong(&list) != STATUS_OK)
            status = STATUS_ERROR;
    } else if (status == STATUS_OK) {
        const struct saved *saved = saved_find(&list, operands[0]);
        status = !saved ? STATUS_USAGE : list_one(session, saved);
        if (saved && saved->error) {
            complain("%s", saved->error);
            status = STATUS_ERROR;
        }
    }
    saved_free(&list);
    return status;
}

const struct command command_queries = {
    .name = "queries",
    .arguments = "[NAME]",
    .summary = "the saved queries, or one",
    .help = "Those of spyq, those in " SAVED_SYSTEM_DIRECTORY ", and your own in\n"
            "$XDG_CONFIG_HOME/spyq/queries (else ~/.config/spyq/queries), where each is a file\n"
            "NAME.sql. One with the name of another takes its place; spyq(1) tells how to write\n"
            "one.\n"
            "Example:  queries new-listeners\n",
    .most = 1,
    .storeless = true,
    .run = queries_run,
};

static enum status run_plain(struct session *session, const struct saved *saved)
{
    static const struct saved_since no_watermark = {INTEGER_NULL, INTEGER_NULL};
    struct origin origin = {.file = saved->file, .line = saved->line};
    sqlite3_stmt *statement;
    enum status status = saved_prepare(session, saved, &no_watermark, &statement);
    return status == STATUS_OK ? query_answer(session, statement, &origin) : status;
}

/* Only what no run before has given out. */
static enum status run_new(struct session *session, const struct saved *saved)
{
    struct origin origin = {.file = saved->file, .line = saved->line};
    struct saved_since since;
    struct result result = {0};
    sqlite3_stmt *statement;
    enum status status = watermark_open(session, saved, &since);
    if (status == STATUS_OK)
        status = saved_prepare(session, saved, &since, &statement);
    if (status == STATUS_OK)
        status = query_collect(session, statement, &result, &origin);
    if (status == STATUS_OK)
        status = watermark_filter(session, saved, &result);
    if (status == STATUS_OK)
        query_show(session, &result);
    result_free(&result);
    return status;
}

static enum status run_found(struct session *session, const struct saved *saved)
{
    const struct options *options = &session->options;
    if (saved->error)
        complain("%s", saved->error);
    else if (!options->only_new && !options->mark)
        return run_plain(session, saved);
    else if (!options->only_new)
        complain("--mark is for --new");
    else if (options->until || saved_given(options, "until"))
        complain("--until and --new exclude each other");
    else if (saved->sums)
        complain("%s sums up a span of time: none of its rows is new", saved->name);
    else
        return run_new(session, saved);
    return saved->error ? STATUS_ERROR : STATUS_USAGE;
}

static enum status run_run(struct session *session, char **operands)
{
    struct saved_list list;
    enum status status = saved_load(&list) ? STATUS_OK : STATUS_ERROR;
    const struct saved *saved = status == STATUS_OK ? saved_find(&list, operands[0]) : NULL;
    if (status == STATUS_OK && !saved)
        status = STATUS_USAGE;
    if (saved)
        status = run_found(session, saved);
    saved_free(&list);
    return status;
}

const struct command command_run_saved = {
    .name = "run",
    .arguments = "NAME",
    .summary = "a saved query",
    .help = "'queries' lists them, 'queries NAME' its parameters. --since and --until set those\n"
            "of these names. With --new only rows that no run before has given out, for this\n"
            "query, its parameters and where the answer goes, or for --mark NAME instead of\n"
            "that; the first run begins where --since says, or the query's default.\n"
            "Example:  run new-listeners --since 7d --param udp=1\n",
    .least = 1,
    .most = 1,
    .takes = OPTIONS_SPAN | OPTION_PARAM | OPTION_NEW | OPTION_MARK | OPTIONS_ROWS,
    .followed = true,
    .run = run_run,
};
