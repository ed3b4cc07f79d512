/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A story from its question to its last fact, step by step. */
#include <stdlib.h>

#include "complain.h"
#include "story.h"

void story_free(struct story *story)
{
    for (size_t i = 0; i < story->fact_count; i++) {
        free((char *)story->facts[i].sentence.data);
        free((char *)story->facts[i].like.data);
    }
    for (size_t i = 0; i < sizeof story->deeds / sizeof *story->deeds; i++)
        result_free(&story->deeds[i]);
    result_free(&story->edges);
    result_free(&story->execs);
    result_free(&story->cast);
    free(story->callers);
    free(story->calls);
    free(story->actors);
    free(story->facts);
}

static enum status make(struct story *story)
{
    enum status status = story_cast(story);
    if (status != STATUS_OK)
        return status;
    story_births(story);
    story_edges(story);
    status = story_deeds(story);
    if (status == STATUS_OK)
        story_fold(story);
    if (status == STATUS_OK)
        status = story_frame(story);
    story_sort(story);
    return status;
}

static int64_t earlier(int64_t at, int64_t bound)
{
    return at == INTEGER_NULL || bound < at ? bound : at;
}

static int64_t later(int64_t at, int64_t bound)
{
    return at == INTEGER_NULL || bound > at ? bound : at;
}

/* What is asked for, from the target's moment and the span. */
static bool ask(struct session *session, const struct found *found, bool causes, bool effects,
                struct story_question *question)
{
    *question = (struct story_question){
        .process_id = found->process_id,
        .causes = causes,
        .effects = effects,
        .until = found->at,
        .since = found->since,
        .moment = found->at != INTEGER_NULL,
        .all = session->options.all,
    };
    if (!session_span(session, &question->span))
        return false;
    if (session->options.until)
        question->until = earlier(question->until, question->span.until);
    question->moment &= question->until == found->at;
    if (session->options.since)
        question->since = later(question->since, question->span.since);
    return true;
}

enum status story_build(struct session *session, const char *target, bool causes, bool effects,
                        struct story *story, struct found *found)
{
    *story = (struct story){.session = session};
    enum status status = target_find(session, target, found);
    if (status == STATUS_OK && !ask(session, found, causes, effects, &story->question))
        status = STATUS_USAGE;
    if (status == STATUS_OK)
        status = make(story);
    if (status == STATUS_OK && story->failed) {
        complain("out of memory");
        status = STATUS_ERROR;
    }
    return status;
}
