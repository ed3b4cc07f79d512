/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads what a person types, with line editing and a history. The only user of readline_library.h.
 */
#ifndef SPYQ_INPUT_H
#define SPYQ_INPUT_H

#include <stdbool.h>
#include <stddef.h>

enum input_result {
    INPUT_LINE,
    INPUT_INTERRUPTED, /* Ctrl-C: the line was thrown away */
    INPUT_END,         /* Ctrl-D, a terminal that went away, or a signal that asks to leave */
};

/*
 * Finds what may stand at byte `cursor` of the line that is being typed; *start is where the word
 * begins. Returns words that all begin as what is typed, ended by NULL and each to be freed like
 * the list itself, or NULL where there are none.
 */
typedef char **input_completer(void *context, const char *line, size_t cursor, size_t *start);

/* Who is asked at the Tab key. */
void input_complete_with(input_completer *completer, void *context);

/*
 * Sets up line editing and loads the history, which lives in spyq/history below XDG_STATE_HOME or
 * ~/.local/state and is readable by its owner only. Without a home there is none, and without
 * `file` it is forgotten at the end. False, after a message: there is no line editing.
 */
bool input_begin(bool file);

/* Reads a line. On INPUT_LINE *line is the caller's to free(); it may hold newlines (a paste). */
enum input_result input_read(const char *prompt, char **line);

/* Puts an entry, which may span lines, into the history and its file. */
void input_remember(const char *entry);

/* Gives the terminal back. */
void input_end(void);

#endif
