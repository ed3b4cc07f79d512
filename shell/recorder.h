/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the recorder that writes a store is at work. */
#ifndef SPYQ_RECORDER_H
#define SPYQ_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "session.h"

/* The newest run of the recorder. What is unknown is INTEGER_NULL. */
struct recorder {
    int64_t id; /* INTEGER_NULL: it never ran */
    int64_t pid;
    int64_t started_at;
    int64_t last_seen_at;
    int64_t ended_at;
    bool writing;
    const char *why; /* where it is not writing: in words; static */
};

/*
 * Reads the newest run. It is writing when it has not ended, gave a sign of life in the last 10 s,
 * and, on the boot that the store is of, its process exists.
 */
enum status recorder_read(struct session *session, struct recorder *recorder);

/* Tells a person, on stderr, that an answer about now is as old as the recorder's last sign. */
void recorder_warn_if_stale(struct session *session);

#endif
