/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The finished answers: why something came to be, what it led to, and both. */
#include <stdlib.h>

#include "command.h"
#include "complain.h"
#include "query.h"
#include "story.h"

static void story_free(struct story *story)
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

static enum status run(struct session *session, const char *text, bool causes, bool effects)
{
    struct found found;
    struct story story = {.session = session};
    enum status status = target_find(session, text, &found);
    if (status == STATUS_OK && !ask(session, &found, causes, effects, &story.question))
        status = STATUS_USAGE;
    if (status == STATUS_OK)
        status = make(&story);
    if (status == STATUS_OK && story.failed) {
        complain("out of memory");
        status = STATUS_ERROR;
    }
    if (status == STATUS_OK)
        status = story_tell(&story, &found);
    story_free(&story);
    found_free(&found);
    return status;
}

static enum status why_run(struct session *session, char **operands)
{
    return run(session, operands[0], true, false);
}

static enum status impact_run(struct session *session, char **operands)
{
    return run(session, operands[0], false, true);
}

static enum status story_run(struct session *session, char **operands)
{
    return run(session, operands[0], true, true);
}

#define TAKES (OPTIONS_SPAN | OPTION_DEPTH | OPTION_KINDS | OPTION_HUBS | OPTION_ALL)
#define OPTIONS_HELP                                                                               \
    "  --all            each sentence by itself: fold nothing\n"                                   \
    "  --through-hubs   go on through hubs, such as init or a shared server\n"                     \
    "  --depth N        at most N edges away\n"                                                    \
    "  --kinds LIST     only by these kinds of edges: fork,file,connect\n"                         \
    "'help targets' tells what a TARGET can be.\n"

const struct command command_why = {
    .name = "why",
    .arguments = "TARGET",
    .summary = "root causes, backward",
    .help =
        "Who and what may have led to the TARGET, up to its moment where it has one (a file, a\n"
        "connection, a listener, a flag), in the order of time; each sentence with the rows\n"
        "that prove it. What repeats is told once, with a count. At the end: what may be\n"
        "missing, and where the search stopped.\n" OPTIONS_HELP
        "Example:  why file:/etc/cron.d/job\n",
    .least = 1,
    .most = 1,
    .takes = TAKES,
    .followed = true,
    .run = why_run,
};

const struct command command_impact = {
    .name = "impact",
    .arguments = "TARGET",
    .summary = "all that it led to",
    .help = "Everything that the TARGET may have led to, from its moment on where it has one, in\n"
            "the order of time; each sentence with the rows that prove it. What repeats is told\n"
            "once, with a count. At the end: what may be missing, and where the search "
            "stopped.\n" OPTIONS_HELP "Example:  impact trace:7\n",
    .least = 1,
    .most = 1,
    .takes = TAKES,
    .followed = true,
    .run = impact_run,
};

const struct command command_story = {
    .name = "story",
    .arguments = "TARGET",
    .summary = "the whole incident, told",
    .help =
        "What why and impact tell, as one story in the order of time; each sentence with the\n"
        "rows that prove it. What repeats is told once, with a count. At the end: what may\n"
        "be missing, and where the search stopped.\n" OPTIONS_HELP "Example:  story exe:miner\n",
    .least = 1,
    .most = 1,
    .takes = TAKES,
    .followed = true,
    .run = story_run,
};
