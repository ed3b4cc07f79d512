/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_private.h"

void container_describe(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void container_enter(struct model *model, struct process *process)
{
    (void)model;
    (void)process;
}

void container_leave(struct model *model, struct process *process, uint64_t time)
{
    (void)model;
    (void)process;
    (void)time;
}

void container_adopt(struct model *model, const struct row_container *row)
{
    (void)model;
    (void)row;
}

void container_reconcile(struct model *model, uint64_t began)
{
    (void)model;
    (void)began;
}

void container_flush(struct model *model)
{
    (void)model;
}

void container_forget(struct model *model, uint64_t before)
{
    (void)model;
    (void)before;
}

void container_free_all(struct model *model)
{
    (void)model;
}
