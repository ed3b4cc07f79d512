/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Readline, loaded when a person is at the prompt: the linker would load it, and the library of
 * terminals that it needs, at the start of each run, which takes as long as the rest of the start.
 */
#ifndef SPYQ_READLINE_LIBRARY_H
#define SPYQ_READLINE_LIBRARY_H

#include <readline/history.h>
#include <readline/readline.h>
#include <stdbool.h>

/* What is used of it: functions and variables, by readline's own names. */
#define READLINE_SYMBOLS(SYMBOL)                                                                   \
    SYMBOL(add_history)                                                                            \
    SYMBOL(append_history)                                                                         \
    SYMBOL(clear_history)                                                                          \
    SYMBOL(history_base)                                                                           \
    SYMBOL(history_comment_char)                                                                   \
    SYMBOL(history_get)                                                                            \
    SYMBOL(history_length)                                                                         \
    SYMBOL(history_truncate_file)                                                                  \
    SYMBOL(history_write_timestamps)                                                               \
    SYMBOL(read_history)                                                                           \
    SYMBOL(rl_add_defun)                                                                           \
    SYMBOL(rl_attempted_completion_function)                                                       \
    SYMBOL(rl_attempted_completion_over)                                                           \
    SYMBOL(rl_callback_handler_install)                                                            \
    SYMBOL(rl_callback_handler_remove)                                                             \
    SYMBOL(rl_callback_read_char)                                                                  \
    SYMBOL(rl_callback_sigcleanup)                                                                 \
    SYMBOL(rl_catch_signals)                                                                       \
    SYMBOL(rl_change_environment)                                                                  \
    SYMBOL(rl_complete)                                                                            \
    SYMBOL(rl_completer_quote_characters)                                                          \
    SYMBOL(rl_completion_append_character)                                                         \
    SYMBOL(rl_completion_matches)                                                                  \
    SYMBOL(rl_completion_word_break_hook)                                                          \
    SYMBOL(rl_free_line_state)                                                                     \
    SYMBOL(rl_insert)                                                                              \
    SYMBOL(rl_last_func)                                                                           \
    SYMBOL(rl_line_buffer)                                                                         \
    SYMBOL(rl_outstream)                                                                           \
    SYMBOL(rl_point)                                                                               \
    SYMBOL(rl_readline_name)                                                                       \
    SYMBOL(rl_replace_line)                                                                        \
    SYMBOL(rl_sort_completion_matches)                                                             \
    SYMBOL(rl_variable_bind)                                                                       \
    SYMBOL(stifle_history)                                                                         \
    SYMBOL(using_history)

/* Each leads to the function or variable. NULL before readline_load(). */
struct readline {
#define READLINE_MEMBER(name) __typeof__(name) *name;
    READLINE_SYMBOLS(READLINE_MEMBER)
#undef READLINE_MEMBER
};

extern struct readline readline_library;

/* Loads it, once. False, after a message: it is not there, or another than spyq was built with. */
bool readline_load(void);

#endif
