/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of rules: what is read out of them, and what is said of those that are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../sql/rule.h"

#define HEAD                                                                                       \
    "-- SPDX-License-Identifier: GPL-3.0-or-later\n"                                               \
    "-- id: some-rule\n"                                                                           \
    "-- title: Something\n"                                                                        \
    "-- severity: medium\n"                                                                        \
    "-- description: What it finds,\n"                                                             \
    "--   in two lines.\n"

static void a_whole_header_is_read(void **state)
{
    (void)state;
    struct rule *rule = rule_parse("dir/x.sql",
                                   HEAD "-- techniques: T1059.004, T1105\n"
                                        "-- tactics: execution command-and-control\n"
                                        "-- benign: much\n"
                                        "--\n"
                                        "-- A remark.\n"
                                        "\n"
                                        "SELECT 1",
                                   false);
    assert_string_equal(rule->error, "");
    assert_int_equal(rule->state, RULE_ACTIVE);
    assert_string_equal(rule->id, "some-rule");
    assert_string_equal(rule->title, "Something");
    assert_int_equal(rule->severity, SEVERITY_MEDIUM);
    assert_string_equal(rule->techniques, "[\"T1059.004\",\"T1105\"]");
    assert_string_equal(rule->description, "What it finds, in two lines.");
    assert_string_equal(rule->benign, "much");
    char *tactics = rule_tactics_json(rule->tactics);
    assert_string_equal(tactics, "[\"execution\",\"command-and-control\"]");
    sqlite3_free(tactics);
    assert_string_equal(rule->sql, "SELECT 1");
    assert_int_equal(rule->sql_line, 13);
    rule_free(rule);
}

static const struct {
    const char *text, *error;
} wrongs[] = {
    {"", "x.sql:1: its header has no '-- id:'"},
    {"SELECT 1", "x.sql:1: its header has no '-- id:'"},
    {HEAD, "x.sql:7: there is no SELECT"},
    {HEAD "-- sevrity: low\nSELECT 1", "x.sql:7: 'sevrity' is no key of a rule's header"},
    {HEAD "-- title: again\nSELECT 1", "x.sql:7: title: is given twice"},
    {"-- id: Two Words\n" HEAD, "x.sql:1: id: only small letters, digits and - can be in it"},
    {"-- id: a\n-- title: t\n-- severity: bad\n-- description: d\nSELECT 1",
     "x.sql:3: severity: must be info, low, medium, high or critical, not 'bad'"},
    {"-- id: a\n-- title:\n-- severity: low\n-- description: d\nSELECT 1",
     "x.sql:2: title: is empty"},
    {"-- id: a\n-- title: t\n-- severity: low\nSELECT 1",
     "x.sql:1: its header has no '-- description:'"},
    {HEAD "-- techniques: T1059 1105\nSELECT 1",
     "x.sql:7: techniques: '1105' is none; one looks like T1059 or T1059.004"},
    {HEAD "-- tactics: execution,, malice\nSELECT 1",
     "x.sql:7: tactics: 'malice' is none of ATT&CK's; they are spelt as in privilege-escalation"},
    {HEAD "-- enabled: maybe\nSELECT 1", "x.sql:7: enabled: must be yes or no"},
};

static void what_is_wrong_is_named_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        struct rule *rule = rule_parse("x.sql", wrongs[i].text, false);
        assert_int_equal(rule->state, RULE_FAILED);
        assert_string_equal(rule->error, wrongs[i].error);
        assert_non_null(rule->id);
        rule_free(rule);
    }
}

static void a_header_cut_anywhere_is_survived(void **state)
{
    static const char whole[] = HEAD "-- techniques: T1059.004\n-- tactics: execution\nSELECT 1";
    char text[sizeof(whole)];

    (void)state;
    for (size_t length = 0; length < sizeof(whole); length++) {
        memcpy(text, whole, length);
        text[length] = '\0';
        struct rule *rule = rule_parse("x.sql", text, false);
        assert_true(rule->state == RULE_FAILED || *rule->sql);
        rule_free(rule);
    }
}

static void those_that_are_built_in_are_right(void **state)
{
    (void)state;
    struct rule_set *set = rule_set_load(NULL);
    assert_true(set->count >= 5);
    for (size_t i = 0; i < set->count; i++) {
        const struct rule *rule = set->rules[i];
        assert_string_equal(rule->error, "");
        assert_true(rule->builtin && rule->techniques && rule->tactics && rule->benign);
        /* The file has the name of the rule. */
        char name[128];
        snprintf(name, sizeof(name), "sql/rules/%s.sql", rule->id);
        assert_string_equal(rule->file, name);
    }
    rule_set_free(set);
}

/* ---- directories ---- */

static char directory[] = "/tmp/test_rule.XXXXXX";

static void write_rule(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static const struct rule *find(const struct rule_set *set, const char *id)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->rules[i]->id, id) == 0)
            return set->rules[i];
    return NULL;
}

static void remove_rule(const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    assert_int_equal(unlink(path), 0);
}

static void a_directory_adds_replaces_and_switches_off(void **state)
{
    (void)state;
    struct rule_set *builtin = rule_set_load(NULL);
    write_rule("own.sql", HEAD "SELECT 1");
    write_rule("off.sql", "-- id: memfd-exec\n-- enabled: no\n");
    write_rule("bad.sql", "SELECT 1");
    write_rule("same.sql", HEAD "SELECT 2");
    write_rule("not-a-rule.txt", "nonsense");
    struct rule_set *set = rule_set_load(directory);
    assert_int_equal(set->count, builtin->count + 3);
    assert_int_equal(find(set, "some-rule")->state, RULE_ACTIVE);
    assert_false(find(set, "some-rule")->builtin);
    assert_string_equal(find(set, "some-rule")->sql, "SELECT 1");
    assert_int_equal(find(set, "memfd-exec")->state, RULE_DISABLED);
    assert_int_equal(find(set, "bad")->state, RULE_FAILED);
    assert_non_null(strstr(find(set, "bad")->error, "/bad.sql:1: "));
    const struct rule *same = find(set, "same");
    assert_int_equal(same->state, RULE_FAILED);
    assert_non_null(strstr(same->error, "/same.sql:1: id: some-rule is that of "));
    assert_non_null(strstr(same->error, "/own.sql"));
    rule_set_free(set);
    rule_set_free(builtin);
    static const char *const made[] = {"own.sql", "off.sql", "bad.sql", "same.sql",
                                       "not-a-rule.txt"};
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
        remove_rule(made[i]);
}

static void a_directory_that_is_not_there_adds_nothing(void **state)
{
    (void)state;
    struct rule_set *builtin = rule_set_load(NULL), *set = rule_set_load("/no/such/directory");
    assert_int_equal(set->count, builtin->count);
    assert_string_equal(set->error, "");
    rule_set_free(set);
    rule_set_free(builtin);
    set = rule_set_load("/etc/passwd");
    assert_non_null(strstr(set->error, "/etc/passwd: cannot read the rules there: "));
    rule_set_free(set);
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_header_is_read),
        cmocka_unit_test(what_is_wrong_is_named_with_its_line),
        cmocka_unit_test(a_header_cut_anywhere_is_survived),
        cmocka_unit_test(those_that_are_built_in_are_right),
        cmocka_unit_test(a_directory_adds_replaces_and_switches_off),
        cmocka_unit_test(a_directory_that_is_not_there_adds_nothing),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
