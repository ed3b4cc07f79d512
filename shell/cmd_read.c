/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A script, read at the prompt or by another script. */
#include <errno.h>
#include <string.h>

#include "command.h"
#include "complain.h"
#include "repl.h"

#define DEPTH 8 /* scripts that read scripts */

static enum status read_run(struct session *session, char **operands)
{
    static int depth;
    if (depth == DEPTH) {
        complain("%s: scripts read each other %d deep", operands[0], DEPTH);
        return STATUS_ERROR;
    }
    FILE *script = fopen(operands[0], "re");
    if (!script) {
        complain("cannot read %s: %s", operands[0], strerror(errno));
        return STATUS_ERROR;
    }
    bool interactive = session->interactive;
    session->interactive = false;
    depth++;
    enum status status = repl_script(session, script, operands[0]);
    depth--;
    session->interactive = interactive;
    fclose(script);
    return status;
}

const struct command command_read = {
    .name = "read",
    .outside = true,
    .arguments = "FILE",
    .summary = "run a file",
    .help = "Stops at the first error, and names its line.\n"
            "Example:  .read morning.sql\n",
    .least = 1,
    .most = 1,
    .prompt_only = true,
    .run = read_run,
};
