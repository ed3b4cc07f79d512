/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/* The program that a process runs: its file, arguments, working directory and standard streams. */
#ifndef SPYQ_IMAGE_H
#define SPYQ_IMAGE_H

#include "tail.h"
#include "window.h"

#define MAJOR(device) ((device) >> 20)
#define MINOR(device) ((device)&0xfffff)
#define MEM_MAJOR     1 /* /dev/null, /dev/zero and their kin */
#define TTY_MAJOR     4
#define AUX_MAJOR     5   /* /dev/tty, /dev/console */
#define PTS_MAJOR     136 /* to 143 */

#define MEMFD_PREFIX_LENGTH 6

static __always_inline bool image_is_memfd(struct inode *inode, struct dentry *dentry)
{
    static const char prefix[MEMFD_PREFIX_LENGTH] = "memfd:";
    char name[MEMFD_PREFIX_LENGTH] = {};

    if (PEEK(inode, i_nlink) || PEEK(inode, i_sb, s_magic) != TMPFS_MAGIC)
        return false;
    /* A deleted file of that name still has a parent directory; a memfd is its own. */
    if (PEEK(dentry, d_parent) != dentry)
        return false;
    bpf_probe_read_kernel(name, sizeof(name), PEEK(dentry, d_name.name));
    for (int i = 0; i < MEMFD_PREFIX_LENGTH; i++)
        if (name[i] != prefix[i])
            return false;
    return true;
}

static __always_inline __u32 image_setuid(struct inode *inode, __u32 mode,
                                          const struct event_task *task)
{
    bool user = mode & S_ISUID && task->euid == PEEK(inode, i_uid.val) && task->euid != task->uid;
    bool group = (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
                 task->egid == PEEK(inode, i_gid.val) && task->egid != task->gid;

    return user || group ? EVENT_IMAGE_SETUID : 0;
}

/* The executable: everything but filename, interpreter and stdio. `mm` is one that the verifier
 * knows as such. */
static __always_inline void image_executable(struct scratch *scratch, __u32 *size,
                                             struct event_exec *out, struct mm_struct *mm)
{
    struct event_image *image = &out->image;
    struct file *file = mm->exe_file;
    struct inode *inode;

    image->argv_length = mm->arg_end - mm->arg_start;
    if (!file)
        return;
    inode = file->f_inode;
    image->inode = inode->i_ino;
    image->generation = inode->i_generation;
    image->device = inode->i_sb->s_dev;
    image->links = inode->i_nlink;
    image->mode = inode->i_mode;
    image->flags |= image_setuid(inode, image->mode, &out->task);
    if (!image->links)
        image->flags |=
            image_is_memfd(inode, file->f_path.dentry) ? EVENT_IMAGE_MEMFD : EVENT_IMAGE_DELETED;
    image->exe = tail_path(scratch, size, file->f_path.dentry, file->f_path.mnt, &image->flags);
}

/* `task` is one that the verifier knows as such. */
static __always_inline void image_working_directory(struct scratch *scratch, __u32 *size,
                                                    struct event_text *out, __u32 *flags,
                                                    struct task_struct *task)
{
    struct fs_struct *fs = task->fs;

    *out = tail_path(scratch, size, fs->pwd.dentry, fs->pwd.mnt, flags);
}

/* Device nodes whose path user space can tell from their number need no walk. */
static __always_inline bool image_device_known(__u32 rdev)
{
    __u32 major = MAJOR(rdev);

    return major == MEM_MAJOR || major == TTY_MAJOR || major == AUX_MAJOR ||
           (major >= PTS_MAJOR && major < PTS_MAJOR + 8);
}

static __always_inline void image_stream(struct scratch *scratch, __u32 *size, struct event_fd *out,
                                         struct file *file, __u32 *flags)
{
    struct inode *inode = file ? PEEK(file, f_inode) : NULL;
    struct super_block *fs;
    __u32 type;

    window_open(scratch, inode);
    out->padding = 0;
    out->path = tail_take(size, 0);
    out->mode = SEEN(struct inode, scratch, inode, i_mode);
    out->inode = SEEN(struct inode, scratch, inode, i_ino);
    fs = SEEN(struct inode, scratch, inode, i_sb);
    out->device = PEEK(fs, s_dev);
    out->rdev = SEEN(struct inode, scratch, inode, i_rdev);
    type = out->mode & S_IFMT;
    if (!file || type == S_IFIFO || type == S_IFSOCK)
        return;
    if (type == S_IFCHR && image_device_known(out->rdev))
        return;
    out->path = tail_file_path(scratch, size, file, flags);
}

/* Of a task that the verifier knows as such, read by plain loads: this is done at every read(). */
static __always_inline struct file *image_descriptor(struct task_struct *task, __u32 fd)
{
    struct fdtable *table = task->files->fdt;
    struct file *file = NULL;

    if (fd < table->max_fds)
        bpf_probe_read_kernel(&file, sizeof(file), table->fd + fd);
    return file;
}

#endif
