/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is found anywhere inside a word, and what is no secret although it stands where one should.
 */
#include <ctype.h>
#include <string.h>

#include "redact_private.h"

/* ---- bytes and spans ---- */

/* A table, as every byte is asked for. */
bool redact_is_word(char byte)
{
    static const bool words[256] = {
        ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
        ['_'] = true,         ['-'] = true,         ['.'] = true,
    };

    return words[(unsigned char)byte];
}

bool redact_is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool is_quote(char byte)
{
    return byte == '"' || byte == '\'';
}

bool redact_begins(struct span span, const char *word)
{
    for (; *word; word++, span.begin++)
        if (span.begin == span.end || tolower((unsigned char)*span.begin) != *word)
            return false;
    return true;
}

bool redact_equals(struct span span, const char *word)
{
    return redact_begins(span, word) && span_length(span) == strlen(word);
}

/* Every byte is one of these. */
static bool consists_of(struct span span, const char *bytes)
{
    for (; span.begin < span.end; span.begin++)
        if (!*span.begin || !strchr(bytes, *span.begin))
            return false;
    return true;
}

const char *redact_closing_quote(const char *at, const char *end)
{
    char quote = *at;

    for (at++; at < end; at++) {
        if (*at == quote)
            return at;
        if (*at == '\\' && quote == '"')
            at++;
    }
    return NULL;
}

struct span redact_unquoted(struct span span)
{
    if (span_length(span) < 2 || !is_quote(*span.begin) ||
        redact_closing_quote(span.begin, span.end) != span.end - 1)
        return span;
    return (struct span){span.begin + 1, span.end - 1};
}

static struct span without_blanks(struct span span)
{
    while (span.begin < span.end && redact_is_blank(*span.begin))
        span.begin++;
    while (span.begin < span.end && redact_is_blank(span.end[-1]))
        span.end--;
    return span;
}

/* ---- what is no secret ---- */

/* `$(command)`, `${NAME}`, `$NAME`, where a shell is going to read it. */
static bool is_reference(const struct scan *scan, struct span value)
{
    if (!scan->depth)
        return false;
    if (*value.begin == '`' || redact_begins(value, "$(") || redact_begins(value, "${"))
        return true;
    if (*value.begin != '$')
        return false;
    value.begin++;
    return consists_of(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
}

/* The id of an AWS key; its secret is another text. */
static bool is_key_id(struct span value)
{
    return span_length(value) == 20 &&
           (redact_begins(value, "akia") || redact_begins(value, "asia")) &&
           consists_of(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
}

/* 127.0.0.1:8080:80, as -p of container tools takes it. */
static bool is_port_mapping(struct span value)
{
    return memchr(value.begin, ':', span_length(value)) && consists_of(value, "0123456789.:");
}

static bool is_harmless(const struct scan *scan, struct span value)
{
    static const char *const words[] = {"true", "false", "yes",   "no", "on", "off",
                                        "none", "null",  "stdin", "-",  "0",  "1"};

    if (value.begin == value.end || consists_of(value, "*") || is_reference(scan, value) ||
        is_key_id(value) || is_port_mapping(value) || redact_begins(value, "id="))
        return true;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (redact_equals(value, words[i]))
            return true;
    return false;
}

void redact_value(struct scan *scan, struct span value)
{
    value = redact_unquoted(value);
    if (!is_harmless(scan, value))
        redact_secret(scan->output, value);
}

void redact_authorization(struct scan *scan, struct span value)
{
    struct span rest = without_blanks(redact_unquoted(without_blanks(value)));

    while (rest.begin < rest.end && redact_is_word(*rest.begin))
        rest.begin++;
    if (rest.begin == rest.end || !redact_is_blank(*rest.begin))
        rest = value; /* one word: no scheme */
    redact_value(scan, without_blanks(rest));
}

void redact_item(struct scan *scan, struct span word)
{
    const char *begin = word.begin + (word.begin + 1 < word.end && *word.begin == '\\');
    const char *close;

    if (begin < word.end && is_quote(*begin)) {
        close = redact_closing_quote(begin, word.end);
        word = (struct span){begin + 1, close ? close : word.end};
    }
    while (word.begin < word.end) {
        if (span_length(word) > 2 && word.end[-2] == '\\' && strchr("rn", word.end[-1]))
            word.end -= 2; /* as printf takes it */
        else if (strchr(",;)}]\"'\\", word.end[-1]))
            word.end--;
        else
            break;
    }
    redact_value(scan, word);
}

/* ---- private keys ---- */

struct span redact_private_key(struct span text)
{
    static const char begin[] = "-----BEGIN ", private[] = "PRIVATE KEY", end[] = "-----END ",
                      dashes[] = "-----";
    struct span key = {text.begin, text.end};
    const char *last;

    do {
        key.begin = memmem(key.begin, span_length(key), begin, sizeof(begin) - 1);
        if (!key.begin)
            return key;
        key.begin += sizeof(begin) - 1;
    } while (!memmem(key.begin, span_length(key) < 40 ? span_length(key) : 40, private,
                     sizeof(private) - 1));
    last = memmem(key.begin, span_length(key), end, sizeof(end) - 1);
    key.begin -= sizeof(begin) - 1;
    if (last)
        last = memmem(last + sizeof(end) - 1, (size_t)(text.end - last) - (sizeof(end) - 1), dashes,
                      sizeof(dashes) - 1);
    if (last)
        key.end = last + sizeof(dashes) - 1;
    return key;
}

/* ---- tokens known by their shape ---- */

enum token_bytes { ALNUM, WORD, DOTTED, PATH };

struct shape {
    const char *prefix;
    size_t minimum; /* bytes behind the prefix */
    enum token_bytes bytes;
    bool mixed; /* has a digit or a capital: the prefix might begin a name as well */
};

/* As their issuers document them. */
static const struct shape shapes[] = {
    {"ghp_", 30, ALNUM, false},
    {"gho_", 30, ALNUM, false},
    {"ghu_", 30, ALNUM, false},
    {"ghs_", 30, ALNUM, false},
    {"ghr_", 30, ALNUM, false},
    {"github_pat_", 22, WORD, true},
    {"glpat-", 16, WORD, true},
    {"glsa_", 30, WORD, true},
    {"xoxb-", 10, WORD, true},
    {"xoxp-", 10, WORD, true},
    {"xoxa-", 10, WORD, true},
    {"xoxr-", 10, WORD, true},
    {"xoxs-", 10, WORD, true},
    {"xapp-", 16, WORD, true},
    {"hooks.slack.com/services/", 16, PATH, true},
    {"sk-", 20, WORD, true},
    {"sk_live_", 16, ALNUM, false},
    {"sk_test_", 16, ALNUM, false},
    {"rk_live_", 16, ALNUM, false},
    {"whsec_", 20, ALNUM, true},
    {"AIza", 30, WORD, false},
    {"ya29.", 20, DOTTED, true},
    {"npm_", 30, ALNUM, false},
    {"pypi-AgE", 30, WORD, false},
    {"hf_", 30, ALNUM, false},
    {"hvs.", 24, WORD, true},
    {"SG.", 60, DOTTED, true},
    {"dop_v1_", 40, ALNUM, false},
    {"dckr_pat_", 20, WORD, true},
    {"shpat_", 30, ALNUM, false},
    {"tskey-", 16, WORD, true},
    {"AGE-SECRET-KEY-1", 40, ALNUM, false},
};

static bool is_token_byte(char byte, enum token_bytes bytes)
{
    if (isalnum((unsigned char)byte))
        return true;
    return (bytes >= WORD && (byte == '_' || byte == '-')) || (bytes == DOTTED && byte == '.') ||
           (bytes == PATH && byte == '/');
}

static const char *token_end(const char *at, const char *end, enum token_bytes bytes)
{
    while (at < end && is_token_byte(*at, bytes))
        at++;
    return at;
}

static bool is_mixed(struct span text)
{
    for (; text.begin < text.end; text.begin++)
        if (isdigit((unsigned char)*text.begin) || isupper((unsigned char)*text.begin))
            return true;
    return false;
}

/* Only as much as this is looked at before it is clear that a token begins: a text may consist of
 * prefixes. */
#define LOOKED_AT 64

static const char *shape_end(const struct scan *scan, const struct shape *shape, const char *at,
                             const char *end)
{
    size_t length = strlen(shape->prefix);
    struct span rest;

    if ((size_t)(end - at) < length || memcmp(at, shape->prefix, length) != 0)
        return NULL;
    rest.begin = at + length;
    rest.end = token_end(rest.begin, end - rest.begin > LOOKED_AT ? rest.begin + LOOKED_AT : end,
                         shape->bytes);
    /* One that ends where the text was cut need not be whole. */
    if (span_length(rest) < shape->minimum && rest.end != scan->unfinished)
        return NULL;
    if (shape->mixed && !is_mixed(rest))
        return NULL;
    return token_end(rest.end, end, shape->bytes);
}

/* JSON Web Tokens: three parts of base64 with dots between them, the first beginning with `{"`. */
static const char *web_token_end(const struct scan *scan, const char *at, const char *end)
{
    for (int part = 0;; part++) {
        const char *stop = token_end(at, end, WORD);
        if (part == 2 || stop == scan->unfinished)
            return stop;
        if (stop - at < 8 || stop == end || *stop != '.')
            return NULL;
        at = stop + 1;
    }
}

/* The end of the token that begins here; NULL: none does. `first`: at the beginning of a word, or
 * behind a dot. */
static const char *any_token_end(const struct scan *scan, const char *at, const char *end,
                                 bool first)
{
    if (first && end - at > 3 && memcmp(at, "eyJ", 3) == 0)
        return web_token_end(scan, at, end);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]) && end - at > 1; i++) {
        const char *prefix = shapes[i].prefix;
        const char *stop = NULL;
        if (at[0] == prefix[0] && at[1] == prefix[1])
            stop = shape_end(scan, &shapes[i], at, end);
        if (stop)
            return stop;
    }
    return NULL;
}

static bool may_begin_token(char byte)
{
    static const bool begins[256] = {
        ['A'] = true, ['S'] = true, ['d'] = true, ['e'] = true, ['g'] = true,
        ['h'] = true, ['n'] = true, ['p'] = true, ['r'] = true, ['s'] = true,
        ['t'] = true, ['w'] = true, ['x'] = true, ['y'] = true};

    return begins[(unsigned char)byte];
}

/* Replaces the tokens in a word. Returns where the last one ended, perhaps behind the word; the
 * beginning of the word: there is none. */
static const char *redact_tokens(struct scan *scan, struct span word, const char *end)
{
    const char *rest = word.begin;

    for (const char *at = word.begin; at < word.end; at++) {
        const char *stop = NULL;
        if (may_begin_token(*at) && (at == word.begin || !isalnum((unsigned char)at[-1])))
            stop = any_token_end(scan, at, end, at == word.begin || at[-1] == '.');
        if (!stop)
            continue;
        redact_secret(scan->output, (struct span){at, stop});
        rest = stop;
        at = stop - 1;
    }
    return rest;
}

/* ---- URLs ---- */

#define BARE_TOKEN 20 /* user names are shorter */

/* Behind `://`: user:password@host, or a token instead of the user. Returns where to go on. */
static const char *redact_url(struct scan *scan, const char *at, const char *end)
{
    struct span user = {at, at};
    const char *colon;

    while (user.end < end && !strchr("/?#\"'<>\\", *user.end) && !redact_is_blank(*user.end))
        user.end++;
    user.end = memrchr(at, '@', span_length(user));
    if (!user.end)
        return at;
    colon = memchr(at, ':', span_length(user));
    if (colon)
        redact_value(scan, (struct span){colon + 1, user.end});
    else if (span_length(user) >= BARE_TOKEN && is_mixed(user))
        redact_value(scan, user);
    return user.end;
}

/* ---- name=value ---- */

/* Behind a name: the quotes that close around it, then `=`, or `:` where it is JSON, YAML or a
 * header. Returns where the value may begin; NULL: no value follows. */
static const char *separator_end(const char *at, const char *end)
{
    const char *begin = at;

    while (at < end && at - begin < 3 && strchr("\\\"']", *at))
        at++;
    if (at == end)
        return NULL;
    if (*at == ':' && at + 1 < end && at[1] == '=')
        at++;
    if (*at == '=')
        return at + 1 + (at + 1 < end && at[1] == '>');
    if (*at == ':' && (at > begin || at + 1 == end || redact_is_blank(at[1])))
        return at + 1;
    return NULL;
}

/* Whether another pair follows: `, name=`, `&name=`, `, "name`. */
static bool begins_pair(const char *at, const char *end)
{
    const char *begin = at;

    if (at < end && (is_quote(*at) || *at == '\\'))
        return true;
    while (at < end && redact_is_word(*at))
        at++;
    return at > begin && at < end && (*at == '=' || *at == ':');
}

static bool has_blank(struct span span)
{
    while (span.begin < span.end && !redact_is_blank(*span.begin))
        span.begin++;
    return span.begin < span.end;
}

/* A value without quotes ends at a blank, and at a separator that another pair follows. In an
 * argument that is a list of pairs (`open`) it goes on over blanks as well. */
static const char *bare_end(const char *at, const char *end, bool open)
{
    while (at < end) {
        const char *stop = at;
        while (stop < end && (redact_is_blank(*stop) || strchr("&,;", *stop)))
            stop++;
        if (stop > at && (stop == end || begins_pair(stop, end) ||
                          (!open && has_blank((struct span){at, stop}))))
            return at;
        at = stop > at ? stop : at + 1;
    }
    return end;
}

/* The value that begins here. `*next` is where to go on. */
static struct span value_at(const char *at, const char *end, bool open, const char **next)
{
    const char *quote, *close;

    while (at < end && redact_is_blank(*at))
        at++;
    quote = at + (at + 1 < end && *at == '\\');
    close = quote < end && is_quote(*quote) ? redact_closing_quote(quote, end) : NULL;
    if (close) {
        *next = close + 1;
        return (struct span){quote + 1, close - (quote > at && close[-1] == '\\')};
    }
    *next = bare_end(at, end, open);
    return (struct span){at, *next};
}

/* Returns where to go on. */
static const char *redact_pair_value(struct scan *scan, const char *at, const char *end, bool open)
{
    const char *next;
    struct span value = value_at(at, end, open, &next);

    if (next > value.end) /* quoted */
        redact_value(scan, value);
    else
        redact_item(scan, value);
    return next;
}

static const char *redact_authorization_value(struct scan *scan, const char *at, const char *end)
{
    const char *next;
    struct span value = value_at(at, end, true, &next);

    if (next == value.end) /* not quoted: all the rest */
        value.end = next = end;
    redact_authorization(scan, value);
    return next;
}

/* A word that may be a name with its value behind it. Returns where to go on. */
static const char *redact_pair(struct scan *scan, struct span word, struct span text)
{
    static const char last[] = "authorization";
    const char *at = word.end < text.end ? separator_end(word.end, text.end) : NULL;
    bool authorization = span_length(word) >= strlen(last) &&
                         redact_equals((struct span){word.end - strlen(last), word.end}, last);

    while (word.begin < word.end && *word.begin == '-')
        word.begin++;
    if (!at ||
        !(redact_names_match(scan->arguments, word) || redact_names_match(scan->environment, word)))
        return word.end;
    if (at == text.end && scan->depth)
        scan->expect = authorization ? EXPECT_AUTHORIZATION : EXPECT_VALUE;
    if (authorization)
        return redact_authorization_value(scan, at, text.end);
    return redact_pair_value(scan, at, text.end, !scan->depth);
}

/* ---- all of them ---- */

static const char *redact_word(struct scan *scan, struct span word, struct span text)
{
    word.begin = redact_tokens(scan, word, text.end);
    if (word.begin >= word.end)
        return word.begin;
    if (text.end - word.end > 3 && memcmp(word.end, "://", 3) == 0)
        return redact_url(scan, word.end + 3, text.end);
    return redact_pair(scan, word, text);
}

void redact_text(struct scan *scan, struct span text)
{
    struct span word = {text.begin, text.begin};

    while (word.begin < text.end) {
        if (!redact_is_word(*word.begin)) {
            word.begin++;
            continue;
        }
        for (word.end = word.begin; word.end < text.end && redact_is_word(*word.end);)
            word.end++;
        word.begin = redact_word(scan, word, text);
    }
}
