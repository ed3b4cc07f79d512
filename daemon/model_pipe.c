/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "model_private.h"

/* Pipes kept in mind, and processes at each end of one; beyond that the oldest is forgotten. */
#define PIPES_MAX   8192
#define PARTIES_MAX 256

/* The kernel tells of a writer this often: it may have written this much later than it was told. */
#define QUIET_NS 1000000000ull

struct pipe_party {
    int64_t process_id;
    uint64_t start;   /* of the process */
    uint64_t time;    /* when it was last told of */
    bool unexplained; /* a reader: what it read came from nobody known */
};

struct pipe_parties {
    struct pipe_party *list;
    size_t count;
    size_t room;
};

struct pipe {
    struct key key;
    struct shared *name;
    uint64_t emptied; /* when nothing was left in it, last; 0: not known */
    struct pipe_parties writers;
    struct pipe_parties readers;
    TAILQ_ENTRY(pipe) used;
};
TAILQ_HEAD(pipe_list, pipe);

struct pipe_state {
    struct index pipes; /* (inode, device and generation) -> struct pipe */
    struct pipe_list used;
};

/* ---- pipes ---- */

static struct pipe_state *state_of(struct model *model)
{
    if (model->pipes)
        return model->pipes;
    model->pipes = calloc(1, sizeof(*model->pipes));
    if (model->pipes)
        TAILQ_INIT(&model->pipes->used);
    else
        model->unkept++;
    return model->pipes;
}

static void pipe_drop(struct pipe_state *state, struct pipe *pipe)
{
    TAILQ_REMOVE(&state->used, pipe, used);
    index_remove(&state->pipes, pipe->key);
    shared_drop(pipe->name);
    free(pipe->writers.list);
    free(pipe->readers.list);
    free(pipe);
}

static struct shared *name_of(const struct event *event)
{
    const struct event_pipe *record = event->pipe;
    char name[32];

    if (record->path.length)
        return shared_new(event_text(event, record->path));
    snprintf(name, sizeof(name), "pipe:[%llu]", record->inode);
    return shared_string(name);
}

static struct pipe *pipe_new(struct model *model, struct key key, const struct event *event)
{
    struct pipe_state *state = model->pipes;
    struct pipe *pipe = calloc(1, sizeof(*pipe));

    if (!pipe || index_put(&state->pipes, key, pipe) < 0) {
        free(pipe);
        model->unkept++;
        return NULL;
    }
    pipe->key = key;
    pipe->name = name_of(event);
    TAILQ_INSERT_TAIL(&state->used, pipe, used);
    if (state->pipes.count > PIPES_MAX)
        pipe_drop(state, TAILQ_FIRST(&state->used));
    return pipe;
}

/* The pipe that an event is about; NULL: no memory. */
static struct pipe *pipe_of(struct model *model, const struct event *event)
{
    const struct event_pipe *record = event->pipe;
    struct key key = {record->inode, (uint64_t)record->device << 32 | record->generation};
    struct pipe_state *state = state_of(model);
    struct pipe *pipe = state ? index_get(&state->pipes, key) : NULL;

    if (!state)
        return NULL;
    if (!pipe)
        return pipe_new(model, key, event);
    TAILQ_REMOVE(&state->used, pipe, used);
    TAILQ_INSERT_TAIL(&state->used, pipe, used);
    return pipe;
}

/* ---- who is at its ends ---- */

static void party_remove(struct pipe_parties *parties, size_t at)
{
    for (parties->count--; at < parties->count; at++)
        parties->list[at] = parties->list[at + 1];
}

static bool parties_grow(struct pipe_parties *parties)
{
    size_t room = parties->room ? parties->room * 2 : 2;
    struct pipe_party *list = reallocarray(parties->list, room, sizeof(*list));

    if (!list)
        return false;
    parties->list = list;
    parties->room = room;
    return true;
}

/* The process among those at one end, where it is put as not told of yet if it is not there; NULL:
 * no memory. Valid until the next call. */
static struct pipe_party *party_of(struct model *model, struct pipe_parties *parties,
                                   const struct process *process)
{
    for (size_t i = 0; i < parties->count; i++)
        if (parties->list[i].process_id == process->row.id)
            return &parties->list[i];
    if (parties->count == PARTIES_MAX)
        party_remove(parties, 0);
    if (parties->count == parties->room && !parties_grow(parties)) {
        model->unkept++;
        return NULL;
    }
    parties->list[parties->count] =
        (struct pipe_party){.process_id = process->row.id, .start = process->start};
    return &parties->list[parties->count++];
}

/* Whether something that the writer wrote may be in the pipe, or has been since it was last empty:
 * it may have written until the kernel would have told of it anew, or until its end. */
static bool may_be_inside(const struct model *model, const struct pipe *pipe,
                          const struct pipe_party *writer)
{
    const struct process *process = process_by_id(model, writer->process_id);
    uint64_t last = writer->time + QUIET_NS;

    if (process && process->ended && process->ended < last)
        last = process->ended;
    return writer->time > pipe->emptied || last > pipe->emptied;
}

/* Nothing is left in the pipe: those who can have no part in what comes next are forgotten. */
static void emptied(const struct model *model, struct pipe *pipe, uint64_t time)
{
    pipe->emptied = time;
    for (size_t i = pipe->writers.count; i-- > 0;) {
        const struct pipe_party *writer = &pipe->writers.list[i];
        const struct process *process = process_by_id(model, writer->process_id);
        if ((!process || process->ended) && !may_be_inside(model, pipe, writer))
            party_remove(&pipe->writers, i);
    }
}

/* ---- what flowed ---- */

/* The writer has ended so long ago that only its row's id is left. */
static void flow_from_the_past(struct model *model, int64_t src, struct process *reader,
                               uint64_t from, uint64_t until, struct text name)
{
    struct row_edge edge = edge_new(model, "pipe", src, reader->row.id, model_wall(model, from));

    edge.last_at = model_wall(model, until);
    edge.detail = name;
    edge_put(model, &edge);
    edge_acted(NULL, reader, edge.last_at);
}

static void flow(struct model *model, const struct pipe *pipe, const struct pipe_party *writer,
                 const struct pipe_party *reader, uint64_t from, uint64_t until)
{
    struct process *src = process_by_id(model, writer->process_id);
    struct process *dst = process_by_id(model, reader->process_id);
    struct evidence evidence = {INTEGER_NULL, INTEGER_NULL, shared_text(pipe->name)};

    if (!dst || writer->process_id == reader->process_id)
        return;
    if (from < dst->start)
        from = dst->start;
    if (src)
        edge_act(model, "pipe", src, dst, from, until, &evidence);
    else
        flow_from_the_past(model, writer->process_id, dst, from, until, evidence.detail);
}

/* Every writer whose bytes may be among those that were read, and of whom the reader has not been
 * told at an earlier read. */
static void read_from_all(struct model *model, const struct pipe *pipe, struct pipe_party *reader,
                          uint64_t time)
{
    reader->unexplained = true;
    for (size_t i = 0; i < pipe->writers.count; i++) {
        const struct pipe_party *writer = &pipe->writers.list[i];
        if (!may_be_inside(model, pipe, writer))
            continue;
        reader->unexplained = false;
        if (writer->time > reader->time)
            flow(model, pipe, writer, reader, writer->time, time);
    }
    reader->time = time;
}

/* The write has returned, and a reader may have been quicker: one that has read what nobody known
 * had written, or, where nothing is left in the pipe, any that is still there. */
static void written_to(struct model *model, const struct pipe *pipe,
                       const struct pipe_party *writer, struct pipe_party *reader, bool empty)
{
    const struct process *process = process_by_id(model, reader->process_id);
    uint64_t from = writer->time;

    if (reader->unexplained && writer->start <= reader->time)
        from = reader->time;
    else if (!empty || !process || (process->ended && process->ended + QUIET_NS < writer->time))
        return;
    flow(model, pipe, writer, reader, from, writer->time);
    reader->unexplained = false;
    reader->time = writer->time;
}

/* ---- events ---- */

void pipe_write(struct model *model, const struct event *event)
{
    const struct process *process = process_of(model, event->header);
    struct pipe *pipe = process ? pipe_of(model, event) : NULL;
    struct pipe_party *writer = pipe ? party_of(model, &pipe->writers, process) : NULL;
    bool empty = event->pipe->flags & EVENT_PIPE_EMPTY;

    if (!writer)
        return;
    writer->time = event->header->time;
    for (size_t i = 0; i < pipe->readers.count; i++)
        written_to(model, pipe, writer, &pipe->readers.list[i], empty);
    if (empty)
        emptied(model, pipe, event->header->time);
}

void pipe_read(struct model *model, const struct event *event)
{
    const struct process *process = process_of(model, event->header);
    struct pipe *pipe = process ? pipe_of(model, event) : NULL;
    struct pipe_party *reader;

    if (!pipe)
        return;
    if (event->pipe->flags & EVENT_PIPE_END) {
        pipe->writers.count = pipe->readers.count = 0;
        return;
    }
    reader = party_of(model, &pipe->readers, process);
    if (reader)
        read_from_all(model, pipe, reader, event->header->time);
    if (event->pipe->flags & EVENT_PIPE_EMPTY)
        emptied(model, pipe, event->header->time);
}

void pipe_free_all(struct model *model)
{
    struct pipe_state *state = model->pipes;

    if (!state)
        return;
    while (!TAILQ_EMPTY(&state->used))
        pipe_drop(state, TAILQ_FIRST(&state->used));
    index_free(&state->pipes);
    free(state);
    model->pipes = NULL;
}
