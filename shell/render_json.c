/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * JSON: an array of objects; JSON Lines: an object a line. Valid whatever was recorded: a byte that
 * is not UTF-8 becomes U+FFFD. Controls and invisible marks are written as \u escapes, which mean
 * the same to a program and do nothing to a terminal.
 */
#include <string.h>

#include "json_text.h"
#include "shown.h"

static bool only_ascii(const struct rendering *rendering)
{
    return rendering->style->terminal && !rendering->style->utf8;
}

static void print_string(const struct rendering *rendering, struct text text)
{
    json_string(rendering->out, text, only_ascii(rendering));
}

static void print_value(const struct rendering *rendering, size_t column, const struct cell *cell)
{
    FILE *out = rendering->out;
    if (cell->type == CELL_NULL) {
        fputs("null", out);
    } else if (cell->type == CELL_TEXT && rendering->headings[column].is_json) {
        json_copy(out, cell->bytes, only_ascii(rendering));
    } else if (cell->type == CELL_BLOB) {
        fputc('"', out);
        print_hex(out, cell->bytes);
        fputc('"', out);
    } else {
        struct shown shown;
        bool is_time = shows_time(rendering->style, &rendering->headings[column], cell);
        show_cell(&shown, cell, is_time, PRECISION_NANOSECONDS);
        if (cell->type == CELL_TEXT || is_time)
            print_string(rendering, shown.text);
        else
            fwrite(shown.text.data, 1, shown.text.length, out);
    }
}

static void print_object(const struct rendering *rendering, const struct cell *cells)
{
    fputc('{', rendering->out);
    for (size_t i = 0; i < rendering->columns; i++) {
        const char *name = rendering->headings[i].name;
        fputs(i ? ", " : "", rendering->out);
        print_string(rendering, (struct text){name, strlen(name)});
        fputs(": ", rendering->out);
        print_value(rendering, i, &cells[i]);
    }
    fputc('}', rendering->out);
}

static void json_begin(const struct rendering *rendering)
{
    fputc('[', rendering->out);
}

static void json_row(const struct rendering *rendering, const struct cell *cells)
{
    fputs(rendering->rows ? ",\n " : "", rendering->out);
    print_object(rendering, cells);
}

static void json_end(const struct rendering *rendering)
{
    fputs("]\n", rendering->out);
}

static void jsonl_begin(const struct rendering *rendering)
{
    (void)rendering;
}

static void jsonl_row(const struct rendering *rendering, const struct cell *cells)
{
    print_object(rendering, cells);
    fputc('\n', rendering->out);
}

const struct format format_json = {
    .name = "json", .begin = json_begin, .row = json_row, .end = json_end};
const struct format format_jsonl = {
    .name = "jsonl", .begin = jsonl_begin, .row = jsonl_row, .end = jsonl_begin};
