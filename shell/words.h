/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Splits a command typed at the prompt into words. */
#ifndef SPYQ_WORDS_H
#define SPYQ_WORDS_H

#include <stdbool.h>

struct words {
    int count;
    char **at;   /* ended by NULL */
    char *bytes; /* what they point into */
};

/*
 * Splits line at white space; '...', "..." and \x keep it. Returns false after a message where a
 * quote is left open; otherwise words_free() frees them.
 */
bool words_split(struct words *words, const char *line);
void words_free(struct words *words);

#endif
