/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads what a person types, with line editing and a history. The only user of readline. */
#ifndef SPYQ_INPUT_H
#define SPYQ_INPUT_H

enum input_result {
    INPUT_LINE,
    INPUT_INTERRUPTED, /* Ctrl-C: the line was thrown away */
    INPUT_END,         /* Ctrl-D, a terminal that went away, or a signal that asks to leave */
};

/*
 * Sets up line editing and loads the history, which lives in spyq/history below XDG_STATE_HOME or
 * ~/.local/state and is readable by its owner only. Without a home there is none.
 */
void input_begin(void);

/* Reads a line. On INPUT_LINE *line is the caller's to free(); it may hold newlines (a paste). */
enum input_result input_read(const char *prompt, char **line);

/* Puts an entry, which may span lines, into the history and its file. */
void input_remember(const char *entry);

/* Gives the terminal back. */
void input_end(void);

#endif
