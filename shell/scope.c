/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scope.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define FRAMES 64

/* The part of a SELECT that one is in. */
enum clause { CLAUSE_START, CLAUSE_LIST, CLAUSE_FROM, CLAUSE_OTHER, CLAUSE_WITH, CLAUSE_PRAGMA };

/* One SELECT; each pair of parentheses has a frame, and so has each part of a UNION. */
struct frame {
    int parent; /* -1: none */
    enum clause clause;
    bool wants_table; /* in CLAUSE_FROM: a table comes next */
};

struct walk {
    struct scope *scope;
    struct frame frames[FRAMES];
    int count, now;
    int place_frame; /* -1: the place has not been reached */
    struct token before, before_that;
    struct scope_source *open; /* a source that may still get an alias */
};

/* What each word makes of the clause, and whether a table follows it. */
static const struct {
    const char *word;
    enum clause clause;
    bool wants_table;
} clause_words[] = {
    {"select", CLAUSE_LIST, false},  {"from", CLAUSE_FROM, true},
    {"join", CLAUSE_FROM, true},     {"where", CLAUSE_OTHER, false},
    {"on", CLAUSE_OTHER, false},     {"using", CLAUSE_OTHER, false},
    {"group", CLAUSE_OTHER, false},  {"order", CLAUSE_OTHER, false},
    {"having", CLAUSE_OTHER, false}, {"limit", CLAUSE_OTHER, false},
    {"window", CLAUSE_OTHER, false}, {"values", CLAUSE_OTHER, false},
    {"with", CLAUSE_WITH, false},    {"pragma", CLAUSE_PRAGMA, false},
};

static const char *const join_words[] = {
    "as", "left", "right", "full", "inner", "outer", "cross", "natural", "indexed", "not", NULL,
};

static bool is_any(const struct token *token, const char *const *words)
{
    for (; *words; words++)
        if (token_is(token, *words))
            return true;
    return false;
}

static int push(struct walk *walk, int parent, enum clause clause)
{
    if (walk->count == FRAMES)
        return walk->now;
    walk->frames[walk->count] = (struct frame){.parent = parent, .clause = clause};
    return walk->count++;
}

static void start_statement(struct walk *walk)
{
    walk->count = 0;
    walk->now = push(walk, -1, CLAUSE_START);
    walk->scope->count = walk->scope->cte_count = 0;
    walk->open = NULL;
    walk->before = walk->before_that = (struct token){0};
}

static struct frame *frame(struct walk *walk)
{
    return &walk->frames[walk->now];
}

static void add_source(struct walk *walk, const struct token *token)
{
    struct scope *scope = walk->scope;
    walk->open = NULL;
    if (scope->count == SCOPE_SOURCES)
        return;
    struct scope_source *source = &scope->sources[scope->count++];
    *source = (struct scope_source){.frame = walk->now};
    if (token)
        token_name(token, source->table, sizeof source->table);
    memcpy(source->alias, source->table, sizeof source->alias);
    walk->open = source;
}

static void add_cte(struct walk *walk, const struct token *token)
{
    struct scope *scope = walk->scope;
    if (scope->cte_count < SCOPE_SOURCES)
        token_name(token, scope->ctes[scope->cte_count++], SCOPE_NAME);
}

static bool take_clause_word(struct walk *walk, const struct token *token)
{
    for (size_t i = 0; i < sizeof clause_words / sizeof *clause_words; i++) {
        if (!token_is(token, clause_words[i].word))
            continue;
        frame(walk)->clause = clause_words[i].clause;
        frame(walk)->wants_table = clause_words[i].wants_table;
        walk->open = NULL;
        return true;
    }
    return false;
}

static bool is_compound(const struct token *token)
{
    static const char *const words[] = {"union", "except", "intersect", NULL};
    return is_any(token, words);
}

/* A word or a quoted name that is no keyword of a clause. */
static void take_name(struct walk *walk, const struct token *token)
{
    struct frame *here = frame(walk);
    if (here->clause == CLAUSE_FROM && here->wants_table) {
        add_source(walk, token);
        here->wants_table = false;
    } else if (walk->open && token_mark(&walk->before, '.')) {
        /* main.processes */
        token_name(token, walk->open->table, sizeof walk->open->table);
        memcpy(walk->open->alias, walk->open->table, sizeof walk->open->alias);
    } else if (here->clause == CLAUSE_FROM && walk->open && !is_any(token, join_words)) {
        token_name(token, walk->open->alias, sizeof walk->open->alias);
        walk->open = NULL;
    } else if (here->clause == CLAUSE_WITH &&
               (token_is(&walk->before, "with") || token_is(&walk->before, "recursive") ||
                token_mark(&walk->before, ','))) {
        if (!token_is(token, "recursive"))
            add_cte(walk, token);
    }
}

static void take_open(struct walk *walk)
{
    struct frame *here = frame(walk);
    bool subquery = here->clause == CLAUSE_FROM && here->wants_table;
    enum clause clause = CLAUSE_OTHER;
    if (subquery)
        clause = CLAUSE_START;
    else if (here->clause == CLAUSE_WITH && token_is(&walk->before, "as"))
        clause = CLAUSE_START;
    walk->now = push(walk, walk->now, clause);
}

static void take_close(struct walk *walk)
{
    struct frame *closed = frame(walk);
    /* The parts of a UNION end together, and so does a subquery within parentheses. */
    if (closed->parent < 0)
        return;
    walk->now = closed->parent;
    struct frame *here = frame(walk);
    if (here->clause == CLAUSE_FROM && here->wants_table) {
        add_source(walk, NULL);
        here->wants_table = false;
    }
}

static void take_mark(struct walk *walk, const struct token *token)
{
    struct frame *here = frame(walk);
    if (token_mark(token, '('))
        take_open(walk);
    else if (token_mark(token, ')'))
        take_close(walk);
    else if (token_mark(token, ',') && here->clause == CLAUSE_FROM)
        here->wants_table = true;
}

static void take(struct walk *walk, const struct token *token)
{
    if (token->kind == TOKEN_MARK)
        take_mark(walk, token);
    else if (token->kind == TOKEN_WORD && is_compound(token))
        walk->now = push(walk, frame(walk)->parent, CLAUSE_START);
    else if (token->kind == TOKEN_NAME ||
             (token->kind == TOKEN_WORD && !take_clause_word(walk, token)))
        take_name(walk, token);
    walk->before_that = walk->before;
    walk->before = *token;
}

/* `column = '...`, `column LIKE '...`, `column IN ('...`: what a string is compared with. */
static void find_column(struct walk *walk, const char *from, const char *string)
{
    struct token name = {0};
    for (struct token token = token_next(from, string); token.kind != TOKEN_END;
         token = token_next(token.start + token.length, string)) {
        static const char *const between[] = {"like", "glob", "in", "not", "is", "match", NULL};
        static const char *const ends[] = {"where", "and", "or", "on", "select", NULL};
        if (is_any(&token, ends))
            name = (struct token){0};
        else if ((token.kind == TOKEN_WORD || token.kind == TOKEN_NAME) && !is_any(&token, between))
            name = token;
    }
    if (name.kind != TOKEN_END)
        token_name(&name, walk->scope->column, SCOPE_NAME);
}

static enum scope_expects expects_here(struct walk *walk)
{
    const struct frame *here = frame(walk);
    if (token_is(&walk->before, "as"))
        return EXPECTS_NOTHING;
    switch (here->clause) {
    case CLAUSE_START:
        return EXPECTS_STATEMENT;
    case CLAUSE_FROM:
        return here->wants_table ? EXPECTS_TABLE : EXPECTS_JOIN;
    case CLAUSE_PRAGMA:
        return token_is(&walk->before, "pragma") ? EXPECTS_PRAGMA : EXPECTS_TABLE;
    case CLAUSE_WITH:
        return token_mark(&walk->before, ')') ? EXPECTS_STATEMENT : EXPECTS_NOTHING;
    default:
        return EXPECTS_EXPRESSION;
    }
}

/* The place is in `token`, or just behind it, or in the space before it. */
static void reach(struct walk *walk, const struct token *token, const char *place, const char *sql)
{
    struct scope *scope = walk->scope;
    bool inside = token->start < place && token->kind != TOKEN_END && token->kind != TOKEN_MARK;
    walk->place_frame = walk->now;
    scope->expects = expects_here(walk);
    scope->word = (struct token){.kind = TOKEN_WORD, .start = place};
    if (inside) {
        scope->word = *token;
        scope->word.length = (size_t)(place - token->start);
    }
    if (inside && token->kind == TOKEN_STRING) {
        scope->expects = EXPECTS_VALUE;
        find_column(walk, sql, token->start);
    } else if (inside && token->kind != TOKEN_WORD && token->kind != TOKEN_NAME) {
        scope->expects = EXPECTS_NOTHING;
    }
    if (token_mark(&walk->before, '.') && walk->before_that.kind != TOKEN_MARK) {
        token_name(&walk->before_that, scope->qualifier, sizeof scope->qualifier);
        scope->expects = EXPECTS_EXPRESSION;
    }
}

static bool sees(const struct walk *walk, int from, int frame)
{
    for (; from >= 0; from = walk->frames[from].parent)
        if (from == frame)
            return true;
    return false;
}

static void keep_visible(struct walk *walk)
{
    struct scope *scope = walk->scope;
    size_t kept = 0;
    for (size_t i = 0; i < scope->count; i++)
        if (sees(walk, walk->place_frame, scope->sources[i].frame))
            scope->sources[kept++] = scope->sources[i];
    scope->count = kept;
}

/* Whether the place is in the token or before it. Right behind a quote or a mark is behind it. */
static bool reaches(const struct token *token, const char *place)
{
    const char *stop = token->start + token->length;
    bool closed = token->kind == TOKEN_MARK || (token->kind == TOKEN_STRING && !token->open);
    return token->kind == TOKEN_END || (closed ? stop > place : stop >= place);
}

/* Takes a token that is no end of a statement; the one at the place is unfinished. */
static void pass(struct walk *walk, const struct token *token, const char *place)
{
    if (walk->before.kind == TOKEN_END && token->kind == TOKEN_WORD)
        walk->scope->capitals = isupper((unsigned char)*token->start);
    if (reaches(token, place) && token->start < place)
        walk->before = *token;
    else
        take(walk, token);
}

void scope_find(struct scope *scope, const char *sql, size_t place)
{
    const char *end = sql + strlen(sql), *at = sql, *statement = sql;
    struct walk walk = {.scope = scope, .place_frame = -1};
    *scope = (struct scope){0};
    start_statement(&walk);
    for (;;) {
        struct token token = token_next(at, end);
        bool ends = token_mark(&token, ';');
        if (walk.place_frame < 0 && reaches(&token, sql + place))
            reach(&walk, &token, sql + place, statement);
        if (token.kind == TOKEN_END || token.kind == TOKEN_COMMENT ||
            (ends && walk.place_frame >= 0))
            break;
        at = token.start + token.length;
        if (ends) {
            start_statement(&walk);
            statement = at;
        } else {
            pass(&walk, &token, sql + place);
        }
    }
    keep_visible(&walk);
}

const struct scope_source *scope_source(const struct scope *scope, const char *alias)
{
    for (size_t i = 0; i < scope->count; i++)
        if (strcasecmp(scope->sources[i].alias, alias) == 0)
            return &scope->sources[i];
    return NULL;
}
