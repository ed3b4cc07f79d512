/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands that are about the shell itself. */
#include "command.h"
#include "complain.h"

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
    .help = "",
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
    .summary = "how answers look from now on",
    .help =
        "FORMAT is table, line, csv, csv-safe, json, jsonl or markdown; without one, tells the\n"
        "present one. A command's own --json and the like count for that command only.\n",
    .most = 1,
    .prompt_only = true,
    .run = mode_run,
};
