/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SQL in tokens, and what may stand at a place of a statement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../shell/scope.h"

/* ---- tokens ---- */

static const struct {
    const char *text, *kinds; /* a letter for each token; ! after it: open */
} texts[] = {
    {"", ""},
    {" \n-- a comment\n/* b */", ""},
    {"select a1, \"b\"\"c\", [d], `e`", "wwmnmnmn"},
    {"'it''s' 'open", "ss!"},
    {"1 1.5e3 .5 0x1F ?1 :a @b $c", "nnnnpppp"},
    {"x->>'$.a' <> y", "wmmmsmmw"},
    {"a -- to the end", "wc!"},
    {"a /* to the end", "wc!"},
    {"\xe6\x97\xa5 = 1", "wmn"},
    {"\"open", "n!"},
};

static void tokens_are_cut_as_sqlite_cuts_them(void **state)
{
    static const char letters[] = "-wnsnpmc";
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char kinds[64] = "";
        const char *end = texts[i].text + strlen(texts[i].text);
        size_t used = 0;
        for (struct token token = token_next(texts[i].text, end); token.kind != TOKEN_END;
             token = token_next(token.start + token.length, end)) {
            kinds[used++] = letters[token.kind];
            if (token.open)
                kinds[used++] = '!';
        }
        if (strcmp(kinds, texts[i].kinds) != 0)
            fail_msg("%s is %s, not %s", texts[i].text, kinds, texts[i].kinds);
    }
}

static void a_name_is_what_its_quotes_hold(void **state)
{
    static const char *const names[][2] = {
        {"plain", "plain"},  {"\"a\"\"b\"", "a\"b"}, {"[a b]", "a b"},
        {"'it''s'", "it's"}, {"\"open", "open"},     {"''", ""},
        {"'", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[16];
        struct token token = token_next(names[i][0], names[i][0] + strlen(names[i][0]));
        token_name(&token, name, sizeof name);
        assert_string_equal(name, names[i][1]);
        token_name(&token, name, 3);
        assert_true(strlen(name) <= 2);
    }
}

/* ---- places ---- */

/* ^ is the place; sources are "table alias" with commas. */
static const struct {
    const char *sql;
    enum scope_expects expects;
    const char *word, *qualifier, *sources;
} places[] = {
    {"^", EXPECTS_STATEMENT, "", "", ""},
    {"sel^", EXPECTS_STATEMENT, "sel", "", ""},
    {"select 1; ^", EXPECTS_STATEMENT, "", "", ""},
    {"select ^", EXPECTS_EXPRESSION, "", "", ""},
    {"select co^ from processes", EXPECTS_EXPRESSION, "co", "", "processes processes"},
    {"select comm ^from processes", EXPECTS_EXPRESSION, "", "", "processes processes"},
    {"select * from ^", EXPECTS_TABLE, "", "", ""},
    {"select * from pro^", EXPECTS_TABLE, "pro", "", ""},
    {"select * from a, ^", EXPECTS_TABLE, "", "", "a a"},
    {"select * from a join ^", EXPECTS_TABLE, "", "", "a a"},
    {"select * from a ^", EXPECTS_JOIN, "", "", "a a"},
    {"select * from a left join b as bb on ^", EXPECTS_EXPRESSION, "", "", "a a,b bb"},
    {"select * from a x, b y where x.^", EXPECTS_EXPRESSION, "", "x", "a x,b y"},
    {"select x.i^ from a x", EXPECTS_EXPRESSION, "i", "x", "a x"},
    {"select * from \"a b\" where ^", EXPECTS_EXPRESSION, "", "", "a b a b"},
    {"select * from main.a where ^", EXPECTS_EXPRESSION, "", "", "a a"},
    {"select * from a where b in (select ^ from c)", EXPECTS_EXPRESSION, "", "", "a a,c c"},
    {"select ^ from a where b in (select 1 from c)", EXPECTS_EXPRESSION, "", "", "a a"},
    {"select * from (select x from c) d where ^", EXPECTS_EXPRESSION, "", "", " d"},
    {"select * from (^", EXPECTS_STATEMENT, "", "", ""},
    {"select a from b union select ^ from c", EXPECTS_EXPRESSION, "", "", "c c"},
    {"select 1 from a; select ^ from b; select 2 from c", EXPECTS_EXPRESSION, "", "", "b b"},
    {"select * from forward(7) f where f.^", EXPECTS_EXPRESSION, "", "f", "forward f"},
    {"select 1 as ^", EXPECTS_NOTHING, "", "", ""},
    {"select 12^", EXPECTS_NOTHING, "12", "", ""},
    {"select :a^", EXPECTS_NOTHING, ":a", "", ""},
    {"select 1 -- from ^", EXPECTS_NOTHING, "-- from ", "", ""},
    {"select ';' from a where ^", EXPECTS_EXPRESSION, "", "", "a a"},
    {"with t as (select ^", EXPECTS_EXPRESSION, "", "", ""},
    {"with t as (select 1) ^", EXPECTS_STATEMENT, "", "", ""},
    {"with t as (select 1), u(x) as (select 2) select * from ^", EXPECTS_TABLE, "", "", ""},
    {"pragma ^", EXPECTS_PRAGMA, "", "", ""},
    {"select count(^) from a", EXPECTS_EXPRESSION, "", "", "a a"},
    {"select * from a where c = '^", EXPECTS_VALUE, "'", "", "a a"},
    {"select * from a where d = 1 and c like 'x^", EXPECTS_VALUE, "'x", "", "a a"},
    {")))) ^ ((((", EXPECTS_STATEMENT, "", "", ""},
};

static void describe(const struct scope *scope, char *sources, size_t size)
{
    sources[0] = '\0';
    for (size_t i = 0; i < scope->count; i++) {
        size_t used = strlen(sources);
        snprintf(sources + used, size - used, "%s%s %s", i ? "," : "", scope->sources[i].table,
                 scope->sources[i].alias);
    }
}

static void a_place_has_its_clause_and_its_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char sql[128], sources[256], word[64];
        struct scope scope;
        size_t place = strcspn(places[i].sql, "^");
        snprintf(sql, sizeof sql, "%.*s%s", (int)place, places[i].sql, places[i].sql + place + 1);
        scope_find(&scope, sql, place);
        describe(&scope, sources, sizeof sources);
        snprintf(word, sizeof word, "%.*s", (int)scope.word.length, scope.word.start);
        if (scope.expects != places[i].expects || strcmp(word, places[i].word) != 0 ||
            strcmp(scope.qualifier, places[i].qualifier) != 0 ||
            strcmp(sources, places[i].sources) != 0)
            fail_msg("%s: expects %d, word '%s', qualifier '%s', sources '%s'", places[i].sql,
                     (int)scope.expects, word, scope.qualifier, sources);
    }
}

static void a_string_has_the_column_that_it_is_compared_with(void **state)
{
    static const char *const strings[][2] = {
        {"select * from a where c = '", "c"},
        {"select * from a where d = 1 and a.c like '", "c"},
        {"select * from a where c in ('x', '", "c"},
        {"select * from a where c not in ('", "c"},
        {"select 1; select * from a where '", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        struct scope scope;
        scope_find(&scope, strings[i][0], strlen(strings[i][0]));
        assert_int_equal(scope.expects, EXPECTS_VALUE);
        assert_string_equal(scope.column, strings[i][1]);
    }
}

static void tables_of_a_with_clause_are_known(void **state)
{
    struct scope scope;
    const char *sql = "with recursive t as (select 1), u(x, y) as (select 2, 3) select * from ";
    (void)state;
    scope_find(&scope, sql, strlen(sql));
    assert_int_equal(scope.cte_count, 2);
    assert_string_equal(scope.ctes[0], "t");
    assert_string_equal(scope.ctes[1], "u");
}

/* Deep nesting and many tables, at every place. */
static void nothing_is_too_much(void **state)
{
    char sql[2048] = "";
    struct scope scope;
    (void)state;
    for (size_t i = 0; i < 100; i++)
        strcat(sql, "select a from (");
    for (size_t i = 0; i < 100; i++)
        strcat(sql, "b,");
    for (size_t place = 0; place <= strlen(sql); place++) {
        scope_find(&scope, sql, place);
        assert_true(scope.count <= SCOPE_SOURCES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_cut_as_sqlite_cuts_them),
        cmocka_unit_test(a_name_is_what_its_quotes_hold),
        cmocka_unit_test(a_place_has_its_clause_and_its_tables),
        cmocka_unit_test(a_string_has_the_column_that_it_is_compared_with),
        cmocka_unit_test(tables_of_a_with_clause_are_known),
        cmocka_unit_test(nothing_is_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
