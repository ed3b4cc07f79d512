/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a store is whole: what is wrong with it, a line for each kind. */
#include <string.h>

#include "checks.h"
#include "command.h"
#include "complain.h"
#include "escape.h"
#include "reader.h"

static void show(void *context, const struct finding *finding)
{
    struct session *session = context;
    FILE *out = output_file(session->output);
    struct text text = {finding->text, strlen(finding->text)};
    escape_print(out, text, output_style(session->output)->utf8);
    if (finding->explained)
        fprintf(out, " (%s)", finding->explained);
    fputc('\n', out);
}

static enum status check(struct session *session)
{
    size_t wrong = 0;
    enum status status = checks_run(session, show, session, &wrong);
    if (status == STATUS_OK && wrong == 0)
        fputs("ok\n", output_file(session->output));
    else if (status == STATUS_OK)
        complain("%s: %zu %s wrong", session->path, wrong, wrong == 1 ? "thing is" : "things are");
    fflush(output_file(session->output));
    return status == STATUS_OK && wrong > 0 ? STATUS_ERROR : status;
}

static enum status check_run(struct session *session, char **operands)
{
    struct session other = *session;
    if (operands[0])
        other.path = operands[0];
    enum status status = reader_open(other.path, &other.db);
    if (status == STATUS_OK)
        status = check(&other);
    sqlite3_close(other.db);
    return status;
}

const struct command command_check = {
    .name = "check",
    .outside = true,
    .arguments = "[STORE]",
    .summary = "is the store whole",
    .help =
        "Reads all of the store, which takes its time, and tells what should not be: a damaged\n"
        "file, rows that name others which are not there, times and numbers that do not fit.\n"
        "What lost rows or a clock that was set account for is told with that reason, and is\n"
        "no error. Exits with 1 if anything is wrong.\n"
        "Example:  check\n",
    .most = 1,
    .storeless = true,
    .run = check_run,
};
