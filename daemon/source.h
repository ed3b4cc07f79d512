/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where records come from: the kernel (source_bpf.c) or a recording (source_replay.c). Both sit
 * behind one table of operations, so that nothing further on knows which it is.
 */
#ifndef SPYQ_SOURCE_H
#define SPYQ_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../bpf/event.h"
#include "config.h"

/* What a source hands its records to. EVENT_FRONTIER records say how far time order reaches. */
typedef void source_sink(void *context, const struct event_header *record, size_t size);

struct source_error {
    char message[1024]; /* one line: what, where, and what to do about it */
};

/* More than there are. */
#define SOURCE_PROBES_MAX 128

/* A probe of a source, for `spyq status` and --check-kernel. */
struct source_probe {
    const char *name;
    const char *tier;  /* "base" or "full" */
    const char *error; /* NULL: attached */
    uint64_t recursion_misses;
};

struct source;

struct source_ops {
    /* Opens the source; the first record handed over is the EVENT_HOST. NULL: see *error. */
    struct source *(*open)(const struct config *config, source_sink *sink, void *context,
                           struct source_error *error);
    /* Reports all that already runs, then EVENT_SCAN_DONE. Returns 0, or -1 with *error. */
    int (*scan)(struct source *source, struct source_error *error);
    /* Hands over at most `most` records, then the frontier. Returns how many; 0: none are left now,
     * or, once stopped, ever. */
    size_t (*drain)(struct source *source, size_t most);
    /* Whether what is left keeps where it is, without a loss, while nobody drains. */
    bool (*keeps)(const struct source *source);
    /* Asks for a wake-up through the descriptors at the next record. */
    void (*arm)(struct source *source);
    /* The descriptors to poll while armed. Returns how many were written to fds[0..1]. */
    size_t (*descriptors)(struct source *source, int fds[EVENT_RINGS]);
    /* Once a second: hands over what was lost as EVENT_LOSS, and clock steps as EVENT_CLOCK; the
     * next drain tells how late it is, for a while after the last record. */
    void (*audit)(struct source *source);
    /* No new records from here on; drain then gives what is left, until the source has ended. */
    void (*stop)(struct source *source);
    /* Writes at most `most` probes. Returns how many there are. */
    size_t (*probes)(const struct source *source, struct source_probe *probes, size_t most);
    /* True when the source can give no more: the end of a recording. */
    bool (*ended)(const struct source *source);
    /* What ended the source too early, one line that names file and offset; NULL: nothing did. */
    const char *(*failure)(const struct source *source);
    void (*close)(struct source *source);
};

extern const struct source_ops source_bpf;
extern const struct source_ops source_replay;

#endif
