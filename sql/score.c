/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "score.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

/* Room for the bonus for tactics and the cap behind the rules and the other bonuses. */
#define RESERVED 10

#define TACTICS_USUAL 2 /* so many go together in anybody's work */
#define TACTIC_POINTS 4
#define TACTICS_MOST  16

const char *const severity_names[SEVERITIES] = {"info", "low", "medium", "high", "critical"};

static const struct {
    int points; /* of a rule that counts in full */
    int cap;    /* of a trace where nothing is worse */
} weights[SEVERITIES] = {{2, 10}, {10, 32}, {28, 65}, {55, 89}, {75, SCORE_MOST}};

/* Per cent that the worst rule counts, the next, and so on; the last for all that follow. */
static const int shares[] = {100, 60, 40, 30, 20, 15, 10, 5};
#define SHARES (sizeof(shares) / sizeof(shares[0]))

const char *const tactic_names[TACTICS] = {
    "reconnaissance",  "resource-development",
    "initial-access",  "execution",
    "persistence",     "privilege-escalation",
    "defense-evasion", "credential-access",
    "discovery",       "lateral-movement",
    "collection",      "command-and-control",
    "exfiltration",    "impact",
};

static size_t find(const char *const *names, size_t count, const char *name, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
            return i;
    return count;
}

enum severity severity_named(const char *name, size_t length)
{
    return (enum severity)find(severity_names, SEVERITIES, name, length);
}

size_t tactic_named(const char *name, size_t length)
{
    return find(tactic_names, TACTICS, name, length);
}

/* The worst first; of equals that which comes first in the alphabet. */
static int compare(const void *a, const void *b)
{
    const struct scored_rule *one = a, *other = b;

    if (one->severity != other->severity)
        return one->severity > other->severity ? -1 : 1;
    return strcmp(one->name, other->name);
}

__attribute__((format(printf, 4, 5))) static void add(struct score *score, int64_t flag_id,
                                                      int points, const char *format, ...)
{
    struct reason *reason = &score->reasons[score->reason_count++];
    va_list arguments;

    *reason = (struct reason){.flag_id = flag_id, .points = points};
    va_start(arguments, format);
    vsnprintf(reason->text, sizeof(reason->text), format, arguments);
    va_end(arguments);
    score->points += points;
}

static void add_rule(struct score *score, const struct scored_rule *rule, size_t rank)
{
    int share = shares[rank < SHARES ? rank : SHARES - 1];
    int points = weights[rule->severity].points * share / 100;
    char often[40] = "";

    if (rule->flags > 1)
        snprintf(often, sizeof(often), ", %llu times", (unsigned long long)rule->flags);
    if (rank)
        add(score, rule->flag_id, points, "%s (%s)%s; number %zu of its rules counts %d %%",
            rule->title, severity_names[rule->severity], often, rank + 1, share);
    else
        add(score, rule->flag_id, points, "%s (%s)%s", rule->title, severity_names[rule->severity],
            often);
}

static void add_tactics(struct score *score, uint32_t tactics)
{
    int count = __builtin_popcount(tactics);
    int points = (count - TACTICS_USUAL) * TACTIC_POINTS;

    if (count > TACTICS_USUAL)
        add(score, INTEGER_NULL, points < TACTICS_MOST ? points : TACTICS_MOST,
            "%d tactics in one trace", count);
}

static void add_cap(struct score *score)
{
    int cap = weights[score->severity].cap;

    if (score->points > cap)
        add(score, INTEGER_NULL, cap - score->points, "not above %d while nothing is worse than %s",
            cap, severity_names[score->severity]);
}

void score_compute(struct score *score, struct scored_rule *rules, size_t rule_count,
                   const struct bonus *bonuses, size_t bonus_count, uint32_t tactics)
{
    score->points = 0;
    score->severity = SEVERITY_INFO;
    score->reason_count = 0;
    if (rule_count == 0)
        return;
    qsort(rules, rule_count, sizeof(*rules), compare);
    score->severity = rules[0].severity;
    for (size_t i = 0; i < rule_count && i < REASONS_MOST - RESERVED; i++)
        add_rule(score, &rules[i], i);
    for (size_t i = 0; i < bonus_count && score->reason_count < REASONS_MOST - 2; i++)
        add(score, bonuses[i].flag_id, bonuses[i].points, "%s", bonuses[i].reason);
    add_tactics(score, tactics);
    add_cap(score);
}
