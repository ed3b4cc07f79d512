/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options, which are the same on the command line and after a command at the prompt. */
#ifndef SPYQ_OPTIONS_H
#define SPYQ_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "render.h"
#include "status.h"

#define DEFAULT_STORE "/var/lib/spyq/spyq.db"

/* The options for verbs only, which each verb takes or does not. */
enum option_bit {
    OPTION_AT = 1 << 0,
    OPTION_SINCE = 1 << 1,
    OPTION_UNTIL = 1 << 2,
    OPTION_DEPTH = 1 << 3,
    OPTION_ROWS = 1 << 4,
    OPTION_KINDS = 1 << 5,
    OPTION_HUBS = 1 << 6,
    OPTION_PARAM = 1 << 7,
    OPTION_NEW = 1 << 8,
    OPTION_MARK = 1 << 9,
    OPTION_FAIL_IF_ROWS = 1 << 10,
    OPTION_QUIET_IF_EMPTY = 1 << 11,
    OPTION_ALL = 1 << 12,
    OPTIONS_SPAN = OPTION_SINCE | OPTION_UNTIL,
    OPTIONS_ROWS = OPTION_FAIL_IF_ROWS | OPTION_QUIET_IF_EMPTY, /* for SQL too */
};

#define OPTION_PARAMS 16 /* --param that can be given */

struct options {
    unsigned given; /* OPTION_*: those for verbs that were given */
    const char *store;
    const char *script; /* -f */
    const char *output; /* -o */
    const char *since, *until, *at;
    const char *kinds;                     /* of edges, a list with commas; NULL: all */
    int64_t depth, rows;                   /* of a search and its answer; 0: not given */
    const char *params[OPTION_PARAMS + 1]; /* NAME=VALUE, ended by NULL */
    const char *mark;            /* the name of a watermark; NULL: by query and destination */
    const struct format *format; /* NULL: what suits the destination */
    double timeout;              /* seconds, 0: none */
    bool safe;                   /* no file and no program can be reached */
    bool raw_times, fail_if_stale, through_hubs, all, help, version;
    bool only_new, fail_if_rows, quiet_if_empty;
};

/*
 * Takes the options out of words (count of them, ended by NULL) and leaves the others, in their
 * order, as *operands, which are words[0] on. What an option sets replaces what options held; the
 * strings point into words. at_prompt refuses those that only make sense on the command line.
 * Returns STATUS_OK, or STATUS_USAGE after a message.
 */
enum status options_parse(struct options *options, int count, char **words, bool at_prompt,
                          int *operands);

/* The name of the first option in a set of OPTION_*, without dashes. */
const char *options_name(unsigned set);

/* The n-th of the options that a command which takes these may have at the prompt, or NULL. */
const char *options_nth(size_t n, unsigned takes);

/* What the help calls the value of an option in this form (`--at`, `-o`); NULL: it takes none. */
const char *options_value(const char *word);

/* Writes the option part of --help: what they are called. */
void options_help(FILE *out);

/* Writes what each option is for, a line each. */
void options_explain(FILE *out);

#endif
