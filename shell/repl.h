/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads SQL and commands, line by line, and runs them: from a person or from a script. */
#ifndef SPYQ_REPL_H
#define SPYQ_REPL_H

#include <stdio.h>

#include "session.h"

/* The prompt: goes on after errors, until Ctrl-D or .quit. */
enum status repl_prompt(struct session *session);

/* A script: stops at the first error. name is for messages; NULL: none in them. */
enum status repl_script(struct session *session, FILE *script, const char *name);

/* A script that is at hand: SQL and commands, without a name in messages. */
enum status repl_text(struct session *session, const char *text);

#endif
