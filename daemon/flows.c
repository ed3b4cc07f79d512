/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "flows.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "index.h"
#include "record.h"

#define BATCH    1024
#define NS_PER_S 1000000000ull
/* A flow is told at each look while it is this young, then every other look, every fourth... */
#define YOUNG_NS   (8 * NS_PER_S)
#define PERIOD_MAX 32 /* looks; a power of two */
/* How long it may be idle when three quarters of the room are taken. */
#define CROWDED_NS (2 * NS_PER_S)

struct flows {
    int map;
    uint32_t room;
    uint64_t idle_ns;
    uint64_t round;              /* looks so far */
    uint64_t looked[PERIOD_MAX]; /* when the last looks began, by round; 0: never */
    uint32_t count;              /* flows that the last look has seen */
    struct index closed;         /* cookies of sockets; the value means nothing */
    struct emit_flow_key keys[BATCH];
    struct event_udp values[BATCH];
};

/* What a look is about. */
struct look {
    uint64_t now;
    uint64_t idle_ns;
    bool all;
    source_sink *sink;
    void *context;
};

struct flows *flows_new(int map, uint32_t room, uint32_t idle_s)
{
    struct flows *flows = calloc(1, sizeof(*flows));

    if (!flows)
        return NULL;
    flows->map = map;
    flows->room = room;
    flows->idle_ns = idle_s * NS_PER_S;
    return flows;
}

void flows_free(struct flows *flows)
{
    if (!flows)
        return;
    index_free(&flows->closed);
    free(flows);
}

void flows_closed(struct flows *flows, uint64_t cookie)
{
    /* Without memory for this its flows end when they are idle. */
    index_put(&flows->closed, (struct key){cookie, 0}, flows);
}

/* ---- one flow ---- */

/* How many looks lie between two at which it is told. */
static uint64_t period_of(const struct event_udp *flow, uint64_t now)
{
    uint64_t age = now > flow->began ? now - flow->began : 0, period = 1;

    while (period < PERIOD_MAX && age > period * YOUNG_NS)
        period *= 2;
    return period;
}

/* Those of one age take turns, so that each look tells about as many as the next. */
static bool is_due(const struct flows *flows, const struct look *look, const struct event_udp *flow)
{
    uint64_t period = look->all ? PERIOD_MAX : period_of(flow, look->now);
    uint64_t turn = flow->cookie ^ flow->remote_port;

    if (!look->all && (flows->round ^ turn) % period)
        return false;
    return flow->last >= flows->looked[(flows->round - period) % PERIOD_MAX];
}

static void tell(const struct look *look, struct event_udp *flow, uint32_t flags)
{
    flow->header.size = sizeof(*flow);
    flow->header.kind = EVENT_UDP_FLOW;
    flow->header.time = look->now;
    flow->flags |= flags;
    look->sink(look->context, &flow->header, sizeof(*flow));
}

/* Takes a flow out, with all that was counted to the last. */
static void take(const struct flows *flows, const struct look *look,
                 const struct emit_flow_key *key, uint32_t flags)
{
    struct event_udp flow;

    if (bpf_map_lookup_and_delete_elem(flows->map, key, &flow) == 0)
        tell(look, &flow, flags);
}

static void look_at(struct flows *flows, const struct look *look, const struct emit_flow_key *key,
                    struct event_udp *flow)
{
    if (index_get(&flows->closed, (struct key){key->cookie, 0}))
        take(flows, look, key, 0);
    else if (look->now > flow->last && look->now - flow->last > look->idle_ns)
        take(flows, look, key, EVENT_UDP_IDLE);
    else if (is_due(flows, look, flow))
        tell(look, flow, 0);
}

/* ---- all ---- */

/* Returns how many the batch has; *more: another one follows. */
static uint32_t next_batch(struct flows *flows, uint32_t *cursor, bool first, bool *more)
{
    uint32_t count = BATCH;
    int result = bpf_map_lookup_batch(flows->map, first ? NULL : cursor, cursor, flows->keys,
                                      flows->values, &count, NULL);

    *more = result == 0;
    return result == 0 || errno == ENOENT ? count : 0;
}

void flows_look(struct flows *flows, bool all, source_sink *sink, void *context)
{
    bool crowded = flows->count > flows->room / 4 * 3;
    struct look look = {.now = boot_now(), .idle_ns = flows->idle_ns, .all = all};
    uint32_t cursor = 0, seen = 0;
    bool more = true;

    look.sink = sink;
    look.context = context;
    if (crowded && look.idle_ns > CROWDED_NS)
        look.idle_ns = CROWDED_NS;
    for (bool first = true; more; first = false) {
        uint32_t count = next_batch(flows, &cursor, first, &more);
        for (uint32_t i = 0; i < count; i++)
            look_at(flows, &look, &flows->keys[i], &flows->values[i]);
        seen += count;
    }
    flows->looked[flows->round++ % PERIOD_MAX] = look.now;
    flows->count = seen;
    index_free(&flows->closed);
    flows->closed = (struct index){0};
}
