/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who called a server, and whose doing it is what the server does. The rule of time alone would
 * make everybody a cause who had ever talked to it, and all that it does later an effect of each.
 * So of its callers those count whose connection fed the act, where that is known; else those who
 * were connected then, and where nobody was, who was last. A worker that it forks is due to the
 * caller it took last; what its children tell it belongs to the callers that they were forked for.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "query.h"
#include "story.h"

/* ?1 an array of [process, begin, end]: who they are, and when they did something in the story.
 * Whose doing it is what a hub does nobody asks, as the search does not go through it.
 * Those still open may be much older than the others: the index of them begins with the host. */
static const char accepted_sql[] =
    "WITH m (id, begin, until) AS MATERIALIZED (SELECT json_extract(value, '$[0]'), "
    "  json_extract(value, '$[1]'), json_extract(value, '$[2]') FROM json_each(?1)), "
    "near (id, first, last) AS MATERIALIZED (SELECT id, "
    "  (SELECT x.id FROM connections AS x WHERE x.started_at >= begin - " STORY_SLACK
    "    ORDER BY x.started_at LIMIT 1), "
    "  (SELECT x.id FROM connections AS x WHERE x.started_at > until + " STORY_SLACK
    "    ORDER BY x.started_at LIMIT 1) FROM m), "
    "span (id, low, high) AS MATERIALIZED (SELECT id, "
    "  (SELECT x.id FROM connections AS x WHERE x.process_id = near.id "
    "    AND x.id < coalesce(first, " STORY_FAR_TEXT ") "
    "    ORDER BY x.id DESC LIMIT 1 OFFSET " STORY_ROWS_BEFORE "), coalesce(last, " STORY_FAR_TEXT
    ") "
    "  FROM near), "
    "open (id) AS MATERIALIZED (SELECT c.id FROM connections AS c WHERE c.host_id > 0 "
    "  AND c.ended_at IS NULL AND c.direction = 'in' AND +c.process_id IN (SELECT id FROM m)), "
    "accepted (id) AS MATERIALIZED (SELECT c.id FROM span CROSS JOIN connections AS c "
    "  ON c.process_id = span.id AND c.id > coalesce(low, 0) AND c.id < high "
    "  WHERE c.direction = 'in' UNION SELECT id FROM open) "
    "SELECT c.id, c.process_id, coalesce(c.established_at, c.started_at), c.ended_at "
    "FROM accepted AS a CROSS JOIN connections AS c ON c.id = a.id "
    "ORDER BY a.id DESC LIMIT " STORY_ROWS_LIMIT;

enum accepted_column { ACCEPTED_ID, ACCEPTED_PROCESS, ACCEPTED_AT, ACCEPTED_ENDED };

/* ---- the callers ---- */

static int by_server(const void *a, const void *b)
{
    const struct story_caller *one = a, *other = b;
    if (one->server != other->server)
        return one->server < other->server ? -1 : 1;
    if (one->at != other->at)
        return one->at < other->at ? -1 : 1;
    return (one->accepted > other->accepted) - (one->accepted < other->accepted);
}

static int by_accepted(const void *a, const void *b)
{
    const struct story_caller *one = a, *other = b;
    return (one->accepted > other->accepted) - (one->accepted < other->accepted);
}

static bool is_call(const struct cell *edge)
{
    struct text kind = text_of_cell(&edge[EDGE_KIND]);
    return story_text_is(kind, "connect") || story_text_is(kind, "unix");
}

static struct story_caller of_edge(const struct story *story, size_t row)
{
    const struct cell *edge = result_row(&story->edges, row);
    return (struct story_caller){
        .server = story_find(story, edge[EDGE_DST].integer),
        .edge = row,
        .accepted = story_integer(&edge[EDGE_PEER]),
        .at = edge[EDGE_AT].integer,
        .last_at = story_edge_last(edge),
        .until = STORY_NEVER_UNTIL,
        .since = STORY_NEVER_SINCE,
    };
}

static void add_edges(struct story *story)
{
    for (size_t i = 0; i < story->edges.rows; i++)
        if (is_call(result_row(&story->edges, i)))
            story->callers[story->caller_count++] = of_edge(story, i);
    qsort(story->callers, story->caller_count, sizeof *story->callers, by_accepted);
}

/* Those whose other end no edge tells of. */
static void add_accepted(struct story *story, const struct result *accepted)
{
    size_t known = story->caller_count;
    for (size_t i = 0; i < accepted->rows; i++) {
        const struct cell *row = result_row(accepted, i);
        struct story_caller caller = {
            .server = story_find(story, row[ACCEPTED_PROCESS].integer),
            .edge = SIZE_MAX,
            .accepted = row[ACCEPTED_ID].integer,
            .at = row[ACCEPTED_AT].type == CELL_INTEGER ? row[ACCEPTED_AT].integer : INT64_MIN,
            .last_at =
                row[ACCEPTED_ENDED].type == CELL_INTEGER ? row[ACCEPTED_ENDED].integer : INT64_MAX,
            .until = STORY_NEVER_UNTIL,
            .since = STORY_NEVER_SINCE,
        };
        if (!bsearch(&caller, story->callers, known, sizeof caller, by_accepted))
            story->callers[story->caller_count++] = caller;
    }
}

static void share_callers(struct story *story)
{
    qsort(story->callers, story->caller_count, sizeof *story->callers, by_server);
    for (size_t i = 0; i < story->caller_count; i++) {
        struct story_caller *caller = &story->callers[i];
        struct story_actor *server = &story->actors[caller->server];
        if (server->callers == 0)
            server->first_caller = i;
        caller->longest = server->callers++;
        if (caller->longest > 0) {
            const struct story_caller *before = &story->callers[server->first_caller];
            size_t longest = caller[-1].longest;
            if (before[longest].last_at >= caller->last_at)
                caller->longest = longest;
        }
    }
}

struct story_caller *story_caller(const struct story *story, size_t row)
{
    const struct cell *edge = result_row(&story->edges, row);
    const struct story_actor *server = &story->actors[story_find(story, edge[EDGE_DST].integer)];
    if (!is_call(edge) || !server->callers)
        return NULL;
    struct story_caller *caller = &story->callers[server->first_caller];
    while (caller->edge != row)
        caller++;
    return caller;
}

/* ---- which connections ---- */

struct activity {
    int64_t begin, end; /* ns; begin INT64_MAX: it did nothing */
};

static void did(struct activity *activity, int64_t at, int64_t last_at)
{
    if (at < activity->begin)
        activity->begin = at;
    if (last_at > activity->end)
        activity->end = last_at;
}

/* What counts as an effect may have been done at any time from the first cause on. */
static struct activity of_effects(const struct story *story)
{
    const struct story_question *question = &story->question;
    int64_t since = question->since;
    if (!question->effects)
        return (struct activity){INT64_MAX, INT64_MIN};
    if (since == INTEGER_NULL)
        since = story->actors[story->target].started_at;
    return (struct activity){since == INTEGER_NULL ? INT64_MIN : since, INT64_MAX};
}

static void add_forks(const struct story *story, struct activity *activities)
{
    for (size_t i = 0; i < story->actor_count; i++) {
        const struct story_actor *child = &story->actors[i];
        size_t parent = story_find(story, child->parent_id);
        bool known = child->started_at != INTEGER_NULL;
        if (parent != SIZE_MAX)
            did(&activities[parent], known ? child->started_at : INT64_MIN,
                known ? child->started_at : INT64_MAX);
    }
}

static void add_activities(const struct story *story, struct activity *activities)
{
    const struct story_question *question = &story->question;
    for (size_t i = 0; i < story->actor_count; i++)
        activities[i] = of_effects(story);
    add_forks(story, activities);
    for (size_t i = 0; i < story->edges.rows; i++) {
        const struct cell *edge = result_row(&story->edges, i);
        did(&activities[story_find(story, edge[EDGE_SRC].integer)], edge[EDGE_AT].integer,
            story_edge_last(edge));
    }
    if (question->causes)
        did(&activities[story->target], question->moment ? question->until : INT64_MIN,
            question->until == INTEGER_NULL ? INT64_MAX : question->until);
}

/* As accepted_sql wants them. The caller frees it; NULL: no memory. */
static char *list_activities(const struct story *story)
{
    char *list = NULL;
    size_t length;
    struct activity *activities = calloc(story->actor_count + 1, sizeof *activities);
    FILE *out = activities ? open_memstream(&list, &length) : NULL;
    if (!out) {
        free(activities);
        return NULL;
    }
    add_activities(story, activities);
    const char *comma = "";
    fputc('[', out);
    for (size_t i = 0; i < story->actor_count; i++) {
        if (!story_searched(story, &story->actors[i]))
            continue;
        fprintf(out, "%s[%" PRId64 ",%" PRId64 ",%" PRId64 "]", comma, story->actors[i].id,
                story_bounded(activities[i].begin), story_bounded(activities[i].end));
        comma = ",";
    }
    fputc(']', out);
    free(activities);
    if (fclose(out) == 0)
        return list;
    free(list);
    return NULL;
}

static enum status fetch_accepted(struct story *story, struct result *accepted)
{
    char *activities = list_activities(story);
    if (!activities)
        return STATUS_ERROR;
    enum status status = query_fetch(story->session, accepted, accepted_sql, "t", activities);
    free(activities);
    story->cut |= accepted->rows == STORY_ROWS_MAX;
    return status;
}

enum status story_callers(struct story *story)
{
    struct result accepted = {0};
    if (story->session->options.through_hubs)
        return STATUS_OK;
    enum status status = fetch_accepted(story, &accepted);
    if (status == STATUS_OK) {
        story->callers = calloc(story->edges.rows + accepted.rows + 1, sizeof *story->callers);
        if (!story->callers)
            status = STATUS_ERROR;
    }
    if (status == STATUS_OK) {
        add_edges(story);
        add_accepted(story, &accepted);
        share_callers(story);
    }
    result_free(&accepted);
    return status;
}

/* ---- to whom an act is due ---- */

/* The caller whose connection fed an act; NULL: not known. */
static struct story_caller *find_fed(const struct story *story, const struct story_act *act)
{
    const struct story_actor *server = &story->actors[act->server];
    struct story_caller *callers = &story->callers[server->first_caller];
    for (size_t i = 0; act->accepted != INTEGER_NULL && i < server->callers; i++)
        if (callers[i].accepted == act->accepted)
            return &callers[i];
    return NULL;
}

/* How many of a server's callers had come by then. */
static size_t count_came(const struct story *story, const struct story_actor *server, int64_t at)
{
    size_t low = 0, high = server->callers;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (story->callers[server->first_caller + middle].at <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Calls visit for each caller that an act is due to; whether one of the calls returned true. */
static bool for_due(const struct story *story, const struct story_act *act,
                    bool (*visit)(struct story_caller *caller, int64_t at), int64_t at)
{
    const struct story_actor *server = &story->actors[act->server];
    struct story_caller *callers = &story->callers[server->first_caller];
    struct story_caller *fed = find_fed(story, act);
    size_t came = count_came(story, server, act->last_at);
    bool any = false, connected = false;
    if (fed || came == 0)
        return fed && visit(fed, at);
    for (size_t i = came; i-- > 0 && callers[callers[i].longest].last_at >= act->at;) {
        if (callers[i].last_at < act->at)
            continue;
        any |= visit(&callers[i], at);
        connected = true;
        if (act->worker)
            break;
    }
    return connected ? any : visit(&callers[callers[came - 1].longest], at);
}

static bool raise_until(struct story_caller *caller, int64_t until)
{
    bool changed = until > caller->until;
    if (changed)
        caller->until = until;
    return changed;
}

static bool lower_since(struct story_caller *caller, int64_t since)
{
    bool changed = since < caller->since;
    if (changed)
        caller->since = since;
    return changed;
}

static bool is_cause(struct story_caller *caller, int64_t at)
{
    return caller->until != STORY_NEVER_UNTIL && at <= caller->until;
}

static bool is_effect(struct story_caller *caller, int64_t at)
{
    return caller->since != STORY_NEVER_SINCE && caller->since <= at;
}

static bool is_any(struct story_caller *caller, int64_t at)
{
    (void)caller;
    (void)at;
    return true;
}

bool story_blame(struct story *story, const struct story_act *act, int64_t until)
{
    return for_due(story, act, raise_until, until);
}

bool story_credit(struct story *story, const struct story_act *act, int64_t since)
{
    return for_due(story, act, lower_since, since);
}

bool story_is_due(const struct story *story, const struct story_act *act)
{
    return for_due(story, act, is_any, 0);
}

bool story_blamed(const struct story *story, const struct story_act *act, int64_t at)
{
    return for_due(story, act, is_cause, at);
}

bool story_credited(const struct story *story, const struct story_act *act)
{
    return for_due(story, act, is_effect, act->last_at);
}

static bool is_counted(const struct story_caller *caller)
{
    return caller->until != STORY_NEVER_UNTIL || caller->since != STORY_NEVER_SINCE;
}

void story_list_calls(const struct story *story, const struct story_actor *server, FILE *out)
{
    const char *comma = "";
    if (story->session->options.through_hubs) {
        fputs("null", out);
        return;
    }
    fputc('[', out);
    for (size_t i = 0; i < server->callers; i++) {
        const struct story_caller *caller = &story->callers[server->first_caller + i];
        if (!is_counted(caller) || caller->accepted == INTEGER_NULL)
            continue;
        fprintf(out, "%s%" PRId64, comma, caller->accepted);
        comma = ",";
    }
    fputc(']', out);
}

size_t story_other_calls(const struct story *story)
{
    size_t others = 0;
    for (size_t i = 0; i < story->caller_count; i++) {
        const struct story_caller *caller = &story->callers[i];
        const struct story_actor *server = &story->actors[caller->server];
        others += caller->accepted != INTEGER_NULL && !is_counted(caller) &&
                  story_counts(story, server, caller->at);
    }
    return others;
}
