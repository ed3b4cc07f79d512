/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What may stand in SQL: it depends on the clause, and on the tables that are visible there. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "command.h"
#include "complete.h"
#include "scope.h"

#define VALUE_ROWS "5000" /* of a table, that values are taken from */

struct offer {
    struct session *session;
    struct completion *completion;
    struct scope scope;
    char typed[SCOPE_NAME];
};

static void offer_all(struct offer *offer, const struct catalog *words)
{
    for (size_t i = 0; i < words->count; i++)
        complete_add(offer->completion, offer->typed, words->at[i]);
}

static void offer_with(struct offer *offer, const struct catalog *words, char end)
{
    char word[SCOPE_NAME + 2];
    for (size_t i = 0; i < words->count; i++) {
        snprintf(word, sizeof word, "%s%c", words->at[i], end);
        complete_add(offer->completion, offer->typed, word);
    }
}

/* In capitals where the statement's first word, or else what is typed, is. */
static void offer_keyword(struct offer *offer, const char *keyword)
{
    char word[SCOPE_NAME];
    bool first = offer->scope.expects == EXPECTS_STATEMENT;
    bool capitals = first && *offer->typed ? isupper((unsigned char)*offer->typed)
                                           : first || offer->scope.capitals;
    size_t i = 0;
    for (; keyword[i] && i + 1 < sizeof word; i++)
        word[i] = (char)(capitals ? toupper((unsigned char)keyword[i]) : keyword[i]);
    word[i] = '\0';
    complete_add(offer->completion, offer->typed, word);
}

static void offer_keywords(struct offer *offer, const char *const *words)
{
    for (; *words; words++)
        offer_keyword(offer, *words);
}

/* At the start of all that is typed a command's bare name may stand as well. */
static void offer_statements(struct offer *offer, bool first)
{
    for (size_t i = 0; i < STATEMENTS_ALLOWED; i++)
        offer_keyword(offer, statement_words[i]);
    for (size_t i = 0; first && *offer->typed && commands[i]; i++)
        complete_add(offer->completion, offer->typed, commands[i]->name);
}

static void offer_tables(struct offer *offer)
{
    struct catalog names = {0}, functions = {0};
    for (size_t i = 0; i < offer->scope.cte_count; i++)
        catalog_add(&names, offer->scope.ctes[i]);
    catalog_tables(&names, offer->session->db);
    offer_all(offer, &names);
    catalog_table_functions(&functions, offer->session->db);
    offer_with(offer, &functions, '(');
    catalog_free(&names);
    catalog_free(&functions);
}

static void offer_join(struct offer *offer)
{
    static const char *const words[] = {
        "join",  "left",  "cross", "on", "using",  "where",     "group",
        "order", "limit", "union", "as", "except", "intersect", NULL,
    };
    offer_keywords(offer, words);
}

static void offer_columns(struct offer *offer, const struct scope_source *source)
{
    struct catalog names = {0};
    catalog_columns(&names, offer->session->db, source->table);
    for (size_t i = 0; i < names.count; i++)
        if (token_is_plain(names.at[i]))
            complete_add(offer->completion, offer->typed, names.at[i]);
    catalog_free(&names);
}

static void offer_functions(struct offer *offer)
{
    struct catalog names = {0};
    catalog_functions(&names, offer->session->db);
    offer_with(offer, &names, '(');
    catalog_free(&names);
}

static void offer_expression(struct offer *offer)
{
    const struct scope *scope = &offer->scope;
    struct catalog aliases = {0}, keywords = {0};
    for (size_t i = 0; i < scope->count; i++)
        offer_columns(offer, &scope->sources[i]);
    /* With one table its name need not be said. */
    for (size_t i = 0; scope->count > 1 && i < scope->count; i++)
        catalog_add(&aliases, scope->sources[i].alias);
    offer_with(offer, &aliases, '.');
    if (*offer->typed || scope->count == 0) {
        offer_functions(offer);
        catalog_keywords(&keywords);
        for (size_t i = 0; i < keywords.count; i++)
            offer_keyword(offer, keywords.at[i]);
    }
    catalog_free(&aliases);
    catalog_free(&keywords);
}

static void offer_pragmas(struct offer *offer)
{
    static const char *const words[] = {
        "table_info(",   "table_xinfo(", "table_list",    "index_list(",     "index_info(",
        "function_list", "module_list",  "database_list", "compile_options", "integrity_check",
        "quick_check",   "page_count",   "page_size",     "user_version",    NULL,
    };
    for (const char *const *word = words; *word; word++)
        complete_add(offer->completion, offer->typed, *word);
}

static bool has_column(struct offer *offer, const char *table, const char *column)
{
    struct catalog names = {0};
    bool found = false;
    catalog_columns(&names, offer->session->db, table);
    for (size_t i = 0; !found && i < names.count; i++)
        found = strcasecmp(names.at[i], column) == 0;
    catalog_free(&names);
    return found;
}

/* The column is one of the schema's, and quoted as a name must be. */
static void offer_column_values(struct offer *offer, const char *table)
{
    struct catalog values = {0};
    char *sql = sqlite3_mprintf("SELECT DISTINCT value FROM (SELECT \"%w\" AS value FROM \"%w\" "
                                "LIMIT " VALUE_ROWS ") WHERE typeof(value) = "
                                "'text' AND length(value) BETWEEN 1 AND 60 AND "
                                "substr(value, 1, length(?1)) = ?1 LIMIT 200",
                                offer->scope.column, table);
    if (sql)
        catalog_query(&values, offer->session->db, sql, offer->typed);
    sqlite3_free(sql);
    offer_all(offer, &values);
    catalog_free(&values);
}

static void offer_values(struct offer *offer)
{
    const struct scope *scope = &offer->scope;
    for (size_t i = 0; *scope->column && i < scope->count; i++)
        if (has_column(offer, scope->sources[i].table, scope->column))
            offer_column_values(offer, scope->sources[i].table);
}

static void offer_here(struct offer *offer, bool first)
{
    const struct scope_source *source = scope_source(&offer->scope, offer->scope.qualifier);
    switch (offer->scope.expects) {
    case EXPECTS_STATEMENT:
        offer_statements(offer, first);
        break;
    case EXPECTS_TABLE:
        offer_tables(offer);
        break;
    case EXPECTS_JOIN:
        offer_join(offer);
        break;
    case EXPECTS_EXPRESSION:
        if (source)
            offer_columns(offer, source);
        else if (!*offer->scope.qualifier)
            offer_expression(offer);
        break;
    case EXPECTS_PRAGMA:
        offer_pragmas(offer);
        break;
    case EXPECTS_VALUE:
        offer_values(offer);
        break;
    case EXPECTS_NOTHING:
        break;
    }
}

void complete_sql(struct session *session, const char *text, size_t place,
                  struct completion *completion)
{
    struct offer offer = {.session = session, .completion = completion};
    scope_find(&offer.scope, text, place);
    struct token *word = &offer.scope.word;
    token_name(word, offer.typed, sizeof offer.typed);
    bool quoted = word->kind == TOKEN_STRING || word->kind == TOKEN_NAME;
    completion->start = (size_t)(word->start - text) + (quoted && word->length > 0);
    /* What is too long to be held is nobody's beginning. */
    if (word->length < sizeof offer.typed)
        offer_here(&offer, strspn(text, " \t\n") == (size_t)(word->start - text));
}
