/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which of the connections that servers took a story looks at: those that were there, or little
 * before, while the servers did something that may be part of it.
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

/* As accepted_sql wants it. context: the activities. */
static bool server(const struct story *story, size_t index, const void *context, const char *comma,
                   FILE *out)
{
    const struct story_actor *actor = &story->actors[index];
    const struct activity *activity = (const struct activity *)context + index;
    if (!story_searched(story, actor))
        return false;
    fprintf(out, "%s[%" PRId64 ",%" PRId64 ",%" PRId64 "]", comma, actor->id,
            story_bounded(activity->begin), story_bounded(activity->end));
    return true;
}

/* The caller frees it; NULL: no memory. */
static char *list_activities(const struct story *story)
{
    struct activity *activities = calloc(story->actor_count + 1, sizeof *activities);
    if (!activities)
        return NULL;
    add_activities(story, activities);
    char *list = story_list(story, server, activities);
    free(activities);
    return list;
}

enum status story_accepted(struct story *story, struct result *accepted)
{
    char *activities = list_activities(story);
    if (!activities)
        return STATUS_ERROR;
    enum status status = query_fetch(story->session, accepted, accepted_sql, "t", activities);
    free(activities);
    story->cut |= accepted->rows == STORY_ROWS_MAX;
    return status;
}
