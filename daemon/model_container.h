/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What model_container.c (who lives in which container) and model_entry.c (who brought or sent them
 * there) share. */
#ifndef SPYQ_MODEL_CONTAINER_H
#define SPYQ_MODEL_CONTAINER_H

#include "container_path.h"
#include "model_private.h"

/* The text columns, in the order of `texts` in model_container.c. */
enum {
    CONTAINER_ID,
    CONTAINER_RUNTIME,
    CONTAINER_NAME,
    CONTAINER_IMAGE,
    CONTAINER_POD,
    CONTAINER_NAMESPACE,
    CONTAINER_LABELS,
    CONTAINER_CGROUP,
    CONTAINER_TEXTS
};

struct container {
    struct row_container row; /* integer columns; id 0: no process has been in it, no row yet */
    struct shared *text[CONTAINER_TEXTS];
    uint32_t living;     /* processes in its cgroup */
    uint64_t root_start; /* start of the root process */
    uint64_t made;       /* when it was first heard of, boot clock */
    uint64_t ended;      /* when its last process ended; 0: it lives, or has not begun */
    uint64_t mnt_ns;     /* its own, known to be another than where it was started from; 0: none */
    uint64_t pid_ns;     /* likewise */
    struct trace *trace; /* that it is; NULL: none yet, or its processes are all forgotten */
    bool service;        /* a unit of systemd, which nobody enters */
    bool replaced;       /* another has its cgroup's path now */
    bool dirty;
    struct container *next_same_hash;
    TAILQ_ENTRY(container) all;
    TAILQ_ENTRY(container) changed;
};
TAILQ_HEAD(container_list, container);

struct entry;
TAILQ_HEAD(entry_list, entry);

/* What the path of a cgroup says, of those that were read last. */
#define READINGS 16
struct container_reading {
    struct shared *cgroup; /* held; NULL: none yet */
    bool named;            /* it is of a container or service */
    struct container_path found;
};

struct container_state {
    struct index by_path;    /* hash of the cgroup's path -> struct container, a chain */
    struct index namespaces; /* (mount or pid namespace) -> struct container that has it */
    struct index entries;    /* number -> struct entry */
    struct container_list all;
    struct container_list changed;
    struct entry_list recent_entries; /* the oldest first */
    uint64_t last_entry;
    struct container_reading readings[READINGS];
};

/* A container's row changed. */
void container_touch(struct model *model, struct container *container);

/* ---- model_entry.c ---- */

/* A process of which `before` is where it was (NULL: in no container, or just born) is now in the
 * container. Makes the edge from whoever sent it there, if that was somebody outside. at: wall, ns.
 */
void entry_begin(struct model *model, struct process *process, struct container *container,
                 const struct container *before, bool first, int64_t at);

/* Looks whether a process has come to what it was sent for, or into a container that is not that of
 * its cgroup. After its namespaces or its container have changed. */
void entry_follow(struct model *model, struct process *process);

/* Remembers which namespaces are a container's own; forgets them. */
void entry_own_namespaces(struct model *model, struct container *container,
                          const struct process *root, int64_t mnt_ns, int64_t pid_ns);
void entry_disown(struct model *model, struct container *container);

/* Forgets what began before `before`, and whatever leads to the container (NULL: all). */
void entry_forget(struct model *model, uint64_t before, const struct container *container);

#endif
