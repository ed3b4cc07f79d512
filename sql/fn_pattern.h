/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Extended regular expressions over bytes: what POSIX specifies, without collating elements and
 * back-references, and with \d \w \s \D \W \S \t \n \r. No locale, and no byte is special: text may
 * hold NUL, newlines, and what is not UTF-8.
 *
 * The C library's matcher does not serve here: of text that others choose it can take quadratic
 * time, of a short pattern all memory, and its dot stops at NUL.
 */
#ifndef SPYQ_FN_PATTERN_H
#define SPYQ_FN_PATTERN_H

#include <stdbool.h>

#include "rows.h"

#define PATTERN_STATES_MAX  8192 /* after repetitions are written out */
#define PATTERN_NESTING_MAX 100

struct pattern;

/*
 * Compiles a pattern, for pattern_free(). On failure returns NULL and sets *error to what is wrong
 * with the pattern (static text), or to NULL when out of memory.
 */
struct pattern *pattern_compile(struct text text, const char **error);

/*
 * Does the pattern match anywhere in the text? The text is read once; a byte mostly costs one step,
 * and never more than a few for each state of the pattern. Nothing is allocated. Not for two
 * threads at once.
 */
bool pattern_match(struct pattern *pattern, struct text text);

/* Takes NULL too. */
void pattern_free(struct pattern *pattern);

#endif
