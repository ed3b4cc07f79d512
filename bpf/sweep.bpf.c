// SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later
/*
 * What user space wants to know about once a second: UDP's flows and the budgets of cgroups. It has
 * the maps walked here and does not look through them itself: while a task is in a system call that
 * reads or writes a map the kernel runs no program at a classic tracepoint on that CPU, and a task
 * may be put aside in there. What is told goes into the ring, a quarter of which at most may be
 * taken: user space drains it then and asks again.
 */
#include "budget.h"
#include "udp.h"

/* A flow is told at each look while it is this young, then every other look, every fourth... */
#define YOUNG_NS   (8 * NS_PER_S)
#define PERIOD_MAX 32 /* looks; a power of two */
/* A cgroup that has sent nothing for this long begins anew with a full bucket. */
#define BUDGET_IDLE_NS (60 * NS_PER_S)

/* No room for a record of a sweep is no loss: it comes with the next look. */
static __always_inline void *sweep_reserve(struct emit_sweep *sweep, __u32 size, __u16 kind)
{
    __u64 room = activity_share[EVENT_CLASS_LIFECYCLE] / 4, sequence = 0;
    struct event_header *header = NULL;

    if (bpf_ringbuf_query(&activity, BPF_RB_AVAIL_DATA) < room)
        header = bpf_ringbuf_reserve(&activity, size, 0);
    if (!header) {
        sweep->unfinished = 1;
        return NULL;
    }
    emit_number(EVENT_RING_ACTIVITY, &sequence);
    emit_header(header, size, kind, sequence, bpf_ktime_get_boot_ns());
    return header;
}

/* ---- flows ---- */

/* How many looks lie between two at which a flow is told. */
static __always_inline __u64 flow_period(const struct event_udp *flow, __u64 now)
{
    __u64 age = now > flow->began ? now - flow->began : 0, period = 1;

    for (int i = 0; i < 5; i++) /* 1 << 5 is PERIOD_MAX */
        if (age > period * YOUNG_NS)
            period *= 2;
    return period;
}

/* Those of one age take turns, so that each look tells about as many as the next. */
static __always_inline bool flow_is_due(const struct event_udp *flow,
                                        const struct emit_sweep *sweep)
{
    __u64 turn = sweep->round ^ flow->cookie ^ flow->remote_port;

    if (flow->header.time >= sweep->now || flow->last < flow->header.time)
        return false;
    return sweep->all || !(turn & (flow_period(flow, sweep->now) - 1));
}

static __always_inline bool flow_tell(struct event_udp *flow, struct emit_sweep *sweep, __u32 flags)
{
    struct event_udp *record = sweep_reserve(sweep, sizeof(*record), EVENT_UDP_FLOW);

    if (!record)
        return false;
    udp_flow_fill(record, flow);
    record->flags |= flags;
    flow->header.time = sweep->now;
    emit_submit(record, EVENT_CLASS_NETWORK);
    return true;
}

static long flow_look(void *map, struct emit_flow_key *key, struct event_udp *flow,
                      struct emit_sweep *sweep)
{
    bool idle = sweep->now > flow->last && sweep->now - flow->last > sweep->idle_ns;
    bool closed = bpf_map_lookup_elem(&udp_closed, &key->cookie);

    sweep->seen++;
    if (!idle && !closed && !flow_is_due(flow, sweep))
        return 0;
    if (!flow_tell(flow, sweep, idle && !closed ? EVENT_UDP_IDLE : 0))
        return 1;
    if (idle || closed)
        bpf_map_delete_elem(map, key);
    return 0;
}

/* A socket that was closed before the flows were looked at has none any more. */
static long closed_look(void *map, __u64 *cookie, __u64 *closed, struct emit_sweep *sweep)
{
    if (*closed < sweep->now)
        bpf_map_delete_elem(map, cookie);
    return 0;
}

SEC("syscall")
int sweep_flows(struct emit_sweep *ctx)
{
    struct emit_sweep sweep = *ctx;

    sweep.seen = sweep.unfinished = 0;
    bpf_for_each_map_elem(&udp_flows, flow_look, &sweep, 0);
    if (!sweep.unfinished)
        bpf_for_each_map_elem(&udp_closed, closed_look, &sweep, 0);
    ctx->seen = sweep.seen;
    ctx->unfinished = sweep.unfinished;
    return 0;
}

/* ---- budgets ---- */

struct budget_loss {
    struct event_loss loss;
    char stage[8];
    char detail[32];
};

#define LOSS_STAGE  "ring"
#define LOSS_DETAIL "beyond the budget of the cgroup"

static __always_inline struct event_text loss_text(__u32 offset, __u32 size)
{
    return (struct event_text){.offset = offset, .length = size};
}

/* Says what the cgroup could not send since that was last said. */
static __always_inline bool bucket_tell(__u64 cgroup_id, struct emit_bucket *bucket, __u32 class,
                                        struct emit_sweep *sweep)
{
    __u64 dropped = *(volatile __u64 *)&bucket->dropped;
    struct budget_loss *record;

    if (dropped == bucket->told)
        return true;
    record = sweep_reserve(sweep, sizeof(*record), EVENT_LOSS);
    if (!record)
        return false;
    record->loss.began = sweep->began;
    record->loss.count = dropped - bucket->told;
    record->loss.cgroup_id = cgroup_id;
    record->loss.loss_class = class;
    record->loss.padding = 0;
    record->loss.stage = loss_text(offsetof(struct budget_loss, stage), sizeof(LOSS_STAGE) - 1);
    record->loss.detail = loss_text(offsetof(struct budget_loss, detail), sizeof(LOSS_DETAIL) - 1);
    __builtin_memset(record->stage, 0, sizeof(record->stage));
    __builtin_memcpy(record->stage, LOSS_STAGE, sizeof(LOSS_STAGE));
    __builtin_memcpy(record->detail, LOSS_DETAIL, sizeof(LOSS_DETAIL));
    bucket->told = dropped;
    emit_submit(record, EVENT_CLASS_NETWORK);
    return true;
}

static long budget_look(void *map, __u64 *cgroup_id, struct emit_budget *budget,
                        struct emit_sweep *sweep)
{
    bool idle = true;

    for (__u32 class = 0; class < EVENT_CLASSES; class ++) {
        if (!bucket_tell(*cgroup_id, &budget->buckets[class], class, sweep))
            return 1;
        if (budget->buckets[class].refilled + BUDGET_IDLE_NS > sweep->now)
            idle = false;
    }
    if (idle && *cgroup_id)
        bpf_map_delete_elem(map, cgroup_id);
    return 0;
}

SEC("syscall")
int sweep_budgets(struct emit_sweep *ctx)
{
    struct emit_sweep sweep = *ctx;

    sweep.unfinished = 0;
    bpf_for_each_map_elem(&budgets, budget_look, &sweep, 0);
    ctx->unfinished = sweep.unfinished;
    return 0;
}
