/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * JSON: an array of objects; JSON Lines: an object a line. Valid whatever was recorded: a byte that
 * is not UTF-8 becomes U+FFFD. Controls and invisible marks are written as \u escapes, which mean
 * the same to a program and do nothing to a terminal.
 */
#include <string.h>

#include "escape.h"
#include "shown.h"

static void print_escaped(FILE *out, int32_t code)
{
    if (code < 0x10000) {
        fprintf(out, "\\u%04x", (unsigned int)code);
        return;
    }
    unsigned int pair = (unsigned int)code - 0x10000;
    fprintf(out, "\\u%04x\\u%04x", 0xd800 + (pair >> 10), 0xdc00 + (pair & 0x3ff));
}

/* A character of a text; one that is unsafe or no UTF-8 as an escape. */
static void print_character(const struct rendering *rendering, struct text text, size_t *at)
{
    bool ascii = rendering->style->terminal && !rendering->style->utf8;
    size_t start = *at;
    int32_t code = utf8_next(text, at);
    if (code < 0)
        fputs("\\ufffd", rendering->out);
    else if (is_unsafe(code) || (ascii && code >= 0x80))
        print_escaped(rendering->out, code);
    else
        fwrite(text.data + start, 1, *at - start, rendering->out);
}

static void print_string(const struct rendering *rendering, struct text text)
{
    fputc('"', rendering->out);
    for (size_t at = 0; at < text.length;) {
        if (text.data[at] == '"' || text.data[at] == '\\')
            fputc('\\', rendering->out);
        print_character(rendering, text, &at);
    }
    fputc('"', rendering->out);
}

/* Valid JSON without white space has characters that need an escape in its strings only. */
static void print_json(const struct rendering *rendering, struct text json)
{
    for (size_t at = 0; at < json.length;)
        print_character(rendering, json, &at);
}

static void print_value(const struct rendering *rendering, size_t column, const struct cell *cell)
{
    FILE *out = rendering->out;
    if (cell->type == CELL_NULL) {
        fputs("null", out);
    } else if (cell->type == CELL_TEXT && rendering->headings[column].is_json) {
        print_json(rendering, cell->bytes);
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
