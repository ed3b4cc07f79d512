/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What those in a story did to each other: a sentence for each kind of edge. */
#include <inttypes.h>
#include <string.h>

#include "story.h"

/* An edge being told. */
struct telling {
    struct story *story;
    FILE *out;
    const struct story_actor *src, *dst;
    const struct cell *edge;
    int64_t at;
};

static void put_source(const struct telling *telling)
{
    story_put_actor(telling->out, telling->story, telling->src, NULL, telling->at);
}

static void put_destination(const struct telling *telling)
{
    story_put_actor(telling->out, telling->story, telling->dst, telling->src, telling->at);
}

static void put_detail(const struct telling *telling, const char *before)
{
    struct text detail = text_of_cell(&telling->edge[EDGE_DETAIL]);
    if (!detail.data)
        return;
    fputs(before, telling->out);
    story_put(telling->out, detail);
}

/* ---- the kinds ---- */

static void tell_acted(const struct telling *telling, const char *verb, const char *before)
{
    put_source(telling);
    fprintf(telling->out, " %s ", verb);
    put_destination(telling);
    put_detail(telling, before);
}

static void tell_connect(const struct telling *telling)
{
    tell_acted(telling, "connected to", " by ");
    if (telling->edge[EDGE_ADDRESS].type != CELL_TEXT)
        return;
    fputs(" at ", telling->out);
    story_put_endpoint(telling->out, TEXT_NULL, text_of_cell(&telling->edge[EDGE_ADDRESS]),
                       story_integer(&telling->edge[EDGE_PORT]));
}

static void tell_unix(const struct telling *telling)
{
    tell_acted(telling, "connected to", " at the socket ");
}

static void tell_pipe(const struct telling *telling)
{
    put_source(telling);
    fputs(" wrote into a pipe what ", telling->out);
    put_destination(telling);
    fputs(" read", telling->out);
}

static void tell_file(const struct telling *telling)
{
    static const struct {
        const char *detail, *verb;
    } verbs[] = {{"script", "ran the script"}, {"load", "loaded"}, {"copy", "ran a copy of"}};
    const char *verb = "ran";
    struct text detail = text_of_cell(&telling->edge[EDGE_DETAIL]);
    struct text path = text_of_cell(&telling->edge[EDGE_PATH]);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (story_text_is(detail, verbs[i].detail))
            verb = verbs[i].verb;
    story_put_actor(telling->out, telling->story, telling->dst, NULL, telling->at);
    fprintf(telling->out, " %s ", verb);
    if (path.data)
        story_put(telling->out, path);
    else
        fputs("a file", telling->out);
    fputs(", which ", telling->out);
    story_put_actor(telling->out, telling->story, telling->src, NULL,
                    telling->edge[EDGE_AT].integer);
    fputs(" had written", telling->out);
}

static void tell_fdpass(const struct telling *telling)
{
    tell_acted(telling, "passed a descriptor to", ": ");
}

static void tell_ptrace(const struct telling *telling)
{
    tell_acted(telling, "took control of", ", by ");
}

static void tell_inject(const struct telling *telling)
{
    tell_acted(telling, "wrote into the memory of", ", by ");
}

static void tell_signal(const struct telling *telling)
{
    put_source(telling);
    fputs(" sent ", telling->out);
    story_put(telling->out, text_of_cell(&telling->edge[EDGE_DETAIL]));
    fputs(" to ", telling->out);
    put_destination(telling);
}

/* Who is sent in is still the runtime's own program then: its later name says more. */
static void tell_runtime(const struct telling *telling)
{
    bool start = story_text_is(text_of_cell(&telling->edge[EDGE_DETAIL]), "start");
    put_source(telling);
    fputs(start ? " had a container started, with " : ", from outside, had ", telling->out);
    story_put_actor(telling->out, telling->story, telling->dst, telling->src, INTEGER_NULL);
    fputs(start ? " as its first process" : " run inside a container", telling->out);
    put_detail(telling, ", by ");
}

static void tell_other(const struct telling *telling)
{
    tell_acted(telling, "acted on", ", by ");
}

static const struct edge_kind {
    const char *name;
    enum story_weight weight;
    void (*tell)(const struct telling *telling);
} edge_kinds[] = {
    {"connect", STORY_PLAIN, tell_connect},   {"unix", STORY_PLAIN, tell_unix},
    {"pipe", STORY_PLAIN, tell_pipe},         {"file", STORY_NOTABLE, tell_file},
    {"fdpass", STORY_PLAIN, tell_fdpass},     {"ptrace", STORY_NOTABLE, tell_ptrace},
    {"inject", STORY_NOTABLE, tell_inject},   {"signal", STORY_NOISE, tell_signal},
    {"runtime", STORY_NOTABLE, tell_runtime}, {"other", STORY_PLAIN, tell_other},
};

#define KINDS (sizeof edge_kinds / sizeof *edge_kinds)

static const struct edge_kind *kind_of(const struct cell *edge)
{
    size_t i = 0;
    while (i + 1 < KINDS && !story_text_is(text_of_cell(&edge[EDGE_KIND]), edge_kinds[i].name))
        i++;
    return &edge_kinds[i];
}

/* ---- when ---- */

static bool same_cell(const struct cell *a, const struct cell *b)
{
    return a->type == CELL_TEXT && b->type == CELL_TEXT && a->bytes.length == b->bytes.length &&
           memcmp(a->bytes.data, b->bytes.data, a->bytes.length) == 0;
}

static bool ran_file(const struct cell *exec, const struct cell *edge)
{
    return exec[EXEC_ERROR].type == CELL_NULL &&
           (same_cell(&exec[EXEC_EXE], &edge[EDGE_PATH]) ||
            same_cell(&exec[EXEC_SCRIPT], &edge[EDGE_PATH]) ||
            same_cell(&exec[EXEC_EXE], &edge[EDGE_OLD_PATH]) ||
            same_cell(&exec[EXEC_SCRIPT], &edge[EDGE_OLD_PATH]));
}

/* The edge of a file has the times of its writing: what was written is seen to act when it is run.
 */
static int64_t time_of_run(const struct story *story, const struct story_actor *dst,
                           const struct cell *edge)
{
    int64_t written = edge[EDGE_AT].integer;
    for (size_t i = 0; i < dst->execs; i++) {
        const struct cell *exec = result_row(&story->execs, dst->first_exec + i);
        if (exec[EXEC_AT].integer >= written && ran_file(exec, edge))
            return exec[EXEC_AT].integer;
    }
    return dst->started_at > written ? dst->started_at : written;
}

/* ---- telling ---- */

/* A child's answer to who started it. */
static bool is_answer(const struct story *story, const struct telling *telling)
{
    size_t found = story_find(story, telling->src->parent_id);
    for (int i = 0; i < 16 && found != SIZE_MAX; i++) {
        if (&story->actors[found] == telling->dst)
            return true;
        found = story_find(story, story->actors[found].parent_id);
    }
    return false;
}

static void prove(struct story *story, const struct cell *edge)
{
    story_prove(story, STORY_EDGES, edge[EDGE_ID].integer);
    story_prove(story, STORY_CONNECTIONS, story_integer(&edge[EDGE_CONNECTION]));
    story_prove(story, STORY_CONNECTIONS, story_integer(&edge[EDGE_PEER]));
    story_prove(story, STORY_FILES, story_integer(&edge[EDGE_FILE]));
}

static void add_edge(struct story *story, const struct cell *edge)
{
    const struct edge_kind *kind = kind_of(edge);
    struct telling telling = {
        .story = story,
        .src = &story->actors[story_find(story, edge[EDGE_SRC].integer)],
        .dst = &story->actors[story_find(story, edge[EDGE_DST].integer)],
        .edge = edge,
        .at = edge[EDGE_AT].integer,
    };
    enum story_weight weight = kind->weight;
    if (kind->tell == tell_file)
        telling.at = time_of_run(story, telling.dst, edge);
    else if (weight == STORY_PLAIN && is_answer(story, &telling))
        weight = STORY_NOISE;
    if (!story_begin(story, kind->name, telling.src, telling.at, weight))
        return;
    telling.out = story->sentence;
    kind->tell(&telling);
    if (edge[EDGE_COUNT].integer > 1)
        fprintf(telling.out, ", %" PRId64 " times", edge[EDGE_COUNT].integer);
    story_put(story->like, story_name(story, telling.dst, telling.at));
    prove(story, edge);
    story_end(story);
}

void story_edges(struct story *story)
{
    for (size_t i = 0; i < story->edges.rows; i++) {
        if (story_edge_counts(story, i))
            add_edge(story, result_row(&story->edges, i));
    }
}
