/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which programs this kernel gets, and loading them: without those that it refuses. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "probes_private.h"

#define SCRATCHES_PER_CPU 14 /* SCRATCH_USERS of bpf/emit.h */

static bool is_vital(const char *name)
{
    for (size_t i = 0; i < PROBES_VITAL; i++)
        if (strcmp(probes_vital[i], name) == 0)
            return true;
    return false;
}

/* What libbpf last complained of: its return codes alone do not say why. */
static char last_complaint[512];
/* The program that it could not load; empty: it was not one program's fault. */
static char refused_program[PROBE_NAME_SIZE];

static int keep_complaint(enum libbpf_print_level level, const char *format, va_list arguments)
{
    char complaint[sizeof(last_complaint)], name[PROBE_NAME_SIZE];

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

bool probes_may_refuse(const struct probes *probes, const char *name)
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
        snprintf(probe->error, PROBE_ERROR_SIZE, "this kernel has no %s", absent);
    else if (tier_is_full(section) && probes->no_full_tier)
        snprintf(probe->error, PROBE_ERROR_SIZE, "%s", probes->no_full_tier);
    else if (lacks_net_admin(section))
        snprintf(probe->error, PROBE_ERROR_SIZE, "CAP_NET_ADMIN is missing");
    else if (refused)
        snprintf(probe->error, PROBE_ERROR_SIZE, "%s", refused->error);
}

/* A program of the full tier may still fail to be attached: what it replaces is loaded as well. */
static bool will_be_attached(const struct probe *probe)
{
    const char *section = bpf_program__section_name(probe->program);

    return !probe->error[0] && !probe->needless && !tier_is_full(section) &&
           attach_is_possible(section);
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
        if (probes_superseded(probes, bpf_program__name(probe->program), will_be_attached))
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

void probes_refuse(struct probes *probes, const char *name, const char *error)
{
    struct refused refused;

    snprintf(refused.name, sizeof(refused.name), "%s", name);
    snprintf(refused.error, sizeof(refused.error), "%s", error);
    probes->refused[probes->refused_count++] = refused;
}

/* Keeps in mind which program could not be loaded. Returns false where it is needed. */
static bool refuse_unloadable(struct probes *probes, int code)
{
    char error[PROBE_ERROR_SIZE];

    if (!refused_program[0] || is_vital(refused_program) ||
        !probes_may_refuse(probes, refused_program))
        return false;
    last_complaint[strcspn(last_complaint, "\n")] = '\0';
    snprintf(error, sizeof(error), "%s (%.100s)", strerror(-code), last_complaint);
    probes_refuse(probes, refused_program, error);
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

/* libbpf loads all or nothing: what is refused is left out at the next attempt. */
int probes_open(struct probes *probes, struct source_error *error)
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

void probes_unload(struct probes *probes)
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
