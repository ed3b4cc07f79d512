/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Columns side by side. What is too wide for the terminal is fitted: times lose their fraction,
 * then the widest text columns are cut; where that is not enough, each row gets lines of its own.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "shown.h"
#include "stop.h"

#define GAP        2 /* columns between columns */
#define TEXT_LEAST 8 /* text is not cut below this */

struct table_column {
    size_t width;
    size_t least; /* no narrower than this */
    bool numbers; /* numbers only: aligned to the right */
    bool times;   /* holds a time */
};

struct table_layout {
    struct table_column *columns;
    enum precision precision;
};

static struct text heading_text(const struct heading *heading)
{
    return (struct text){heading->name, strlen(heading->name)};
}

/* A cell wider than the terminal is as good as one just too wide: no need to measure it all. */
static size_t measure_limit(const struct style *style)
{
    return style->width ? style->width : SIZE_MAX - 1;
}

static void measure_cell(const struct rendering *rendering, struct table_column *column,
                         const struct heading *heading, const struct cell *cell)
{
    const struct style *style = rendering->style;
    bool is_time = shows_time(style, heading, cell);
    size_t width = cell_width(style, heading, cell, PRECISION_MILLISECONDS, measure_limit(style));
    if (width > column->width)
        column->width = width;
    column->times |= is_time;
    if (cell->type == CELL_TEXT || cell->type == CELL_BLOB || is_time)
        column->numbers = false;
}

static void measure(const struct rendering *rendering, const struct result *result,
                    struct table_layout *layout)
{
    const struct style *style = rendering->style;
    for (size_t i = 0; i < result->columns; i++)
        layout->columns[i] = (struct table_column){
            .width =
                escape_width(heading_text(&result->headings[i]), style->utf8, measure_limit(style)),
            .numbers = true,
        };
    for (size_t row = 0; row < result->rows; row++)
        for (size_t i = 0; i < result->columns; i++)
            measure_cell(rendering, &layout->columns[i], &result->headings[i],
                         result_row(result, row) + i);
}

static size_t total_width(const struct table_layout *layout, size_t columns)
{
    size_t total = columns ? (columns - 1) * GAP : 0;
    for (size_t i = 0; i < columns; i++)
        total += layout->columns[i].width;
    return total;
}

static void drop_fractions(struct table_layout *layout, size_t columns)
{
    layout->precision = PRECISION_SECONDS;
    for (size_t i = 0; i < columns; i++) {
        struct table_column *column = &layout->columns[i];
        if (column->times && column->width == time_width(PRECISION_MILLISECONDS))
            column->width = time_width(PRECISION_SECONDS);
    }
}

static void set_least(struct table_layout *layout, size_t columns)
{
    for (size_t i = 0; i < columns; i++) {
        struct table_column *column = &layout->columns[i];
        size_t least = column->times ? time_width(layout->precision) : TEXT_LEAST;
        column->least = column->numbers || column->width < least ? column->width : least;
    }
}

/* Cuts the widest columns, all to the same width, until the table fits. False: it cannot. */
static bool cut_columns(struct table_layout *layout, size_t columns, size_t room)
{
    for (size_t cap = room; total_width(layout, columns) > room; cap--) {
        if (cap < TEXT_LEAST)
            return false;
        for (size_t i = 0; i < columns; i++) {
            struct table_column *column = &layout->columns[i];
            if (column->width > cap && column->width > column->least)
                column->width = cap > column->least ? cap : column->least;
        }
    }
    return true;
}

static bool fit(struct table_layout *layout, size_t columns, size_t room)
{
    if (!room || total_width(layout, columns) <= room)
        return true;
    drop_fractions(layout, columns);
    set_least(layout, columns);
    return cut_columns(layout, columns, room);
}

static void pad(FILE *out, size_t used, size_t width)
{
    if (used < width)
        fprintf(out, "%*s", (int)(width - used), "");
}

/* Spaces before the first column are none, and none follow the last. */
static void print_aligned(const struct rendering *rendering, const struct table_layout *layout,
                          size_t i, const struct cell *cell)
{
    const struct table_column *column = &layout->columns[i];
    bool last = i + 1 == rendering->columns;
    if (column->numbers) {
        size_t width = cell_width(rendering->style, &rendering->headings[i], cell,
                                  layout->precision, column->width);
        pad(rendering->out, width, column->width);
    }
    size_t used = print_cell(rendering, i, cell, layout->precision, column->width);
    if (!column->numbers && !last)
        pad(rendering->out, used, column->width);
    if (!last)
        pad(rendering->out, 0, GAP);
}

static void print_headings(const struct rendering *rendering, const struct table_layout *layout)
{
    bool bold = rendering->style->colour;
    fputs(bold ? "\033[1m" : "", rendering->out);
    for (size_t i = 0; i < rendering->columns; i++) {
        struct cell name = cell_text(rendering->headings[i].name);
        print_aligned(rendering, layout, i, &name);
    }
    fputs(bold ? "\033[0m\n" : "\n", rendering->out);
}

static void print_rule(const struct rendering *rendering, const struct table_layout *layout)
{
    for (size_t i = 0; i < rendering->columns; i++) {
        for (size_t dash = 0; dash < layout->columns[i].width; dash++)
            fputc('-', rendering->out);
        if (i + 1 < rendering->columns)
            pad(rendering->out, 0, GAP);
    }
    fputc('\n', rendering->out);
}

static void print_table(const struct rendering *rendering, const struct table_layout *layout,
                        const struct result *result)
{
    print_headings(rendering, layout);
    print_rule(rendering, layout);
    for (size_t row = 0; row < result->rows && !stop_requested(); row++) {
        for (size_t i = 0; i < result->columns; i++)
            print_aligned(rendering, layout, i, result_row(result, row) + i);
        fputc('\n', rendering->out);
    }
    render_total(rendering, result->rows);
}

static void table_whole(const struct rendering *rendering, const struct result *result)
{
    struct table_layout layout = {
        .columns = calloc(result->columns + 1, sizeof *layout.columns),
        .precision = PRECISION_MILLISECONDS,
    };
    if (layout.columns)
        measure(rendering, result, &layout);
    if (layout.columns && fit(&layout, result->columns, rendering->style->width))
        print_table(rendering, &layout, result);
    else
        render_result(&format_line, rendering->out, rendering->style, result);
    free(layout.columns);
}

const struct format format_table = {.name = "table", .whole = table_whole};
