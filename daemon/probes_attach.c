/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attaching what is loaded, in an order that makes sense of the first records. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "probes_private.h"

static void probe_attach(const struct probes *probes, struct probe *probe)
{
    const char *section = bpf_program__section_name(probe->program);

    if (probe->error[0] || probe->needless)
        return;
    if (attach_program(&probe->attachment, probe->program, probes->cgroup) < 0)
        snprintf(probe->error, PROBE_ERROR_SIZE, "%.60s: %s", section, strerror(errno));
}

/* The later a program is attached, the higher: those of forks last, and before them those of execs
 * and exits, so that a process whose fork is told has its exec and its end told as well. */
static size_t attach_rank(const char *name)
{
    for (size_t i = 0; i < PROBES_VITAL; i++)
        if (strncmp(name, probes_vital[i], strlen(probes_vital[i])) == 0)
            return PROBES_VITAL - i;
    return 0;
}

static void attach_some(struct probes *probes, size_t rank, bool replaceable)
{
    for (size_t i = 0; i < probes->count; i++) {
        struct probe *probe = &probes->list[i];
        const char *name = bpf_program__name(probe->program);
        if (attach_rank(name) != rank || (tier_successors(name) != NULL) != replaceable)
            continue;
        if (probes_superseded(probes, name, probe_is_attached))
            probe->needless = true;
        probe_attach(probes, probe);
    }
}

/* What others may make needless comes last: by then it is known whether they could be attached. */
static void attach_all(struct probes *probes)
{
    for (size_t rank = 0; rank <= PROBES_VITAL; rank++) {
        attach_some(probes, rank, false);
        attach_some(probes, rank, true);
    }
}

static bool is_missing(const struct probes *probes, const char *name)
{
    return !probe_is_attached(probes_find(probes, name)) &&
           !probes_superseded(probes, name, probe_is_attached);
}

/* What was to do the work of a program, and could not be attached, is refused like what can not be
 * loaded. Returns whether there was such a one: then the next attempt is another one. */
static bool refuse_successors(struct probes *probes, const char *name)
{
    const char *const *successor = tier_successors(name);
    const struct probe *probe;
    bool other = false;

    for (; successor && *successor; successor++) {
        probe = probes_find(probes, *successor);
        if (!probe || !probe->error[0] || !probes_may_refuse(probes, *successor))
            continue;
        probes_refuse(probes, *successor, probe->error);
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

    for (size_t i = 0; i < PROBES_VITAL; i++) {
        if (!is_missing(probes, probes_vital[i]))
            continue;
        missing = probes_vital[i];
        other |= refuse_successors(probes, missing);
    }
    if (!missing || other)
        return other;
    snprintf(error->message, sizeof(error->message), "nothing can be recorded: %s: %s", missing,
             probes_find(probes, missing)->error);
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
