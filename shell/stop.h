/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What ends a running query before its time: Ctrl-C, a deadline, being told to go. */
#ifndef SPYQ_STOP_H
#define SPYQ_STOP_H

#include <signal.h>
#include <stdbool.h>

enum stop_reason { STOP_NONE, STOP_INTERRUPT, STOP_TIMEOUT, STOP_LEAVE };

/*
 * Takes over SIGINT (STOP_INTERRUPT), SIGTERM and SIGHUP (STOP_LEAVE). System calls that they
 * interrupt are restarted, all but poll().
 */
void stop_install(void);

/* Starts a new piece of work: forgets an interrupt, sets the deadline in seconds (0: none). */
void stop_arm(double timeout);

/* Sets the deadline anew, and forgets nothing. */
void stop_limit(double timeout);

/* Why the work in hand must end, or STOP_NONE. Cheap enough to be asked for each row. */
enum stop_reason stop_reason(void);
bool stop_requested(void);

/* stop_requested() for sqlite3_progress_handler(); the argument is not used. */
int stop_progress(void *unused);

/* The reason in words, for a message. */
const char *stop_words(enum stop_reason reason);

/* Waits for so long; false as soon as a signal asks for a stop. */
bool stop_sleep(double seconds);

/*
 * Waits so many milliseconds and returns true; returns false as soon as a stop is asked for, or the
 * other end of `pipe` (-1: none) is gone.
 */
bool stop_wait(int milliseconds, int pipe);

/*
 * Waits until descriptor can be read, and returns true; returns false as soon as a signal has
 * asked for a stop, even if it came just before the call.
 */
bool stop_wait_readable(int descriptor);

#endif
