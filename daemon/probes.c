/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "probes_private.h"

const char *const probes_vital[PROBES_VITAL] = {"process_fork", "process_exec", "process_exit"};

const struct probe *probes_find(const struct probes *probes, const char *name)
{
    for (size_t i = 0; i < probes->count; i++)
        if (strcmp(bpf_program__name(probes->list[i].program), name) == 0)
            return &probes->list[i];
    return NULL;
}

bool probe_is_attached(const struct probe *probe)
{
    return probe->attachment.count > 0;
}

bool probes_superseded(const struct probes *probes, const char *name,
                       bool (*test)(const struct probe *probe))
{
    const char *const *successor = tier_successors(name);
    const struct probe *probe;

    if (!successor)
        return false;
    for (; *successor; successor++) {
        probe = probes_find(probes, *successor);
        if (!probe || !test(probe))
            return false;
    }
    return true;
}

/* Programs run while RCU is read: once all that did so have ended none goes on with a record. */
void probes_stop(struct probes *probes)
{
    static const struct timespec nap = {.tv_nsec = 20000000};

    __atomic_store_n(&probes->bpf->bss->stopped, 1, __ATOMIC_SEQ_CST);
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
        nanosleep(&nap, NULL);
}

void probes_free(struct probes *probes)
{
    if (!probes)
        return;
    if (probes->bpf && probes->bpf->bss->stopped)
        attach_leave();
    probes_unload(probes);
    btf__free(probes->btf);
    if (probes->cgroup >= 0)
        close(probes->cgroup);
    free(probes);
}

/* ---- numbers ---- */

static struct bpf_map *ring_map(const struct probes *probes, int ring)
{
    struct bpf_map *maps[EVENT_RINGS] = {
        [EVENT_RING_LIFECYCLE] = probes->bpf->maps.lifecycle,
        [EVENT_RING_ACTIVITY] = probes->bpf->maps.activity,
    };

    return maps[ring];
}

int probes_ring(const struct probes *probes, int ring)
{
    return bpf_map__fd(ring_map(probes, ring));
}

size_t probes_ring_bytes(const struct probes *probes, int ring)
{
    return bpf_map__max_entries(ring_map(probes, ring));
}

uint32_t probes_udp_room(const struct probes *probes)
{
    return bpf_map__max_entries(probes->bpf->maps.udp_flows);
}

uint64_t probes_udp_flowless(const struct probes *probes)
{
    return __atomic_load_n(&probes->bpf->bss->udp_flowless, __ATOMIC_RELAXED);
}

uint64_t probes_sum(const struct probes *probes, size_t offset)
{
    uint64_t sum = 0;

    for (size_t cpu = 0; cpu < probes->cpus; cpu++) {
        const char *counters = (const char *)&probes->counters[cpu];
        sum +=
            __atomic_load_n((const uint64_t *)(const void *)(counters + offset), __ATOMIC_RELAXED);
    }
    return sum;
}

void probes_arm(struct probes *probes, bool armed)
{
    for (int ring = 0; ring < EVENT_RINGS; ring++)
        __atomic_store_n(&probes->bpf->bss->armed[ring], armed, __ATOMIC_SEQ_CST);
}

int probes_iterate(struct probes *probes, enum probes_iterator iterator)
{
    const struct bpf_program *programs[] = {
        [PROBES_PROCESSES] = probes->bpf->progs.scan_process,
        [PROBES_SOCKETS] = probes->bpf->progs.scan_socket,
    };

    for (size_t i = 0; i < probes->count; i++)
        if (probes->list[i].program == programs[iterator] && probes->list[i].attachment.count)
            return bpf_iter_create(bpf_link__fd(probes->list[i].attachment.links[0]));
    errno = ENOENT;
    return -1;
}

/* The programs that are there twice. */
static const struct {
    const char *first, *second;
} pairs[EVENT_PAIRS] = {
    [EVENT_PAIR_STATE] = {"network_state", "network_state_again"},
    [EVENT_PAIR_READ] = {"io_read", "io_read_again"},
    [EVENT_PAIR_READV] = {"io_readv", "io_readv_again"},
    [EVENT_PAIR_WRITE] = {"io_write", "io_write_again"},
    [EVENT_PAIR_WRITEV] = {"io_writev", "io_writev_again"},
};

int probes_sweep(const struct probes *probes, enum probes_sweep which, struct emit_sweep *sweep)
{
    const struct bpf_program *programs[] = {
        [PROBES_FLOWS] = probes->bpf->progs.sweep_flows,
        [PROBES_BUDGETS] = probes->bpf->progs.sweep_budgets,
    };
    LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = sweep, .ctx_size_in = sizeof(*sweep));

    sweep->unfinished = 0;
    return bpf_prog_test_run_opts(bpf_program__fd(programs[which]), &options);
}

/* Runs that the kernel skipped because the program was already running on that CPU. */
static uint64_t skipped(const struct probe *probe)
{
    struct bpf_prog_info info = {0};
    __u32 size = sizeof(info);
    int descriptor = bpf_program__fd(probe->program);

    if (descriptor < 0 || bpf_obj_get_info_by_fd(descriptor, &info, &size) < 0)
        return 0;
    return info.recursion_misses;
}

/* Returns of successful calls of execve() that were not seen: there was nothing to record. */
static uint64_t silent_returns(const struct probes *probes)
{
    uint64_t returned = probes_count(probes, returned), executed = probes_count(probes, executed);

    return executed > returned ? executed - returned : 0;
}

/* Of the skipped runs, those that would have made no record or that others made up for. */
static uint64_t without_loss(const struct probes *probes, const char *name)
{
    for (size_t i = 0; i < EVENT_PAIRS; i++) {
        if (strcmp(name, pairs[i].first) == 0)
            return probes_count(probes, rescued[i]);
        if (strcmp(name, pairs[i].second) == 0)
            return UINT64_MAX;
    }
    return strcmp(name, "process_execve_exit") == 0 ? silent_returns(probes) : 0;
}

static uint64_t recursion_misses(const struct probes *probes, const struct probe *probe)
{
    const char *name = bpf_program__name(probe->program);
    uint64_t misses = skipped(probe), harmless;

    if (strcmp(name, pairs[EVENT_PAIR_STATE].first) == 0)
        misses += probes_count(probes, deferred);
    harmless = without_loss(probes, name);
    return misses > harmless ? misses - harmless : 0;
}

size_t probes_list(const struct probes *probes, struct source_probe *list, size_t most)
{
    size_t count = 0;

    for (size_t i = 0; i < probes->count; i++) {
        const struct probe *probe = &probes->list[i];
        if (probe->needless)
            continue;
        if (count < most)
            list[count] = (struct source_probe){
                .name = bpf_program__name(probe->program),
                .tier = tier_is_full(bpf_program__section_name(probe->program)) ? "full" : "base",
                .error = probe->error[0] ? probe->error : NULL,
                .recursion_misses = recursion_misses(probes, probe),
            };
        count++;
    }
    return count;
}
