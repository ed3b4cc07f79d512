/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Argument vectors and environments in the forms of the store. What SQLite reads back out of the
 * JSON must be what went in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../daemon/argv.h"

#define TEXT(literal) ((struct text){literal, sizeof(literal) - 1})

static void assert_shared(struct shared *shared, const char *expected)
{
    struct text text = shared_text(shared);
    if (!expected) {
        assert_null(shared);
        return;
    }
    assert_non_null(shared);
    if (text.length != strlen(expected) || memcmp(text.data, expected, text.length) != 0)
        fail_msg("%.*s is not %s", (int)text.length, text.data, expected);
    shared_drop(shared);
}

static const struct {
    struct text argv;
    const char *json;
    const char *joined;
    int64_t count;
} vectors[] = {
    {TEXT_NULL, NULL, NULL, 0},
    {TEXT(""), "[]", "", 0},
    {TEXT("\0"), "[\"\"]", "", 1},
    {TEXT("ls\0"), "[\"ls\"]", "ls", 1},
    {TEXT("ls"), "[\"ls\"]", "ls", 1},
    {TEXT("a\0\0b\0"), "[\"a\",\"\",\"b\"]", "a  b", 3},
    {TEXT("\0\0"), "[\"\",\"\"]", " ", 2},
    {TEXT("a\0b"), "[\"a\",\"b\"]", "a b", 2},
    {TEXT("say \"hi\\\"\0"), "[\"say \\\"hi\\\\\\\"\"]", "say \"hi\\\"", 1},
    {TEXT("\b\f\n\r\t\0"), "[\"\\b\\f\\n\\r\\t\"]", "\b\f\n\r\t", 1},
    {TEXT("\x1b[2J\x7f\x01\0"), "[\"\\u001b[2J\\u007f\\u0001\"]", "\x1b[2J\x7f\x01", 1},
    {TEXT("\xff\xc3\x28\0"), "[\"\xff\xc3\x28\"]", "\xff\xc3\x28", 1},
};

static void vectors_have_their_json_their_line_and_their_count(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        assert_shared(argv_json(vectors[i].argv), vectors[i].json);
        assert_shared(argv_joined(vectors[i].argv), vectors[i].joined);
        assert_int_equal(argv_count(vectors[i].argv), vectors[i].count);
    }
}

static void only_the_nuls_at_the_end_are_trimmed(void **state)
{
    (void)state;
    assert_int_equal(argv_trimmed(TEXT("a\0b\0\0\0")).length, 3);
    assert_int_equal(argv_trimmed(TEXT("a")).length, 1);
    assert_int_equal(argv_trimmed(TEXT("\0\0")).length, 0);
    assert_null(argv_trimmed(TEXT_NULL).data);
}

/* ---- back through SQLite ---- */

static sqlite3_stmt *each(sqlite3 *db, struct shared *json)
{
    sqlite3_stmt *statement;
    struct text text = shared_text(json);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT value FROM json_each(?)", -1, &statement, NULL),
                     SQLITE_OK);
    sqlite3_bind_text(statement, 1, text.data, (int)text.length, SQLITE_TRANSIENT);
    return statement;
}

/* The rows that SQLite sees, each with a NUL behind it, are the vector. */
static void assert_reads_back(sqlite3 *db, struct text argv)
{
    struct shared *json = argv_json(argv);
    sqlite3_stmt *statement = each(db, json);
    size_t at = 0;
    while (sqlite3_step(statement) == SQLITE_ROW) {
        size_t length = (size_t)sqlite3_column_bytes(statement, 0);
        assert_int_equal(strlen(argv.data + at), length);
        assert_memory_equal(sqlite3_column_text(statement, 0), argv.data + at, length);
        at += length + 1;
    }
    assert_int_equal(at, argv.length);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    shared_drop(json);
}

static void sqlite_reads_back_what_went_in(void **state)
{
    (void)state;
    static char every_byte[0x80 * 2];
    sqlite3 *db;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    for (size_t i = 1; i < 0x80; i++)
        every_byte[(i - 1) * 2] = (char)i; /* each an argument of its own */
    assert_reads_back(db, (struct text){every_byte, 0x7f * 2});
    for (size_t i = 1; i < 0x80; i++)
        every_byte[i - 1] = (char)i; /* all in one */
    every_byte[0x7f] = '\0';
    assert_reads_back(db, (struct text){every_byte, 0x80});
    assert_reads_back(db, TEXT("gr\xc3\xbc\xc3\x9f\0\xe2\x82\xac\0\xf0\x9f\x90\x9f\0\0"));
    assert_reads_back(db, TEXT("\"],[\"\0\\\0\\u0041\0"));
    sqlite3_close(db);
}

/* ---- environments ---- */

static char home[] = "HOME", path[] = "PATH", homex[] = "HOMEX";
static char *const names[] = {home, path, homex, NULL};

static const struct {
    struct text environment;
    const char *json;
} environments[] = {
    {TEXT_NULL, NULL},
    {TEXT(""), NULL},
    {TEXT("SECRET=1\0"), NULL},
    {TEXT("HOME=/root\0PATH=/bin\0"), "{\"HOME\":\"/root\",\"PATH\":\"/bin\"}"},
    {TEXT("PATH=/bin\0HOME=/root"), "{\"HOME\":\"/root\",\"PATH\":\"/bin\"}"},
    {TEXT("HOME=first\0HOME=second\0"), "{\"HOME\":\"first\"}"},
    {TEXT("HOME=\0"), "{\"HOME\":\"\"}"},
    {TEXT("HOME\0"), NULL},
    {TEXT("HOME\0HOME=late\0"), "{\"HOME\":\"late\"}"},
    {TEXT("HOMEX=1\0"), "{\"HOMEX\":\"1\"}"},
    {TEXT("HOM=1\0=2\0XHOME=3\0"), NULL},
    {TEXT("HOME=a=b\0"), "{\"HOME\":\"a=b\"}"},
    {TEXT("HOME=\"\x01\0"), "{\"HOME\":\"\\\"\\u0001\"}"},
};

static void only_the_names_on_the_list_are_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(environments) / sizeof(environments[0]); i++)
        assert_shared(argv_environment(environments[i].environment, names), environments[i].json);
    assert_null(argv_environment(TEXT("HOME=/root\0"), NULL));
    assert_null(argv_environment(TEXT("HOME=/root\0"), names + 3));
}

static void the_longest_form_of_a_value_fits(void **state)
{
    (void)state;
    char environment[4096] = "HOME=", *const only_home[] = {home, NULL};
    memset(environment + 5, 1, sizeof(environment) - 5);
    struct shared *shared =
        argv_environment((struct text){environment, sizeof(environment)}, only_home);
    assert_int_equal(shared_text(shared).length, 8 + (sizeof(environment) - 5) * 6 + 3);
    shared_drop(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_have_their_json_their_line_and_their_count),
        cmocka_unit_test(only_the_nuls_at_the_end_are_trimmed),
        cmocka_unit_test(sqlite_reads_back_what_went_in),
        cmocka_unit_test(only_the_names_on_the_list_are_kept),
        cmocka_unit_test(the_longest_form_of_a_value_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
