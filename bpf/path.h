/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/*
 * Paths by hand: bpf_d_path() is refused in the tracepoints that the base tier lives on. A path is
 * walked from its last name up to the root of its mount namespace (so a chroot shows whole) and
 * built from its end to its beginning.
 */
#ifndef SPYQ_PATH_H
#define SPYQ_PATH_H

#include "emit.h"

/* Addresses of a dentry and a vfsmount. */
struct path_place {
    __u64 dentry;
    __u64 mnt;
};

#define PATH_CUT 0x10000u

/* Appends the path to the scratch record, which is `size` bytes long. Returns its length, 0 where
 * there is none, and PATH_CUT where it is not whole. Once in the object, and verified by itself: a
 * record has several. */
int path_append(struct scratch *scratch, const struct path_place *place, __u32 size);

static __always_inline struct mount *path_mount(struct vfsmount *mnt)
{
    return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

#endif
