/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The forms that a TARGET can have, and reading one. What it means in a store is target.c's. */
#ifndef SPYQ_TARGET_FORM_H
#define SPYQ_TARGET_FORM_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "session.h"

enum target_by {
    BY_ID,
    BY_PID,
    BY_PROGRAM_PATH,
    BY_PROGRAM_NAME,
    BY_FILE,
    BY_CONNECTION,
    BY_ADDRESS,
    BY_ENDPOINT,
    BY_PORT,
    BY_CONTAINER,
    BY_TRACE,
    BY_FLAG,
    TARGET_WAYS,
};

/* A TARGET that has been read: how to look for it, and the values to look for. */
struct target {
    enum target_by by;
    int64_t number;
    const char *text; /* what follows the prefix, or `address`; NULL: numbers only */
    char address[INET6_ADDRSTRLEN];
    struct span span; /* the session's, narrowed by an `@` */
};

/*
 * Reads a TARGET; `target->span` must hold the session's span. Returns false after a message that
 * suggests the form that was perhaps meant.
 */
bool target_read(struct session *session, const char *text, struct target *target);

/* Writes all forms with what they mean, a line for each. */
void target_help(FILE *out);

#endif
