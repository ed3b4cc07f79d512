/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_private.h"

void unix_connect(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void unix_accept(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void unix_bind(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void unix_snapshot(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void unix_forget(struct model *model, uint64_t before)
{
    (void)model;
    (void)before;
}

void unix_free_all(struct model *model)
{
    (void)model;
}
