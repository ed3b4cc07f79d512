/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The score of a trace: what it must be whatever the flags are, and a few that people have in mind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../sql/rows.h"
#include "../../sql/score.h"

#define TRIES      20000
#define RULES_MOST 60

static const int caps[SEVERITIES] = {10, 32, 65, 89, 100};

static struct scored_rule rule(const char *name, enum severity severity)
{
    return (struct scored_rule){name, name, severity, 7, 1};
}

static void compute(struct score *score, const struct scored_rule *rules, size_t count,
                    const struct bonus *bonuses, size_t bonus_count, uint32_t tactics)
{
    struct scored_rule sorted[RULES_MOST];

    if (count)
        memcpy(sorted, rules, count * sizeof(*rules));
    score_compute(score, sorted, count, bonuses, bonus_count, tactics);
}

static int sum(const struct score *score)
{
    int points = 0;

    for (size_t i = 0; i < score->reason_count; i++)
        points += score->reasons[i].points;
    return points;
}

static char names[RULES_MOST][16];

static size_t any_rules(struct scored_rule *rules)
{
    size_t count = (size_t)random() % RULES_MOST + 1;

    for (size_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof(names[i]), "rule-%zu", i);
        rules[i] =
            rule(names[i], (enum severity)((size_t)random() % ((size_t)random() % SEVERITIES + 1)));
        rules[i].flags = (uint64_t)random() % 3 + 1;
    }
    return count;
}

static void shuffle(struct scored_rule *rules, size_t count)
{
    for (size_t left = count; left > 1; left--) {
        size_t j = (size_t)random() % left;
        struct scored_rule other = rules[left - 1];
        rules[left - 1] = rules[j];
        rules[j] = other;
    }
}

static void reasons_add_up_whatever_the_flags(void **state)
{
    static const struct bonus bonuses[] = {
        {"one", 15, 7}, {"two", 5, INTEGER_NULL}, {"three", 9, 3}};

    (void)state;
    srandom(7);
    for (int i = 0; i < TRIES; i++) {
        struct scored_rule rules[RULES_MOST];
        struct score score, again;
        size_t count = any_rules(rules);
        size_t bonus_count = (size_t)random() % 4;
        uint32_t tactics = (uint32_t)random() & ((1u << TACTICS) - 1);
        compute(&score, rules, count, bonuses, bonus_count, tactics);
        assert_int_equal(sum(&score), score.points);
        assert_in_range(score.points, 1, caps[score.severity]);
        assert_in_range(score.reason_count, 1, REASONS_MOST);
        shuffle(rules, count);
        compute(&again, rules, count, bonuses, bonus_count, tactics);
        assert_int_equal(again.points, score.points);
        assert_int_equal(again.reason_count, score.reason_count);
        for (size_t j = 0; j < score.reason_count; j++)
            assert_string_equal(again.reasons[j].text, score.reasons[j].text);
    }
}

static void one_more_rule_never_lowers_it(void **state)
{
    (void)state;
    srandom(8);
    for (int i = 0; i < TRIES; i++) {
        struct scored_rule rules[RULES_MOST];
        struct score less, more;
        size_t count = any_rules(rules);
        compute(&more, rules, count, NULL, 0, 0);
        compute(&less, rules, count - 1, NULL, 0, 0);
        assert_true(less.points <= more.points);
        assert_true(less.severity <= more.severity);
    }
}

static void nothing_is_nothing(void **state)
{
    static const struct bonus bonus = {"alone", 15, 7};
    struct score score;

    (void)state;
    compute(&score, NULL, 0, &bonus, 1, 0x3fff);
    assert_int_equal(score.points, 0);
    assert_int_equal(score.reason_count, 0);
}

static void what_is_only_low_stays_below_33_and_what_is_critical_is_above_66(void **state)
{
    const struct scored_rule low[] = {
        rule("a", SEVERITY_LOW), rule("b", SEVERITY_LOW),  rule("c", SEVERITY_LOW),
        rule("d", SEVERITY_LOW), rule("e", SEVERITY_INFO),
    };
    const struct scored_rule critical[] = {rule("a", SEVERITY_CRITICAL)};
    const struct scored_rule high[] = {rule("a", SEVERITY_HIGH), rule("b", SEVERITY_MEDIUM)};
    struct score score;

    (void)state;
    compute(&score, low, 5, NULL, 0, 0x3fff);
    assert_in_range(score.points, 11, 32);
    compute(&score, critical, 1, NULL, 0, 0);
    assert_in_range(score.points, 67, 100);
    compute(&score, high, 2, NULL, 0, 0);
    assert_in_range(score.points, 67, 89);
}

static void the_cap_is_a_reason_of_its_own(void **state)
{
    const struct scored_rule rules[] = {rule("a", SEVERITY_LOW), rule("b", SEVERITY_LOW)};
    static const struct bonus bonus = {"large", 40, 7};
    struct score score;

    (void)state;
    compute(&score, rules, 2, &bonus, 1, 0);
    assert_int_equal(score.points, 32);
    assert_int_equal(score.reason_count, 4);
    assert_int_equal(score.reasons[3].points, 32 - (10 + 6 + 40));
    assert_non_null(strstr(score.reasons[3].text, "low"));
}

static void each_rule_has_its_flag_and_says_how_often(void **state)
{
    struct scored_rule rules[] = {rule("many", SEVERITY_MEDIUM), rule("worst", SEVERITY_HIGH)};
    struct score score;

    (void)state;
    rules[0].flags = 12;
    rules[0].flag_id = 99;
    compute(&score, rules, 2, NULL, 0, 0);
    assert_string_equal(score.reasons[0].text, "worst (high)");
    assert_non_null(strstr(score.reasons[1].text, "many (medium), 12 times"));
    assert_int_equal(score.reasons[1].flag_id, 99);
}

static void names_are_known(void **state)
{
    (void)state;
    assert_int_equal(severity_named("high", 4), SEVERITY_HIGH);
    assert_int_equal(severity_named("highest", 7), SEVERITIES);
    assert_int_equal(severity_named("hig", 3), SEVERITIES);
    assert_int_equal(tactic_named("impact", 6), TACTICS - 1);
    assert_int_equal(tactic_named("", 0), TACTICS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons_add_up_whatever_the_flags),
        cmocka_unit_test(one_more_rule_never_lowers_it),
        cmocka_unit_test(nothing_is_nothing),
        cmocka_unit_test(what_is_only_low_stays_below_33_and_what_is_critical_is_above_66),
        cmocka_unit_test(the_cap_is_a_reason_of_its_own),
        cmocka_unit_test(each_rule_has_its_flag_and_says_how_often),
        cmocka_unit_test(names_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
