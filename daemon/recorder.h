/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The recorder: a source, the pipeline, the model, the writer and the store, joined. It knows what
 * to do and in which order; loop.c knows when.
 */
#ifndef SPYQ_RECORDER_H
#define SPYQ_RECORDER_H

#include "source.h"

struct recorder;

struct recorder_error {
    char message[1024]; /* one line: what, where, and what to do about it */
};

/*
 * Opens the store, then the source, so that events are kept from here on. committed: called in the
 * writer's thread after each transaction, to wake the loop. Returns NULL with *error.
 */
struct recorder *recorder_open(const struct config *config, void (*committed)(void *context),
                               void *context, struct recorder_error *error);

/* Scans what runs already. Returns 0, or -1 with *error. After this the recorder is ready. */
int recorder_scan(struct recorder *recorder, struct recorder_error *error);

/* Takes one turn at the source's records. Returns whether there may be more at once. */
bool recorder_turn(struct recorder *recorder);

/* The source will wake the descriptors at its next record. Returns how many there are. */
size_t recorder_sleep(struct recorder *recorder, int fds[EVENT_RINGS]);

/* Hands what has changed to the writer. */
void recorder_flush(struct recorder *recorder);

/* Once a second: losses, clock, heartbeat. */
void recorder_audit(struct recorder *recorder);

/* Logs when writing begins to fail and when it works again, and hands what rules have found to the
 * writer. After each transaction, and when rules have found something. */
void recorder_check_writer(struct recorder *recorder);

/* Loads the rules again. */
void recorder_reload_rules(struct recorder *recorder);

/* Whether there is nothing left to do: a replayed recording has come to its end and is in the store
 * (unlike the kernel it waits for a disk that is full, and for whoever holds a lock), or the store
 * has turned out to be damaged. */
bool recorder_ended(const struct recorder *recorder);

/*
 * Takes in what is left, writes it, closes everything and frees. Returns 0; or -1 with *error when
 * rows could not be written or a recording was cut short.
 */
int recorder_close(struct recorder *recorder, struct recorder_error *error);

#endif
