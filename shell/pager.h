/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers that are longer than the terminal, shown by $PAGER, or else less. What is written is held
 * until it fills a screen; only then is the pager started. A shorter answer goes to the terminal.
 */
#ifndef SPYQ_PAGER_H
#define SPYQ_PAGER_H

#include <stdbool.h>
#include <stdio.h>

/*
 * The stream for all that goes to the terminal; NULL where standard input or output is none, where
 * the terminal is dumb, or where there is no pager. It lives as long as the program.
 */
FILE *pager_stream(void);

/* Begins an answer. Not paged, it goes straight to the terminal: one that comes bit by bit. */
void pager_begin(bool paged);

/* Ends it: writes what was held, or waits until the person leaves the pager. */
void pager_end(void);

/* Whether a person wants it: .pager. */
void pager_set(bool wanted);
bool pager_wanted(void);

#endif
