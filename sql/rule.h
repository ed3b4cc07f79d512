/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules: what spyq-rules(5) describes. A rule is one file of SQL whose comments at the top say what
 * it is. Those of spyq are built in; a directory adds the user's own, and one with the id of
 * another takes its place.
 */
#ifndef SPYQ_RULE_H
#define SPYQ_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "score.h"

#define RULE_DIRECTORY "/etc/spyq/rules.d"

enum rule_state {
    RULE_ACTIVE,
    RULE_FAILED,    /* it is wrong: `error` says where */
    RULE_SUSPENDED, /* it took too long: `error` says how long */
    RULE_DISABLED,  /* its file says so */
    RULE_STATES
};

extern const char *const rule_state_names[RULE_STATES];

struct rule {
    char *file; /* as messages name it */
    char *text; /* of the whole file */
    char *id;   /* unique among the rules of a set */
    char *title;
    enum severity severity;
    char *techniques; /* a JSON array; NULL: none */
    uint32_t tactics; /* a set */
    char *description;
    char *benign;
    const char *sql; /* within text */
    int sql_line;    /* of the file, from 1 */
    bool builtin;
    enum rule_state state;
    char error[320]; /* FILE:LINE: what is wrong; empty: nothing */
};

/*
 * Reads a rule out of a text (copied). Always gives a rule; one that is wrong is RULE_FAILED, with
 * the file's base name for its id if it has none. NULL: out of memory.
 */
struct rule *rule_parse(const char *file, const char *text, bool builtin);

/* Marks the rule as wrong at that line; the first error stays. */
void rule_fail(struct rule *rule, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Gives it the base name of its file for an id. */
void rule_name_by_file(struct rule *rule);

void rule_free(struct rule *rule);

/* The tactics as a JSON array, for sqlite3_free(); NULL: none, or out of memory. */
char *rule_tactics_json(uint32_t tactics);

struct rule_set {
    struct rule **rules;
    size_t count;
    char error[320]; /* the directory could not be read; empty: it could, or is not there */
};

/*
 * Loads the rules that are built in and, in order of their names, the files DIRECTORY/?*.sql (NULL:
 * none). Returns NULL when out of memory.
 */
struct rule_set *rule_set_load(const char *directory);
void rule_set_free(struct rule_set *set);

#endif
