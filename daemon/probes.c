/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probes.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "spyq.skel.h"
#include "tracefs.h"

#define PROBES_MAX        32
#define SCRATCHES_PER_CPU 6 /* SCRATCH_USERS of bpf/emit.h */
#define ERROR_SIZE        160

struct probe {
    struct bpf_program *program;
    struct bpf_link *link;
    char error[ERROR_SIZE]; /* empty: attached */
    bool iterator;          /* attached from the start, run by reading */
    bool needless;          /* not wanted with this configuration: not listed */
};

struct probes {
    struct spyq_bpf *bpf;
    struct probe list[PROBES_MAX];
    size_t count;
    struct emit_counters *counters;
    size_t cpus;
};

/* Without these three there is nothing to record. */
static const char *const vital[] = {"process_fork", "process_exec", "process_exit"};

/* What libbpf last complained of: its return codes alone do not say why. */
static char last_complaint[512];

static int keep_complaint(enum libbpf_print_level level, const char *format, va_list arguments)
{
    if (level == LIBBPF_WARN)
        vsnprintf(last_complaint, sizeof(last_complaint), format, arguments);
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
    int id = btf__find_by_name_kind(btf, "cgroup", BTF_KIND_STRUCT);
    const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;

    for (__u16 i = 0; type && i < btf_vlen(type); i++) {
        const char *name = btf__name_by_offset(btf, btf_members(type)[i].name_off);
        if (strcmp(name, "ancestors") == 0)
            return false;
    }
    return true;
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

/* The tracepoint of a tp_btf program, or NULL where the kernel has it. */
static const char *absent_tracepoint(const struct btf *btf, const struct bpf_program *program)
{
    static const char prefix[] = "tp_btf/";
    const char *section = bpf_program__section_name(program);
    char type[128];

    if (strncmp(section, prefix, sizeof(prefix) - 1) != 0)
        return NULL;
    snprintf(type, sizeof(type), "btf_trace_%s", section + sizeof(prefix) - 1);
    return btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0 ? NULL : section;
}

static void probes_collect(struct probes *probes, const struct btf *btf, bool filtered)
{
    struct bpf_program *program;

    bpf_object__for_each_program(program, probes->bpf->obj)
    {
        struct probe *probe = &probes->list[probes->count];
        const char *absent = absent_tracepoint(btf, program);
        if (probes->count++ == PROBES_MAX - 1)
            break;
        probe->program = program;
        probe->iterator = strncmp(bpf_program__section_name(program), "iter", 4) == 0;
        probe->needless = !filtered && program == probes->bpf->progs.process_cgroup_enter;
        if (absent)
            snprintf(probe->error, ERROR_SIZE, "this kernel has no %s", absent);
        bpf_program__set_autoload(program, !absent && !probe->needless);
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

static void probes_configure(struct probes *probes, const struct btf *btf,
                             const struct config *config, const struct cgroup_place *filter)
{
    struct spyq_bpf *bpf = probes->bpf;
    __u32 lifecycle = config->lifecycle_ring_mib << 20, names = 0;

    for (char *const *name = config->environment; *name; name++, names++) {
        unsigned char initial = (unsigned char)(*name)[0];
        bpf->rodata->environment_initials[initial / 64] |= 1ull << initial % 64;
    }
    bpf_map__set_max_entries(bpf->maps.lifecycle, lifecycle);
    bpf_map__set_max_entries(bpf->maps.activity, config->activity_ring_mib << 20);
    bpf_map__set_max_entries(bpf->maps.counters, (__u32)probes->cpus);
    bpf_map__set_max_entries(bpf->maps.environment_names, names ? names : 1);
    bpf_map__set_max_entries(bpf->maps.scratches, (__u32)probes->cpus * SCRATCHES_PER_CPU);
    bpf->rodata->exit_has_group_dead = exit_has_group_dead(btf);
    bpf->rodata->scan_watermark = lifecycle / 2;
    bpf->rodata->filter_cgroup = filter ? filter->id : 0;
    bpf->rodata->filter_level = filter ? filter->level : 0;
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

static int probes_open(struct probes *probes, const struct btf *btf, const struct config *config,
                       const struct cgroup_place *filter, struct source_error *error)
{
    int code;

    probes->bpf = spyq_bpf__open();
    if (!probes->bpf)
        return load_failure(error, -errno);
    probes_collect(probes, btf, filter != NULL);
    probes_configure(probes, btf, config, filter);
    code = spyq_bpf__load(probes->bpf);
    if (code == 0 &&
        (map_counters(probes) < 0 || want_environment(probes, config->environment) < 0))
        code = -errno;
    return code ? load_failure(error, code) : 0;
}

struct probes *probes_load(const struct config *config, const struct cgroup_place *filter,
                           struct source_error *error)
{
    struct probes *probes = calloc(1, sizeof(*probes));
    struct btf *btf;
    int code;

    if (!probes) {
        snprintf(error->message, sizeof(error->message), "out of memory");
        return NULL;
    }
    libbpf_set_print(keep_complaint);
    probes->cpus = (size_t)libbpf_num_possible_cpus();
    btf = btf__load_vmlinux_btf();
    code = check_kernel(btf, error);
    if (code == 0)
        code = probes_open(probes, btf, config, filter, error);
    btf__free(btf);
    if (code == 0)
        return probes;
    probes_free(probes);
    return NULL;
}

/* ---- attaching ---- */

/* libbpf would look for the tracepoint's id in a mounted tracefs only. */
static struct bpf_link *attach_classic(const struct bpf_program *program, const char *event)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_TRACEPOINT, .size = sizeof(attributes), .sample_period = 1};
    struct bpf_link *link;
    int id = tracefs_event_id(event);
    int perf;

    if (id < 0)
        return NULL;
    attributes.config = (__u64)id;
    perf = (int)syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
    if (perf < 0)
        return NULL;
    link = bpf_program__attach_perf_event(program, perf);
    if (!link)
        close(perf); /* the link owns it otherwise */
    return link;
}

static void probe_attach(struct probe *probe)
{
    static const char classic[] = "tracepoint/";
    const char *section = bpf_program__section_name(probe->program);

    if (probe->error[0] || probe->needless)
        return;
    last_complaint[0] = '\0';
    if (strncmp(section, classic, sizeof(classic) - 1) == 0)
        probe->link = attach_classic(probe->program, section + sizeof(classic) - 1);
    else
        probe->link = bpf_program__attach(probe->program);
    if (!probe->link)
        snprintf(probe->error, ERROR_SIZE, "%s: %s", section, strerror(errno));
}

static bool is_vital(const char *name)
{
    for (size_t i = 0; i < sizeof(vital) / sizeof(vital[0]); i++)
        if (strcmp(vital[i], name) == 0)
            return true;
    return false;
}

int probes_attach(struct probes *probes, struct source_error *error)
{
    for (size_t i = 0; i < probes->count; i++) {
        struct probe *probe = &probes->list[i];
        probe_attach(probe);
        if (!probe->error[0] || !is_vital(bpf_program__name(probe->program)))
            continue;
        snprintf(error->message, sizeof(error->message), "nothing can be recorded: %s",
                 probe->error);
        return -1;
    }
    return 0;
}

void probes_detach(struct probes *probes)
{
    for (size_t i = 0; i < probes->count; i++) {
        bpf_link__destroy(probes->list[i].link);
        probes->list[i].link = NULL;
    }
}

void probes_free(struct probes *probes)
{
    if (!probes)
        return;
    probes_detach(probes);
    if (probes->counters)
        munmap(probes->counters, probes->cpus * sizeof(*probes->counters));
    spyq_bpf__destroy(probes->bpf);
    free(probes);
}

/* ---- the rest ---- */

int probes_ring(const struct probes *probes, int ring)
{
    struct bpf_map *maps[EVENT_RINGS] = {
        [EVENT_RING_LIFECYCLE] = probes->bpf->maps.lifecycle,
        [EVENT_RING_ACTIVITY] = probes->bpf->maps.activity,
    };

    return bpf_map__fd(maps[ring]);
}

const volatile struct emit_counters *probes_counters(const struct probes *probes, size_t *cpus)
{
    *cpus = probes->cpus;
    return probes->counters;
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
        if (probes->list[i].program == programs[iterator] && probes->list[i].link)
            return bpf_iter_create(bpf_link__fd(probes->list[i].link));
    errno = ENOENT;
    return -1;
}

static uint64_t rescued(const struct probes *probes)
{
    uint64_t sum = 0;

    for (size_t cpu = 0; cpu < probes->cpus; cpu++)
        sum += ((const volatile struct emit_counters *)probes->counters)[cpu].rescued;
    return sum;
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

/* Of those, the ones that nobody else made up for (bpf/network.bpf.c). */
static uint64_t recursion_misses(const struct probes *probes, const struct probe *probe)
{
    uint64_t misses = skipped(probe), made_up;

    if (probe->program == probes->bpf->progs.network_state_again)
        return 0;
    if (probe->program != probes->bpf->progs.network_state)
        return misses;
    made_up = rescued(probes);
    return misses > made_up ? misses - made_up : 0;
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
                .tier = "base",
                .error = probe->error[0] ? probe->error : NULL,
                .recursion_misses = recursion_misses(probes, probe),
            };
        count++;
    }
    return count;
}
