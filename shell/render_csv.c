/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * RFC 4180 with lines that end in LF. NULL is nothing, the empty string is "", a blob is hex, text
 * is byte for byte what was recorded; only a terminal gets it escaped.
 *
 * Spreadsheets take some texts for formulas, which can do harm. csv-safe is for them, and no more
 * byte for byte: such a text gets an apostrophe in front, and every text is in quotes, so that none
 * is split where the columns are divided by semicolons or tabs.
 */
#include <string.h>

#include "escape.h"
#include "shown.h"

static bool needs_quotes(struct text text)
{
    if (text.length == 0)
        return true;
    for (size_t i = 0; i < text.length; i++)
        if (memchr("\",\r\n", text.data[i], 4))
            return true;
    return false;
}

static void print_quoted(const struct rendering *rendering, struct text text)
{
    for (size_t at = 0; at < text.length;) {
        const char *quote = memchr(text.data + at, '"', text.length - at);
        size_t length = quote ? (size_t)(quote - text.data) + 1 - at : text.length - at;
        struct text part = {text.data + at, length};
        if (rendering->style->terminal)
            escape_print(rendering->out, part, rendering->style->utf8);
        else
            fwrite(part.data, 1, part.length, rendering->out);
        if (quote)
            fputc('"', rendering->out);
        at += length;
    }
}

static void print_field(const struct rendering *rendering, struct text text)
{
    bool quotes = needs_quotes(text);
    if (quotes)
        fputc('"', rendering->out);
    print_quoted(rendering, text);
    if (quotes)
        fputc('"', rendering->out);
}

static void csv_begin(const struct rendering *rendering)
{
    for (size_t i = 0; i < rendering->columns; i++) {
        const char *name = rendering->headings[i].name;
        if (i > 0)
            fputc(',', rendering->out);
        print_field(rendering, (struct text){name, strlen(name)});
    }
    fputc('\n', rendering->out);
}

/*
 * Whether a spreadsheet may take the text for a formula, or drop what hides one: it begins with one
 * of = + - @ | %, a tab, a line end or white space, or with the wide form of such a sign.
 */
static bool is_formula(struct text text)
{
    size_t at = 0;
    if (text.length == 0)
        return false;
    int32_t code = utf8_next(text, &at);
    if (code >= 0xff01 && code <= 0xff5e)
        code -= 0xff01 - '!';
    bool space = code == 0xa0 || code == 0x3000 || code == 0xfeff || (code >= 0 && code <= ' ');
    return space || (code > 0 && code < 0x80 && strchr("=+-@|%", code));
}

static void print_safe(const struct rendering *rendering, struct text text)
{
    fputs(is_formula(text) ? "\"'" : "\"", rendering->out);
    print_quoted(rendering, text);
    fputc('"', rendering->out);
}

static void csv_cell(const struct rendering *rendering, size_t column, const struct cell *cell)
{
    if (cell->type == CELL_NULL)
        return;
    if (cell->type == CELL_BLOB) {
        print_hex(rendering->out, cell->bytes);
        return;
    }
    struct shown shown;
    show_cell(&shown, cell, shows_time(rendering->style, &rendering->headings[column], cell),
              PRECISION_NANOSECONDS);
    print_field(rendering, shown.text);
}

static void csv_row(const struct rendering *rendering, const struct cell *cells)
{
    for (size_t i = 0; i < rendering->columns; i++) {
        if (i > 0)
            fputc(',', rendering->out);
        csv_cell(rendering, i, &cells[i]);
    }
    fputc('\n', rendering->out);
}

/* Numbers stay numbers, also those below 0. */
static void csv_safe_row(const struct rendering *rendering, const struct cell *cells)
{
    for (size_t i = 0; i < rendering->columns; i++) {
        if (i > 0)
            fputc(',', rendering->out);
        if (cells[i].type == CELL_TEXT)
            print_safe(rendering, cells[i].bytes);
        else
            csv_cell(rendering, i, &cells[i]);
    }
    fputc('\n', rendering->out);
}

static void csv_safe_begin(const struct rendering *rendering)
{
    for (size_t i = 0; i < rendering->columns; i++) {
        const char *name = rendering->headings[i].name;
        if (i > 0)
            fputc(',', rendering->out);
        print_safe(rendering, (struct text){name, strlen(name)});
    }
    fputc('\n', rendering->out);
}

static void csv_end(const struct rendering *rendering)
{
    (void)rendering;
}

const struct format format_csv = {
    .name = "csv", .begin = csv_begin, .row = csv_row, .end = csv_end};
const struct format format_csv_safe = {
    .name = "csv-safe", .begin = csv_safe_begin, .row = csv_safe_row, .end = csv_end};
