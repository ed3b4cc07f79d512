/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages to the person, on stderr. What they quote is escaped. */
#ifndef SPYQ_COMPLAIN_H
#define SPYQ_COMPLAIN_H

#include <stdbool.h>

/* Writes one line, `spyq: ` and the message. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* With quiet, complain() says nothing until it is called without. */
void complain_quietly(bool quiet);
bool complain_is_quiet(void);

/* What is to be done before each message, so that it comes after the answer that was written. */
void complain_after(void (*settle)(void));

/* Writes the line of sql that byte `offset` is in, and a caret below that byte. */
void complain_caret(const char *sql, int offset);

/*
 * The candidate (a list ended by NULL) that looks most like word, or NULL where none is near
 * enough to be what was meant.
 */
const char *nearest(const char *word, const char *const *candidates);

/* The same, within so many insertions, deletions and substitutions. */
const char *nearest_within(const char *word, const char *const *candidates, int limit);

#endif
