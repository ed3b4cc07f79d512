/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command.h"
#include "complain.h"
#include "usage.h"

static const char *const aliases[] = {"h", "?", NULL};

static void help_prompt(FILE *out)
{
    fputs("SQL ends with ';' and may span lines. Commands, which may be shortened:\n", out);
    command_help_all(out, ".", true);
    fputs("A TARGET is a process: 123 (its id), pid:1234, pid:1234@03:12, exe:curl,\n"
          "exe:/usr/bin/curl, conn:ID, 10.0.0.5, 10.0.0.5:443, [::1]:443, :8080.\n"
          "Options go after a command: --table --line --csv --json --jsonl --markdown\n"
          "--raw-times -o FILE --timeout SECONDS, and --since TIME --until TIME.\n"
          ".help COMMAND tells more. Ctrl-C stops a query, Ctrl-D leaves.\n",
          out);
}

static enum status help_run(struct session *session, char **operands)
{
    FILE *out = output_file(session->output);
    if (operands[0]) {
        const char *word = operands[0] + (operands[0][0] == '.');
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
    .arguments = "[VERB]",
    .summary = "this list, or all about one verb",
    .help = "",
    .most = 1,
    .run = help_run,
};
