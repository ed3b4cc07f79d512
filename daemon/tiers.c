/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tiers.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#define SUCCESSORS_MAX 8

/* Where a section's name begins like this, what follows is the name of ... in the kernel's BTF. */
static const struct {
    const char *prefix;
    bool full;
    const char *wanted; /* before the name */
    unsigned kind;      /* BTF_KIND_*; 0: nothing to look for */
} sections[] = {
    {"tp_btf/", false, "btf_trace_", BTF_KIND_TYPEDEF},
    {"fentry/", true, "", BTF_KIND_FUNC},
    {"fexit/", true, "", BTF_KIND_FUNC},
    {"fmod_ret/", true, "", BTF_KIND_FUNC},
    {"lsm/", true, "bpf_lsm_", BTF_KIND_FUNC},
    {"lsm.s/", true, "bpf_lsm_", BTF_KIND_FUNC},
};

#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

static size_t find_section(const char *section)
{
    size_t i = 0;

    while (i < SECTIONS && strncmp(section, sections[i].prefix, strlen(sections[i].prefix)) != 0)
        i++;
    return i;
}

bool tier_is_full(const char *section)
{
    size_t at = find_section(section);

    return at < SECTIONS && sections[at].full;
}

const char *tier_absent(const struct btf *btf, const char *section)
{
    size_t at = find_section(section);
    char name[128];

    if (at == SECTIONS)
        return NULL;
    snprintf(name, sizeof(name), "%s%s", sections[at].wanted,
             section + strlen(sections[at].prefix));
    return btf__find_by_name_kind(btf, name, sections[at].kind) > 0 ? NULL : section;
}

/* Loads the shortest program there is at the entry of a function that every kernel has. */
const char *tier_refusal(const struct btf *btf)
{
    static const struct bpf_insn nothing[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
        {.code = BPF_JMP | BPF_EXIT},
    };
    LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FENTRY);
    int function = btf__find_by_name_kind(btf, "security_file_open", BTF_KIND_FUNC);
    int program;

    if (function <= 0)
        return "this kernel's BTF names no functions";
    options.attach_btf_id = (__u32)function;
    program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "tier", "GPL", nothing, 2, &options);
    if (program < 0)
        return errno == EPERM ? "this kernel refuses programs of the full tier (EPERM)"
                              : "this kernel can not load programs of the full tier";
    close(program);
    return NULL;
}

static const struct {
    const char *program;
    const char *successors[SUCCESSORS_MAX];
} superseded[] = {
    {"process_fork", {"process_fork_classic"}},
    {"process_exec", {"process_exec_classic"}},
    {"process_exit", {"process_exit_classic"}},
    {"network_accept_exit", {"network_accepted"}},
    {"network_accept4_exit", {"network_accepted"}},
    {"network_listen_exit", {"network_listened"}},
    {"network_connect_exit", {"network_connected", "network_connect_denied"}},
    {"unix_accept_exit", {"unix_accepted"}},
    {"unix_connect_exit", {"unix_connected"}},
    {"unix_bind_exit", {"unix_bound"}},
    {"privilege_uid", {"privilege_committed"}},
    {"privilege_gid", {"privilege_committed"}},
    {"privilege_capset", {"privilege_committed"}},
    {"io_read_exit", {"io_read", "io_readv"}},
    {"io_write_exit", {"io_write", "io_writev"}},
};

const char *const *tier_successors(const char *program)
{
    for (size_t i = 0; i < sizeof(superseded) / sizeof(superseded[0]); i++)
        if (strcmp(superseded[i].program, program) == 0)
            return superseded[i].successors;
    return NULL;
}

bool tier_has_classic(const struct btf *btf)
{
    return btf__find_by_name_kind(btf, "bpf_task_from_pid", BTF_KIND_FUNC) > 0 &&
           btf__find_by_name_kind(btf, "btf_trace_sched_prepare_exec", BTF_KIND_TYPEDEF) > 0;
}

bool tier_has_typed_reads(const struct btf *btf)
{
    return tier_has_classic(btf) &&
           btf__find_by_name_kind(btf, "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;
}

bool tier_is_classic(const char *program)
{
    static const char *const programs[] = {"process_fork_classic", "process_exec_prepare",
                                           "process_exec_classic", "process_exit_classic"};

    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
        if (strcmp(programs[i], program) == 0)
            return true;
    return false;
}
