/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Restores time order. Records come from several CPUs through two rings; those that are held back
 * until the frontier passes them come out oldest first (by time, then in order of arrival).
 */
#ifndef SPYQ_ORDER_H
#define SPYQ_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "../bpf/event.h"

struct order;

/* What released records are handed to. The record is freed when the call returns. */
typedef void order_sink(void *context, const struct event_header *record);

/* limit: bytes held at the most; beyond it the oldest are released early. NULL: out of memory. */
struct order *order_new(size_t limit, order_sink *sink, void *context);
void order_free(struct order *order);

/* Takes a copy of a record. Returns 0, or -1 when out of memory: the record is lost. */
int order_push(struct order *order, const struct event_header *record);

/* Releases every record with a time below `frontier` (ns, boot clock). */
void order_release(struct order *order, uint64_t frontier);

/* Records that came after a later one had already been released; they went out at once. */
uint64_t order_late(const struct order *order);

#endif
