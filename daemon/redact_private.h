/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of the redactor share; see redact.h. */
#ifndef SPYQ_REDACT_PRIVATE_H
#define SPYQ_REDACT_PRIVATE_H

#include "redact.h"

/* Bytes [begin, end) of the text that is looked through. */
struct span {
    const char *begin;
    const char *end;
};

/* ---- redact_names.c: lists of names ---- */

struct redact_names;

/* The default names, changed as the configuration says. NULL: out of memory. */
struct redact_names *redact_names_new(char *const *changes);
void redact_names_free(struct redact_names *names);
bool redact_names_match(const struct redact_names *names, struct span name);

/* ---- redact.c: where the text without secrets is written ---- */

/* Nothing is written before the first secret: most texts have none. */
struct redact_output {
    const unsigned char *key;
    const char *begin; /* the text that is looked through */
    const char *end;
    const char *taken; /* what stands before has been dealt with */
    char *to;
    size_t size;
    size_t room;
    size_t secrets;
    bool cut;
};

/* Copies what precedes the secret, then its replacement. Secrets come in the order of the text. */
void redact_secret(struct redact_output *output, struct span secret);

/* ---- redact_words.c: arguments and options ---- */

/* What the next word is, as the one before it says. */
enum expect {
    EXPECT_NOTHING,
    EXPECT_OPTION_VALUE,  /* the secret, unless it is an option itself */
    EXPECT_VALUE,         /* the secret, quoted or with a comma behind it */
    EXPECT_QUOTED,        /* the secret if it is quoted: SQL */
    EXPECT_USER_PASSWORD, /* user:password */
    EXPECT_PASS_SOURCE,   /* pass:password, as openssl(1) takes it */
    EXPECT_AUTHORIZATION, /* a scheme, then the secret; or the secret */
    EXPECT_HEADER,        /* a line of HTTP */
};

struct program;

/* The state between two words of one command. */
struct scan {
    struct redact_output *output;
    const struct redact_names *arguments;
    const struct redact_names *environment;
    const char *unfinished;        /* where a text that was cut ends; NULL: it was not */
    const struct program *program; /* the newest word that names one with rules of its own */
    enum expect expect;
    bool command;    /* the next word is a command for a shell */
    bool identified; /* SQL: IDENTIFIED BY */
    int depth;       /* of commands inside arguments */
};

/* One argument. */
void redact_argument(struct scan *scan, struct span argument);

/* ---- redact_text.c: what is found anywhere inside a word ---- */

/* Replaces it, unless it is no secret: empty, `true`, a reference to a variable, redacted already.
 * Quotes around it stay. */
void redact_value(struct scan *scan, struct span value);

/* What stands behind `Authorization:`: the scheme stays. */
void redact_authorization(struct scan *scan, struct span value);

/* `name=value`, `"name": "value"`, user:password in URLs, tokens known by their shape. */
void redact_text(struct scan *scan, struct span text);

/* A value that begins with a quote and what follows it, or ends with a comma, as in JSON. */
void redact_item(struct scan *scan, struct span word);

/* The first position in [at, span.end) with the closing quote for the one at `at`; NULL: none. */
const char *redact_closing_quote(const char *at, const char *end);

/* Without the quotes, if it is in quotes as a whole. */
struct span redact_unquoted(struct span span);

/* Where a private key in PEM form begins and ends; begin is NULL where there is none. */
struct span redact_private_key(struct span text);

bool redact_is_word(char byte); /* a letter, a digit, `_`, `-`, `.` */
bool redact_is_blank(char byte);

/* Compares without regard to case; the word in lower case. */
bool redact_equals(struct span span, const char *word);
bool redact_begins(struct span span, const char *word);

static inline size_t span_length(struct span span)
{
    return (size_t)(span.end - span.begin);
}

#endif
