/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cgroup v2 hierarchy as the file system shows it: where it is mounted, ids, paths. */
#ifndef SPYQ_CGROUPS_H
#define SPYQ_CGROUPS_H

#include <stdint.h>

#include "source.h"

struct cgroup_place {
    char mount[4096]; /* of the v2 hierarchy, without a final slash */
    char path[4096];  /* below the mount, beginning with '/' */
    uint64_t id;
    uint32_t level; /* below the mount; 0: the root itself */
};

/* Finds where cgroup v2 is mounted. Returns 0, or -1 with *error. */
int cgroups_find_mount(struct cgroup_place *place, struct source_error *error);

/* Finds a cgroup by its path, with or without the mount point before it. Sets place->mount too.
 * Returns 0, or -1 with *error. */
int cgroups_find(const char *path, struct cgroup_place *place, struct source_error *error);

/* Hands an EVENT_CGROUP of that time (ns, boot clock) to the sink for every cgroup at and below the
 * place. */
void cgroups_walk(const struct cgroup_place *place, uint64_t time, source_sink *sink,
                  void *context);

#endif
