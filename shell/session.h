/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One run of spyq: the store it reads, how it was asked to answer, where the answers go. */
#ifndef SPYQ_SESSION_H
#define SPYQ_SESSION_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "output.h"
#include "parameters.h"
#include "render.h"
#include "status.h"

struct session;
struct result;

/* Takes an answer that would have been written. */
typedef void answer_sink(struct session *session, const struct result *result);
/* Answers on their way elsewhere: redirect.c's. */
struct redirect {
    struct output *usual; /* where they went before; NULL: they still do */
    char *where;
    int steps; /* statements and commands until it ends, 0: it goes on */
};

struct session {
    const char *path; /* of the store */
    sqlite3 *db;
    struct options options; /* at the prompt, `.mode` and each command's own words change them */
    struct output *output;
    bool interactive;  /* a person types: errors do not end the run, each query has its timeout */
    bool quit;         /* asked to leave */
    size_t rows;       /* rows of answers so far */
    bool endless;      /* its answer ends when it is stopped, and is whole all the same */
    answer_sink *sink; /* where answers go instead of to the output; NULL: they go there */
    void *sink_to;
    struct watermark *watermark; /* of the run that goes on; NULL: it has none */
    double took;  /* seconds that the last statement took, without writing its answer */
    bool timer;   /* tell that after each */
    size_t shown; /* rows that a person is shown of an answer at the prompt, 0: all */
    char *last;   /* the SQL that was typed last; NULL: none */
    char *edited; /* SQL that comes from an editor, to be taken as typed; NULL: none */
    struct parameters parameters;
    struct redirect redirect;
};

/* Frees what the session holds, but for the store and the output. */
void session_free(struct session *session);

/* The format that this session's answers have now. */
const struct format *session_format(const struct session *session);

/* Whether the answer is for a person to read: a table, lines, a drawing. */
bool session_for_person(const struct session *session);

/*
 * The nanoseconds that a TIME names: what at() or, for a span such as 15m, ago() takes. False:
 * neither, after a message that quotes `what` (an option or the like).
 */
bool session_time(struct session *session, const char *what, const char *text, int64_t *ns);

/* A span of time that bounds an answer, ends included. */
struct span {
    int64_t since, until;
};

/*
 * The span of --since and --until; an end that was not given is the earliest or the latest
 * possible. False after a message: a bad time, or an end before the start.
 */
bool session_span(struct session *session, struct span *span);

#endif
