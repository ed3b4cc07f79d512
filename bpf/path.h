/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/*
 * Paths by hand: bpf_d_path() is refused in the tracepoints that the base tier lives on. A path is
 * walked from its last name up to the root of its mount namespace (so a chroot shows whole) and
 * built from its end to its beginning.
 */
#ifndef SPYQ_PATH_H
#define SPYQ_PATH_H

#include "emit.h"

#define PATH_DEPTH_MAX  128
#define NAME_LENGTH_MAX 255

struct path_walk {
    struct dentry *dentry;
    struct mount *mount;
    struct scratch *scratch;
    __u32 cut;
};

static __always_inline struct mount *path_mount(struct vfsmount *mnt)
{
    return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

/* Puts one name and the slash before it in front of the path. Returns 0 when there is no room. */
static __always_inline int path_prepend(struct path_walk *walk, struct dentry *dentry)
{
    __u32 length = BPF_CORE_READ(dentry, d_name.len);
    __u32 start = walk->scratch->path_start;

    if (length > NAME_LENGTH_MAX)
        length = NAME_LENGTH_MAX;
    if (start < NAME_LENGTH_MAX + 1)
        return 0;
    start -= length;
    bpf_probe_read_kernel(&walk->scratch->path[start & (EVENT_PATH_MAX - 1)], length & 0xff,
                          BPF_CORE_READ(dentry, d_name.name));
    start--;
    walk->scratch->path[start & (EVENT_PATH_MAX - 1)] = '/';
    walk->scratch->path_start = start;
    return 1;
}

/* One step up: a name, a mount point, or the end. A callback of bpf_loop: 1 stops. */
static long path_step(__u32 index, void *context)
{
    struct path_walk *walk = context;
    struct dentry *dentry = walk->dentry;
    struct mount *mount = walk->mount;
    struct dentry *parent = BPF_CORE_READ(dentry, d_parent);

    if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
        struct mount *up = BPF_CORE_READ(mount, mnt_parent);
        if (up == mount)
            return 1;
        walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
        walk->mount = up;
        return 0;
    }
    walk->cut = !path_prepend(walk, dentry);
    /* Neither memfds nor pipes hang in a tree: their one name is the root of its own. */
    if (walk->cut || parent == dentry)
        return 1;
    walk->dentry = parent;
    walk->cut = index == PATH_DEPTH_MAX - 1;
    return 0;
}

/* Walks a path into the end of scratch->path's first half. Returns its length, 0 on failure, and
 * sets *start to where it begins and EVENT_IMAGE_PATH_CUT in *flags when it is not whole. */
static __always_inline __u32 path_build(struct scratch *scratch, struct dentry *dentry,
                                        struct vfsmount *mnt, __u32 *start, __u32 *flags)
{
    struct path_walk walk = {
        .dentry = dentry,
        .mount = path_mount(mnt),
        .scratch = scratch,
    };
    __u32 begin;

    if (!dentry || !mnt)
        return 0;
    scratch->path_start = EVENT_PATH_MAX;
    bpf_loop(PATH_DEPTH_MAX, path_step, &walk, 0);
    begin = scratch->path_start;
    if (walk.cut)
        *flags |= EVENT_IMAGE_PATH_CUT;
    if (begin >= EVENT_PATH_MAX) {
        begin = EVENT_PATH_MAX - 1;
        scratch->path[EVENT_PATH_MAX - 1] = '/';
    }
    *start = begin;
    return EVENT_PATH_MAX - begin;
}

#endif
