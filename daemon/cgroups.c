/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cgroups.h"

#include <errno.h>
#include <fts.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "record.h"

int cgroups_find_mount(struct cgroup_place *place, struct source_error *error)
{
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    struct mntent entry;
    char buffer[8192];
    int found = -1;

    while (mounts && found < 0 && getmntent_r(mounts, &entry, buffer, sizeof(buffer))) {
        if (strcmp(entry.mnt_type, "cgroup2") != 0)
            continue;
        snprintf(place->mount, sizeof(place->mount), "%s", entry.mnt_dir);
        found = 0;
    }
    if (mounts)
        endmntent(mounts);
    if (found < 0)
        snprintf(error->message, sizeof(error->message),
                 "cgroup v2 is not mounted (no cgroup2 in /proc/self/mounts)");
    return found;
}

/* The path below the mount: one slash before each name, none at the end but for the root. */
static void cgroup_normalise(struct cgroup_place *place, const char *path)
{
    size_t mount = strlen(place->mount), length = 0;

    if (strncmp(path, place->mount, mount) == 0 && (path[mount] == '/' || !path[mount]))
        path += mount;
    place->level = 0;
    while (*(path += strspn(path, "/"))) {
        size_t name = strcspn(path, "/");
        if (length + name + 2 > sizeof(place->path))
            break;
        place->path[length++] = '/';
        memcpy(place->path + length, path, name);
        length += name;
        path += name;
        place->level++;
    }
    if (!length)
        place->path[length++] = '/';
    place->path[length] = '\0';
}

int cgroups_find(const char *path, struct cgroup_place *place, struct source_error *error)
{
    char whole[sizeof(place->mount) + sizeof(place->path)];
    struct statfs file_system;
    struct stat status;

    if (cgroups_find_mount(place, error) < 0)
        return -1;
    cgroup_normalise(place, path);
    snprintf(whole, sizeof(whole), "%s%s", place->mount, place->path);
    if (strstr(whole, "/../") || stat(whole, &status) < 0 || !S_ISDIR(status.st_mode) ||
        statfs(whole, &file_system) < 0 || file_system.f_type != CGROUP2_SUPER_MAGIC) {
        snprintf(error->message, sizeof(error->message),
                 "--cgroup %.200s: no such cgroup below %.200s", path, place->mount);
        return -1;
    }
    place->id = status.st_ino; /* the kernel's id of the cgroup, on 64-bit machines */
    return 0;
}

static void cgroup_tell(const struct cgroup_place *place, const FTSENT *entry, uint64_t time,
                        source_sink *sink, void *context)
{
    const char *path = entry->fts_path + strlen(place->mount);
    struct record record;
    struct event_cgroup *cgroup;

    cgroup = record_begin(&record, EVENT_CGROUP, sizeof(*cgroup), time);
    cgroup->cgroup_id = entry->fts_statp->st_ino;
    cgroup->path = record_text(&record, *path ? path : "/");
    record_end(&record);
    sink(context, &cgroup->header, record.size);
}

void cgroups_walk(const struct cgroup_place *place, uint64_t time, source_sink *sink, void *context)
{
    char whole[sizeof(place->mount) + sizeof(place->path)];
    char *roots[] = {whole, NULL};
    FTSENT *entry;
    FTS *walk;

    snprintf(whole, sizeof(whole), "%s%s", place->mount,
             strcmp(place->path, "/") ? place->path : "");
    walk = fts_open(roots, FTS_PHYSICAL | FTS_XDEV, NULL);
    while (walk && (entry = fts_read(walk)))
        if (entry->fts_info == FTS_D)
            cgroup_tell(place, entry, time, sink, context);
    if (walk)
        fts_close(walk);
}
