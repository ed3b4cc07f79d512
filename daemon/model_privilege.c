/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_private.h"

void privilege_change(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void privilege_exec(struct model *model, struct process *process, const struct event *event,
                    int64_t exec_id)
{
    (void)model;
    (void)process;
    (void)event;
    (void)exec_id;
}
