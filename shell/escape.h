/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recorded bytes as a person may safely see them.
 *
 * Everything recorded is hostile: a process name may hold terminal escapes, a newline, or marks
 * that turn the reading order around. Whatever goes to a person passes through here. Bytes that
 * are not plain visible text become \n, \t, \r, \x1b, \u202e or \U000e0001; invalid UTF-8 becomes
 * \xff, byte by byte. A backslash itself is shown as it is.
 */
#ifndef SPYQ_ESCAPE_H
#define SPYQ_ESCAPE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../sql/rows.h"

/* One thing that is shown whole or not at all: a character, or the escape for it. */
struct glyph {
    char bytes[12]; /* not NUL-terminated */
    size_t length;  /* bytes in use, never 0 */
    int width;      /* terminal columns; 0 for a combining mark */
};

/*
 * Reads one character at *position, which must lie inside the text, and moves *position past it.
 * Returns its code point, or -1 for a byte that is no part of valid UTF-8 (*position moves by 1).
 */
int32_t utf8_next(struct text text, size_t *position);

/* Whether a code point is a control, a bidi mark, or takes up no visible room of its own. */
bool is_unsafe(int32_t code);

/* The next glyph of a text; *position as in utf8_next(). Without utf8 it is made of ASCII only. */
struct glyph glyph_next(struct text text, size_t *position, bool utf8);

/* Columns that the text takes on a terminal; counting stops at `limit` or a little above it. */
size_t escape_width(struct text text, bool utf8, size_t limit);

/* Writes the text to a person. */
void escape_print(FILE *out, struct text text, bool utf8);

/*
 * Writes as much of the text as fits `width` columns (at least 1), with a mark at the end where
 * something was left off. Returns the columns used.
 */
size_t escape_print_cut(FILE *out, struct text text, bool utf8, size_t width);

#endif
