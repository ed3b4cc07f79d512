/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "model_private.h"

/* Descriptors under way that are kept in mind; beyond that the oldest is forgotten. */
#define PASSINGS_MAX 8192
/* Of those, of one open file. */
#define CHAIN_MAX 1024

/* One descriptor in one message, known from one end of it. */
struct passing {
    struct key key;  /* the open file and its inode */
    uint64_t socket; /* inode of the one that receives; 0: not known */
    int64_t process_id;
    uint64_t time;
    uint32_t mode;
    struct passing *next; /* of the same open file, later */
    TAILQ_ENTRY(passing) all;
};
TAILQ_HEAD(passing_list, passing);

struct passings {
    struct index files; /* key -> the oldest struct passing */
    struct passing_list all;
    size_t count;
};

/* A message may be received before its send() has returned: whichever end is told of first waits
 * for the other. */
struct descriptor_state {
    struct passings sent;
    struct passings received;
};

static struct descriptor_state *state_of(struct model *model)
{
    if (model->descriptors)
        return model->descriptors;
    model->descriptors = calloc(1, sizeof(*model->descriptors));
    if (!model->descriptors) {
        model->unkept++;
        return NULL;
    }
    TAILQ_INIT(&model->descriptors->sent.all);
    TAILQ_INIT(&model->descriptors->received.all);
    return model->descriptors;
}

/* ---- those that wait for their other end ---- */

/* Takes one out of the chain that begins with `first`. */
static void unchain(struct passings *passings, struct passing *first, const struct passing *passing)
{
    struct passing *before = first;

    if (first != passing) {
        while (before->next != passing)
            before = before->next;
        before->next = passing->next;
    } else if (passing->next) {
        index_put(&passings->files, passing->key, passing->next); /* replaces: needs no memory */
    } else {
        index_remove(&passings->files, passing->key);
    }
}

static void passing_drop(struct passings *passings, struct passing *passing)
{
    unchain(passings, index_get(&passings->files, passing->key), passing);
    TAILQ_REMOVE(&passings->all, passing, all);
    passings->count--;
    free(passing);
}

/* Makes room for one more in the chain, and returns its last; NULL: it is empty. */
static struct passing *chain_end(struct passings *passings, struct key key)
{
    struct passing *first = index_get(&passings->files, key), *last = first;
    size_t count = first ? 1 : 0;

    for (; last && last->next; last = last->next)
        count++;
    if (count >= CHAIN_MAX)
        passing_drop(passings, first);
    return last;
}

static void passing_keep(struct model *model, struct passings *passings, struct passing what)
{
    struct passing *last = chain_end(passings, what.key);
    struct passing *passing = malloc(sizeof(*passing));

    if (!passing || (!last && index_put(&passings->files, what.key, passing) < 0)) {
        free(passing);
        model->unkept++;
        return;
    }
    *passing = what;
    if (last)
        last->next = passing;
    TAILQ_INSERT_TAIL(&passings->all, passing, all);
    if (++passings->count > PASSINGS_MAX)
        passing_drop(passings, TAILQ_FIRST(&passings->all));
}

/* The oldest that may be the other end of it; NULL: none. */
static struct passing *passing_find(const struct passings *passings, const struct passing *other)
{
    struct passing *passing = index_get(&passings->files, other->key);

    while (passing && passing->socket && other->socket && passing->socket != other->socket)
        passing = passing->next;
    return passing;
}

/* ---- what was passed ---- */

static struct shared *name_of(uint64_t inode, uint32_t mode)
{
    static const struct {
        uint32_t type;
        const char *name;
    } types[] = {
        {S_IFREG, "file"},
        {S_IFDIR, "directory"},
        {S_IFCHR, "character device"},
        {S_IFBLK, "block device"},
    };
    char name[32];

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if ((mode & S_IFMT) == types[i].type)
            return shared_string(types[i].name);
    if (!S_ISSOCK(mode) && !S_ISFIFO(mode))
        return shared_string("anonymous inode");
    snprintf(name, sizeof(name), "%s:[%llu]", S_ISSOCK(mode) ? "socket" : "pipe",
             (unsigned long long)inode);
    return shared_string(name);
}

/* The receiver holds what the socket is an end of, whoever made it. edge_id 0: who sent it is not
 * known. */
static void take_hold(struct model *model, struct process *receiver, const struct passing *passing,
                      uint64_t time, int64_t edge_id)
{
    const struct connection *connection = connection_of_socket(model, passing->key.b);

    if (!S_ISSOCK(passing->mode))
        return;
    if (connection && connection->row.process_id != receiver->row.id)
        connection_hold(model, connection, receiver, time, "fdpass", edge_id);
    unix_hold(model, receiver, passing->key.b, time);
}

/* src: the id of the sender's process; where that has been forgotten, or is not known
 * (INTEGER_NULL), there is no edge. */
static void pass(struct model *model, int64_t src, uint64_t sent, const struct passing *received)
{
    struct process *sender = process_by_id(model, src);
    struct process *receiver = process_by_id(model, received->process_id);
    const struct connection *connection =
        S_ISSOCK(received->mode) ? connection_of_socket(model, received->key.b) : NULL;
    uint64_t from = sent < received->time ? sent : received->time;
    uint64_t until = sent < received->time ? received->time : sent;
    struct shared *name;
    int64_t edge_id;

    if (!receiver || sender == receiver)
        return;
    name = name_of(received->key.b, received->mode);
    edge_id = edge_act(model, "fdpass", sender, receiver, from, until,
                       &(struct evidence){connection ? connection->row.id : INTEGER_NULL,
                                          INTEGER_NULL, shared_text(name)});
    take_hold(model, receiver, received, until, edge_id);
    shared_drop(name);
}

/* ---- events ---- */

static struct passing passing_of(const struct event *event, const struct process *process, size_t i)
{
    const struct event_fd_pass *record = event->fd_pass;
    const struct event_descriptor *descriptor =
        (const void *)(event_text(event, record->descriptors).data + i * sizeof(*descriptor));

    return (struct passing){.key = {descriptor->file, descriptor->inode},
                            .socket = record->socket,
                            .process_id = process->row.id,
                            .time = event->header->time,
                            .mode = descriptor->mode};
}

static void sent_one(struct model *model, struct passing sent)
{
    struct descriptor_state *state = model->descriptors;
    struct passing *received = passing_find(&state->received, &sent);

    if (!received) {
        passing_keep(model, &state->sent, sent);
        return;
    }
    pass(model, sent.process_id, sent.time, received);
    passing_drop(&state->received, received);
}

static void received_one(struct model *model, struct passing received)
{
    struct descriptor_state *state = model->descriptors;
    struct passing *sent = passing_find(&state->sent, &received);

    if (!sent) {
        passing_keep(model, &state->received, received);
        return;
    }
    pass(model, sent->process_id, sent->time, &received);
    passing_drop(&state->sent, sent);
}

void descriptor_send(struct model *model, const struct event *event)
{
    const struct process *process = process_of(model, event->header);

    if (!process || !state_of(model))
        return;
    for (size_t i = 0; i < event->fd_pass->count; i++)
        sent_one(model, passing_of(event, process, i));
}

void descriptor_receive(struct model *model, const struct event *event)
{
    const struct event_fd_pass *record = event->fd_pass;
    const struct process *process = process_of(model, event->header);
    const struct process *source = process_known(model, record->source_pid, record->source_start);

    if (!process || !state_of(model))
        return;
    for (size_t i = 0; i < record->count; i++) {
        struct passing received = passing_of(event, process, i);
        if (!record->source_pid)
            received_one(model, received);
        else
            pass(model, source ? source->row.id : INTEGER_NULL, received.time, &received);
    }
}

/* ---- forgetting ---- */

/* What was received without a sender that is recorded: the receiver holds it all the same. */
static void give_up(struct model *model, struct passing *received)
{
    struct process *receiver = process_by_id(model, received->process_id);

    if (receiver)
        take_hold(model, receiver, received, received->time, 0);
    passing_drop(&model->descriptors->received, received);
}

void descriptor_forget(struct model *model, uint64_t before)
{
    struct passing *received;

    while (model->descriptors && (received = TAILQ_FIRST(&model->descriptors->received.all)) &&
           received->time < before)
        give_up(model, received);
}

static void passings_free(struct passings *passings)
{
    while (!TAILQ_EMPTY(&passings->all))
        passing_drop(passings, TAILQ_FIRST(&passings->all));
    index_free(&passings->files);
}

void descriptor_free_all(struct model *model)
{
    if (!model->descriptors)
        return;
    passings_free(&model->descriptors->sent);
    passings_free(&model->descriptors->received);
    free(model->descriptors);
    model->descriptors = NULL;
}
