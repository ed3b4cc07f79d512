/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Explains a wait: who looks at a terminal that stays empty is told why, once. */
#ifndef SPYQ_PATIENCE_H
#define SPYQ_PATIENCE_H

/*
 * From now on, when work has gone on for 2 s and a terminal reads stderr, `why` (which must live as
 * long) is written there. patience_end() ends that.
 */
void patience_begin(const char *why);
void patience_end(void);

/* To be called now and then while SQLite works: its progress handler; see stop_progress(). */
int patience_progress(void *unused);

#endif
