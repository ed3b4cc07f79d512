/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/* An open file: which it is, and of what kind. */
#ifndef SPYQ_OPENED_H
#define SPYQ_OPENED_H

#include "kernel.h"

struct inode_id {
    __u64 inode;
    __u32 device;
    __u32 generation;
};

struct opened {
    struct inode_id id;
    struct file *file;
    struct inode *inode;
    __u32 type;  /* S_IFMT */
    __u32 magic; /* of its file system */
};

/* Of a pointer that was found by hand. Nothing but the type is filled in where that is neither a
 * regular file nor a pipe. */
static __always_inline void opened_look(struct opened *opened, struct file *file)
{
    struct inode *inode = PEEK(file, f_inode);
    struct super_block *fs;

    opened->type = PEEK(inode, i_mode) & S_IFMT;
    if (opened->type != S_IFREG && opened->type != S_IFIFO)
        return;
    fs = PEEK(inode, i_sb);
    opened->file = file;
    opened->inode = inode;
    opened->magic = PEEK(fs, s_magic);
    opened->id.inode = PEEK(inode, i_ino);
    opened->id.device = PEEK(fs, s_dev);
    opened->id.generation = PEEK(inode, i_generation);
}

/* Of a pointer that the verifier knows as such: by plain loads, which cost a tenth. */
static __always_inline void opened_known(struct opened *opened, struct file *file)
{
    struct inode *inode = file->f_inode;
    struct super_block *fs = inode->i_sb;

    opened->file = file;
    opened->inode = inode;
    opened->type = inode->i_mode & S_IFMT;
    opened->magic = fs->s_magic;
    opened->id.inode = inode->i_ino;
    opened->id.device = fs->s_dev;
    opened->id.generation = inode->i_generation;
}

#endif
