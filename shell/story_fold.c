/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What repeats is told once, with a count. Processes are of one family where they came about in the
 * same way: the same program, started by those of one family; facts of one family and kind that are
 * equal in `like` are alike. A story that is still too long is folded by less and less, what
 * matters least at first.
 */
#include <stdlib.h>
#include <string.h>

#include "story.h"

#define ALIKE_TOLD 3  /* as many are told one by one */
#define LONG_STORY 40 /* sentences */

/* ---- families ---- */

struct family {
    size_t parent;
    struct text name, kind;
    size_t next; /* of the same hash; SIZE_MAX: none */
};

struct families {
    struct family *rows;
    size_t count, buckets;
    size_t *heads;
};

static size_t hash(size_t seed, struct text text)
{
    size_t value = seed * 31 + 7;
    for (size_t i = 0; i < text.length; i++)
        value = (value ^ (unsigned char)text.data[i]) * 1099511628211u;
    return value ^ value >> 29;
}

static int compare_text(struct text a, struct text b)
{
    size_t length = a.length < b.length ? a.length : b.length;
    int order = length ? memcmp(a.data, b.data, length) : 0;
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

/* Every actor may make one: there is always room. */
static size_t find_family(struct families *families, const struct family *wanted)
{
    size_t *head =
        &families
             ->heads[hash(hash(wanted->parent, wanted->name), wanted->kind) % families->buckets];
    for (size_t i = *head; i != SIZE_MAX; i = families->rows[i].next)
        if (families->rows[i].parent == wanted->parent &&
            compare_text(families->rows[i].name, wanted->name) == 0 &&
            compare_text(families->rows[i].kind, wanted->kind) == 0)
            return i;
    families->rows[families->count] = *wanted;
    families->rows[families->count].next = *head;
    *head = families->count;
    return families->count++;
}

/* Who runs the same as its parent is of its family: no recursion is too deep. */
static size_t family_of(struct families *families, const struct story *story, size_t index)
{
    const struct story_actor *actor = &story->actors[index];
    size_t parent = story_find(story, actor->parent_id);
    if (parent == SIZE_MAX || parent >= index)
        parent = story_find(story, actor->from_id);
    struct family wanted = {
        .parent = SIZE_MAX,
        .name = story_name(story, actor, INTEGER_NULL),
        .kind = actor->kind,
    };
    if (parent != SIZE_MAX && parent < index) {
        size_t family = story->actors[parent].family;
        if (compare_text(families->rows[family].name, wanted.name) == 0)
            return family;
        wanted.parent = family;
    }
    return find_family(families, &wanted);
}

static bool find_families(struct story *story)
{
    struct families families = {.buckets = story->actor_count * 2 + 1};
    families.rows = calloc(story->actor_count + 1, sizeof *families.rows);
    families.heads = malloc(families.buckets * sizeof *families.heads);
    bool room = families.rows && families.heads;
    for (size_t i = 0; room && i < families.buckets; i++)
        families.heads[i] = SIZE_MAX;
    for (size_t i = 0; room && i < story->actor_count; i++)
        story->actors[i].family = family_of(&families, story, i);
    free(families.rows);
    free(families.heads);
    return room;
}

/* ---- folding ---- */

/* One step of it: what weighs more than `most` is not folded by it. */
struct level {
    enum story_weight most;
    bool family, like; /* what has to be the same, beside the kind */
    size_t told;       /* of those alike, before they are folded */
};

static const struct level levels[] = {
    {STORY_NOTABLE, true, true, ALIKE_TOLD}, {STORY_NOISE, true, false, 1},
    {STORY_PLAIN, true, false, ALIKE_TOLD},  {STORY_PLAIN, true, false, 1},
    {STORY_NOTABLE, true, false, 1},         {STORY_PLAIN, false, false, 1},
    {STORY_NOTABLE, false, false, 1},
};

#define LEVELS (sizeof levels / sizeof *levels)

/* For qsort(), which takes no argument of ours. The shell has one thread. */
static const struct story *sorted_story;
static const struct level *sorted_level;

static size_t fact_family(const struct story_fact *fact)
{
    return sorted_story->actors[fact->actor].family;
}

static int compare_alike(const struct story_fact *a, const struct story_fact *b)
{
    int order = strcmp(a->kind, b->kind);
    if (order == 0 && sorted_level->family)
        order = (fact_family(a) > fact_family(b)) - (fact_family(a) < fact_family(b));
    if (order == 0 && sorted_level->like)
        order = compare_text(a->like, b->like);
    return order;
}

/* By `at`, not known first, then as they were made. */
static int compare_time(const struct story_fact *a, const struct story_fact *b)
{
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

static int compare_for_fold(const void *left, const void *right)
{
    const struct story_fact *a = *(struct story_fact *const *)left;
    const struct story_fact *b = *(struct story_fact *const *)right;
    int order = compare_alike(a, b);
    return order ? order : compare_time(a, b);
}

/* Of what came in before it all happened the newest is the likeliest to have caused it. */
static bool newest_first(const struct story *story, const struct story_fact *fact)
{
    return story->actors[fact->actor].cause && !story->actors[fact->actor].effect &&
           strcmp(fact->kind, "accept") == 0;
}

static void fold_group(const struct story *story, struct story_fact **facts, size_t count)
{
    size_t kept = newest_first(story, facts[0]) ? count - 1 : 0;
    for (size_t i = 0; i < count; i++) {
        if (i == kept)
            continue;
        facts[i]->folded = true;
        facts[kept]->count += facts[i]->count;
        if (facts[i]->last_at > facts[kept]->last_at)
            facts[kept]->last_at = facts[i]->last_at;
    }
}

static size_t count_told(const struct story *story)
{
    size_t told = 0;
    for (size_t i = 0; i < story->fact_count; i++)
        told += !story->facts[i].folded;
    return told;
}

/* Those that a level may fold. Returns how many. */
static size_t choose(const struct story *story, const struct level *level,
                     struct story_fact **chosen)
{
    size_t count = 0;
    for (size_t i = 0; i < story->fact_count; i++)
        if (!story->facts[i].folded && story->facts[i].weight <= level->most)
            chosen[count++] = &story->facts[i];
    return count;
}

static void fold_level(struct story *story, const struct level *level, struct story_fact **chosen)
{
    size_t count = choose(story, level, chosen), end;
    sorted_story = story;
    sorted_level = level;
    if (count > 0)
        qsort(chosen, count, sizeof(struct story_fact *), compare_for_fold);
    for (size_t start = 0; start < count; start = end) {
        for (end = start + 1; end < count && !compare_alike(chosen[start], chosen[end]);)
            end++;
        if (end - start > level->told)
            fold_group(story, chosen + start, end - start);
    }
}

/* The line of who forked the target is what the story is about. */
static void keep_line(struct story *story)
{
    size_t found = story->target;
    for (size_t i = 0; found != SIZE_MAX && i < story->actor_count; i++) {
        story->actors[found].line = true;
        found = story_find(story, story->actors[found].parent_id);
    }
    for (size_t i = 0; i < story->fact_count; i++) {
        struct story_fact *fact = &story->facts[i];
        if (story->actors[fact->actor].line && strcmp(fact->kind, "fork") == 0)
            fact->weight = STORY_VITAL;
    }
}

void story_fold(struct story *story)
{
    keep_line(story);
    struct story_fact **chosen = calloc(story->fact_count + 1, sizeof(struct story_fact *));
    if (!chosen || !find_families(story))
        story->failed = true;
    for (size_t i = 0; !story->failed && !story->question.all && i < LEVELS; i++)
        if (i == 0 || count_told(story) > LONG_STORY)
            fold_level(story, &levels[i], chosen);
    free(chosen);
}

static int compare_for_telling(const void *left, const void *right)
{
    const struct story_fact *a = left, *b = right;
    if (a->part != b->part)
        return a->part < b->part ? -1 : 1;
    if (a->part != STORY_BODY)
        return (a->order > b->order) - (a->order < b->order);
    return compare_time(a, b);
}

void story_sort(struct story *story)
{
    if (story->fact_count > 0)
        qsort(story->facts, story->fact_count, sizeof *story->facts, compare_for_telling);
}
