/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What those in a story did, from rows of the tables that tell of it. A query gets as ?1 an array
 * of [process, until, since, is it the target, the connections it took that count: null for all]
 * and as ?2 one of all processes of the story; its columns begin with those below, its rows come by
 * id.
 */
#ifndef SPYQ_STORY_DEED_H
#define SPYQ_STORY_DEED_H

#include "story.h"

#define WINDOWS                                                                                    \
    "WITH m (id, until, since, target, calls) AS MATERIALIZED (SELECT json_extract(value, "        \
    "'$[0]'), "                                                                                    \
    "  json_extract(value, '$[1]'), json_extract(value, '$[2]'), json_extract(value, '$[3]'), "    \
    "  json_extract(value, '$[4]') FROM json_each(?1)), "                                          \
    "every (id) AS MATERIALIZED (SELECT value FROM json_each(?2)) "
#define WITHIN(time) "(" time " <= m.until OR " time " >= m.since) "

/* Every row begins so. */
enum deed_column { DEED_ID, DEED_PROCESS, DEED_AT, DEED_MORE };

/* A row being told. */
struct deed {
    struct story *story;
    FILE *out; /* the sentence, once it has begun */
    const struct story_actor *actor;
    const struct cell *row;
};

struct text deed_text(const struct deed *deed, int column);
int64_t deed_integer(const struct deed *deed, int column);
bool deed_is(const struct deed *deed, int column, const char *word);

/* Begins a fact whose sentence starts with who did it. False: out of memory. */
bool deed_begin(struct deed *deed, const char *kind, enum story_weight weight);

/* Writes `before` and a column's text as one word. */
void deed_put(const struct deed *deed, const char *before, int column);

/* story_privileges.c: credentials and walls */
extern const char story_privileges_sql[];
void story_add_privilege(struct deed *deed);

#endif
