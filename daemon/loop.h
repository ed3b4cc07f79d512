/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When things happen. Owns every libuv handle: while records come, a tick drains them; when none
 * have come for a while the tick stops, and the kernel wakes the loop at the next one. Signals end
 * it (SIGTERM, SIGINT) or make it read the configuration again (SIGHUP).
 */
#ifndef SPYQ_LOOP_H
#define SPYQ_LOOP_H

#include "config.h"

/* Runs the recorder until a signal, or the end of a replayed recording, ends it. argv is kept for
 * SIGHUP. Prints `spyqd: ready` when every probe is attached and the scan is done. Returns the exit
 * status of the program; what went wrong has been logged. */
int loop_run(struct config *config, int argc, char **argv);

#endif
