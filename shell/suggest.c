/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "../sql/nearest.h"
#include "catalog.h"
#include "complain.h"
#include "schema_help.h"
#include "scope.h"

#define BOUND 128 /* bytes of a name */

/* What an error is about. */
struct fault {
    sqlite3 *db;
    const char *sql;
    int *offset;
    char name[BOUND]; /* as the message has it */
    char *suggestion;
};

static void mean(const struct fault *fault, const char *near, const char *after)
{
    if (near)
        snprintf(fault->suggestion, SUGGESTION_SIZE, "did you mean %s%s?", near, after);
}

/* Where the name stands: SQLite does not always say. */
static void find_offset(const struct fault *fault)
{
    const char *end = fault->sql + strlen(fault->sql);
    char name[BOUND];
    for (struct token token = token_next(fault->sql, end);
         *fault->offset < 0 && token.kind != TOKEN_END && token.kind != TOKEN_COMMENT;
         token = token_next(token.start + token.length, end)) {
        token_name(&token, name, sizeof name);
        if ((token.kind == TOKEN_WORD || token.kind == TOKEN_NAME) &&
            strcasecmp(name, fault->name) == 0)
            *fault->offset = (int)(token.start - fault->sql);
    }
}

/* The tables of the store that have such a column. */
static void name_owners(const struct fault *fault)
{
    struct catalog owners = {0};
    catalog_query(&owners, fault->db,
                  "SELECT s.name FROM " SCHEMA_SHOWN
                  " AS s, pragma_table_info(s.name) AS c WHERE c.name = ?1 "
                  "COLLATE NOCASE ORDER BY s.type, s.place LIMIT 2",
                  fault->name);
    if (owners.count > 0)
        snprintf(fault->suggestion, SUGGESTION_SIZE, "it is in %s%s%s", owners.at[0],
                 owners.count > 1 ? " and " : "", owners.count > 1 ? owners.at[1] : "");
    catalog_free(&owners);
}

static void add_columns(const struct fault *fault, const struct scope *scope, const char *qualifier,
                        struct catalog *names)
{
    for (size_t i = 0; i < scope->count; i++)
        if (!*qualifier || strcasecmp(scope->sources[i].alias, qualifier) == 0)
            catalog_columns(names, fault->db, scope->sources[i].table);
}

static void suggest_alias(const struct fault *fault, const struct scope *scope,
                          const char *qualifier)
{
    const char *aliases[SCOPE_SOURCES + 1] = {NULL};
    for (size_t i = 0; i < scope->count; i++)
        aliases[i] = scope->sources[i].alias;
    const char *near = nearest(qualifier, aliases);
    if (near)
        mean(fault, near, "");
    else if (scope->count > 0)
        snprintf(fault->suggestion, SUGGESTION_SIZE, "no table here is called %s", qualifier);
}

static void suggest_column(struct fault *fault)
{
    struct scope scope;
    struct catalog names = {0};
    char qualifier[BOUND] = "";
    char *dot = strrchr(fault->name, '.');
    if (dot) {
        snprintf(qualifier, sizeof qualifier, "%.*s", (int)(dot - fault->name), fault->name);
        memmove(fault->name, dot + 1, strlen(dot));
    }
    find_offset(fault);
    scope_find(&scope, fault->sql, *fault->offset < 0 ? 0 : (size_t)*fault->offset);
    add_columns(fault, &scope, qualifier, &names);
    if (*qualifier && !scope_source(&scope, qualifier))
        suggest_alias(fault, &scope, qualifier);
    else if (names.count > 0)
        mean(fault, nearest(fault->name, (const char *const *)names.at), "");
    if (!*fault->suggestion)
        name_owners(fault);
    catalog_free(&names);
}

static void suggest_table(struct fault *fault)
{
    struct catalog names = {0};
    find_offset(fault);
    catalog_tables(&names, fault->db);
    catalog_table_functions(&names, fault->db);
    if (names.count > 0)
        mean(fault, nearest(fault->name, (const char *const *)names.at), "");
    if (!*fault->suggestion)
        snprintf(fault->suggestion, SUGGESTION_SIZE, ".schema lists the tables");
    catalog_free(&names);
}

static void suggest_function(struct fault *fault)
{
    struct catalog names = {0};
    find_offset(fault);
    catalog_functions(&names, fault->db);
    if (names.count > 0)
        mean(fault, nearest(fault->name, (const char *const *)names.at), "()");
    catalog_free(&names);
}

static bool is_keyword(const struct token *token, const struct catalog *words)
{
    for (size_t i = 0; i < words->count; i++)
        if (token_is(token, words->at[i]))
            return true;
    return false;
}

/* The keyword that a word may be a misspelling of. */
static const char *near_keyword(const struct token *token, const struct catalog *words)
{
    char word[BOUND];
    if (token->kind != TOKEN_WORD || token->length < 3 || is_keyword(token, words))
        return NULL;
    token_name(token, word, sizeof word);
    return nearest_within(word, (const char *const *)words->at, token->length < 4 ? 1 : 2);
}

/* The token that begins at the offset, and the one before it. */
static void find_tokens(const struct fault *fault, struct token *before, struct token *at)
{
    const char *end = fault->sql + strlen(fault->sql), *place = fault->sql + *fault->offset;
    *before = (struct token){0};
    *at = token_next(fault->sql, end);
    while (at->kind != TOKEN_END && at->start < place) {
        *before = *at;
        *at = token_next(at->start + at->length, end);
    }
}

/* In SELECT a FORM t, FORM is a name for a, and SQLite complains of t. */
static void suggest_keyword(struct fault *fault)
{
    struct catalog words = {0};
    struct token before, at;
    if (*fault->offset < 0)
        return;
    catalog_keywords(&words);
    find_tokens(fault, &before, &at);
    const char *near = near_keyword(&before, &words);
    if (near)
        *fault->offset = (int)(before.start - fault->sql);
    else
        near = near_keyword(&at, &words);
    if (near) {
        char capitals[16];
        size_t i = 0;
        for (; near[i] && i + 1 < sizeof capitals; i++)
            capitals[i] = (char)toupper((unsigned char)near[i]);
        capitals[i] = '\0';
        mean(fault, capitals, "");
    }
    catalog_free(&words);
}

static void suggest_quote(struct fault *fault)
{
    if (*fault->offset >= 0 && strchr("'\"`[", fault->sql[*fault->offset]))
        snprintf(fault->suggestion, SUGGESTION_SIZE, "a quote is left open");
}

/* What each message of SQLite begins with, what ends the name in it, who knows more. */
static const struct {
    const char *begins, *ends;
    void (*find)(struct fault *fault);
} messages[] = {
    {"no such column: ", "", suggest_column},      {"no such table: ", "", suggest_table},
    {"no such function: ", "", suggest_function},  {"near \"", "\"", suggest_keyword},
    {"unrecognized token: \"", "", suggest_quote},
};

void suggest(sqlite3 *db, const char *sql, const char *message, int *offset,
             char suggestion[SUGGESTION_SIZE])
{
    struct fault fault = {.db = db, .sql = sql, .offset = offset, .suggestion = suggestion};
    suggestion[0] = '\0';
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        size_t begins = strlen(messages[i].begins);
        if (strncmp(message, messages[i].begins, begins) != 0)
            continue;
        const char *name = message + begins;
        const char *stop = *messages[i].ends ? strstr(name, messages[i].ends) : NULL;
        int length = stop ? (int)(stop - name) : (int)strlen(name);
        snprintf(fault.name, sizeof fault.name, "%.*s", length, name);
        messages[i].find(&fault);
        return;
    }
}
