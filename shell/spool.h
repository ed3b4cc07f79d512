/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An answer that waits until it is whole: in memory, and a long one in a file without a name. */
#ifndef SPYQ_SPOOL_H
#define SPYQ_SPOOL_H

#include <stdbool.h>
#include <stdio.h>

struct spool;

/* Free it with spool_free(). NULL, after a message: out of memory. */
struct spool *spool_make(void);

/* Where to write the answer; the spool's own. */
FILE *spool_file(struct spool *spool);

/* Ends the writing. False, after a message: not all of it could be kept. */
bool spool_end(struct spool *spool);

/* Writes all of it, once, after spool_end(); stops early when a stop is requested. */
void spool_copy(struct spool *spool, FILE *to);

void spool_free(struct spool *spool);

#endif
