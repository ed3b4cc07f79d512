/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The report of a TARGET, in the form that its file's name asks for. */
#include <string.h>

#include "command.h"
#include "complain.h"
#include "report.h"

static const struct {
    const char *ending;
    void (*write)(const struct report *report, FILE *out);
} forms[] = {
    {".html", report_html}, {".htm", report_html},  {".dot", report_dot},
    {".gv", report_dot},    {".json", report_json},
};

#define FORM_COUNT (sizeof forms / sizeof *forms)

typedef void report_writer(const struct report *report, FILE *out);

/* By the file's ending; on standard output a page, or with --json JSON. NULL after a message. */
static report_writer *choose(const struct session *session)
{
    const char *path = session->options.output;
    const char *dot = path ? strrchr(path, '.') : NULL;
    for (size_t i = 0; dot && i < FORM_COUNT; i++)
        if (strcmp(dot, forms[i].ending) == 0)
            return forms[i].write;
    if (path)
        complain("report makes a .html, .dot or .json file, not %s", path);
    else if (output_style(session->output)->terminal)
        complain("report needs a file: -o FILE.html, FILE.dot or FILE.json");
    else
        return session->options.format == &format_json ? report_json : report_html;
    return NULL;
}

static enum status report_run(struct session *session, char **operands)
{
    struct story story;
    struct found found = {0};
    struct report report = {0};
    report_writer *writer = choose(session);
    if (!writer)
        return STATUS_USAGE;
    enum status status = story_build(session, operands[0], true, true, &story, &found);
    if (status == STATUS_OK)
        status = report_make(&report, &story, &found, operands[0]);
    if (status == STATUS_OK) {
        writer(&report, output_file(session->output));
        session->rows++;
    }
    report_free(&report);
    story_free(&story);
    found_free(&found);
    return status;
}

const struct command command_report = {
    .name = "report",
    .arguments = "TARGET -o FILE",
    .summary = "its story as a page",
    .help =
        "FILE.html: one page, with nothing from elsewhere in it: the graph, the story, and the\n"
        "rows that prove it. FILE.dot: the graph, for dot(1). FILE.json: all of it for\n"
        "programs. --since, --until, --depth, --kinds, --through-hubs and --all mean what they\n"
        "mean to story. 'help targets' tells what a TARGET can be.\n"
        "Example:  report file:/tmp/miner -o miner.html\n",
    .least = 1,
    .most = 1,
    .takes = OPTIONS_SPAN | OPTION_DEPTH | OPTION_KINDS | OPTION_HUBS | OPTION_ALL,
    .run = report_run,
};
