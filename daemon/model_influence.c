/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_private.h"

void influence_ptrace(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void influence_inject(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void influence_signal(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}
