/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recorded bytes as a JSON string. */
#ifndef SPYQ_JSON_TEXT_H
#define SPYQ_JSON_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "../sql/rows.h"

/*
 * Writes the text as a JSON string, in quotes. A byte that is not UTF-8 becomes U+FFFD; controls
 * and invisible marks, with ascii all beyond it, become \u escapes.
 */
void json_string(FILE *out, struct text text, bool ascii);

/* Writes what is valid JSON without white space, its strings escaped in the same way. */
void json_copy(FILE *out, struct text json, bool ascii);

#endif
