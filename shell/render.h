/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The formats an answer can be written in, and what a format may know about where it goes. */
#ifndef SPYQ_RENDER_H
#define SPYQ_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "result.h"

/* Where the output goes and how it is to look. */
struct style {
    bool terminal;  /* a terminal reads it: nothing may reach it unescaped */
    bool utf8;      /* characters beyond ASCII can be shown */
    bool colour;    /* headings may be bold */
    bool raw_times; /* times as integers */
    size_t width;   /* columns of the terminal, 0: no limit */
};

/* An answer on its way out. */
struct rendering {
    FILE *out;
    const struct style *style;
    const struct heading *headings;
    size_t columns;
    size_t rows;   /* rows written so far */
    size_t unseen; /* rows that the answer has beyond those to be written */
    bool more;     /* and more than that */
};

/*
 * One format. Those with `whole` need every row before the first can be written; the others write
 * row by row. rendering->rows is kept by the caller: in row() it is the number of rows before.
 */
struct format {
    const char *name; /* `--name` and `.mode name` */
    void (*begin)(const struct rendering *rendering);
    void (*row)(const struct rendering *rendering, const struct cell *cells);
    void (*end)(const struct rendering *rendering);
    void (*whole)(const struct rendering *rendering, const struct result *result);
};

extern const struct format format_table, format_line, format_csv, format_csv_safe, format_json,
    format_jsonl, format_markdown;

/* All of them, ended by NULL. */
extern const struct format *const formats[];

/* The format of that name, or NULL. */
const struct format *format_find(const char *name);

/* Writes a result in any format. */
void render_result(const struct format *format, FILE *out, const struct style *style,
                   const struct result *result);

/* "1 row", "2 rows". */
void render_count(FILE *out, size_t rows);

/* The same at the end of an answer of which `rows` were written: "12 rows (10 shown)". */
void render_total(const struct rendering *rendering, size_t rows);

#endif
