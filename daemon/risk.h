/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rules at work: a thread of its own that runs them over what the writer has written, and hands
 * back flags and scores as rows. It reads through a connection of its own and never makes anybody
 * wait: where it falls behind, rows are left out and counted.
 *
 * risk_written() belongs to the writer's thread, everything else to the caller's.
 */
#ifndef SPYQ_RISK_H
#define SPYQ_RISK_H

#include <stdbool.h>
#include <stdint.h>

#include "batch.h"

struct risk;

struct risk_options {
    const char *store;     /* its path */
    const char *directory; /* of the user's rules; NULL: none */
    uint32_t budget_ms;    /* that a rule may take for one batch */
    uint32_t warmup_h;     /* hours after the first run in which nothing is novel */
    int64_t since;         /* judge what is in the store from then on (ns); INTEGER_NULL: nothing */
    const int64_t *next_id; /* the lowest ids not used so far, by kind; read by risk_start() */

    /* Called in the thread when there is something to take; it must only wake the caller. */
    void (*ready)(void *context);
    void *context;
};

/* Starts the thread; the options' strings must outlive it. NULL with errno: no memory, no thread.
 */
struct risk *risk_start(const struct risk_options *options);

/* Rows that are in the store now. */
void risk_written(struct risk *risk, const struct row *rows, size_t count);

/* The rows to write next, which the caller owns; NULL: none. */
struct batch *risk_take(struct risk *risk);

/* Loads the rules again. */
void risk_reload(struct risk *risk);

/* Hands out how the rules fare, and the counts of pairs, which otherwise it does now and then. */
void risk_tell(struct risk *risk);

/* Makes the thread give back memory that it keeps for speed, when it has nothing to judge. */
void risk_relax(struct risk *risk);

/* Whether all that was written has been judged and all that came of it is in the store. */
bool risk_is_idle(struct risk *risk);

/* How many rows were not judged since the last call. */
uint64_t risk_take_missed(struct risk *risk);

/* Ends the thread, whatever it was at, and frees. NULL is allowed. */
void risk_stop(struct risk *risk);

#endif
