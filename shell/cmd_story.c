/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The finished answers: why something came to be, what it led to, and both. */
#include "command.h"
#include "story.h"

static enum status run(struct session *session, const char *text, bool causes, bool effects)
{
    struct found found;
    struct story story;
    enum status status = story_build(session, text, causes, effects, &story, &found);
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
