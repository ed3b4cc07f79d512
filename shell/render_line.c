/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One line for each value, for rows too wide to read side by side. Nothing is cut. */
#include <stdint.h>
#include <string.h>

#include "escape.h"
#include "shown.h"

static size_t name_width(const struct rendering *rendering, size_t column)
{
    const char *name = rendering->headings[column].name;
    return escape_width((struct text){name, strlen(name)}, rendering->style->utf8, SIZE_MAX - 1);
}

static size_t widest_name(const struct rendering *rendering)
{
    size_t widest = 0;
    for (size_t i = 0; i < rendering->columns; i++) {
        size_t width = name_width(rendering, i);
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void line_begin(const struct rendering *rendering)
{
    (void)rendering;
}

static void line_row(const struct rendering *rendering, const struct cell *cells)
{
    FILE *out = rendering->out;
    bool bold = rendering->style->colour;
    fprintf(out, "%s%srow %zu%s\n", rendering->rows ? "\n" : "", bold ? "\033[1m" : "",
            rendering->rows + 1, bold ? "\033[0m" : "");
    size_t widest = widest_name(rendering);
    for (size_t i = 0; i < rendering->columns; i++) {
        const char *name = rendering->headings[i].name;
        fputs("  ", out);
        escape_print(out, (struct text){name, strlen(name)}, rendering->style->utf8);
        fprintf(out, "%*s", (int)(widest - name_width(rendering, i)) + 2, "");
        print_cell(rendering, i, &cells[i], PRECISION_NANOSECONDS, SIZE_MAX - 1);
        fputc('\n', out);
    }
}

static void line_end(const struct rendering *rendering)
{
    render_total(rendering, rendering->rows);
}

const struct format format_line = {
    .name = "line", .begin = line_begin, .row = line_row, .end = line_end};
