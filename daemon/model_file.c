/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_private.h"

void file_write(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void file_read(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void file_load(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void file_rename(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void file_link(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void file_chmod(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void file_unlink(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void file_executed(struct model *model, struct process *process, const struct event *event)
{
    (void)model;
    (void)process;
    (void)event;
}

void file_forget(struct model *model, uint64_t before)
{
    (void)model;
    (void)before;
}

void file_free_all(struct model *model)
{
    (void)model;
}
