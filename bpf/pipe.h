/* SPDX-License-Identifier: GPL-2.0-only OR GPL-3.0-or-later */
/* Pipes and fifos: who wrote into one, and who read from it. Called by io.bpf.c. */
#ifndef SPYQ_PIPE_H
#define SPYQ_PIPE_H

#include "image.h"
#include "task.h"

/* Bytes went into (write) or came out of a pipe or fifo, through a descriptor of the task's, which
 * is the current one and inside of what is recorded. */
static __always_inline void pipe_transfer(struct task_struct *task, struct file *file,
                                          struct inode *inode, bool write)
{
}

#endif
