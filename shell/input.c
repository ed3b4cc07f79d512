/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "complain.h"
#include "private_file.h"
#include "readline_library.h"
#include "stop.h"

#define HISTORY_ENTRIES 5000

static const struct readline *const lib = &readline_library;

static input_completer *completer; /* NULL: nobody knows */
static void *completer_context;
static size_t word_start; /* of the word at the Tab key, as the completer sees it */
static char **found;      /* words that the completer has found and readline has not taken */

static char *history_path; /* NULL: no history file */

/* What the callback below leaves for input_read(). */
static char *typed;
static bool done;

static void on_line(char *line)
{
    typed = line;
    done = true;
    lib->rl_callback_handler_remove();
}

/* The file exists and only its owner can read it: it holds what an investigation looks for. */
static bool make_private(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return false;
    bool private = fchmod(file, 0600) == 0;
    close(file);
    return private;
}

static void load_history(bool file)
{
    /* Entries of several lines are only told apart when each has its timestamp. */
    *lib->history_comment_char = '#';
    *lib->history_write_timestamps = 1;
    lib->using_history();
    lib->stifle_history(HISTORY_ENTRIES);
    history_path = file ? private_path("history") : NULL;
    if (!history_path)
        return;
    if (!private_directories(history_path) || !make_private(history_path)) {
        complain("no history: cannot use %s: %s", history_path, strerror(errno));
        free(history_path);
        history_path = NULL;
        return;
    }
    lib->history_truncate_file(history_path, HISTORY_ENTRIES);
    lib->read_history(history_path);
}

/* ---- completion ---- */

void input_complete_with(input_completer *asked, void *context)
{
    completer = asked;
    completer_context = context;
}

static void drop_found(void)
{
    for (char **word = found; word && *word; word++)
        free(*word);
    free(found);
    found = NULL;
}

/* A pair of a directory's mark or the like is followed by more, all else by a space. */
static void set_append(const char *word)
{
    size_t length = strlen(word);
    *lib->rl_completion_append_character = length && strchr("(.:/=", word[length - 1]) ? '\0' : ' ';
}

/* Readline asks for one word after the other; it frees them. */
static char *next_word(const char *text, int state)
{
    static size_t next;
    (void)text;
    if (state == 0)
        next = 0;
    return found && found[next] ? found[next++] : NULL;
}

/* Which characters end words depends on the place: here the completer has said where it begins. */
static char *find_words(void)
{
    static char breaks[2] = " ";
    drop_found();
    word_start = (size_t)*lib->rl_point;
    if (completer)
        found =
            completer(completer_context, *lib->rl_line_buffer, (size_t)*lib->rl_point, &word_start);
    breaks[0] = word_start > 0 ? (*lib->rl_line_buffer)[word_start - 1] : ' ';
    return breaks;
}

static char **attempt(const char *text, int start, int end)
{
    (void)start, (void)end;
    *lib->rl_attempted_completion_over = 1; /* never names of files */
    if (!found || !found[0])
        return NULL;
    set_append(found[0]);
    char **matches = lib->rl_completion_matches(text, next_word);
    free(found);
    found = NULL;
    return matches;
}

/* Tab at the start of a line, and in a paste without brackets, is a tab. */
static int complete_or_insert(int count, int key)
{
    bool blank = (int)strspn(*lib->rl_line_buffer, " \t") >= *lib->rl_point;
    /* A second Tab shows what there is, which readline tells by its own function's name. */
    if (*lib->rl_last_func == complete_or_insert)
        *lib->rl_last_func = lib->rl_complete;
    return blank ? lib->rl_insert(count, key) : lib->rl_complete(count, key);
}

static void set_up_completion(void)
{
    *lib->rl_attempted_completion_function = attempt;
    *lib->rl_completion_word_break_hook = find_words;
    *lib->rl_completer_quote_characters = "";
    *lib->rl_sort_completion_matches = 1;
    lib->rl_add_defun("spyq-complete", complete_or_insert, '\t');
}

bool input_begin(bool file)
{
    if (!readline_load())
        return false;
    *lib->rl_readline_name = "spyq";
    *lib->rl_catch_signals = 0;
    *lib->rl_change_environment = 0;
    set_up_completion();
    /* The user's inputrc is read later and may say otherwise. */
    lib->rl_variable_bind("enable-bracketed-paste", "on");
    load_history(file);
    return true;
}

/* Throws away what was typed. */
static enum input_result interrupted(void)
{
    bool leave = stop_reason() == STOP_LEAVE;
    lib->rl_callback_sigcleanup();
    fputs(leave ? "\n" : "^C\n", *lib->rl_outstream);
    lib->rl_free_line_state();
    lib->rl_replace_line("", 0);
    lib->rl_callback_handler_remove();
    stop_arm(0);
    return leave ? INPUT_END : INPUT_INTERRUPTED;
}

enum input_result input_read(const char *prompt, char **line)
{
    done = false;
    typed = NULL;
    stop_arm(0);
    lib->rl_callback_handler_install(prompt, on_line);
    while (!done) {
        if (!stop_wait_readable(STDIN_FILENO))
            return interrupted();
        lib->rl_callback_read_char();
    }
    *line = typed;
    if (typed)
        return INPUT_LINE;
    fputc('\n', *lib->rl_outstream);
    return INPUT_END;
}

static bool is_last_entry(const char *entry)
{
    HIST_ENTRY *last = *lib->history_length > 0
                           ? lib->history_get(*lib->history_base + *lib->history_length - 1)
                           : NULL;
    return last && strcmp(last->line, entry) == 0;
}

void input_remember(const char *entry)
{
    if (!*entry || is_last_entry(entry))
        return;
    lib->add_history(entry);
    if (history_path && lib->append_history(1, history_path) != 0)
        complain("cannot write %s: %s", history_path, strerror(errno));
}

void input_end(void)
{
    free(history_path);
    history_path = NULL;
    drop_found();
    lib->clear_history();
}
