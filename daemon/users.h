/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names of users, from /etc/passwd alone: a name service could block, and asks over the network.
 */
#ifndef SPYQ_USERS_H
#define SPYQ_USERS_H

#include "source.h"

struct users;

/* Returns NULL when out of memory. */
struct users *users_new(void);
void users_free(struct users *users);

/* Hands an EVENT_USER to the sink for each uid of the record that has not been told of yet. A uid
 * without an entry is told of too, with an empty name. since: its time, or that of the record where
 * that is earlier: records of another ring that come later may be of before this one, and want the
 * name as well. */
void users_introduce(struct users *users, const struct event_header *record, uint64_t since,
                     source_sink *sink, void *context);

#endif
