/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of container runtimes say, told as EVENT_CONTAINER: at once when a container's
 * cgroup is heard of, and again while files are still being written.
 */
#ifndef SPYQ_CONTAINERS_H
#define SPYQ_CONTAINERS_H

#include "source.h"

struct containers;

/* root: put before the paths of all files; not copied. Returns NULL when out of memory. */
struct containers *containers_new(const char *root);
void containers_free(struct containers *containers);

/* Looks for the files of the container whose cgroup an EVENT_CGROUP names; ignores other records.
 */
void containers_introduce(struct containers *containers, const struct event_header *record,
                          source_sink *sink, void *context);

/* Looks again for what has not been found, now being the boot clock in ns. */
void containers_look_again(struct containers *containers, uint64_t now, source_sink *sink,
                           void *context);

#endif
