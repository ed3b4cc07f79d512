/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_private.h"

void udp_flow(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void udp_close(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void udp_bind(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void udp_snapshot(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

void udp_reconcile(struct model *model, uint64_t began)
{
    (void)model;
    (void)began;
}

void udp_forget(struct model *model, uint64_t before)
{
    (void)model;
    (void)before;
}

void udp_free_all(struct model *model)
{
    (void)model;
}
