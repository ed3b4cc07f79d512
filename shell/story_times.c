/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Until when and from when on what somebody did is part of a story: as the search does, on from one
 * to the next until no time gets better, but through servers only to those whose doing it is.
 */
#include "story.h"

/* Somebody acted on somebody. */
struct link {
    struct story_actor *src, *dst;
    bool fork;
    int64_t at, last_at;       /* ns; INT64_MIN and INT64_MAX: not known, or it still acts */
    struct story_caller *call; /* NULL: it is none */
    struct story_act act;      /* what it is to src, if that is a server */
    bool answer;               /* src was forked by the server dst for somebody, ... */
    struct story_act asked;    /* ... by this act, and now tells it something */
};

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static struct story_act act_of(const struct story *story, const struct story_actor *server,
                               int64_t at, int64_t last_at)
{
    return (struct story_act){
        .server = (size_t)(server - story->actors),
        .at = at,
        .last_at = last_at,
        .accepted = INTEGER_NULL,
    };
}

/* ---- what counts ---- */

static bool is_cause_at(const struct story_actor *actor, int64_t at)
{
    return actor->cause && actor->until != STORY_NEVER_UNTIL && at <= actor->until;
}

static bool is_effect_at(const struct story *story, const struct story_actor *actor,
                         const struct story_act *act)
{
    if (!actor->effect || actor->hub || actor->since == STORY_NEVER_SINCE)
        return false;
    return act->last_at >= actor->own_since ||
           (act->last_at >= actor->since && story_credited(story, act));
}

/* Whether a link leads to a cause. */
static bool leads_back(const struct story *story, const struct link *link)
{
    if (!link->src->cause || !is_cause_at(link->dst, link->at))
        return false;
    if (link->fork)
        return true;
    if (link->dst->hub || (link->answer && !story_blamed(story, &link->asked, link->at)))
        return false;
    return !link->call || (link->call->until != STORY_NEVER_UNTIL && link->at <= link->call->until);
}

static bool leads_on(const struct story *story, const struct link *link)
{
    return link->dst->effect && is_effect_at(story, link->src, &link->act);
}

bool story_counts(const struct story *story, const struct story_actor *actor, int64_t at)
{
    if (actor->hub || actor->stranger)
        return false;
    if (at == INTEGER_NULL)
        return true;
    struct story_act act = act_of(story, actor, at, at);
    return (actor->until != STORY_NEVER_UNTIL && at <= actor->until) ||
           is_effect_at(story, actor, &act);
}

/* ---- on from one to the next ---- */

static bool raise_until(struct story *story, const struct link *link)
{
    int64_t until = lesser(link->last_at, link->call ? link->call->until : link->dst->until);
    bool changed = until > link->src->until;
    if (changed)
        link->src->until = until;
    struct story_act act = link->act;
    act.last_at = until;
    return story_blame(story, &act, until) || changed;
}

static bool lower(int64_t *since, int64_t to)
{
    bool changed = to < *since;
    if (changed)
        *since = to;
    return changed;
}

static bool lower_since(struct story *story, const struct link *link)
{
    int64_t since = greater(link->at, link->src->since);
    bool changed = lower(&link->dst->since, since);
    if (link->answer)
        return story_credit(story, &link->asked, since) || changed;
    return lower(link->call ? &link->call->since : &link->dst->own_since, since) || changed;
}

static bool pass(struct story *story, const struct link *link)
{
    bool changed = leads_back(story, link) && raise_until(story, link);
    return (leads_on(story, link) && lower_since(story, link)) || changed;
}

/* A worker runs the program of its server, and serves whom the server took last. */
static bool is_worker(const struct story_actor *parent, const struct story_actor *child)
{
    return parent->exe.data && child->exe.data && story_text_equal(parent->exe, child->exe);
}

/* False: who forked it is no part of the story. */
static bool link_of_fork(const struct story *story, struct story_actor *child, struct link *link)
{
    size_t found = story_find(story, child->parent_id);
    *link = (struct link){.src = NULL};
    if (found == SIZE_MAX || story->actors[found].stranger)
        return false;
    bool known = child->started_at != INTEGER_NULL;
    *link = (struct link){
        .src = &story->actors[found],
        .dst = child,
        .fork = true,
        .at = known ? child->started_at : INT64_MIN,
        .last_at = known ? child->started_at : INT64_MAX,
    };
    link->act = act_of(story, link->src, link->at, link->last_at);
    link->act.worker = is_worker(link->src, child);
    return true;
}

/* Where a child, or a child's child, tells a server something: by which act it was forked. */
static void find_asked(const struct story *story, struct link *link)
{
    struct story_actor *child = link->src;
    struct link fork;
    if (link->call || !link->dst->callers)
        return;
    while (link_of_fork(story, child, &fork) && fork.src != link->dst)
        child = fork.src;
    if (fork.src != link->dst)
        return;
    link->asked = fork.act;
    link->asked.worker = true; /* one caller is enough, and the last is the likeliest */
    link->answer = story_is_due(story, &link->asked);
}

int64_t story_edge_last(const struct cell *edge)
{
    return edge[EDGE_OPEN].integer == 1 ? INT64_MAX : edge[EDGE_LAST_AT].integer;
}

static struct link link_of_edge(const struct story *story, size_t row)
{
    const struct cell *edge = result_row(&story->edges, row);
    struct link link = {
        .src = &story->actors[story_find(story, edge[EDGE_SRC].integer)],
        .dst = &story->actors[story_find(story, edge[EDGE_DST].integer)],
        .at = edge[EDGE_AT].integer,
        .last_at = story_edge_last(edge),
        .call = story_caller(story, row),
    };
    link.act = act_of(story, link.src, link.at, link.last_at);
    if (!link.call)
        link.act.accepted = story_integer(&edge[EDGE_CONNECTION]);
    find_asked(story, &link);
    return link;
}

bool story_edge_counts(const struct story *story, size_t row)
{
    struct link link = link_of_edge(story, row);
    if (link.src->stranger || link.dst->stranger)
        return false;
    return leads_back(story, &link) || leads_on(story, &link);
}

/* ---- all of them ---- */

/* What is asked about a server at a moment it did then. */
static void begin_at_target(struct story *story)
{
    struct story_actor *target = &story->actors[story->target];
    const struct story_question *question = &story->question;
    target->target = true;
    target->hub = false;
    if (question->effects)
        target->since = target->own_since =
            question->since == INTEGER_NULL ? INT64_MIN + 1 : question->since;
    if (!question->causes)
        return;
    target->until = question->until == INTEGER_NULL ? INT64_MAX : question->until;
    struct story_act act =
        act_of(story, target, question->moment ? target->until : INT64_MIN, target->until);
    story_blame(story, &act, target->until);
}

/* Those whom the search by time alone has reached, and who only used the same servers before or
 * after. */
static void pass_over(struct story *story)
{
    for (size_t i = 0; i < story->actor_count; i++) {
        struct story_actor *actor = &story->actors[i];
        bool counts =
            actor->until != STORY_NEVER_UNTIL || actor->since != STORY_NEVER_SINCE || actor->hub;
        if (counts || actor->stranger)
            continue;
        actor->stranger = true;
        story->passed_over++;
    }
}

int64_t story_bounded(int64_t at)
{
    return at > STORY_FAR ? STORY_FAR : greater(at, -STORY_FAR);
}

void story_times(struct story *story)
{
    bool changed = true;
    begin_at_target(story);
    while (changed) {
        struct link link;
        changed = false;
        for (size_t i = story->actor_count; i-- > 0;)
            if (link_of_fork(story, &story->actors[i], &link))
                changed |= pass(story, &link);
        for (size_t i = story->edges.rows; i-- > 0;) {
            link = link_of_edge(story, i);
            changed |= pass(story, &link);
        }
    }
    pass_over(story);
}
