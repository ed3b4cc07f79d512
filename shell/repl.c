/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "complain.h"
#include "complete.h"
#include "greeting.h"
#include "input.h"
#include "query.h"
#include "stop.h"

/* SQL typed so far that is not complete yet. */
struct pending {
    char *sql; /* NULL: nothing */
    size_t length;
    struct origin origin; /* of its first line */
};

static void pending_clear(struct pending *pending)
{
    free(pending->sql);
    pending->sql = NULL;
    pending->length = 0;
}

static bool pending_add(struct pending *pending, const char *line)
{
    size_t length = strlen(line);
    char *grown = realloc(pending->sql, pending->length + length + 2);
    if (!grown) {
        complain("out of memory");
        return false;
    }
    memcpy(grown + pending->length, line, length);
    memcpy(grown + pending->length + length, "\n", 2);
    pending->sql = grown;
    pending->length += length + 1;
    return true;
}

static const char *skip_space(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

/*
 * The command in a line that begins no SQL, without its dot: `.ps`, `\d`, and also the bare name
 * of a command, which no SQL statement begins with. NULL: it is SQL. Free the answer.
 */
static char *take_command(const char *line)
{
    line = skip_space(line);
    bool marked = *line == '.' || *line == '\\';
    char *command = strdup(line + marked);
    if (!command)
        return NULL;
    size_t end = strlen(command);
    while (end > 0 && (isspace((unsigned char)command[end - 1]) || command[end - 1] == ';'))
        command[--end] = '\0';
    size_t name = strcspn(command, " \t\n");
    char after = command[name];
    command[name] = '\0';
    bool known = marked || command_named(command);
    command[name] = after;
    if (known)
        return command;
    free(command);
    return NULL;
}

/* A timeout is for each query where a person types them, and else for the whole run. */
static void arm(const struct session *session)
{
    if (session->interactive)
        stop_arm(session->options.timeout);
}

static enum status run_pending(struct session *session, struct pending *pending)
{
    arm(session);
    if (session->interactive) {
        char *entry = strndup(pending->sql, pending->length - 1);
        input_remember(entry ? entry : "");
        free(entry);
    }
    enum status status = query_run(session, pending->sql, &pending->origin);
    pending_clear(pending);
    return status;
}

static enum status run_command(struct session *session, const char *line, const char *command)
{
    arm(session);
    if (session->interactive)
        input_remember(line);
    return command_line(session, command);
}

static enum status take_line(struct session *session, struct pending *pending, const char *line)
{
    if (!pending->sql) {
        if (!*skip_space(line))
            return STATUS_OK;
        char *command = take_command(line);
        if (command) {
            enum status status = run_command(session, line, command);
            free(command);
            return status;
        }
    }
    if (session->interactive && !*skip_space(line))
        fputs("The SQL above goes on until a ';'. Ctrl-C drops it.\n", stdout);
    if (!pending_add(pending, line))
        return STATUS_ERROR;
    return sqlite3_complete(pending->sql) ? run_pending(session, pending) : STATUS_OK;
}

/* What the prompt is about, for the Tab key. */
struct asking {
    struct session *session;
    struct pending *pending;
};

static char **find_words(void *context, const char *line, size_t cursor, size_t *start)
{
    struct asking *asking = context;
    struct completion completion;
    const char *before = asking->pending->sql ? asking->pending->sql : "";
    complete(asking->session, before, line, cursor, &completion);
    *start = completion.start;
    return completion.words.at;
}

enum status repl_prompt(struct session *session)
{
    struct pending pending = {0};
    struct asking asking = {session, &pending};
    char *line;
    session->interactive = true;
    input_complete_with(find_words, &asking);
    input_begin();
    greeting_print(session);
    while (!session->quit) {
        enum input_result got = input_read(pending.sql ? "  ...> " : "spyq> ", &line);
        if (got == INPUT_END)
            break;
        if (got == INPUT_INTERRUPTED) {
            pending_clear(&pending);
            continue;
        }
        take_line(session, &pending, line);
        free(line);
    }
    pending_clear(&pending);
    input_complete_with(NULL, NULL);
    input_end();
    return STATUS_OK;
}

/* Takes the line end off. False, after a message: it holds a byte that SQL cannot. */
static bool check_line(char *line, ssize_t length, const struct origin *here)
{
    if (memchr(line, '\0', (size_t)length)) {
        complain("%s:%zu: a NUL byte, which no SQL has", here->file ? here->file : "stdin",
                 here->line);
        return false;
    }
    if (length > 0 && line[length - 1] == '\n')
        line[length - 1] = '\0';
    return true;
}

static enum status run_lines(struct session *session, FILE *script, struct pending *pending,
                             struct origin *here)
{
    enum status status = STATUS_OK;
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    while (status == STATUS_OK && !session->quit && (length = getline(&line, &size, script)) >= 0) {
        here->line++;
        if (!pending->sql)
            pending->origin = *here;
        status = check_line(line, length, here) ? take_line(session, pending, line) : STATUS_ERROR;
    }
    free(line);
    return status;
}

enum status repl_script(struct session *session, FILE *script, const char *name)
{
    struct pending pending = {0};
    struct origin here = {.file = name};
    enum status status = run_lines(session, script, &pending, &here);
    /* The last statement may do without its semicolon. */
    if (status == STATUS_OK && pending.sql && !session->quit)
        status = run_pending(session, &pending);
    pending_clear(&pending);
    if (status == STATUS_OK && ferror(script)) {
        complain("cannot read %s", name ? name : "the SQL");
        status = STATUS_ERROR;
    }
    return status;
}
