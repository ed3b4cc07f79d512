/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of facts, and making one. */
#include <stdlib.h>

#include "story.h"

bool story_begin(struct story *story, const char *kind, const struct story_actor *actor, int64_t at,
                 enum story_weight weight)
{
    story->draft = (struct story_fact){
        .part = STORY_BODY,
        .at = at,
        .last_at = at,
        .actor = (size_t)(actor - story->actors),
        .kind = kind,
        .weight = weight,
        .count = 1,
        .order = story->fact_count,
    };
    struct story_fact *draft = &story->draft;
    story->sentence = open_memstream((char **)&draft->sentence.data, &draft->sentence.length);
    story->like = open_memstream((char **)&draft->like.data, &draft->like.length);
    if (story->sentence && story->like)
        return true;
    story_end(story);
    story->failed = true;
    return false;
}

void story_prove(struct story *story, enum story_table table, int64_t id)
{
    struct story_fact *draft = &story->draft;
    if (id == INTEGER_NULL)
        return;
    for (size_t i = 0; i < draft->proof_count; i++)
        if (draft->proofs[i].table == table && draft->proofs[i].id == id)
            return;
    if (draft->proof_count < STORY_PROOFS)
        draft->proofs[draft->proof_count++] = (struct story_proof){table, id};
}

static bool add(struct story *story)
{
    if (story->fact_count == story->fact_capacity) {
        size_t capacity = story->fact_capacity ? story->fact_capacity * 2 : 64;
        struct story_fact *facts = realloc(story->facts, capacity * sizeof *facts);
        if (!facts)
            return false;
        story->facts = facts;
        story->fact_capacity = capacity;
    }
    story->facts[story->fact_count++] = story->draft;
    return true;
}

static bool is_in_span(const struct story *story)
{
    const struct span *span = &story->question.span;
    int64_t at = story->draft.at;
    return story->draft.part != STORY_BODY || at == INTEGER_NULL ||
           (at >= span->since && at <= span->until);
}

void story_end(struct story *story)
{
    bool written = story->sentence && story->like;
    if (story->sentence && fclose(story->sentence) != 0)
        written = false;
    if (story->like && fclose(story->like) != 0)
        written = false;
    story->sentence = story->like = NULL;
    bool wanted = written && is_in_span(story);
    story->outside += written && !wanted;
    if (wanted && add(story))
        return;
    story->failed |= !written || wanted;
    free((char *)story->draft.sentence.data);
    free((char *)story->draft.like.data);
    story->draft = (struct story_fact){0};
}
