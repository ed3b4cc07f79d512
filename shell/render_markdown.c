/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A Markdown table, for a ticket or a report. A person reads it: everything is escaped. */
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "shown.h"

/* What Markdown or the HTML around it would take for markup. */
static void print_marked(const struct rendering *rendering, struct text text)
{
    for (size_t at = 0; at < text.length;) {
        struct glyph glyph = glyph_next(text, &at, rendering->style->utf8);
        if (glyph.length == 1 && strchr("|\\`*_<>[]&~", glyph.bytes[0]))
            fputc('\\', rendering->out);
        else if (glyph.length > 1 && glyph.bytes[0] == '\\')
            fputc('\\', rendering->out);
        fwrite(glyph.bytes, 1, glyph.length, rendering->out);
    }
}

static void markdown_begin(const struct rendering *rendering)
{
    for (size_t i = 0; i < rendering->columns; i++) {
        const char *name = rendering->headings[i].name;
        fputs("| ", rendering->out);
        print_marked(rendering, (struct text){name, strlen(name)});
        fputc(' ', rendering->out);
    }
    fputs("|\n", rendering->out);
    for (size_t i = 0; i < rendering->columns; i++)
        fputs("| --- ", rendering->out);
    fputs("|\n", rendering->out);
}

static void markdown_cell(const struct rendering *rendering, size_t column, const struct cell *cell)
{
    if (cell->type == CELL_BLOB) {
        print_hex(rendering->out, cell->bytes);
        return;
    }
    struct shown shown = {.text = {"NULL", 4}};
    if (cell->type != CELL_NULL)
        show_cell(&shown, cell, shows_time(rendering->style, &rendering->headings[column], cell),
                  PRECISION_MILLISECONDS);
    print_marked(rendering, shown.text);
}

static void markdown_row(const struct rendering *rendering, const struct cell *cells)
{
    for (size_t i = 0; i < rendering->columns; i++) {
        fputs("| ", rendering->out);
        markdown_cell(rendering, i, &cells[i]);
        fputc(' ', rendering->out);
    }
    fputs("|\n", rendering->out);
}

static void markdown_end(const struct rendering *rendering)
{
    (void)rendering;
}

const struct format format_markdown = {
    .name = "markdown", .begin = markdown_begin, .row = markdown_row, .end = markdown_end};
