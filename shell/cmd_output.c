/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands that say where answers go. */
#include "command.h"
#include "redirect.h"

static enum status output_run(struct session *session, char **operands)
{
    if (operands[0])
        return redirect_to(session, operands[0], false);
    return redirect_end(session, true);
}

const struct command command_output = {
    .name = "output",
    .outside = true,
    .arguments = "[FILE]",
    .summary = "where answers go",
    .help =
        "FILE is written when the next .output, or the end of the shell, ends it; until then it\n"
        "is as it was. '|COMMAND' is a command line of sh that reads the answers. Without FILE\n"
        "they come back to the terminal.\n"
        "Example:  .output '| grep ssh'\n",
    .most = 1,
    .prompt_only = true,
    .run = output_run,
};

static enum status once_run(struct session *session, char **operands)
{
    return redirect_to(session, operands[0], true);
}

const struct command command_once = {
    .name = "once",
    .outside = true,
    .arguments = "FILE",
    .summary = "where the next answer goes",
    .help =
        "The answer to the next statement or command is written to FILE, whole or not at all, or\n"
        "given to '|COMMAND', a command line of sh. What is no terminal gets CSV unless .mode or\n"
        "an option says otherwise.\n"
        "Example:  .once /tmp/ssh.csv\n",
    .least = 1,
    .most = 1,
    .prompt_only = true,
    .run = once_run,
};
