/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probes.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "attach.h"
#include "spyq.skel.h"
#include "tiers.h"

#define SCRATCHES_PER_CPU 14 /* SCRATCH_USERS of bpf/emit.h */
#define ERROR_SIZE        160
#define NAME_SIZE         64

struct probe {
    struct bpf_program *program;
    struct attachment attachment;
    char error[ERROR_SIZE]; /* empty: attached */
    bool needless;          /* not wanted with this configuration: not listed */
};

/* A program that the kernel's verifier or policy has refused: the rest is loaded without it. */
struct refused {
    char name[NAME_SIZE];
    char error[ERROR_SIZE];
};

struct probes {
    const struct config *config;
    const struct cgroup_place *filter; /* the only subtree that is recorded; NULL: everything */
    struct btf *btf;                   /* the kernel's; NULL once all is attached */
    const char *no_full_tier; /* why no program of the full tier is tried; NULL: they are */
    struct spyq_bpf *bpf;
    struct probe list[SOURCE_PROBES_MAX];
    size_t count;
    struct refused refused[SOURCE_PROBES_MAX];
    size_t refused_count;
    int cgroup; /* where programs for cgroups are attached; -1: nowhere */
    struct emit_counters *counters;
    size_t cpus;
};

/* Without these three there is nothing to record. */
static const char *const vital[] = {"process_fork", "process_exec", "process_exit"};

#define VITAL (sizeof(vital) / sizeof(vital[0]))

static bool is_vital(const char *name)
{
    for (size_t i = 0; i < VITAL; i++)
        if (strcmp(vital[i], name) == 0)
            return true;
    return false;
}

/* What libbpf last complained of: its return codes alone do not say why. */
static char last_complaint[512];
/* The program that it could not load; empty: it was not one program's fault. */
static char refused_program[NAME_SIZE];

static int keep_complaint(enum libbpf_print_level level, const char *format, va_list arguments)
{
    char complaint[sizeof(last_complaint)], name[NAME_SIZE];

    if (level != LIBBPF_WARN)
        return 0;
    vsnprintf(complaint, sizeof(complaint), format, arguments);
    if (strstr(complaint, "failed to load") &&
        sscanf(complaint, "libbpf: prog '%63[^']'", name) == 1)
        memcpy(refused_program, name, sizeof(name));
    else
        memcpy(last_complaint, complaint, sizeof(complaint));
    return 0;
}

/* ---- why it can not work ---- */

static bool has_capability(unsigned capability)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

    if (syscall(SYS_capget, &header, data) < 0)
        return true;
    return data[capability / 32].effective >> (capability % 32) & 1;
}

/* CAP_SYS_ADMIN stands for both, as it did before they were made. */
static const char *missing_capability(void)
{
    if (has_capability(CAP_SYS_ADMIN))
        return NULL;
    if (!has_capability(CAP_BPF))
        return "CAP_BPF";
    return has_capability(CAP_PERFMON) ? NULL : "CAP_PERFMON";
}

/* 6.1 is the oldest kernel with all that the programs use; it is known by what came with it. */
static bool kernel_is_too_old(const struct btf *btf)
{
    return btf__find_by_name_kind(btf, "bpf_iter__cgroup", BTF_KIND_STRUCT) < 0;
}

/* Fills *error with what stands in the way of any program at all. Returns -1 then. */
static int check_kernel(const struct btf *btf, struct source_error *error)
{
    const char *capability = missing_capability();
    struct utsname name;

    uname(&name);
    if (!btf)
        snprintf(error->message, sizeof(error->message),
                 "this kernel (%s) has no BTF in /sys/kernel/btf/vmlinux; spyqd needs one built "
                 "with CONFIG_DEBUG_INFO_BTF",
                 name.release);
    else if (kernel_is_too_old(btf))
        snprintf(error->message, sizeof(error->message),
                 "this kernel (%s) is too old; spyqd needs Linux 6.1 or newer", name.release);
    else if (capability)
        snprintf(error->message, sizeof(error->message),
                 "%s is missing; run spyqd as root, or with CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE "
                 "and CAP_DAC_READ_SEARCH",
                 capability);
    else
        return 0;
    return -1;
}

/* ---- loading ---- */

static const struct refused *find_refused(const struct probes *probes, const char *name)
{
    for (size_t i = 0; i < probes->refused_count; i++)
        if (strcmp(probes->refused[i].name, name) == 0)
            return &probes->refused[i];
    return NULL;
}

/* A program is refused once at most: whoever tries again comes to an end. */
static bool may_refuse(const struct probes *probes, const char *name)
{
    return probes->refused_count < SOURCE_PROBES_MAX && !find_refused(probes, name);
}

/* Programs for cgroups belong to the network: the kernel says no more than EPERM. */
static bool lacks_net_admin(const char *section)
{
    return strncmp(section, "cgroup", 6) == 0 && !has_capability(CAP_NET_ADMIN) &&
           !has_capability(CAP_SYS_ADMIN);
}

/* Why a program is not even tried; leaves probe->error empty where it is. */
static void probe_judge(const struct probes *probes, struct probe *probe)
{
    const char *section = bpf_program__section_name(probe->program);
    const struct refused *refused = find_refused(probes, bpf_program__name(probe->program));
    const char *absent = tier_absent(probes->btf, section);

    if (absent)
        snprintf(probe->error, ERROR_SIZE, "this kernel has no %s", absent);
    else if (tier_is_full(section) && probes->no_full_tier)
        snprintf(probe->error, ERROR_SIZE, "%s", probes->no_full_tier);
    else if (lacks_net_admin(section))
        snprintf(probe->error, ERROR_SIZE, "CAP_NET_ADMIN is missing");
    else if (refused)
        snprintf(probe->error, ERROR_SIZE, "%s", refused->error);
}

static const struct probe *find_probe(const struct probes *probes, const char *name)
{
    for (size_t i = 0; i < probes->count; i++)
        if (strcmp(bpf_program__name(probes->list[i].program), name) == 0)
            return &probes->list[i];
    return NULL;
}

/* A program of the full tier may still fail to be attached: what it replaces is loaded as well. */
static bool will_be_attached(const struct probe *probe)
{
    const char *section = bpf_program__section_name(probe->program);

    return !probe->error[0] && !probe->needless && !tier_is_full(section) &&
           attach_is_possible(section);
}

static bool is_attached(const struct probe *probe)
{
    return probe->attachment.count > 0;
}

/* Whether others do the work of a program: there are some, and the test holds for each of them. */
static bool is_superseded(const struct probes *probes, const char *name,
                          bool (*test)(const struct probe *probe))
{
    const char *const *successor = tier_successors(name);
    const struct probe *probe;

    if (!successor)
        return false;
    for (; *successor; successor++) {
        probe = find_probe(probes, *successor);
        if (!probe || !test(probe))
            return false;
    }
    return true;
}

static void probes_collect(struct probes *probes)
{
    bool classic = tier_has_classic(probes->btf);
    struct bpf_program *program;

    probes->count = 0;
    bpf_object__for_each_program(program, probes->bpf->obj)
    {
        struct probe *probe = &probes->list[probes->count];
        if (probes->count++ == SOURCE_PROBES_MAX - 1)
            break;
        *probe = (struct probe){.program = program};
        probe->needless = (!probes->filter && program == probes->bpf->progs.process_cgroup_enter) ||
                          (!classic && tier_is_classic(bpf_program__name(program)));
        probe_judge(probes, probe);
    }
    for (size_t i = 0; i < probes->count; i++) {
        struct probe *probe = &probes->list[i];
        /* Loading takes the verifier's time: what is known not to be needed is spared it. */
        if (is_superseded(probes, bpf_program__name(probe->program), will_be_attached))
            probe->needless = true;
        bpf_program__set_autoload(probe->program, !probe->error[0] && !probe->needless);
    }
}

/* Since 6.16, and in some stable kernels, the exit tracepoint says whether the group is dead. */
static bool exit_has_group_dead(const struct btf *btf)
{
    int id = btf__find_by_name_kind(btf, "btf_trace_sched_process_exit", BTF_KIND_TYPEDEF);
    const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;

    while (type && (btf_is_typedef(type) || btf_is_ptr(type)))
        type = btf__type_by_id(btf, type->type);
    return type && btf_is_func_proto(type) && btf_vlen(type) == 3; /* void *, task, group_dead */
}

/* How full the activity ring may be, in percent, for a record of each class: the lesser leave room
 * for the rest. */
static const unsigned ring_percent[EVENT_CLASSES] = {
    [EVENT_CLASS_LIFECYCLE] = 100, [EVENT_CLASS_PRIVILEGE] = 100, [EVENT_CLASS_NETWORK] = 90,
    [EVENT_CLASS_DNS] = 80,        [EVENT_CLASS_IPC] = 70,        [EVENT_CLASS_FILE] = 60,
};

/* Seconds of a budget that may come at once. */
#define BUDGET_BURST 4

static void probes_configure(struct probes *probes)
{
    const struct config *config = probes->config;
    struct spyq_bpf *bpf = probes->bpf;
    __u32 lifecycle = config->lifecycle_ring_mib << 20, names = 0;

    for (char *const *name = config->environment; *name; name++, names++) {
        unsigned char initial = (unsigned char)(*name)[0];
        unsigned char second = (unsigned char)((*name)[1] ? (*name)[1] : '=');
        bpf->rodata->environment_initials[initial / 64] |= 1ull << initial % 64;
        bpf->rodata->environment_seconds[second / 64] |= 1ull << second % 64;
    }
    bpf_map__set_max_entries(bpf->maps.lifecycle, lifecycle);
    bpf_map__set_max_entries(bpf->maps.activity, config->activity_ring_mib << 20);
    bpf_map__set_max_entries(bpf->maps.counters, (__u32)probes->cpus);
    bpf_map__set_max_entries(bpf->maps.environment_names, names ? names : 1);
    bpf_map__set_max_entries(bpf->maps.scratches, (__u32)probes->cpus * SCRATCHES_PER_CPU);
    if (!probes->filter) /* its table alone takes 16 MiB, and nobody is in it */
        bpf_map__set_max_entries(bpf->maps.insiders, 1);
    for (int i = 0; i < EVENT_CLASSES; i++) {
        bpf->rodata->activity_share[i] =
            ((__u64)config->activity_ring_mib << 20) / 100 * ring_percent[i];
        bpf->rodata->budget_rate[i] = config->budget[i];
        bpf->rodata->budget_burst[i] = (__u64)config->budget[i] * BUDGET_BURST;
    }
    bpf->rodata->exit_has_group_dead = exit_has_group_dead(probes->btf);
    bpf->rodata->typed_reads = tier_has_typed_reads(probes->btf);
    bpf->rodata->fork_share = lifecycle / 4 * 3;
    bpf->rodata->scan_watermark = lifecycle / 2;
    bpf->rodata->filter_cgroup = probes->filter ? probes->filter->id : 0;
    bpf->rodata->filter_level = probes->filter ? probes->filter->level : 0;
}

static int map_counters(struct probes *probes)
{
    size_t size = probes->cpus * sizeof(*probes->counters);
    void *counters =
        mmap(NULL, size, PROT_READ, MAP_SHARED, bpf_map__fd(probes->bpf->maps.counters), 0);

    if (counters == MAP_FAILED)
        return -1;
    probes->counters = counters;
    return 0;
}

/* Cgroups for which there is no room share the bucket of id 0. */
static int share_budget(struct probes *probes)
{
    static const struct emit_budget full;
    __u64 shared = 0;

    return bpf_map_update_elem(bpf_map__fd(probes->bpf->maps.budgets), &shared, &full, BPF_ANY);
}

/* The kernel tells names apart by their first eight bytes. */
static int want_environment(struct probes *probes, char *const *names)
{
    int map = bpf_map__fd(probes->bpf->maps.environment_names);

    for (; *names; names++) {
        __u64 key = 0;
        __u8 wanted = 1;
        memcpy(&key, *names, strnlen(*names, sizeof(key)));
        if (bpf_map_update_elem(map, &key, &wanted, BPF_ANY) < 0)
            return -1;
    }
    return 0;
}

static int load_failure(struct source_error *error, int code)
{
    last_complaint[strcspn(last_complaint, "\n")] = '\0';
    snprintf(error->message, sizeof(error->message), "the kernel refuses the programs: %s (%s)",
             strerror(-code), last_complaint);
    return -1;
}

static void refuse(struct probes *probes, const char *name, const char *error)
{
    struct refused refused;

    snprintf(refused.name, sizeof(refused.name), "%s", name);
    snprintf(refused.error, sizeof(refused.error), "%s", error);
    probes->refused[probes->refused_count++] = refused;
}

/* Keeps in mind which program could not be loaded. Returns false where it is needed. */
static bool refuse_unloadable(struct probes *probes, int code)
{
    char error[ERROR_SIZE];

    if (!refused_program[0] || is_vital(refused_program) || !may_refuse(probes, refused_program))
        return false;
    last_complaint[strcspn(last_complaint, "\n")] = '\0';
    snprintf(error, sizeof(error), "%s (%.100s)", strerror(-code), last_complaint);
    refuse(probes, refused_program, error);
    return true;
}

static int probes_try(struct probes *probes)
{
    probes->bpf = spyq_bpf__open();
    if (!probes->bpf)
        return -errno;
    probes_collect(probes);
    probes_configure(probes);
    last_complaint[0] = refused_program[0] = '\0';
    return spyq_bpf__load(probes->bpf);
}

static void probes_unload(struct probes *probes)
{
    for (size_t i = 0; i < probes->count; i++)
        attach_undo(&probes->list[i].attachment);
    probes->count = 0;
    if (probes->counters)
        munmap(probes->counters, probes->cpus * sizeof(*probes->counters));
    probes->counters = NULL;
    spyq_bpf__destroy(probes->bpf);
    probes->bpf = NULL;
}

/* libbpf loads all or nothing: what is refused is left out at the next attempt. */
static int probes_open(struct probes *probes, struct source_error *error)
{
    int code;

    while ((code = probes_try(probes)) < 0) {
        if (!refuse_unloadable(probes, code))
            return load_failure(error, code);
        probes_unload(probes);
    }
    if (map_counters(probes) < 0 || share_budget(probes) < 0 ||
        want_environment(probes, probes->config->environment) < 0)
        return load_failure(error, -errno);
    return 0;
}

static int open_cgroup(const struct cgroup_place *place)
{
    char path[sizeof(place->mount) + sizeof(place->path)];

    if (!place->mount[0])
        return -1;
    snprintf(path, sizeof(path), "%s%s", place->mount, place->path);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

struct probes *probes_load(const struct config *config, const struct cgroup_place *place,
                           struct source_error *error)
{
    struct probes *probes = calloc(1, sizeof(*probes));
    int code;

    if (!probes) {
        snprintf(error->message, sizeof(error->message), "out of memory");
        return NULL;
    }
    probes->config = config;
    probes->filter = config->cgroup ? place : NULL;
    probes->cgroup = open_cgroup(place);
    libbpf_set_print(keep_complaint);
    probes->cpus = (size_t)libbpf_num_possible_cpus();
    probes->btf = btf__load_vmlinux_btf();
    code = check_kernel(probes->btf, error);
    if (code == 0) {
        probes->no_full_tier =
            config->full_tier ? tier_refusal(probes->btf) : "switched off in the configuration";
        code = probes_open(probes, error);
    }
    if (code == 0)
        return probes;
    probes_free(probes);
    return NULL;
}

/* ---- attaching ---- */

static void probe_attach(const struct probes *probes, struct probe *probe)
{
    const char *section = bpf_program__section_name(probe->program);

    if (probe->error[0] || probe->needless)
        return;
    if (attach_program(&probe->attachment, probe->program, probes->cgroup) < 0)
        snprintf(probe->error, ERROR_SIZE, "%.60s: %s", section, strerror(errno));
}

/* The later a program is attached, the higher: those of forks last, and before them those of execs
 * and exits, so that a process whose fork is told has its exec and its end told as well. */
static size_t attach_rank(const char *name)
{
    for (size_t i = 0; i < VITAL; i++)
        if (strncmp(name, vital[i], strlen(vital[i])) == 0)
            return VITAL - i;
    return 0;
}

static void attach_some(struct probes *probes, size_t rank, bool replaceable)
{
    for (size_t i = 0; i < probes->count; i++) {
        struct probe *probe = &probes->list[i];
        const char *name = bpf_program__name(probe->program);
        if (attach_rank(name) != rank || (tier_successors(name) != NULL) != replaceable)
            continue;
        if (is_superseded(probes, name, is_attached))
            probe->needless = true;
        probe_attach(probes, probe);
    }
}

/* What others may make needless comes last: by then it is known whether they could be attached. */
static void attach_all(struct probes *probes)
{
    for (size_t rank = 0; rank <= VITAL; rank++) {
        attach_some(probes, rank, false);
        attach_some(probes, rank, true);
    }
}

static bool is_missing(const struct probes *probes, const char *name)
{
    return !is_attached(find_probe(probes, name)) && !is_superseded(probes, name, is_attached);
}

/* What was to do the work of a program, and could not be attached, is refused like what can not be
 * loaded. Returns whether there was such a one: then the next attempt is another one. */
static bool refuse_successors(struct probes *probes, const char *name)
{
    const char *const *successor = tier_successors(name);
    const struct probe *probe;
    bool other = false;

    for (; successor && *successor; successor++) {
        probe = find_probe(probes, *successor);
        if (!probe || !probe->error[0] || !may_refuse(probes, *successor))
            continue;
        refuse(probes, *successor, probe->error);
        other = true;
    }
    return other;
}

/* A vital program that was not loaded because others were to do its work, and then did not, makes
 * another attempt without those. Returns 1 for that; 0: all is there; -1 with *error: and never
 * will be. */
static int look_for_missing(struct probes *probes, struct source_error *error)
{
    const char *missing = NULL;
    bool other = false;

    for (size_t i = 0; i < VITAL; i++) {
        if (!is_missing(probes, vital[i]))
            continue;
        missing = vital[i];
        other |= refuse_successors(probes, missing);
    }
    if (!missing || other)
        return other;
    snprintf(error->message, sizeof(error->message), "nothing can be recorded: %s: %s", missing,
             find_probe(probes, missing)->error);
    return -1;
}

int probes_attach(struct probes *probes, struct source_error *error)
{
    int again;

    attach_all(probes);
    while ((again = look_for_missing(probes, error)) > 0) {
        probes_unload(probes);
        if (probes_open(probes, error) < 0)
            return -1;
        attach_all(probes);
    }
    btf__free(probes->btf);
    probes->btf = NULL;
    return again;
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

/* ---- the rest ---- */

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
