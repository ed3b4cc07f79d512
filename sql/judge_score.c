/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "bonus_chain.sql.h"
#include "bonus_privilege.sql.h"
#include "bonus_rare.sql.h"
#include "judge_private.h"
#include "row_fetch.h"

/* Each gives, for the trace ?1, no row or the flag that earns the bonus. */
static const struct {
    const char *sql;
    const char *reason;
    int points;
} bonuses[JUDGE_BONUSES] = {
    {bonus_chain_sql, "what came over the network was written to a file, and that was run", 15},
    {bonus_privilege_sql, "became root without a program that may make it so", 15},
    {bonus_rare_sql, "one program was never seen to start the other before", 5},
};

int judge_score_prepare(struct judge *judge)
{
    int code = SQLITE_OK;

    for (int i = 0; i < JUDGE_BONUSES && code == SQLITE_OK; i++)
        code = sqlite3_prepare_v3(judge->db, bonuses[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
                                  &judge->bonuses[i], NULL);
    return code;
}

void judge_score_finalize(struct judge *judge)
{
    for (int i = 0; i < JUDGE_BONUSES; i++)
        sqlite3_finalize(judge->bonuses[i]);
}

/* The rules that have flagged the trace. */
struct rules_found {
    struct scored_rule *rules;
    size_t count;
    uint64_t flags;
};

static char *copy_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);

    return strdup(text ? text : "");
}

static void add_rule(struct judge *judge, struct rules_found *found, sqlite3_stmt *statement)
{
    struct scored_rule *more = reallocarray(found->rules, found->count + 1, sizeof(*more));
    char *name = copy_text(statement, 0), *title = copy_text(statement, 1);

    if (more)
        found->rules = more;
    if (!more || !name || !title) {
        free(name);
        free(title);
        judge_note(judge, SQLITE_NOMEM);
        return;
    }
    more[found->count++] = (struct scored_rule){
        .name = name,
        .title = title,
        .severity = (enum severity)sqlite3_column_int(statement, 2),
        .flag_id = sqlite3_column_int64(statement, 3),
        .flags = (uint64_t)sqlite3_column_int64(statement, 5),
    };
    found->flags += (uint64_t)sqlite3_column_int64(statement, 5);
}

static void find_rules(struct judge *judge, int64_t trace_id, struct rules_found *found)
{
    sqlite3_stmt *statement = judge->statements[JUDGE_RULES];

    sqlite3_bind_int64(statement, 1, trace_id);
    while (judge->code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        add_rule(judge, found, statement);
    judge_note(judge, sqlite3_reset(statement));
}

static void free_rules(struct rules_found *found)
{
    for (size_t i = 0; i < found->count; i++) {
        free((char *)found->rules[i].name);
        free((char *)found->rules[i].title);
    }
    free(found->rules);
}

static uint32_t find_tactics(struct judge *judge, int64_t trace_id)
{
    sqlite3_stmt *statement = judge->statements[JUDGE_TACTICS];
    uint32_t tactics = 0;

    sqlite3_bind_int64(statement, 1, trace_id);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        struct text name = row_text(statement, 0);
        size_t tactic = tactic_named(name.data, name.length);
        if (tactic < TACTICS)
            tactics |= 1u << tactic;
    }
    judge_note(judge, sqlite3_reset(statement));
    return tactics;
}

static size_t find_bonuses(struct judge *judge, int64_t trace_id, struct bonus *found)
{
    size_t count = 0;

    for (int i = 0; i < JUDGE_BONUSES; i++) {
        sqlite3_stmt *statement = judge->bonuses[i];
        sqlite3_bind_int64(statement, 1, trace_id);
        if (sqlite3_step(statement) == SQLITE_ROW)
            found[count++] = (struct bonus){bonuses[i].reason, bonuses[i].points,
                                            sqlite3_column_int64(statement, 0)};
        judge_note(judge, sqlite3_reset(statement));
    }
    return count;
}

static void hand_out_score(const struct score *score, int64_t trace_id, uint64_t flags,
                           uint32_t tactics, judge_visitor *visit, void *context)
{
    char *json = rule_tactics_json(tactics);
    const char *severity = severity_names[score->severity];
    struct row_trace_score row = {
        .id = trace_id,
        .flag_count = (int64_t)flags,
        .score = score->points,
        .severity = flags ? (struct text){severity, strlen(severity)} : TEXT_NULL,
        .tactics = {json, json ? strlen(json) : 0},
    };

    visit(context, ROW_TRACE_SCORE, &row);
    sqlite3_free(json);
}

static void hand_out_reasons(struct judge *judge, const struct score *score, int64_t trace_id,
                             judge_visitor *visit, void *context)
{
    for (size_t i = 0; i < score->reason_count; i++) {
        struct row_score_reason row = {
            .id = judge->options.next_reason++,
            .trace_id = trace_id,
            .flag_id = score->reasons[i].flag_id,
            .points = score->reasons[i].points,
            .reason = {score->reasons[i].text, strlen(score->reasons[i].text)},
        };
        visit(context, ROW_SCORE_REASON, &row);
    }
}

void judge_score(struct judge *judge, int64_t trace_id, judge_visitor *visit, void *context)
{
    struct rules_found found = {0};
    struct bonus earned[JUDGE_BONUSES];
    struct score score;

    find_rules(judge, trace_id, &found);
    uint32_t tactics = find_tactics(judge, trace_id);
    size_t count = find_bonuses(judge, trace_id, earned);
    if (judge->code == SQLITE_OK) {
        score_compute(&score, found.rules, found.count, earned, count, tactics);
        hand_out_score(&score, trace_id, found.flags, tactics, visit, context);
        hand_out_reasons(judge, &score, trace_id, visit, context);
    }
    free_rules(&found);
}
