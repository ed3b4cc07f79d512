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

#include "story.h"

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
        if (caller->edge != SIZE_MAX)
            story->calls[caller->edge] = i;
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
    return &story->callers[story->calls[row]];
}

/* ---- all of them ---- */

enum status story_callers(struct story *story)
{
    struct result accepted = {0};
    if (story->session->options.through_hubs)
        return STATUS_OK;
    enum status status = story_accepted(story, &accepted);
    if (status == STATUS_OK) {
        story->callers = calloc(story->edges.rows + accepted.rows + 1, sizeof *story->callers);
        story->calls = calloc(story->edges.rows + 1, sizeof *story->calls);
        if (!story->callers || !story->calls)
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
