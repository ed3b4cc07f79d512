/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands that are about the shell itself. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../sql/nearest.h"
#include "command.h"
#include "complain.h"
#include "pager.h"

static enum status quit_run(struct session *session, char **operands)
{
    (void)operands;
    session->quit = true;
    return STATUS_OK;
}

static const char *const quit_aliases[] = {"exit", "q", NULL};

const struct command command_quit = {
    .name = "quit",
    .aliases = quit_aliases,
    .arguments = "",
    .summary = "leave",
    .help = "So does Control-D.\n"
            "Example:  .quit\n",
    .prompt_only = true,
    .run = quit_run,
};

static enum status mode_set(struct session *session, const char *name)
{
    const char *names[8] = {NULL};
    for (size_t i = 0; formats[i]; i++)
        names[i] = formats[i]->name;
    const struct format *format = format_find(name);
    if (!format) {
        const char *near = nearest(name, names);
        complain("there is no mode '%s'; %s%s%s", name,
                 near ? "did you mean " : ".help mode lists them", near ? near : "",
                 near ? "?" : "");
        return STATUS_USAGE;
    }
    session->options.format = format;
    return STATUS_OK;
}

static enum status mode_run(struct session *session, char **operands)
{
    if (operands[0])
        return mode_set(session, operands[0]);
    fprintf(output_file(session->output), "%s\n", session_format(session)->name);
    return STATUS_OK;
}

const struct command command_mode = {
    .name = "mode",
    .arguments = "[FORMAT]",
    .summary = "how answers look",
    .help =
        "FORMAT is table, line, csv, csv-safe, json, jsonl or markdown; without one, tells the\n"
        "present one. A command's own --json and the like count for that command only.\n"
        "\\\\G at the end of SQL, rather than a semicolon, is mode line for that SQL.\n"
        "Example:  .mode json\n",
    .most = 1,
    .prompt_only = true,
    .run = mode_run,
};

/* Reads on or off; without a word, tells. */
static enum status switch_run(struct session *session, const char *word, const char *name,
                              bool *value)
{
    if (!word) {
        fprintf(output_file(session->output), "%s\n", *value ? "on" : "off");
        return STATUS_OK;
    }
    if (strcmp(word, "on") != 0 && strcmp(word, "off") != 0) {
        complain(".%s is on or off, not '%s'", name, word);
        return STATUS_USAGE;
    }
    *value = strcmp(word, "on") == 0;
    return STATUS_OK;
}

static enum status timer_run(struct session *session, char **operands)
{
    return switch_run(session, operands[0], "timer", &session->timer);
}

const struct command command_timer = {
    .name = "timer",
    .arguments = "[on | off]",
    .summary = "tell how long SQL takes",
    .help =
        "Tells it after each statement. What takes more than 2 seconds is told of in any case.\n"
        "Example:  .timer on\n",
    .most = 1,
    .prompt_only = true,
    .run = timer_run,
};

static enum status pager_run(struct session *session, char **operands)
{
    bool wanted = pager_wanted();
    enum status status = switch_run(session, operands[0], "pager", &wanted);
    if (status == STATUS_OK && operands[0])
        pager_set(wanted);
    return status;
}

const struct command command_pager = {
    .name = "pager",
    .outside = true,
    .arguments = "[on | off]",
    .summary = "long answers in $PAGER",
    .help =
        "What is longer than the terminal is shown by $PAGER, or else by less -S -R. There is no\n"
        "pager on a dumb terminal, or where PAGER is empty.\n"
        "Example:  .pager off\n",
    .most = 1,
    .prompt_only = true,
    .run = pager_run,
};

static enum status rows_run(struct session *session, char **operands)
{
    char *end;
    if (!operands[0]) {
        fprintf(output_file(session->output), "%zu\n", session->shown);
        return STATUS_OK;
    }
    unsigned long long rows = strtoull(operands[0], &end, 10);
    if (!isdigit((unsigned char)operands[0][0]) || *end) {
        complain(".rows takes a number, 0 for all, not '%s'", operands[0]);
        return STATUS_USAGE;
    }
    session->shown = (size_t)rows;
    return STATUS_OK;
}

const struct command command_rows = {
    .name = "rows",
    .arguments = "[N]",
    .summary = "how many rows are shown",
    .help =
        "Of an answer to SQL that goes to the terminal as a table or as lines, the first N; the\n"
        "others are counted. 0 shows all.\n"
        "Example:  .rows 0\n",
    .most = 1,
    .prompt_only = true,
    .run = rows_run,
};
