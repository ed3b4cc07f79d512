/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The score of a trace, from its flags. Pure: the same flags give the same score, in whatever order
 * they came, and the points of its reasons add up to it.
 *
 * Each rule counts once, by the worst of its flags. The worst rule counts in full, the next ones
 * less and less. Named bonuses are added. The sum is cut at the cap of the worst severity: the last
 * reason is then one with negative points.
 */
#ifndef SPYQ_SCORE_H
#define SPYQ_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum severity {
    SEVERITY_INFO,
    SEVERITY_LOW,
    SEVERITY_MEDIUM,
    SEVERITY_HIGH,
    SEVERITY_CRITICAL,
    SEVERITIES
};

/* The names in ascending order. */
extern const char *const severity_names[SEVERITIES];

/* The severity of that name, of `length` bytes; SEVERITIES: there is none. */
enum severity severity_named(const char *name, size_t length);

/* The tactics of ATT&CK in the order of its matrix; a set of them is the sum of 1 << index. */
#define TACTICS 14
extern const char *const tactic_names[TACTICS];

/* The index of the tactic; TACTICS: there is none of that name. */
size_t tactic_named(const char *name, size_t length);

/* A rule that has flagged a trace. */
struct scored_rule {
    const char *name;
    const char *title;
    enum severity severity; /* the worst of its flags */
    int64_t flag_id;        /* the oldest one of that severity */
    uint64_t flags;         /* how many */
};

/* What is added for what the flags have in common. */
struct bonus {
    const char *reason;
    int points;
    int64_t flag_id; /* INTEGER_NULL: no single one */
};

struct reason {
    int64_t flag_id; /* INTEGER_NULL: no single one */
    int points;
    char text[256];
};

#define SCORE_MOST   100
#define REASONS_MOST 48 /* beyond it rules add nothing */

struct score {
    int points; /* the sum of the reasons' points, 0 to SCORE_MOST */
    enum severity severity;
    size_t reason_count;
    struct reason reasons[REASONS_MOST];
};

/*
 * Scores rules (they are sorted in place) and bonuses; `tactics` is the set of all flags' tactics.
 * Without a rule the score is 0, without a reason.
 */
void score_compute(struct score *score, struct scored_rule *rules, size_t rule_count,
                   const struct bonus *bonuses, size_t bonus_count, uint32_t tactics);

#endif
