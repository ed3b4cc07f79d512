/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recorded bytes as text of an HTML page or a DOT graph, where none of them can be markup. */
#ifndef SPYQ_HTML_TEXT_H
#define SPYQ_HTML_TEXT_H

#include <stdio.h>

#include "../sql/rows.h"

/*
 * Writes the text for an element or a quoted attribute: what is unsafe to see is escaped as by
 * escape_print(), and & < > " ' are entities.
 */
void html_text(FILE *out, struct text text);

/* The same, cut to `width` columns, with a mark where something was left off. */
void html_text_cut(FILE *out, struct text text, size_t width);

/* Writes the text as a quoted string of DOT, in which a backslash means itself; TEXT_NULL: "". */
void dot_string(FILE *out, struct text text);

#endif
