/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "token.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Bytes beyond ASCII are letters, as they are for SQLite. */
static bool is_word_start(char c)
{
    return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word(char c)
{
    return is_word_start(c) || isdigit((unsigned char)c) || c == '$';
}

static struct token make(enum token_kind kind, const char *start, const char *stop)
{
    return (struct token){.kind = kind, .start = start, .length = (size_t)(stop - start)};
}

static struct token make_open(enum token_kind kind, const char *start, const char *end)
{
    struct token token = make(kind, start, end);
    token.open = true;
    return token;
}

/* A quote inside is doubled; a bracket cannot be. */
static struct token take_quoted(const char *at, const char *end, char close, enum token_kind kind)
{
    for (const char *next = at + 1; next < end; next++) {
        if (*next != close)
            continue;
        if (close != ']' && next + 1 < end && next[1] == close)
            next++;
        else
            return make(kind, at, next + 1);
    }
    return make_open(kind, at, end);
}

static struct token take_word(const char *at, const char *end, enum token_kind kind)
{
    const char *next = at + 1;
    while (next < end && (is_word(*next) || (kind == TOKEN_NUMBER && *next == '.')))
        next++;
    return make(kind, at, next);
}

static bool starts_number(const char *at, const char *end)
{
    return isdigit((unsigned char)*at) ||
           (*at == '.' && at + 1 < end && isdigit((unsigned char)at[1]));
}

/* Past white space and comments; *open: the text ends in a comment. */
static const char *skip_blank(const char *at, const char *end, bool *open)
{
    for (;;) {
        const char *start = at;
        while (at < end && isspace((unsigned char)*at))
            at++;
        const char *stop = NULL;
        *open = false;
        if (end - at >= 2 && memcmp(at, "--", 2) == 0) {
            stop = memchr(at, '\n', (size_t)(end - at));
            *open = !stop;
        } else if (end - at >= 2 && memcmp(at, "/*", 2) == 0) {
            stop = memmem(at + 2, (size_t)(end - at - 2), "*/", 2);
            *open = !stop;
            stop = stop ? stop + 1 : NULL;
        }
        if (*open)
            return at;
        at = stop ? stop + 1 : at;
        if (at == start)
            return at;
    }
}

struct token token_next(const char *at, const char *end)
{
    bool open;
    at = skip_blank(at, end, &open);
    if (open)
        return make_open(TOKEN_COMMENT, at, end);
    if (at == end)
        return make(TOKEN_END, at, end);
    if (*at == '\'')
        return take_quoted(at, end, '\'', TOKEN_STRING);
    if (*at == '"' || *at == '`')
        return take_quoted(at, end, *at, TOKEN_NAME);
    if (*at == '[')
        return take_quoted(at, end, ']', TOKEN_NAME);
    if (starts_number(at, end))
        return take_word(at, end, TOKEN_NUMBER);
    if (strchr("?:@$", *at))
        return take_word(at, end, TOKEN_PARAMETER);
    if (is_word_start(*at))
        return take_word(at, end, TOKEN_WORD);
    return make(TOKEN_MARK, at, at + 1);
}

bool token_is(const struct token *token, const char *word)
{
    return token->kind == TOKEN_WORD && strlen(word) == token->length &&
           strncasecmp(token->start, word, token->length) == 0;
}

bool token_mark(const struct token *token, char mark)
{
    return token->kind == TOKEN_MARK && *token->start == mark;
}

void token_name(const struct token *token, char *name, size_t size)
{
    size_t used = 0;
    bool quoted = token->kind == TOKEN_NAME || token->kind == TOKEN_STRING;
    size_t first = quoted ? 1 : 0;
    size_t last = quoted && !token->open && token->length > 1 ? token->length - 1 : token->length;
    for (size_t i = first; i < last && used + 1 < size; i++) {
        name[used++] = token->start[i];
        /* A doubled quote stands for one. */
        if (quoted && i + 1 < last && token->start[i] == token->start[0] &&
            token->start[i + 1] == token->start[0])
            i++;
    }
    name[used] = '\0';
}

bool token_is_plain(const char *name)
{
    struct token token = token_next(name, name + strlen(name));
    return token.kind == TOKEN_WORD && token.start == name && !name[token.length];
}
