/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Following an answer: what is in it now and was not before.
 *
 * Where the statement has a column `id` that is the id of a table, only rows of newer ids are
 * looked for, and, as what is written a little late or becomes an answer a little late has an older
 * one, some of those before. Any other answer is made again as a whole and held against the one
 * before.
 */
#ifndef SPYQ_FOLLOW_H
#define SPYQ_FOLLOW_H

#include "seen.h"
#include "session.h"

struct follow {
    const char *sql;  /* of a statement that has been prepared once; NULL: see follow_new() */
    char *newer;      /* the same for ids above ?1; NULL: it is made as a whole */
    char *newest;     /* the highest id of its table */
    int64_t last;     /* the highest id when it was last looked */
    size_t id;        /* the column of the ids, where there is one */
    int64_t turn;     /* how often it was looked */
    struct seen seen; /* rows that were in the last answer, or are of ids not long before `last` */
};

/*
 * Begins to follow a statement: what it answers now is not new. sql must live as long, and is one
 * SELECT. After a failure a message has been written. Free it in any case.
 */
enum status follow_begin(struct session *session, struct follow *follow, const char *sql);

/* Fetches what is new into *result, which the caller frees in any case. */
enum status follow_look(struct session *session, struct follow *follow, struct result *result);

/* Takes out of an answer, made elsewhere, what was in the one before. False: out of memory. */
bool follow_new(struct follow *follow, struct result *result);

/* A follow of all zeros holds nothing, and is good for follow_new(). */
void follow_free(struct follow *follow);

#endif
