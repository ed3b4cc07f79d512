/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "risk_status.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../sql/row_fetch.h"

/* What was last put of a rule. */
struct rule_row {
    char *name;
    int64_t id;
    int64_t loaded_at;
    enum rule_state state;
    uint64_t runs;
};

static int64_t wall_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct rule_row *add(struct risk_status *status, const char *name, int64_t id)
{
    struct rule_row *more = reallocarray(status->rows, status->count + 1, sizeof(*more));
    char *copy = strdup(name ? name : "");

    if (more)
        status->rows = more;
    if (!more || !copy) {
        free(copy);
        return NULL;
    }
    more[status->count] = (struct rule_row){.name = copy, .id = id};
    return &more[status->count++];
}

/* Rows are mostly in the order of the rules: it looks where the row should be first. */
static struct rule_row *find_from(const struct risk_status *status, size_t first, const char *name)
{
    for (size_t i = 0; i < status->count; i++) {
        struct rule_row *row = &status->rows[(first + i) % status->count];
        if (strcmp(row->name, name) == 0)
            return row;
    }
    return NULL;
}

static struct rule_row *find(struct risk_status *status, const char *name)
{
    struct rule_row *known = find_from(status, 0, name);

    return known ? known : add(status, name, status->next_rule++);
}

static bool is_rule(const struct rule_set *set, struct text name)
{
    for (size_t i = 0; set && i < set->count; i++)
        if (strlen(set->rules[i]->id) == name.length &&
            memcmp(set->rules[i]->id, name.data, name.length) == 0)
            return true;
    return false;
}

void risk_status_load(struct risk_status *status, sqlite3 *db, judge_visitor *put, void *context,
                      const struct rule_set *set)
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(db, "SELECT * FROM rules ORDER BY id", -1, &statement, NULL))
        return;
    while (sqlite3_step(statement) == SQLITE_ROW) {
        struct row_rule row;
        row_fetch(statement, ROW_RULE, &row);
        add(status, row.name.data, row.id);
        if (is_rule(set, row.name))
            continue;
        row.state = (struct text){"removed", 7};
        put(context, ROW_RULE, &row);
    }
    sqlite3_finalize(statement);
}

static struct text as_text(const char *string)
{
    return string && *string ? (struct text){string, strlen(string)} : TEXT_NULL;
}

static void put_rule(const struct rule_row *known, const struct rule *rule,
                     const struct rule_work *work, uint64_t withheld, judge_visitor *put,
                     void *context)
{
    char *tactics = rule_tactics_json(rule->tactics);
    struct row_rule row = {
        .id = known->id,
        .name = as_text(rule->id),
        .title = as_text(rule->title),
        .severity =
            rule->severity < SEVERITIES ? as_text(severity_names[rule->severity]) : TEXT_NULL,
        .techniques = as_text(rule->techniques),
        .tactics = as_text(tactics),
        .description = as_text(rule->description),
        .benign = as_text(rule->benign),
        .file = as_text(rule->file),
        .state = as_text(rule_state_names[rule->state]),
        .error = as_text(rule->error),
        .runs = (int64_t)work->runs,
        .hits = (int64_t)work->hits,
        .withheld = (int64_t)withheld,
        .busy_ns = work->busy_ns,
        .slowest_ns = work->slowest_ns,
        .loaded_at = known->loaded_at,
    };

    put(context, ROW_RULE, &row);
    sqlite3_free(tactics);
}

void risk_status_put(struct risk_status *status, const struct judge *judge,
                     const struct rule_set *set, bool loaded, judge_visitor *put, void *context)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct rule *rule = set->rules[i];
        const struct rule_work *work = judge_work(judge, i);
        struct rule_row *known = find(status, rule->id);
        if (!known || (!loaded && known->state == rule->state && known->runs == work->runs))
            continue;
        if (loaded)
            known->loaded_at = wall_now();
        known->state = rule->state;
        known->runs = work->runs;
        put_rule(known, rule, work, judge_withheld(judge, i), put, context);
    }
}

bool risk_status_has_news(const struct risk_status *status, const struct rule_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct rule_row *known = find_from(status, i, set->rules[i]->id);
        if (known && known->state != set->rules[i]->state)
            return true;
    }
    return false;
}

void risk_status_free(struct risk_status *status)
{
    for (size_t i = 0; i < status->count; i++)
        free(status->rows[i].name);
    free(status->rows);
}
