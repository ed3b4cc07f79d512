/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A saved query and the values of its parameters, as a statement. Values are always bound. */
#ifndef SPYQ_SAVED_BIND_H
#define SPYQ_SAVED_BIND_H

#include <stdint.h>

#include "saved.h"
#include "session.h"

/* What a run knows beyond the options. INTEGER_NULL: nothing. */
struct saved_since {
    int64_t since; /* for :since, instead of what the options say */
    int64_t after; /* for :after */
};

/*
 * Prepares the query and binds --param, --since, --until and the defaults. After a failure a
 * message has been written that names the file and line, or the parameter; otherwise the statement
 * is the caller's to finalize.
 */
enum status saved_prepare(struct session *session, const struct saved *saved,
                          const struct saved_since *since, sqlite3_stmt **statement);

/* The value of --param for a parameter, or NULL where it was not given. */
const char *saved_given(const struct options *options, const char *name);

#endif
