/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the path of a cgroup says of the container that lives there. Pure: the runtimes' own files
 * may know more (container_files.h), and for a runtime that names cgroups freely only they know.
 */
#ifndef SPYQ_CONTAINER_PATH_H
#define SPYQ_CONTAINER_PATH_H

#include <stdbool.h>

#include "../sql/rows.h"

/* No name in a path is longer (NAME_MAX). */
#define CONTAINER_ID_SIZE 256

/* As in the column containers.runtime. */
#define RUNTIME_DOCKER     "docker"
#define RUNTIME_CONTAINERD "containerd"
#define RUNTIME_CRIO       "cri-o"
#define RUNTIME_PODMAN     "podman"
#define RUNTIME_LXC        "lxc"
#define RUNTIME_LIBVIRT    "libvirt"
#define RUNTIME_NSPAWN     "nspawn"
#define RUNTIME_RUNC       "runc"
#define RUNTIME_CRUN       "crun"
#define RUNTIME_SYSTEMD    "systemd"

struct container_path {
    const char *runtime;        /* a constant; NULL: an id, but whose can not be told */
    char id[CONTAINER_ID_SIZE]; /* NUL-terminated; the name where the runtime goes by names */
    size_t cgroup; /* the path's first so many bytes are the container's own cgroup, and not one of
                      those that it has made inside */
};

/*
 * Reads the path of a cgroup (v2), which begins with '/'. The innermost container counts; a service
 * of systemd only where there is no container, neither inside nor around it. Returns whether it is
 * of either.
 */
bool container_path_read(struct text path, struct container_path *found);

#endif
