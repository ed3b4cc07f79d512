/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SQL cut into tokens, as SQLite cuts it: enough to know where in a statement one is. */
#ifndef SPYQ_TOKEN_H
#define SPYQ_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,      /* a keyword or a name */
    TOKEN_NAME,      /* a name in "", `` or [] */
    TOKEN_STRING,    /* '...' */
    TOKEN_NUMBER,    /* 12, 0x1f, 1.5e3 */
    TOKEN_PARAMETER, /* ?1, :a, @a, $a */
    TOKEN_MARK,      /* one character of punctuation */
    TOKEN_COMMENT,   /* only one that reaches to the end of the text: others are skipped */
};

struct token {
    enum token_kind kind;
    const char *start; /* in the text, not NUL-terminated */
    size_t length;
    bool open; /* the end of the text came before the quote's or the comment's */
};

/* The first token in the text from `at` to `end`; the next one begins at start + length. */
struct token token_next(const char *at, const char *end);

/* Whether a TOKEN_WORD is this word, in any case. */
bool token_is(const struct token *token, const char *word);

/* Whether a TOKEN_MARK is this character. */
bool token_mark(const struct token *token, char mark);

/* The name that a word or a quoted name stands for, cut to the room there is. */
void token_name(const struct token *token, char *name, size_t size);

/* Whether a name can stand without quotes: it is a word, whatever keyword it may be as well. */
bool token_is_plain(const char *name);

#endif
