/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What may stand at the place where somebody types: for the Tab key. */
#ifndef SPYQ_COMPLETE_H
#define SPYQ_COMPLETE_H

#include <stdbool.h>
#include <stddef.h>

#include "catalog.h"
#include "session.h"

#define COMPLETION_SECONDS 0.3 /* what looking in the store may take in all */

struct completion {
    size_t start; /* byte of the line where the word begins that is to be completed */
    /* Whole words that begin with what is typed, in plain visible text, safe for a terminal. */
    struct catalog words;
};

/*
 * Finds the words for byte `cursor` of a line; `pending` is the SQL of the lines before it ("":
 * none, so that the line may be a command). Never says anything. Free completion->words in any
 * case.
 *
 * A word that is to be followed by something else than a space ends in `(`, `.`, `:` or `/`.
 */
void complete(struct session *session, const char *pending, const char *line, size_t cursor,
              struct completion *completion);

/* The two halves of complete(), for SQL and for a command; `place` is a byte of the text. */
void complete_sql(struct session *session, const char *text, size_t place,
                  struct completion *completion);
void complete_command(struct session *session, const char *text, size_t place,
                      struct completion *completion);

/* Adds a word if it begins with what is typed, whatever the case, and is safe to show and insert.
 */
void complete_add(struct completion *completion, const char *typed, const char *word);

#endif
