/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a kernel program is tied to what it waits for: by the name of its section. */
#ifndef SPYQ_ATTACH_H
#define SPYQ_ATTACH_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * One program may serve many classic tracepoints: the section is then
 * `tracepoint/syscalls/sys_exit_setuid|sys_exit_setgid`, the category once and the names behind it.
 * What it runs for is told by its cookie (bpf_get_attach_cookie()): 0 for the first, and so on.
 */
#define ATTACH_LINKS_MAX 32

struct attachment {
    struct bpf_link *links[ATTACH_LINKS_MAX];
    size_t count;
};

/*
 * Attaches a loaded program. cgroup: a descriptor of the cgroup that programs for cgroups are
 * attached to; -1: there is none. Tracepoints that this kernel lacks are passed over as long as one
 * of several is there. A program that user space runs itself (`syscall`) needs nothing. Returns 0,
 * or -1 with errno set and nothing attached.
 */
int attach_program(struct attachment *attachment, const struct bpf_program *program, int cgroup);

/* Whether what the section of a classic tracepoint names can be had here; other sections: true. */
bool attach_is_possible(const char *section);

/*
 * Detaches. For each classic tracepoint the kernel waits until nobody can be in its program any
 * more, about 0.1 s.
 */
void attach_undo(struct attachment *attachment);

/*
 * Has a child that ends after this process keep all descriptors that are open now: closing them is
 * quick then, and the child has the waiting. Nothing may be open that others wait for, such as a
 * lock; this process is to end soon.
 */
void attach_leave(void);

#endif
