/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The same question, asked again and again. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "complain.h"
#include "escape.h"
#include "query.h"
#include "repl.h"
#include "stop.h"
#include "terminal.h"

#define USUAL_SECONDS 2.0
#define LINES_AROUND  6 /* of the terminal, that are not rows of the answer */

static void print_head(struct session *session, const char *text, double seconds)
{
    FILE *out = output_file(session->output);
    const struct style *style = output_style(session->output);
    int64_t now;
    if (style->terminal && terminal_clears(1))
        fputs("\033[H\033[2J", out);
    if (query_integer(session, &now, "SELECT ago('0s')", "") != STATUS_OK)
        return;
    struct text question = {text, strlen(text)};
    int used = fprintf(out, "Every %g s (Ctrl-C ends): ", seconds);
    size_t width = style->width > (size_t)used + 8 ? style->width - (size_t)used : 8;
    escape_print_cut(out, question, style->utf8, style->width ? width : SIZE_MAX - 1);
    fputs("\n\n", out);
}

static enum status watch(struct session *session, const char *text, double seconds)
{
    size_t shown = session->shown;
    bool interactive = session->interactive;
    enum status status;
    session->interactive = false;
    do {
        size_t height = terminal_height(1);
        session->shown = height > LINES_AROUND ? height - LINES_AROUND : 1;
        print_head(session, text, seconds);
        if (interactive)
            stop_limit(session->options.timeout);
        status = repl_text(session, text);
        fflush(output_file(session->output));
    } while (status == STATUS_OK && stop_sleep(seconds));
    session->shown = shown;
    session->interactive = interactive;
    /* Ctrl-C is how it ends. */
    bool ended = stop_reason() == STOP_INTERRUPT && status != STATUS_ERROR;
    if (ended && session->interactive)
        fputc('\n', stdout);
    return ended ? STATUS_OK : status == STATUS_OK ? STATUS_STOPPED : status;
}

/* A number in front of the question is how often. */
static const char *take_seconds(const char *text, double *seconds)
{
    char *end;
    double number = strtod(text, &end);
    *seconds = USUAL_SECONDS;
    if (end == text || !isfinite(number) || (*end && *end != ' ' && *end != '\t'))
        return text;
    *seconds = number < 0.1 ? 0.1 : number > 86400 ? 86400 : number;
    return end + strspn(end, " \t");
}

static enum status watch_run(struct session *session, char **operands)
{
    double seconds;
    const char *text = take_seconds(operands[0] ? operands[0] : "", &seconds);
    if (!*text && operands[0] && operands[1])
        text = operands[1];
    if (!*text)
        text = session->last ? session->last : "";
    if (*text)
        return watch(session, text, seconds);
    complain("watch what? A command or SQL goes behind the seconds");
    return STATUS_USAGE;
}

const struct command command_watch = {
    .name = "watch",
    .arguments = "[SECONDS] [SQL]",
    .summary = "ask again and again",
    .help =
        "Asks a question, SQL or a command, every 2 seconds or as often as SECONDS says, until\n"
        "Ctrl-C. At the prompt, without a question: the last statement.\n"
        "Examples: watch 1 'ps --since 10s'\n"
        "          watch 5 'SELECT count(*) FROM connections'\n",
    .most = 2,
    .verbatim = true,
    .live = true,
    .run = watch_run,
};
