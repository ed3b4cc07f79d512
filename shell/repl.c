/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repl.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../sql/nearest.h"
#include "command.h"
#include "complain.h"
#include "complete.h"
#include "escape.h"
#include "greeting.h"
#include "input.h"
#include "pager.h"
#include "query.h"
#include "redirect.h"
#include "stop.h"
#include "terminal.h"
#include "token.h"

#define PROMPT      "spyq> "
#define PROMPT_MORE "  ...> "
#define SHOWN_ROWS  1000 /* that a person sees of an answer, unless they ask for more */

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

static bool begins_sql(const char *word)
{
    for (const char *const *sql = statement_words; *sql; sql++)
        if (strcasecmp(word, *sql) == 0)
            return true;
    return false;
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
    /* EXPLAIN without a mark is SQL's own. */
    bool known = marked || (command_named(command) && !begins_sql(command));
    command[name] = after;
    if (known)
        return command;
    free(command);
    return NULL;
}

/* What ends SQL: sqlite3_complete() knows semicolons; \g is one, and so is \G, which asks for
 * lines. */
enum ending { ENDING_NONE, ENDING_SEMICOLON, ENDING_LINES };

/* A \g or \G at the end becomes a semicolon. */
static enum ending find_ending(struct pending *pending)
{
    const char *end = pending->sql + pending->length;
    struct token last = {.start = pending->sql}, before = last;
    for (struct token token = token_next(pending->sql, end);
         token.kind != TOKEN_END && token.kind != TOKEN_COMMENT;
         token = token_next(token.start + token.length, end)) {
        before = last;
        last = token;
    }
    if (token_mark(&before, '\\') && token_is(&last, "g")) {
        size_t at = (size_t)(before.start - pending->sql);
        enum ending ending = *last.start == 'G' ? ENDING_LINES : ENDING_SEMICOLON;
        memcpy(pending->sql + at, ";\n", 3);
        pending->length = at + 2;
        return ending;
    }
    return sqlite3_complete(pending->sql) ? ENDING_SEMICOLON : ENDING_NONE;
}

/* A timeout is for each query where a person types them, and else for the whole run. */
static void arm(const struct session *session)
{
    if (session->interactive)
        stop_arm(session->options.timeout);
}

/* In the history it ends as it was typed; what asks the last SQL again wants a semicolon. */
static void remember(struct session *session, const struct pending *pending, enum ending ending)
{
    char *entry = NULL, *last = strndup(pending->sql, pending->length - 1);
    size_t length = last ? strlen(last) : 0;
    if (!last)
        return;
    if (ending == ENDING_LINES && asprintf(&entry, "%.*s\\G", (int)length - 1, last) < 0)
        entry = NULL;
    input_remember(entry ? entry : last);
    free(entry);
    free(session->last);
    session->last = last;
}

static enum status run_pending(struct session *session, struct pending *pending, enum ending ending)
{
    arm(session);
    if (session->interactive)
        remember(session, pending, ending);
    enum status status = query_run(session, pending->sql, &pending->origin);
    pending_clear(pending);
    redirect_step(session, status);
    return status;
}

static enum status run_command(struct session *session, const char *line, const char *command)
{
    arm(session);
    if (session->interactive)
        input_remember(line);
    enum status status = command_line(session, command);
    redirect_step(session, status);
    return status;
}

/*
 * Whether a line that a person types begins neither SQL nor a command: waiting for its semicolon
 * would help nobody. Says so.
 */
static bool is_neither(const char *line)
{
    const char *end = line + strlen(line), *words[128] = {NULL};
    struct token token = token_next(line, end);
    char word[48];
    size_t count = 0;
    if (token.kind != TOKEN_WORD)
        return false;
    for (const char *const *sql = statement_words; *sql; sql++) {
        if (token_is(&token, *sql))
            return false;
        words[count++] = *sql;
    }
    for (size_t i = 0; commands[i] && count < 127; i++)
        words[count++] = commands[i]->name;
    token_name(&token, word, sizeof word);
    const char *near = nearest_within(word, words, token.length < 4 ? 1 : 2);
    complain("'%s' begins no SQL and is no command; %s%s%s", word, near ? "did you mean " : "",
             near ? near : ".help lists them", near ? "?" : "");
    return true;
}

/* \e, .edit: the SQL so far goes into the editor, and comes back as session->edited. */
static bool is_edit(const char *line)
{
    const char *rest;
    line = skip_space(line);
    if (*line != '.' && *line != '\\')
        return false;
    return command_of_line(line + 1, &rest) == &command_edit && !*rest;
}

static enum status edit_pending(struct session *session, struct pending *pending)
{
    char *operands[] = {pending->sql, NULL};
    enum status status = command_run(session, &command_edit, operands, 1);
    if (status == STATUS_OK)
        pending_clear(pending);
    return status;
}

/* SQL that lacks its semicolon swallows no command that a person types. */
static bool is_misplaced(const char *line)
{
    const char *rest;
    line = skip_space(line);
    if (*line != '.' || !command_of_line(line + 1, &rest))
        return false;
    fputs("The SQL above has not ended: ';' ends it, Ctrl-C drops it.\n", stdout);
    return true;
}

static enum status take_line(struct session *session, struct pending *pending, const char *line)
{
    if (pending->sql && session->interactive && is_edit(line))
        return edit_pending(session, pending);
    if (pending->sql && session->interactive && is_misplaced(line))
        return STATUS_USAGE;
    if (!pending->sql) {
        if (!*skip_space(line))
            return STATUS_OK;
        if (session->interactive && *skip_space(line) == ';' && !skip_space(line)[1])
            return STATUS_OK;
        char *command = take_command(line);
        if (command) {
            enum status status = run_command(session, line, command);
            free(command);
            return status;
        }
        if (session->interactive && is_neither(line))
            return STATUS_USAGE;
    }
    if (session->interactive && !*skip_space(line))
        fputs("The SQL above goes on until a ';'. Ctrl-C drops it.\n", stdout);
    if (!pending_add(pending, line))
        return STATUS_ERROR;
    enum ending ending = find_ending(pending);
    if (ending == ENDING_NONE)
        return STATUS_OK;
    const struct format *usual = session->options.format;
    if (ending == ENDING_LINES)
        session->options.format = &format_line;
    enum status status = run_pending(session, pending, ending);
    session->options.format = usual;
    return status;
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

/* What comes from the editor is shown as if it had been typed. */
static void show_edited(const char *text)
{
    bool utf8 = terminal_utf8();
    const char *prompt = PROMPT;
    for (size_t length; *text; text += length + (text[length] == '\n')) {
        length = strcspn(text, "\n");
        fputs(prompt, stdout);
        escape_print(stdout, (struct text){text, length}, utf8);
        fputc('\n', stdout);
        prompt = PROMPT_MORE;
    }
    fflush(stdout);
}

/* The next line, from the editor or the keyboard; to be freed. */
static enum input_result next_line(struct session *session, const struct pending *pending,
                                   char **line)
{
    if (!session->edited)
        return input_read(pending->sql ? PROMPT_MORE : PROMPT, line);
    *line = session->edited;
    session->edited = NULL;
    show_edited(*line);
    return INPUT_LINE;
}

static void prompt_loop(struct session *session, struct pending *pending)
{
    char *line;
    while (!session->quit) {
        enum input_result got = next_line(session, pending, &line);
        if (got == INPUT_END)
            break;
        if (got == INPUT_INTERRUPTED) {
            pending_clear(pending);
            continue;
        }
        pager_begin(true);
        take_line(session, pending, line);
        pager_end();
        free(line);
    }
}

enum status repl_prompt(struct session *session)
{
    struct pending pending = {0};
    struct asking asking = {session, &pending};
    session->interactive = true;
    session->shown = SHOWN_ROWS;
    if (!input_begin(!session->options.safe))
        return STATUS_ERROR;
    input_complete_with(find_words, &asking);
    greeting_print(session);
    prompt_loop(session, &pending);
    pending_clear(&pending);
    redirect_end(session, true);
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
        status = run_pending(session, &pending, ENDING_SEMICOLON);
    pending_clear(&pending);
    if (status == STATUS_OK && ferror(script)) {
        complain("cannot read %s", name ? name : "the SQL");
        status = STATUS_ERROR;
    }
    return status;
}

enum status repl_text(struct session *session, const char *text)
{
    FILE *script = fmemopen((char *)text, strlen(text), "r");
    if (!script) {
        complain("cannot read the SQL: %s", strerror(errno));
        return STATUS_ERROR;
    }
    enum status status = repl_script(session, script, NULL);
    fclose(script);
    return status;
}
