/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The two tiers of kernel programs. The base tier (tracepoints, iterators, cgroup hooks) is
 * complete by itself. The full tier (fentry, fexit, LSM) is used where the kernel lets us: it knows
 * more or costs less, and never changes what a column means.
 */
#ifndef SPYQ_TIERS_H
#define SPYQ_TIERS_H

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>

/* Whether a program of that section belongs to the full tier. */
bool tier_is_full(const char *section);

/* Why no program of the full tier can be loaded, one line; NULL: they can. A static string. */
const char *tier_refusal(const struct btf *btf);

/* What the section asks for that this kernel lacks, such as a tracepoint or a function; NULL: all
 * is there. Returns its argument, or a part of it. */
const char *tier_absent(const struct btf *btf, const char *section);

/*
 * A program of the base tier that others make needless: those that do its work, and better.
 * Returns a NULL-terminated list of their names, all of which must be attached; NULL: it is always
 * needed.
 */
const char *const *tier_successors(const char *program);

/* The programs for classic tracepoints that take the place of those in tp_btf: a kernel that may
 * preempt a tracepoint would skip those. Whether this kernel has what they need: it came before the
 * preemption did, so that where they can not be had tp_btf loses nothing. */
bool tier_is_classic(const char *program);
bool tier_has_classic(const struct btf *btf);

/* Whether every program may say what a pointer points to (PEEK() in bpf/kernel.h). The kernels
 * between the first that had this and those with the above had it for some kinds of programs only.
 */
bool tier_has_typed_reads(const struct btf *btf);

#endif
