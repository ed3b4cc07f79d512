/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "catalog.h"
#include "command.h"
#include "complain.h"
#include "options.h"
#include "target_form.h"
#include "usage.h"

static const char *const aliases[] = {"h", "?", NULL};

static void help_prompt(FILE *out)
{
    fputs("SQL ends with ';', or with \\G for lines. Verbs, which may be shortened:\n", out);
    command_help_all(out, ".", true);
    fputs("Tab completes, Ctrl-C stops, Ctrl-D leaves. Options go after a verb.\n"
          ".help VERB tells more; .help targets: what a TARGET is; .help options.\n",
          out);
}

/* Whether a word is a table of the store, or begins with one and a dot. */
static bool names_schema(struct session *session, const char *word)
{
    struct catalog tables = {0};
    size_t length = strcspn(word, ".");
    bool found = false;
    catalog_tables(&tables, session->db);
    for (size_t i = 0; !found && i < tables.count; i++)
        found = strncmp(tables.at[i], word, length) == 0 && !tables.at[i][length];
    catalog_free(&tables);
    return found;
}

static enum status help_run(struct session *session, char **operands)
{
    FILE *out = output_file(session->output);
    if (operands[0] && strcmp(operands[0], "targets") == 0) {
        target_help(out);
    } else if (operands[0] && strcmp(operands[0], "options") == 0) {
        options_explain(out);
    } else if (operands[0]) {
        const char *word = operands[0] + (operands[0][0] == '.');
        /* processes, processes.comm: at the prompt the schema is at hand. */
        if (session->db && !command_match(word) && names_schema(session, word))
            return command_run(session, &command_schema, operands, 1);
        const struct command *command = command_find(word, session->interactive ? "." : "");
        if (!command)
            return STATUS_USAGE;
        command_help_one(session, command);
    } else if (session->interactive) {
        help_prompt(out);
    } else {
        usage_print(out);
    }
    fflush(out);
    return STATUS_OK;
}

const struct command command_help = {
    .name = "help",
    .aliases = aliases,
    .arguments = "[VERB | targets | options]",
    .summary = "a verb; targets; options",
    .help = "'help targets' lists the forms of a TARGET, 'help options' the options.\n"
            "Example:  help tree\n",
    .most = 1,
    .run = help_run,
};
