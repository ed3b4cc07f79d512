/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs that a person at the prompt asks for: a pager, an editor, the other end of a pipe. */
#ifndef SPYQ_CHILD_H
#define SPYQ_CHILD_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct child {
    pid_t pid;
    FILE *input; /* what it reads; NULL: the terminal */
};

/*
 * Starts a command line of sh. With piped, what is written to child->input is its standard input.
 * Until child_wait() Ctrl-C is the child's alone, and a child that reads no more is no signal here
 * but a failed write. False, after a message: it could not be started.
 */
bool child_start(struct child *child, const char *command, bool piped);

/* Closes the pipe and waits for the child to end. Its exit status; 127: sh found no such program.
 */
int child_wait(struct child *child);

/* Whether the first word of a command line is a program that can be found. */
bool child_exists(const char *command);

#endif
