/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command.h"

#include <stdlib.h>
#include <string.h>

#include "../sql/nearest.h"
#include "complain.h"
#include "pager.h"
#include "watermark.h"
#include "words.h"

const struct command *const commands[] = {
    &command_ps,
    &command_tree,
    &command_why,
    &command_impact,
    &command_story,
    &command_path,
    &command_traces,
    &command_flags,
    &command_run_saved,
    &command_queries,
    &command_tail,
    &command_report,
    &command_snapshot,
    &command_pin,
    &command_unpin,
    &command_pins,
    &command_check,
    &command_salvage,
    &command_suppress,
    &command_check_rules,
    &command_rescan,
    &command_status,
    &command_schema,
    &command_explain,
    &command_watch,
    &command_help,
    &command_mode,
    &command_rows,
    &command_timer,
    &command_param,
    &command_once,
    &command_output,
    &command_read,
    &command_edit,
    &command_pager,
    &command_quit,
    NULL,
};

#define COMMAND_COUNT (sizeof commands / sizeof *commands - 1)

static bool has_alias(const struct command *command, const char *word)
{
    for (const char *const *alias = command->aliases; alias && *alias; alias++)
        if (strcmp(*alias, word) == 0)
            return true;
    return false;
}

const struct command *command_named(const char *word)
{
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, word) == 0 || has_alias(commands[i], word))
            return commands[i];
    return NULL;
}

/* The commands that begin with word, up to COMMAND_COUNT. */
static size_t find_prefix(const char *word, const struct command *found[COMMAND_COUNT])
{
    size_t count = 0;
    for (size_t i = 0; *word && commands[i]; i++)
        if (strncmp(commands[i]->name, word, strlen(word)) == 0)
            found[count++] = commands[i];
    return count;
}

const struct command *command_match(const char *word)
{
    const struct command *found[COMMAND_COUNT];
    const struct command *named = command_named(word);
    return named || find_prefix(word, found) != 1 ? named : found[0];
}

static void complain_ambiguous(const char *word, const char *dot,
                               const struct command *const *found, size_t count)
{
    char names[160] = "";
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s%s",
                 i == 0           ? ""
                 : i + 1 == count ? " or "
                                  : ", ",
                 dot, found[i]->name);
    }
    complain("'%s%s' could be %s", dot, word, names);
}

static void complain_unknown(const char *word, const char *dot)
{
    const char *names[COMMAND_COUNT + 1] = {NULL};
    for (size_t i = 0; commands[i]; i++)
        names[i] = commands[i]->name;
    const char *near = nearest(word, names);
    const char *what = *dot ? "command" : "verb";
    if (near)
        complain("unknown %s '%s%s'; did you mean %s%s?", what, dot, word, dot, near);
    else
        complain("unknown %s '%s%s'; %s lists them", what, dot, word, *dot ? ".help" : "spyq help");
}

const struct command *command_find(const char *word, const char *dot)
{
    const struct command *found[COMMAND_COUNT];
    const struct command *named = command_named(word);
    if (named)
        return named;
    size_t count = find_prefix(word, found);
    if (count == 1)
        return found[0];
    if (count > 1)
        complain_ambiguous(word, dot, found, count);
    else
        complain_unknown(word, dot);
    return NULL;
}

static enum status usage(const struct session *session, const struct command *command)
{
    complain("usage: %s%s%s%s", session->interactive ? "." : "spyq ", command->name,
             *command->arguments ? " " : "", command->arguments);
    return STATUS_USAGE;
}

static bool options_fit(const struct options *options, const struct command *command)
{
    unsigned odd = options->given & ~command->takes;
    if (odd)
        complain("--%s means nothing to %s", options_name(odd), command->name);
    else if (options->given & OPTION_AT && options->given & OPTIONS_SPAN)
        complain("--at and --since or --until exclude each other");
    else
        return true;
    return false;
}

static bool is_safe(const struct session *session, const struct command *command)
{
    bool watermark = session->options.only_new;
    if (!session->options.safe || (!command->outside && !watermark))
        return true;
    complain("--safe turns %s off", watermark ? "--new" : command->name);
    return false;
}

enum status command_run(struct session *session, const struct command *command, char **operands,
                        int count)
{
    if (!is_safe(session, command))
        return STATUS_USAGE;
    if (command->live)
        pager_begin(false);
    if (count < command->least || count > command->most)
        return usage(session, command);
    if (!options_fit(&session->options, command))
        return STATUS_USAGE;
    return command->run(session, operands);
}

/* The command's answer goes to a file of its own. */
static enum status run_into(struct session *session, const struct command *command, char **operands,
                            int count)
{
    struct output *usual = session->output;
    if (session->options.safe) {
        complain("--safe turns -o off");
        return STATUS_USAGE;
    }
    session->output = output_open(session->options.output, session->options.raw_times);
    if (!session->output) {
        session->output = usual;
        return STATUS_ERROR;
    }
    session->endless = false;
    enum status status = command_run(session, command, operands, count);
    bool whole = status == STATUS_OK || (status == STATUS_STOPPED && session->endless);
    bool written = output_close(session->output, whole);
    bool moved = watermark_settle(session, status == STATUS_OK && written) == STATUS_OK;
    if (status == STATUS_OK && (!written || !moved))
        status = STATUS_ERROR;
    session->output = usual;
    return status;
}

/* Runs a command with its own options in session->options. */
static enum status run_with_options(struct session *session, const struct command *command,
                                    char **operands, int count)
{
    if (session->options.output)
        return run_into(session, command, operands, count);
    /* One that changes the output has no answer in it. */
    bool changes = command == &command_output || command == &command_once;
    struct output *usual = changes ? NULL : session->output;
    bool before = usual && output_style(usual)->raw_times;
    if (usual)
        output_style(usual)->raw_times = session->options.raw_times;
    enum status status = command_run(session, command, operands, count);
    if (usual)
        output_style(usual)->raw_times = before;
    if (watermark_settle(session, status == STATUS_OK) != STATUS_OK && status == STATUS_OK)
        status = STATUS_ERROR;
    return status;
}

/* What a command has set for those that follow. */
static void keep_settings(struct session *session, const struct options *before,
                          const struct command *command, enum status status)
{
    const struct format *chosen = session->options.format;
    session->options = *before;
    if (command == &command_mode && status == STATUS_OK)
        session->options.format = chosen;
}

static enum status run_words(struct session *session, const char *line)
{
    struct words words;
    if (!words_split(&words, line))
        return STATUS_USAGE;
    int operands = 0;
    struct options before = session->options;
    session->options.output = NULL;
    const struct command *command = words.count ? command_find(words.at[0], ".") : NULL;
    enum status status =
        command ? options_parse(&session->options, words.count - 1, words.at + 1, true, &operands)
                : STATUS_USAGE;
    if (status == STATUS_OK)
        status = run_with_options(session, command, words.at + 1, operands);
    keep_settings(session, &before, command, status);
    words_free(&words);
    return status;
}

const struct command *command_of_line(const char *line, const char **rest)
{
    char name[32];
    size_t length = strcspn(line, " \t\n");
    snprintf(name, sizeof name, "%.*s", (int)length, line);
    *rest = line + length + strspn(line + length, " \t\n");
    return length < sizeof name ? command_match(name) : NULL;
}

enum status command_line(struct session *session, const char *line)
{
    const char *rest;
    const struct command *command = command_of_line(line, &rest);
    if (!command || !command->verbatim)
        return run_words(session, line);
    char *operand = strdup(rest);
    char *operands[] = {operand && *operand ? operand : NULL, NULL};
    enum status status = command_run(session, command, operands, operands[0] != NULL);
    free(operand);
    return status;
}

#define HELP_WIDTH 78 /* columns of a help text */
#define BRIEF_NAME 10 /* columns of a name in the list */
#define BRIEF_HALF 40 /* of a whole entry, where two share a line */

/* Two entries share a line where both are short enough. */
void command_help_all(FILE *out, const char *dot, bool prompt_too)
{
    int used = 0;
    for (size_t i = 0; commands[i]; i++) {
        const struct command *command = commands[i];
        char name[32];
        if (command->prompt_only && !prompt_too)
            continue;
        snprintf(name, sizeof name, "%s%s", dot, command->name);
        int longest = (int)strlen(name) + 1;
        int column = longest > BRIEF_NAME ? longest : BRIEF_NAME;
        int width = 2 + column + (int)strlen(command->summary);
        bool joins = used > 0 && used < BRIEF_HALF && width <= BRIEF_HALF;
        if (used)
            fprintf(out, "%*s", joins ? BRIEF_HALF - used : 0, joins ? "" : "\n");
        fprintf(out, "  %-*s%s", column, name, command->summary);
        used = joins ? 2 * BRIEF_HALF : width;
    }
    fputs(used ? "\n" : "", out);
}

/* Whether a line of a help text stands as it is: a list or an example. */
static bool is_verbatim(const char *line)
{
    return *line == ' ' || strncmp(line, "Example", 7) == 0;
}

/* Writes the words of a line behind what stands on the present one, `used` columns by now. */
static size_t print_words(FILE *out, const char *line, size_t length, size_t used)
{
    for (size_t i = 0; i < length;) {
        size_t word = strcspn(line + i, " \n");
        bool breaks = used + 1 + word > HELP_WIDTH;
        if (used)
            fputc(breaks ? '\n' : ' ', out);
        used = (used && !breaks ? used + 1 : 0) + word;
        fwrite(line + i, 1, word, out);
        i += word + 1;
    }
    return used;
}

/* Fills the lines of a help text anew, so that it fits any terminal of 80 columns. */
static void print_help(FILE *out, const char *text)
{
    size_t used = 0;
    for (size_t length; *text; text += length + (text[length] == '\n')) {
        length = strcspn(text, "\n");
        if (is_verbatim(text)) {
            fprintf(out, "%s%.*s\n", used ? "\n" : "", (int)length, text);
            used = 0;
        } else {
            used = print_words(out, text, length, used);
        }
    }
    if (used)
        fputc('\n', out);
}

void command_help_one(const struct session *session, const struct command *command)
{
    FILE *out = output_file(session->output);
    fprintf(out, "%s%s%s%s: %s\n", session->interactive ? "." : "spyq ", command->name,
            *command->arguments ? " " : "", command->arguments, command->summary);
    print_help(out, command->help);
    if (!command->aliases)
        return;
    fputs("Also called", out);
    for (const char *const *alias = command->aliases; *alias; alias++)
        fprintf(out, "%s %s", alias == command->aliases ? "" : ",", *alias);
    fputs(".\n", out);
}
