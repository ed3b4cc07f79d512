/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What container runtimes leave in files about a container: Docker's and containers/storage's own,
 * the OCI bundle's config.json with its annotations, the state of runc and crun, machined's and
 * LXC's. No daemon is asked. The files are hostile as far as their contents go: images and pods
 * choose names, labels and annotations.
 */
#ifndef SPYQ_CONTAINER_FILES_H
#define SPYQ_CONTAINER_FILES_H

#include <stdbool.h>

#include "container_path.h"

/* Longer names are cut; labels that do not fit are left out, each as a whole. */
#define CONTAINER_NAME_MAX   512
#define CONTAINER_LABELS_MAX 4096

struct container_facts {
    const char *runtime; /* a constant; NULL: no file was found */
    char id[CONTAINER_ID_SIZE];
    char name[CONTAINER_NAME_MAX + 1]; /* empty, as those below: not known */
    char image[CONTAINER_NAME_MAX + 1];
    char pod[CONTAINER_NAME_MAX + 1];
    char namespace[CONTAINER_NAME_MAX + 1];
    char labels[CONTAINER_LABELS_MAX + 1]; /* a JSON object */
};

/*
 * Reads what there is of the container that lives in a cgroup. root: put before every path. A
 * cgroup whose path tells no container is one if runc or crun say that it is theirs. Returns
 * whether any file was found; *facts is filled in then.
 */
bool container_files_read(const char *root, const char *cgroup, struct container_facts *facts);

/* Whether files about the cgroup's container may be there, now or soon: not of a service, and not
 * of a cgroup that no runtime knows. */
bool container_files_expected(const char *root, const char *cgroup);

#endif
