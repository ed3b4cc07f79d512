// SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later
#include "path.h"

#include "tail.h"
#include "window.h"

#define PATH_DEPTH_MAX  128
#define NAME_LENGTH_MAX 255

struct path_walk {
    struct dentry *dentry;
    struct scratch *scratch;
    struct mount *mount;
    /* Of the mount: its root, the one that it is mounted on, and where. */
    struct dentry *root;
    struct mount *up;
    struct dentry *place;
    __u32 cut;
};

static __always_inline void path_enter(struct path_walk *walk, struct mount *mount)
{
    struct scratch *scratch = walk->scratch;

    window_open(scratch, mount);
    walk->mount = mount;
    walk->root = SEEN(struct mount, scratch, mount, mnt.mnt_root);
    walk->up = SEEN(struct mount, scratch, mount, mnt_parent);
    walk->place = SEEN(struct mount, scratch, mount, mnt_mountpoint);
}

/* Puts one name and the slash before it in front of the path. Returns 0 when there is no room. */
static __always_inline int path_prepend(struct path_walk *walk, const void *name, __u32 length)
{
    __u32 start = walk->scratch->path_start;

    if (length > NAME_LENGTH_MAX)
        length = NAME_LENGTH_MAX;
    if (start < NAME_LENGTH_MAX + 1)
        return 0;
    start -= length;
    bpf_probe_read_kernel(&walk->scratch->path[start & (EVENT_PATH_MAX - 1)], length & 0xff, name);
    start--;
    walk->scratch->path[start & (EVENT_PATH_MAX - 1)] = '/';
    walk->scratch->path_start = start;
    return 1;
}

/* One step up: a name, a mount point, or the end. A callback of bpf_loop: 1 stops. */
static long path_step(__u32 index, void *context)
{
    struct path_walk *walk = context;
    struct dentry *dentry = walk->dentry, *parent;
    struct scratch *scratch = walk->scratch;

    if (dentry == walk->root) {
        if (walk->up == walk->mount)
            return 1;
        walk->dentry = walk->place;
        path_enter(walk, walk->up);
        return 0;
    }
    window_open(scratch, dentry);
    parent = SEEN(struct dentry, scratch, dentry, d_parent);
    walk->cut = !path_prepend(walk, SEEN(struct dentry, scratch, dentry, d_name.name),
                              SEEN(struct dentry, scratch, dentry, d_name.len));
    /* Neither memfds nor pipes hang in a tree: their one name is the root of its own. */
    if (walk->cut || parent == dentry)
        return 1;
    walk->dentry = parent;
    walk->cut = index == PATH_DEPTH_MAX - 1;
    return 0;
}

/* Into the end of scratch->path's first half. Returns where it begins; EVENT_PATH_MAX: there is
 * none. */
static __always_inline __u32 path_build(struct scratch *scratch, const struct path_place *place,
                                        __u32 *cut)
{
    struct path_walk walk = {.dentry = (struct dentry *)place->dentry, .scratch = scratch};
    __u32 begin;

    if (!place->dentry || !place->mnt)
        return EVENT_PATH_MAX;
    path_enter(&walk, path_mount((struct vfsmount *)place->mnt));
    scratch->path_start = EVENT_PATH_MAX;
    bpf_loop(PATH_DEPTH_MAX, path_step, &walk, 0);
    begin = scratch->path_start;
    *cut = walk.cut ? PATH_CUT : 0;
    if (begin < EVENT_PATH_MAX)
        return begin;
    scratch->path[EVENT_PATH_MAX - 1] = '/';
    return EVENT_PATH_MAX - 1;
}

__noinline int path_append(struct scratch *scratch, const struct path_place *place, __u32 size)
{
    __u32 begin, length, cut = 0;

    if (!scratch || !place)
        return 0;
    begin = path_build(scratch, place, &cut) & (2 * EVENT_PATH_MAX - 1);
    length = EVENT_PATH_MAX - begin;
    if (length > EVENT_PATH_MAX)
        length = EVENT_PATH_MAX;
    if (bpf_probe_read_kernel(tail_at(scratch, size), length,
                              &scratch->path[begin & (EVENT_PATH_MAX - 1)]))
        length = 0;
    return length | cut;
}
