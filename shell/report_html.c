/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A report as one page: what was found, the drawing, the sentences in time, the rows that prove
 * them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "html_text.h"
#include "report.h"
#include "shown.h"

static const struct style style = {.utf8 = true};

/* Nothing of it comes from elsewhere, and no script can run, whatever was recorded. */
static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n<style>\n"
    ":root{--ink:#1c2126;--dim:#5c6670;--page:#fff;--card:#f5f7f8;--line:#d5dbe0;--target:#b3261e;"
    "--cause:#8a5300;--effect:#0b57a4;--mark:#fdecea}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e8eb;--dim:#9aa5ae;--page:#15191c;"
    "--card:#1e2428;--line:#3a434a;--target:#ff8a80;--cause:#f0b35a;--effect:#7cb8f5;"
    "--mark:#3b2020}}\n"
    "body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);margin:0 auto;"
    "max-width:1280px;padding:24px}\n"
    "h1{font-size:22px;margin:0 0 4px}h2{font-size:17px;margin:32px 0 8px;"
    "border-bottom:1px solid var(--line)}h3{font-size:14px;margin:20px 0 6px}\n"
    "p{margin:6px 0}.dim{color:var(--dim)}a{color:inherit}code,.rows,.time{font:13px/1.45 "
    "ui-monospace,monospace}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:8px 0}"
    "dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}\n"
    ".scroll{overflow-x:auto;border:1px solid "
    "var(--line);border-radius:6px;background:var(--card)}\n"
    "svg{display:block;font:12px system-ui,sans-serif}svg text{fill:var(--ink)}"
    "svg rect{fill:var(--page);stroke:var(--dim)}svg a{text-decoration:none}\n"
    ".name{font-weight:600}svg .who,svg .edge{fill:var(--dim);font-size:11px}"
    "svg .edge{text-anchor:middle;paint-order:stroke;stroke:var(--card);stroke-width:3px}\n"
    ".fork,.act{fill:none;stroke:var(--line);stroke-width:1.5}.act{stroke:var(--dim)}"
    "a:hover .act{stroke:var(--target)}marker path{fill:var(--dim)}\n"
    ".target rect{stroke:var(--target);stroke-width:2.5}.cause rect{stroke:var(--cause)}"
    ".effect rect{stroke:var(--effect)}.hub rect{stroke-dasharray:4 3}\n"
    ".story{list-style:none;margin:0;padding:0}.story li{display:grid;"
    "grid-template-columns:8.5em 1fr;gap:2px 12px;padding:3px 8px;overflow-wrap:anywhere}"
    ".story .day{font-weight:600;padding-top:12px}.vital{background:var(--mark);"
    "border-left:3px solid var(--target)}.time{color:var(--dim)}"
    ".proof{font-size:12px;color:var(--dim)}\n"
    ".rows{border-collapse:collapse;min-width:100%}.rows th,.rows td{border-bottom:1px solid "
    "var(--line);padding:3px 8px;text-align:left;vertical-align:top;white-space:pre-wrap;"
    "overflow-wrap:break-word;max-width:46em}.rows th,.rows td.when,.rows td.number{white-space:"
    "nowrap}.rows th{color:var(--dim);font-weight:600}.rows td.number{text-align:right}"
    ".rows tr:target,li:target{outline:2px solid var(--target)}.null{color:var(--dim)}\n"
    "@media print{body{max-width:none;padding:0}.scroll{overflow:visible;border:0}"
    "svg{max-width:100%;height:auto}}\n"
    "@media(max-width:640px){.story li{grid-template-columns:1fr}}\n"
    "</style>\n";

static void put_plain(FILE *out, const char *text)
{
    html_text(out, (struct text){text, strlen(text)});
}

static void put_cell(FILE *out, const struct heading *heading, const struct cell *cell)
{
    struct shown shown;
    if (cell->type == CELL_NULL) {
        fputs("<span class=\"null\">NULL</span>", out);
    } else if (cell->type == CELL_BLOB) {
        print_hex(out, cell->bytes);
    } else {
        show_cell(&shown, cell, shows_time(&style, heading, cell), PRECISION_NANOSECONDS);
        html_text(out, shown.text);
    }
}

/* ---- what it is about ---- */

static void put_item(FILE *out, const char *name, struct text value)
{
    if (!value.data)
        return;
    fprintf(out, "<dt>%s</dt><dd>", name);
    html_text(out, value);
    fputs("</dd>\n", out);
}

static void put_about(const struct report *report, FILE *out)
{
    const struct result *about = &report->about;
    fputs("<dl>\n", out);
    put_item(out, "asked for", (struct text){report->target, strlen(report->target)});
    put_item(out, "found by", report->found->what);
    put_item(out, "process", report->found->name);
    for (size_t i = 0; about->rows > 0 && i < about->columns; i++) {
        const struct cell *cell = result_row(about, 0) + i;
        if (cell->type == CELL_NULL)
            continue;
        char name[64];
        snprintf(name, sizeof name, "%s", about->headings[i].name);
        for (char *at = name; *at; at++)
            *at = *at == '_' ? ' ' : *at;
        fprintf(out, "<dt>%s</dt><dd>", name);
        put_cell(out, &about->headings[i], cell);
        fputs("</dd>\n", out);
    }
    fputs("</dl>\n", out);
}

static void put_head(const struct report *report, FILE *out)
{
    fputs(head, out);
    fputs("<title>spyq report: ", out);
    put_plain(out, report->target);
    fputs("</title>\n</head>\n<body>\n<h1>The story of ", out);
    put_plain(out, report->target);
    fputs("</h1>\n<p class=\"dim\">What led to it and what came of it, as spyq " SPYQ_VERSION
          " tells it from what was recorded. All times are UTC.</p>\n",
          out);
    put_about(report, out);
}

/* ---- the drawing ---- */

static void put_graph(const struct report *report, FILE *out)
{
    fputs("<h2>Who acted on whom</h2>\n<p class=\"dim\">Causes at the left, effects at the right. "
          "Grey lines are forks, dark ones carry the kind of the edge; each box and line leads to "
          "its row below. A dashed box is a hub, at which the search stopped.",
          out);
    if (report->left_out > 0)
        fprintf(out, " The %d nearest are drawn; %zu more processes are not.", REPORT_NODES,
                report->left_out);
    fputs("</p>\n<div class=\"scroll\">\n", out);
    report_svg(report, out);
    fputs("</div>\n", out);
}

/* ---- the story ---- */

/* Where in 2026-11-22T03:12:05.123Z the parts are. */
#define DATE_LENGTH 10
#define TIME_START  11
#define TIME_LENGTH 12

static void put_time(FILE *out, int64_t at, char day[DATE_LENGTH + 1])
{
    struct cell cell = cell_integer(at);
    struct shown shown;
    if (at == INTEGER_NULL) {
        fputs("<span class=\"time\"></span>", out);
        return;
    }
    show_cell(&shown, &cell, true, PRECISION_MILLISECONDS);
    fprintf(out, "<span class=\"time\">%.*s</span>", TIME_LENGTH, shown.text.data + TIME_START);
    memcpy(day, shown.text.data, DATE_LENGTH);
}

/* A line with the date goes before the first sentence of a day. */
static void put_day(FILE *out, int64_t at, const char *day)
{
    struct cell cell = cell_integer(at);
    struct shown shown;
    if (at == INTEGER_NULL)
        return;
    show_cell(&shown, &cell, true, PRECISION_SECONDS);
    if (memcmp(shown.text.data, day, DATE_LENGTH) != 0)
        fprintf(out, "<li class=\"day\">%.*s</li>\n", DATE_LENGTH, shown.text.data);
}

static void put_proofs(FILE *out, const struct story_fact *fact)
{
    if (fact->proof_count == 0)
        return;
    fputs(" <span class=\"proof\">[", out);
    for (size_t i = 0; i < fact->proof_count; i++) {
        const struct story_proof *proof = &fact->proofs[i];
        fprintf(out, "%s<a href=\"#%s-%" PRId64 "\">%s %" PRId64 "</a>", i ? ", " : "",
                story_table_name(proof->table), proof->id, story_row_name(proof->table), proof->id);
    }
    fputs("]</span>", out);
}

static void put_fact(FILE *out, const struct story_fact *fact, char day[DATE_LENGTH + 1])
{
    struct text sentence = story_told(fact);
    put_day(out, fact->at, day);
    fprintf(out, "<li%s>",
            fact->part == STORY_BODY && fact->weight == STORY_VITAL ? " class=\"vital\"" : "");
    put_time(out, fact->at, day);
    fputs("<span>", out);
    if (sentence.data)
        html_text(out, sentence);
    put_proofs(out, fact);
    fputs("</span></li>\n", out);
    free((char *)sentence.data);
}

static void put_story(const struct report *report, FILE *out)
{
    char day[DATE_LENGTH + 1] = "";
    fputs("<h2>What happened</h2>\n<ul class=\"story\">\n", out);
    for (size_t i = 0; i < report->story->fact_count; i++)
        if (!report->story->facts[i].folded)
            put_fact(out, &report->story->facts[i], day);
    fputs("</ul>\n", out);
}

/* ---- the evidence ---- */

/* Whether any row has something in that column: empty ones are left out. */
static bool is_used(const struct result *rows, size_t column)
{
    for (size_t i = 0; i < rows->rows; i++)
        if (result_row(rows, i)[column].type != CELL_NULL)
            return true;
    return false;
}

static void put_row(FILE *out, const struct result *rows, size_t row, const bool *used,
                    const char *table)
{
    const struct cell *cells = result_row(rows, row);
    fprintf(out, "<tr id=\"%s-%" PRId64 "\">", table, cells[0].integer);
    for (size_t i = 0; i < rows->columns; i++) {
        if (!used[i])
            continue;
        fputs(cells[i].type != CELL_INTEGER ? "<td>"
              : rows->headings[i].is_time   ? "<td class=\"when\">"
                                            : "<td class=\"number\">",
              out);
        put_cell(out, &rows->headings[i], &cells[i]);
        fputs("</td>", out);
    }
    fputs("</tr>\n", out);
}

static void put_table(FILE *out, const struct result *rows, const char *table)
{
    bool *used = calloc(rows->columns + 1, sizeof *used);
    if (!used)
        return;
    fprintf(out, "<h3>%s</h3>\n<div class=\"scroll\"><table class=\"rows\">\n<tr>", table);
    for (size_t i = 0; i < rows->columns; i++) {
        used[i] = is_used(rows, i);
        if (used[i]) {
            fputs("<th>", out);
            put_plain(out, rows->headings[i].name);
            fputs("</th>", out);
        }
    }
    fputs("</tr>\n", out);
    for (size_t i = 0; i < rows->rows; i++)
        put_row(out, rows, i, used, table);
    fputs("</table></div>\n", out);
    if (rows->rows == REPORT_ROWS)
        fprintf(out, "<p class=\"dim\">The first %d rows; there may be more.</p>\n", REPORT_ROWS);
    free(used);
}

static void put_evidence(const struct report *report, FILE *out)
{
    fputs("<h2>Evidence</h2>\n<p class=\"dim\">The rows of the store that prove the sentences and "
          "lines above, by the names of their tables. Columns in which nothing is known are left "
          "out.</p>\n",
          out);
    for (size_t i = 0; i < STORY_TABLE_COUNT; i++)
        if (report->evidence[i].rows > 0)
            put_table(out, &report->evidence[i], story_table_name((enum story_table)i));
}

void report_html(const struct report *report, FILE *out)
{
    put_head(report, out);
    put_graph(report, out);
    put_story(report, out);
    put_evidence(report, out);
    fputs("</body>\n</html>\n", out);
}
