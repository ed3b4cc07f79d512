/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/* Files that are written, and later read, loaded or executed by others. Called by io.bpf.c. */
#ifndef SPYQ_FILE_H
#define SPYQ_FILE_H

#include "image.h"
#include "task.h"

/* Bytes went into (write) or came out of a regular file, through a descriptor of the task's, which
 * is the current one and inside of what is recorded. */
static __always_inline void file_transfer(struct task_struct *task, struct file *file,
                                          struct inode *inode, bool write)
{
}

#endif
