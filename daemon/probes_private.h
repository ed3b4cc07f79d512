/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the probes*.c files share; nobody else includes this. probes_load.c chooses and loads the
 * programs, probes_attach.c attaches them, probes.c asks them for their numbers.
 */
#ifndef SPYQ_PROBES_PRIVATE_H
#define SPYQ_PROBES_PRIVATE_H

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>

#include "attach.h"
#include "probes.h"
#include "spyq.skel.h"
#include "tiers.h"

#define PROBE_ERROR_SIZE 160
#define PROBE_NAME_SIZE  64

struct probe {
    struct bpf_program *program;
    struct attachment attachment;
    char error[PROBE_ERROR_SIZE]; /* empty: attached */
    bool needless;                /* not wanted with this configuration: not listed */
};

/* A program that the kernel's verifier or policy has refused: the rest is loaded without it. */
struct refused {
    char name[PROBE_NAME_SIZE];
    char error[PROBE_ERROR_SIZE];
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
#define PROBES_VITAL 3
extern const char *const probes_vital[PROBES_VITAL];

/* ---- probes.c ---- */

/* NULL: there is no program of that name. */
const struct probe *probes_find(const struct probes *probes, const char *name);

bool probe_is_attached(const struct probe *probe);

/* Whether others do the work of a program: there are some, and the test holds for each of them. */
bool probes_superseded(const struct probes *probes, const char *name,
                       bool (*test)(const struct probe *probe));

/* ---- probes_load.c ---- */

/* Loads what can be loaded. Returns 0, or -1 with *error. */
int probes_open(struct probes *probes, struct source_error *error);

/* Detaches and unloads. */
void probes_unload(struct probes *probes);

/* A program is refused once at most: whoever tries again comes to an end. */
bool probes_may_refuse(const struct probes *probes, const char *name);
/* It is not loaded again; error: why, one line. */
void probes_refuse(struct probes *probes, const char *name, const char *error);

#endif
