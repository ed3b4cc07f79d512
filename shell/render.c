/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "render.h"

#include <string.h>

#include "stop.h"

const struct format *const formats[] = {
    &format_table, &format_line,  &format_csv,      &format_csv_safe,
    &format_json,  &format_jsonl, &format_markdown, NULL,
};

const struct format *format_find(const char *name)
{
    for (size_t i = 0; formats[i]; i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}

static void render_rows(const struct format *format, struct rendering *rendering,
                        const struct result *result)
{
    format->begin(rendering);
    for (; rendering->rows < result->rows && !stop_requested(); rendering->rows++)
        format->row(rendering, result_row(result, rendering->rows));
    format->end(rendering);
}

void render_result(const struct format *format, FILE *out, const struct style *style,
                   const struct result *result)
{
    struct rendering rendering = {
        .out = out,
        .style = style,
        .headings = result->headings,
        .columns = result->columns,
        .unseen = result->unseen,
        .more = result->more,
    };
    if (format->whole)
        format->whole(&rendering, result);
    else
        render_rows(format, &rendering, result);
}

void render_count(FILE *out, size_t rows)
{
    fprintf(out, "%zu row%s\n", rows, rows == 1 ? "" : "s");
}

void render_total(const struct rendering *rendering, size_t rows)
{
    if (rendering->unseen == 0)
        render_count(rendering->out, rows);
    else
        fprintf(rendering->out, "%s%zu rows (%zu shown)\n", rendering->more ? "over " : "",
                rows + rendering->unseen, rows);
}
