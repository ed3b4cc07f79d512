/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where in an SQL statement a place is: what may stand there, and which tables its columns come
 * from. It follows the clauses and the parentheses; it does not judge the statement.
 */
#ifndef SPYQ_SCOPE_H
#define SPYQ_SCOPE_H

#include "token.h"

#define SCOPE_SOURCES 32
#define SCOPE_NAME    64

enum scope_expects {
    EXPECTS_NOTHING,    /* a number, a comment, a name that is being made up */
    EXPECTS_STATEMENT,  /* its first word */
    EXPECTS_TABLE,      /* or a table function */
    EXPECTS_JOIN,       /* what follows a table: a keyword */
    EXPECTS_EXPRESSION, /* columns, functions, keywords */
    EXPECTS_PRAGMA,     /* the name of one */
    EXPECTS_VALUE,      /* inside a string that is compared with a column */
};

/* A table in a FROM clause. */
struct scope_source {
    char table[SCOPE_NAME];
    char alias[SCOPE_NAME]; /* the table's own name where it has no other; '' for a subquery */
    int frame;              /* the SELECT that it belongs to */
};

struct scope {
    enum scope_expects expects;
    struct token word;          /* what the place is in or just behind; may be empty */
    char qualifier[SCOPE_NAME]; /* of `qualifier.word`; '': none */
    char column[SCOPE_NAME];    /* EXPECTS_VALUE: what the string is compared with */
    bool capitals;              /* keywords are written in capitals here */
    size_t count;
    struct scope_source sources[SCOPE_SOURCES]; /* those that are visible from the place */
    size_t cte_count;
    char ctes[SCOPE_SOURCES][SCOPE_NAME]; /* tables that WITH defines */
};

/* Finds out about byte `place` of the text, which is one or more statements. */
void scope_find(struct scope *scope, const char *sql, size_t place);

/* The source with this alias, or NULL. */
const struct scope_source *scope_source(const struct scope *scope, const char *alias);

#endif
