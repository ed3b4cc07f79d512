/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_private.h"

void dns_packet(struct model *model, const struct event *event)
{
    (void)model;
    (void)event;
}

struct shared *dns_name_for(const struct model *model, const struct process *process,
                            uint16_t family, const uint8_t address[16])
{
    (void)model;
    (void)process;
    (void)family;
    (void)address;
    return NULL;
}

void dns_forget(struct model *model, uint64_t before)
{
    (void)model;
    (void)before;
}

void dns_free_all(struct model *model)
{
    (void)model;
}
