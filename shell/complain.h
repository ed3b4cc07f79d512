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

#endif
