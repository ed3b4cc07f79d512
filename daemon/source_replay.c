/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A recording as a source. What a live run was told, scan, frontiers and losses included, is in
 * the file: there is nothing to arm, to scan for or to audit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recording.h"
#include "source.h"

struct source {
    struct recording_reader *reader;
    source_sink *sink;
    void *context;
    bool ended;
    struct source_error failure; /* empty: none */
};

static int hand_over(struct source *source, struct recording_error *error)
{
    struct event event;
    int result = recording_next(source->reader, &event, error);
    if (result > 0)
        source->sink(source->context, event.header, event.header->size);
    return result;
}

/* A live run that ended well wrote its last frontier; one that was killed did not. Either way
 * nothing comes any more that anything would have to wait for. */
static void hand_over_last_frontier(struct source *source)
{
    const struct event_mark mark = {
        .header = {.size = sizeof(mark), .kind = EVENT_FRONTIER, .time = UINT64_MAX}};
    source->sink(source->context, &mark.header, sizeof(mark));
}

static void replay_close(struct source *source)
{
    if (!source)
        return;
    recording_close(source->reader);
    free(source);
}

static struct source *replay_open(const struct config *config, source_sink *sink, void *context,
                                  struct source_error *error)
{
    struct recording_error why = {"out of memory"};
    struct source *source = calloc(1, sizeof(*source));
    if (source) {
        source->sink = sink;
        source->context = context;
        source->reader = recording_open(config->replay, &why);
    }
    int first = source && source->reader ? hand_over(source, &why) : -1;
    if (first > 0)
        return source;
    if (first == 0)
        snprintf(why.message, sizeof(why.message), "%.200s: the recording is empty",
                 config->replay);
    memcpy(error->message, why.message, sizeof(why.message));
    replay_close(source);
    return NULL;
}

static int replay_scan(struct source *source, struct source_error *error)
{
    (void)source;
    (void)error;
    return 0;
}

static void end(struct source *source)
{
    source->ended = true;
    hand_over_last_frontier(source);
}

static size_t replay_drain(struct source *source, size_t most)
{
    size_t count = 0;
    struct recording_error why;
    while (count < most && !source->ended) {
        int result = hand_over(source, &why);
        if (result < 0)
            memcpy(source->failure.message, why.message, sizeof(why.message));
        if (result <= 0)
            end(source);
        else
            count++;
    }
    return count;
}

static bool replay_keeps(const struct source *source)
{
    (void)source;
    return true;
}

static void replay_arm(struct source *source)
{
    (void)source;
}

static size_t replay_descriptors(struct source *source, int fds[EVENT_RINGS])
{
    (void)source;
    (void)fds;
    return 0;
}

static void replay_audit(struct source *source)
{
    (void)source;
}

static void replay_stop(struct source *source)
{
    if (!source->ended)
        end(source);
}

static size_t replay_probes(const struct source *source, struct source_probe *probes, size_t most)
{
    (void)source;
    (void)probes;
    (void)most;
    return 0;
}

static bool replay_ended(const struct source *source)
{
    return source->ended;
}

static const char *replay_failure(const struct source *source)
{
    return source->failure.message[0] ? source->failure.message : NULL;
}

const struct source_ops source_replay = {
    .open = replay_open,
    .scan = replay_scan,
    .drain = replay_drain,
    .keeps = replay_keeps,
    .arm = replay_arm,
    .descriptors = replay_descriptors,
    .audit = replay_audit,
    .stop = replay_stop,
    .probes = replay_probes,
    .ended = replay_ended,
    .failure = replay_failure,
    .close = replay_close,
};
