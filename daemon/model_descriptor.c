/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_private.h"

void descriptor_send(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void descriptor_receive(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void descriptor_forget(struct model *model, uint64_t before)
{
    (void)model;
    (void)before;
}

void descriptor_free_all(struct model *model)
{
    (void)model;
}
