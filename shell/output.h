/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where answers go: standard output, or a file that appears whole or not at all. */
#ifndef SPYQ_OUTPUT_H
#define SPYQ_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "render.h"

struct output;

/*
 * Opens standard output (path NULL) or a new file beside the one at path, which replaces it in
 * output_close(). What is not a regular file (a device, a pipe) is written to as it is. Returns
 * NULL after a message.
 */
struct output *output_open(const char *path, bool raw_times);

/* Opens the standard input of a command line of sh, likewise; it ends in output_close(). */
struct output *output_open_command(const char *command, bool raw_times);

/* What a person reads on the terminal from now on goes through the pager (see pager.h). */
void output_page(struct output *output);

/* The stream to write to, and how what is written should look. */
FILE *output_file(struct output *output);
struct style *output_style(struct output *output);

/* Whether a reader at the other end may keep us waiting: a terminal or a pipe. */
bool output_may_wait(const struct output *output);

/* The descriptor of a pipe whose reader may go away, or -1. */
int output_pipe(const struct output *output);

/*
 * Ends the output and frees it. With keep, a file is brought to the disk and put in its place;
 * without, it is removed. False after a message: not everything could be written.
 */
bool output_close(struct output *output, bool keep);

#endif
