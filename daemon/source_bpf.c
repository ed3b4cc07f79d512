/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The live kernel as a source: drains two rings, says how far time order reaches, counts what did
 * not fit, and scans what ran before it came.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cgroups.h"
#include "containers.h"
#include "host.h"
#include "log.h"
#include "probes.h"
#include "redact_key.h"
#include "ring.h"
#include "sweeps.h"
#include "users.h"

/* A record's time is taken before it is sent, and its program may be preempted in between: records
 * this much older than the newest may still be on their way. */
#define HOLD_NS (20 * 1000000ull)
/* Between two scans that lost records ask for. */
#define RESCAN_NS     (10 * 1000000000ull)
#define CLOCK_STEP_NS 1000000ll
/* So long after the newest record the time is still told once a second: by then all that is
 * forgotten some time after it ended is. */
#define SETTLE_NS    (75 * 1000000000ull)
#define FEED_RECORDS 64u /* taken from one ring before the other's turn may come */

struct feed {
    struct ring *ring;
    uint64_t newest;   /* time of the newest record seen */
    uint64_t received; /* records seen */
    bool drained;      /* nothing was left at the last look */
    struct source *source;
};

struct source {
    struct probes *probes;
    struct feed feeds[EVENT_RINGS];
    struct users *users;
    struct containers *containers;
    struct sweeps sweeps;
    struct redactor *redactor; /* NULL: nothing is redacted */
    struct cgroup_place place; /* what is recorded; the root of the hierarchy: everything */
    source_sink *sink;
    void *context;
    uint64_t newest;     /* time of the newest record handed over */
    uint64_t frontier;   /* the last one handed over */
    uint64_t audited_at; /* boot clock, ns */
    uint64_t scanned_at;
    int64_t clock; /* wall minus boot, as last handed over */
    uint64_t misses[SOURCE_PROBES_MAX];
    uint64_t flowless;
    uint64_t dropped[EVENT_CLASSES]; /* losses already handed over */
    bool rescan;
    bool due; /* the time is to be told, though no record came */
    bool stopped;
};

/* Every record goes out through here, so that the frontier is known to have it still ahead. */
static void pass_on(void *context, const struct event_header *record, size_t size)
{
    struct source *source = context;

    if (record->kind != EVENT_FRONTIER && record->time > source->newest)
        source->newest = record->time;
    source->sink(source->context, record, size);
    containers_introduce(source->containers, record, pass_on, source);
}

static void hand_over(struct source *source, struct record *record)
{
    const struct event_header *header = record_end(record);

    pass_on(source, header, header->size);
}

/* Before the recording and the store: neither ever holds a secret. */
static void pass_redacted(struct source *source, const struct event_header *record, size_t size)
{
    const struct event_header *clean = record;

    if (source->redactor)
        clean = redact_record(source->redactor, record, size);
    pass_on(source, clean, clean == record ? size : clean->size);
}

/* ---- rings ---- */

static void take_record(void *context, const void *data, size_t size)
{
    struct feed *feed = context;
    struct source *source = feed->source;
    const struct event_header *header = data;

    feed->received++;
    if (header->kind == EVENT_LOSS)
        source->rescan = true;
    if (header->kind == EVENT_UDP_FLOW || header->kind == EVENT_UDP_CLOSE)
        source->sweeps.stirred = true;
    if (header->time > feed->newest)
        feed->newest = header->time;
    users_introduce(source->users, header, source->frontier, pass_on, source);
    pass_redacted(source, header, size);
}

static size_t drain_feed(struct feed *feed, size_t most)
{
    size_t taken = ring_drain(feed->ring, most, take_record, feed);

    feed->drained = taken < most;
    return taken;
}

struct loss {
    uint32_t loss_class;
    uint64_t count;
    uint64_t cgroup_id; /* 0: of many */
    const char *detail;
};

static void report_loss(struct source *source, const struct loss *lost)
{
    struct record record;
    struct event_loss *loss = record_begin(&record, EVENT_LOSS, sizeof(*loss), boot_now());

    loss->began = source->audited_at;
    loss->count = lost->count;
    loss->loss_class = lost->loss_class;
    loss->cgroup_id = lost->cgroup_id;
    loss->stage = record_text(&record, "ring");
    loss->detail = record_text(&record, lost->detail);
    hand_over(source, &record);
    source->rescan = true;
}

static void count_drops(struct source *source)
{
    for (uint32_t loss_class = 0; loss_class < EVENT_CLASSES; loss_class++) {
        uint64_t dropped = probes_count(source->probes, dropped[loss_class]);
        source->sweeps.stirred |= dropped > source->dropped[loss_class];
        if (dropped > source->dropped[loss_class])
            report_loss(source, &(struct loss){.loss_class = loss_class,
                                               .count = dropped - source->dropped[loss_class],
                                               .detail = "the ring was full"});
        source->dropped[loss_class] = dropped;
    }
}

/* What was seen before this time can not be overtaken any more. */
static uint64_t reached(const struct source *source, uint64_t now)
{
    uint64_t time = now;

    for (int i = 0; i < EVENT_RINGS; i++)
        if (!source->feeds[i].drained && source->feeds[i].newest < time)
            time = source->feeds[i].newest;
    return time > HOLD_NS ? time - HOLD_NS : 0;
}

static void tell_frontier(struct source *source, uint64_t frontier)
{
    struct record record;

    if (frontier <= source->frontier)
        return;
    record_begin(&record, EVENT_FRONTIER, sizeof(struct event_mark), frontier);
    source->frontier = frontier;
    source->due = false;
    hand_over(source, &record);
}

static bool frontier_behind(const struct source *source)
{
    return source->newest >= source->frontier;
}

/* The lifecycle ring carries one class, the other ring all others. */
static uint64_t dropped_of(const struct source *source, int ring)
{
    uint64_t dropped = 0;

    if (ring == EVENT_RING_LIFECYCLE)
        return source->dropped[EVENT_CLASS_LIFECYCLE];
    for (uint32_t loss_class = 0; loss_class < EVENT_CLASSES; loss_class++)
        dropped += loss_class == EVENT_CLASS_LIFECYCLE ? 0 : source->dropped[loss_class];
    return dropped;
}

/* Every record that was sent must have been received or counted as dropped. */
static void check_account(struct source *source)
{
    static const uint32_t classes[EVENT_RINGS] = {EVENT_CLASS_LIFECYCLE, EVENT_CLASS_NETWORK};
    for (int i = 0; i < EVENT_RINGS; i++) {
        uint64_t sent = probes_count(source->probes, sequence[i]);
        uint64_t known = source->feeds[i].received + dropped_of(source, i);
        if (sent > known)
            report_loss(source, &(struct loss){.loss_class = classes[i],
                                               .count = sent - known,
                                               .detail = "sent, but neither seen nor refused"});
    }
}

/* All that was sent has been handed over. */
static void end(struct source *source)
{
    check_account(source);
    tell_frontier(source, UINT64_MAX);
    if (source->redactor && redactor_count(source->redactor))
        log_line("%llu secrets were redacted",
                 (unsigned long long)redactor_count(source->redactor));
}

/* Of the rings that may have more, the one that is behind; NULL: none has. */
static struct feed *feed_behind(struct source *source)
{
    struct feed *behind = NULL;

    for (int i = 0; i < EVENT_RINGS; i++)
        if (!source->feeds[i].drained && (!behind || source->feeds[i].newest < behind->newest))
            behind = &source->feeds[i];
    return behind;
}

/* Takes from one ring and the other as time goes on in both, so that little is held for the order.
 */
static size_t drain_feeds(struct source *source, size_t most)
{
    struct feed *feed;
    size_t taken = 0;

    for (int i = 0; i < EVENT_RINGS; i++)
        source->feeds[i].drained = false;
    while (taken < most && (feed = feed_behind(source)))
        taken += drain_feed(feed, most - taken < FEED_RECORDS ? most - taken : FEED_RECORDS);
    return taken;
}

static size_t source_bpf_drain(struct source *source, size_t most)
{
    uint64_t now = boot_now();
    size_t taken = drain_feeds(source, most);

    count_drops(source);
    containers_look_again(source->containers, now, pass_on, source);
    if (frontier_behind(source) || source->due)
        tell_frontier(source, reached(source, now));
    if (source->stopped && !taken && source->frontier != UINT64_MAX)
        end(source);
    return taken + (!source->stopped && frontier_behind(source));
}

/* A ring that is half empty has room for what comes in the next ticks. */
static bool source_bpf_keeps(const struct source *source)
{
    for (int i = 0; i < EVENT_RINGS && !source->stopped; i++)
        if (ring_filled(source->feeds[i].ring) > probes_ring_bytes(source->probes, i) / 2)
            return false;
    return true;
}

static void source_bpf_arm(struct source *source)
{
    probes_arm(source->probes, true);
}

static size_t source_bpf_descriptors(struct source *source, int fds[EVENT_RINGS])
{
    for (int i = 0; i < EVENT_RINGS; i++)
        fds[i] = probes_ring(source->probes, i);
    return EVENT_RINGS;
}

/* ---- scanning ---- */

/* Reads an iterator to its end. It stops when the ring is half full: drained, it goes on. */
static int run_iterator(struct source *source, enum probes_iterator kind,
                        struct source_error *error)
{
    int iterator = probes_iterate(source->probes, kind);
    char ignored[64];
    ssize_t length = -1;

    if (iterator >= 0) {
        while ((length = read(iterator, ignored, sizeof(ignored))) != 0) {
            if (length < 0 && errno != EAGAIN && errno != EINTR)
                break;
            source_bpf_drain(source, SIZE_MAX);
        }
        close(iterator);
    }
    if (length < 0)
        snprintf(error->message, sizeof(error->message), "the start-up scan failed: %s",
                 strerror(errno));
    return length < 0 ? -1 : 0;
}

/* Waits until a time lies behind the frontier: what was handed over before it is in order then. */
static void pass_frontier(struct source *source, uint64_t time)
{
    static const struct timespec nap = {.tv_nsec = HOLD_NS / 4};

    while (source->frontier <= time) {
        nanosleep(&nap, NULL);
        source_bpf_drain(source, SIZE_MAX);
    }
}

static int source_bpf_scan(struct source *source, struct source_error *error)
{
    uint64_t began = boot_now();
    struct record record;

    source->rescan = false;
    source->scanned_at = began;
    if (run_iterator(source, PROBES_PROCESSES, error) < 0 ||
        run_iterator(source, PROBES_SOCKETS, error) < 0)
        return -1;
    record_begin(&record, EVENT_SCAN_DONE, sizeof(struct event_mark), boot_now());
    ((struct event_mark *)(void *)record.bytes)->header.start = began;
    hand_over(source, &record);
    pass_frontier(source, source->newest);
    return 0;
}

/* ---- once a second ---- */

/* What a program's run that was skipped would have told: by its unit's name. */
static const struct {
    const char *prefix;
    uint32_t loss_class;
} program_classes[] = {
    {"network", EVENT_CLASS_NETWORK},
    {"udp", EVENT_CLASS_NETWORK},
    {"dns", EVENT_CLASS_DNS},
    {"unix", EVENT_CLASS_IPC},
    {"io", EVENT_CLASS_IPC},
    {"descriptor", EVENT_CLASS_IPC},
    {"file", EVENT_CLASS_FILE},
    {"privilege", EVENT_CLASS_PRIVILEGE},
    {"influence", EVENT_CLASS_PRIVILEGE},
};

static uint32_t program_class(const char *name)
{
    for (size_t i = 0; i < sizeof(program_classes) / sizeof(program_classes[0]); i++)
        if (strncmp(name, program_classes[i].prefix, strlen(program_classes[i].prefix)) == 0)
            return program_classes[i].loss_class;
    return EVENT_CLASS_LIFECYCLE;
}

/* What it would have added to another program's record is missing there, and no record is. */
static bool makes_records(const char *program)
{
    return strcmp(program, "process_exec_prepare") != 0;
}

static void audit_programs(struct source *source)
{
    struct source_probe list[SOURCE_PROBES_MAX];
    size_t count = probes_list(source->probes, list, SOURCE_PROBES_MAX);

    for (size_t i = 0; i < count && i < SOURCE_PROBES_MAX; i++) {
        uint64_t missed = list[i].recursion_misses - source->misses[i];
        char detail[128];
        if (list[i].recursion_misses <= source->misses[i] || !makes_records(list[i].name))
            continue;
        snprintf(detail, sizeof(detail), "%s was skipped by the kernel (recursion_misses)",
                 list[i].name);
        report_loss(source, &(struct loss){.loss_class = program_class(list[i].name),
                                           .count = missed,
                                           .detail = detail});
        source->misses[i] = list[i].recursion_misses;
    }
}

static void audit_flows(struct source *source, bool last)
{
    uint64_t flowless = probes_udp_flowless(source->probes);

    sweeps_flows(&source->sweeps, last);
    if (flowless > source->flowless)
        report_loss(source, &(struct loss){.loss_class = EVENT_CLASS_NETWORK,
                                           .count = flowless - source->flowless,
                                           .detail = "packets of UDP: there was no room for "
                                                     "another flow"});
    source->flowless = flowless;
}

static void audit_clock(struct source *source)
{
    int64_t clock = wall_minus_boot();
    struct record record;
    struct event_clock *event;

    if (llabs(clock - source->clock) < CLOCK_STEP_NS)
        return;
    source->clock = clock;
    event = record_begin(&record, EVENT_CLOCK, sizeof(*event), boot_now());
    event->wall_minus_boot = clock;
    hand_over(source, &record);
}

static void source_bpf_audit(struct source *source)
{
    struct source_error ignored;

    audit_programs(source);
    sweeps_budgets(&source->sweeps, source->audited_at);
    audit_flows(source, false);
    audit_clock(source);
    containers_look_again(source->containers, boot_now(), pass_on, source);
    source->audited_at = boot_now();
    source->due = source->audited_at < source->newest + SETTLE_NS;
    /* What is lost is an end that never comes, or something that is there and unknown. */
    if (source->rescan && source->audited_at - source->scanned_at > RESCAN_NS)
        source_bpf_scan(source, &ignored);
}

/* ---- start and end ---- */

static void source_bpf_close(struct source *source)
{
    if (!source)
        return;
    for (int i = 0; i < EVENT_RINGS; i++)
        ring_close(source->feeds[i].ring);
    probes_free(source->probes);
    users_free(source->users);
    containers_free(source->containers);
    redactor_free(source->redactor);
    free(source);
}

static int open_rings(struct source *source, struct source_error *error)
{
    for (int i = 0; i < EVENT_RINGS; i++) {
        struct feed *feed = &source->feeds[i];
        feed->source = source;
        feed->ring =
            ring_open(probes_ring(source->probes, i), probes_ring_bytes(source->probes, i));
        if (feed->ring)
            continue;
        snprintf(error->message, sizeof(error->message), "can not map a ring buffer: %s",
                 strerror(errno));
        return -1;
    }
    return 0;
}

static int choose_cgroup(struct source *source, const struct config *config,
                         struct source_error *error)
{
    struct source_error ignored;

    if (config->cgroup)
        return cgroups_find(config->cgroup, &source->place, error);
    /* Without the v2 hierarchy everything but the paths of cgroups is still recorded. */
    if (cgroups_find("/", &source->place, &ignored) < 0)
        source->place.mount[0] = '\0';
    return 0;
}

static int open_redactor(struct source *source, const struct config *config,
                         struct source_error *error)
{
    unsigned char key[REDACT_KEY_SIZE];
    char path[4096];
    struct redact_key_error why;

    /* --check-kernel leaves no file behind. */
    if (!config->redact || config->check_kernel)
        return 0;
    config_redact_key(config, path, sizeof(path));
    if (redact_key_load(path, key, &why) < 0) {
        snprintf(error->message, sizeof(error->message), "%s", why.message);
        return -1;
    }
    source->redactor = redactor_new(config->redact_arguments, config->redact_environment, key);
    explicit_bzero(key, sizeof(key));
    if (!source->redactor)
        snprintf(error->message, sizeof(error->message), "out of memory");
    return source->redactor ? 0 : -1;
}

static void introduce_host(struct source *source)
{
    struct record record;
    const struct event_header *host = host_describe(&record);

    source->clock = ((const struct event_host *)host)->wall_minus_boot;
    source->audited_at = host->time;
    pass_on(source, host, host->size);
}

static void drain_all(void *context)
{
    source_bpf_drain(context, SIZE_MAX);
}

static int out_of_memory(struct source_error *error)
{
    snprintf(error->message, sizeof(error->message), "out of memory");
    return -1;
}

static int source_bpf_start(struct source *source, const struct config *config,
                            struct source_error *error)
{
    uint64_t before;

    source->users = users_new();
    source->containers = containers_new(config->container_root ? config->container_root : "");
    if (!source->users || !source->containers)
        return out_of_memory(error);
    if (choose_cgroup(source, config, error) < 0 || open_redactor(source, config, error) < 0)
        return -1;
    source->probes = probes_load(config, &source->place, error);
    if (!source->probes)
        return -1;
    introduce_host(source);
    /* Cgroups that come while they are walked are told of by an event as well; those found are told
     * of as before all events, whose processes are in them. */
    before = boot_now();
    if (probes_attach(source->probes, error) < 0 || open_rings(source, error) < 0)
        return -1;
    source->sweeps = (struct sweeps){.probes = source->probes,
                                     .drain = drain_all,
                                     .context = source,
                                     .idle_ns = config->udp_idle_s * 1000000000ull};
    if (source->place.mount[0])
        cgroups_walk(&source->place, before, pass_on, source);
    return 0;
}

static struct source *source_bpf_open(const struct config *config, source_sink *sink, void *context,
                                      struct source_error *error)
{
    struct source *source = calloc(1, sizeof(*source));

    if (!source) {
        snprintf(error->message, sizeof(error->message), "out of memory");
        return NULL;
    }
    source->sink = sink;
    source->context = context;
    if (source_bpf_start(source, config, error) == 0)
        return source;
    source_bpf_close(source);
    return NULL;
}

static void source_bpf_stop(struct source *source)
{
    probes_stop(source->probes);
    audit_programs(source);
    sweeps_budgets(&source->sweeps, source->audited_at);
    audit_flows(source, true);
    source->stopped = true;
}

static size_t source_bpf_probes(const struct source *source, struct source_probe *list, size_t most)
{
    return probes_list(source->probes, list, most);
}

static bool source_bpf_ended(const struct source *source)
{
    return source->stopped && source->frontier == UINT64_MAX;
}

static const char *source_bpf_failure(const struct source *source)
{
    (void)source;
    return NULL;
}

const struct source_ops source_bpf = {
    .open = source_bpf_open,
    .scan = source_bpf_scan,
    .drain = source_bpf_drain,
    .keeps = source_bpf_keeps,
    .arm = source_bpf_arm,
    .descriptors = source_bpf_descriptors,
    .audit = source_bpf_audit,
    .stop = source_bpf_stop,
    .probes = source_bpf_probes,
    .ended = source_bpf_ended,
    .failure = source_bpf_failure,
    .close = source_bpf_close,
};
