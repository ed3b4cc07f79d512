/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The commands: verbs on the command line, `.name` at the prompt. Each is one row, in its own
 * cmd_*.c; its help is made from that row.
 */
#ifndef SPYQ_COMMAND_H
#define SPYQ_COMMAND_H

#include <stdbool.h>

#include "session.h"
#include "status.h"

struct command {
    const char *name;
    const char *const *aliases; /* ended by NULL; NULL: none */
    const char *arguments;      /* as usage shows them, "" for none */
    const char *summary;        /* what it answers; up to 28 columns share a line in the list */
    const char *help;           /* the rest of its help: lines that each end in a newline */
    int least, most;            /* operands */
    unsigned takes;             /* the options for verbs that mean something to it: OPTION_* */
    bool prompt_only;
    bool
        verbatim; /* at the prompt all behind its name is one operand, quotes and all; no options */
    bool live;    /* its answer comes bit by bit, and goes to no pager */
    bool followed;   /* tail can follow it: it answers in rows, and changes nothing */
    bool own_output; /* -o names a file that it makes itself */
    bool outside;    /* reaches files or programs, or writes: off with --safe */
    bool storeless;  /* it works without a store: session->db may be NULL */
    /* operands are those of the command, ended by NULL. */
    enum status (*run)(struct session *session, char **operands);
};

extern const struct command command_ps, command_tree, command_why, command_impact, command_story,
    command_path, command_traces, command_run_saved, command_queries, command_tail, command_report,
    command_snapshot, command_pin, command_unpin, command_pins, command_check, command_salvage,
    command_status, command_schema, command_help, command_mode, command_quit, command_explain,
    command_watch, command_edit, command_once, command_output, command_pager, command_param,
    command_read, command_rows, command_timer, command_flags, command_check_rules, command_rescan,
    command_suppress;

/* All of them in the order of the help, ended by NULL. */
extern const struct command *const commands[];

/* The command of exactly this name or alias, or NULL. */
const struct command *command_named(const char *word);

/*
 * The command that a word stands for: its name, an alias, or the start of one name only. NULL
 * after a message that lists the candidates or suggests the nearest; `dot` goes before the names
 * in it ("." at the prompt, "" on the command line).
 */
const struct command *command_find(const char *word, const char *dot);

/* The same without a message. */
const struct command *command_match(const char *word);

/* Checks operands (count of them) and options against the command's row, and runs it. */
enum status command_run(struct session *session, const struct command *command, char **operands,
                        int count);

/*
 * Runs a line typed at the prompt (without its dot): splits it into words, in which quotes and
 * backslashes work as in sh, takes options out of them for this command only, and runs it.
 */
enum status command_line(struct session *session, const char *line);

/* The command that such a line is for, or NULL; *rest is what stands behind its name. */
const struct command *command_of_line(const char *line, const char **rest);

/* Writes a command's whole help. */
void command_help_one(const struct session *session, const struct command *command);

/*
 * Writes the names of all verbs, and of the commands for the prompt too, with their summaries, two
 * on a line where both are short. `dot` goes before each name.
 */
void command_help_all(FILE *out, const char *dot, bool prompt_too);

#endif
