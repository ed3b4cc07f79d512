/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What has to hold in every store: its file is whole, rows name rows that are there, times are in
 * order, counts and numbering fit. Where rows were lost, or the clock was set, some of it may not
 * hold; then the store says so in `losses`, and such a finding is explained.
 */
#ifndef SPYQ_CHECKS_H
#define SPYQ_CHECKS_H

#include "session.h"

/* One thing that is wrong. */
struct finding {
    const char *explained; /* why that may be, from the store itself; NULL: it is wrong */
    char text[512];        /* one line; may hold bytes of the store */
};

typedef void finding_taker(void *context, const struct finding *finding);

/*
 * Holds the store of the session against all of it, and tells of each kind of violation once, with
 * the number of rows and the first of them. Returns STATUS_OK when all was looked at, whatever came
 * of it, else what query_fetch() does. *wrong is the number of findings that nothing explains.
 */
enum status checks_run(struct session *session, finding_taker *take, void *context, size_t *wrong);

#endif
