/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person is told of how a TARGET was understood. */
#ifndef SPYQ_TARGET_TELL_H
#define SPYQ_TARGET_TELL_H

#include "render.h"
#include "target.h"
#include "target_form.h"

/* The columns of every query that target.c makes. */
enum match_column {
    MATCH_ID,
    MATCH_PID,
    MATCH_STARTED,
    MATCH_CMDLINE,
    MATCH_COMM,
    MATCH_AT,
    MATCH_SINCE,
    MATCH_WHAT,
};

#define MATCH_LIMIT 1000 /* rows that a query gives at most */

/* Lists on stderr the matches after the first, which was taken. */
void tell_others(const char *text, const struct result *matches);

/* Says on stderr that nothing matches, and what may help. */
void tell_nothing(const struct target *target, const char *text);

/* The command line, or else the short name; TEXT_NULL where neither is known. */
struct text match_name(const struct cell *match);

/*
 * Writes what was found, after the words `before`: the file, connection or the like, its moment,
 * the process. One line, cut to the width of the style.
 */
void tell_found(FILE *out, const struct style *style, const char *before,
                const struct found *found);

#endif
