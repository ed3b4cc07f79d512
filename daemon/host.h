/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who this host is: the EVENT_HOST record, from uname(2), /etc and /proc. */
#ifndef SPYQ_HOST_H
#define SPYQ_HOST_H

#include "record.h"

/* Fills *record and returns it. What can not be read stays empty. */
const struct event_header *host_describe(struct record *record);

#endif
