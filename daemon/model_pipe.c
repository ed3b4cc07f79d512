/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_private.h"

void pipe_write(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void pipe_read(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void pipe_forget(struct model *model, uint64_t before)
{
    (void)model;
    (void)before;
}

void pipe_free_all(struct model *model)
{
    (void)model;
}
