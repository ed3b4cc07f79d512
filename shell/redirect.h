/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the answers at the prompt go, when not to the terminal: .output and .once. */
#ifndef SPYQ_REDIRECT_H
#define SPYQ_REDIRECT_H

#include "session.h"

/*
 * Sends what follows to a file, as output_open() does, or to a command where it begins with `|`;
 * with once, only what the next statement or command answers. What was sent elsewhere before ends
 * there. On failure, after a message, all is as before.
 */
enum status redirect_to(struct session *session, const char *where, bool once);

/* Sends answers to where they went at first; with keep, the file is put in its place. */
enum status redirect_end(struct session *session, bool keep);

/* To be called after each statement and command, with how it ended: what .once began may end. */
void redirect_step(struct session *session, enum status status);

#endif
