/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SQL written in the person's own editor. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "command.h"
#include "complain.h"

#define EDITED_MOST ((long)1 << 20)

static const char *find_editor(void)
{
    static const char *const usual[] = {"editor", "vi", "nano", NULL};
    static const char *const names[] = {"VISUAL", "EDITOR", NULL};
    for (const char *const *name = names; *name; name++) {
        const char *named = getenv(*name);
        if (named && *named)
            return named;
    }
    for (const char *const *editor = usual; *editor; editor++)
        if (child_exists(*editor))
            return *editor;
    return NULL;
}

/* A file that only its owner can read, with the text in it. Its name is to be freed. */
static char *write_file(const char *text)
{
    const char *directory = getenv("TMPDIR");
    char *name = NULL;
    if (asprintf(&name, "%s/spyq-XXXXXX.sql", directory && *directory ? directory : "/tmp") < 0)
        return NULL;
    int descriptor = mkstemps(name, 4);
    FILE *file = descriptor >= 0 ? fdopen(descriptor, "w") : NULL;
    if (file && fputs(text, file) >= 0 && fputc('\n', file) != EOF && fclose(file) == 0)
        return name;
    complain("cannot write %s: %s", name, strerror(errno));
    free(name);
    return NULL;
}

static char *read_file(const char *name)
{
    FILE *file = fopen(name, "re");
    char *text = NULL;
    size_t size = 0;
    ssize_t length = file ? getdelim(&text, &size, '\0', file) : -1;
    if (file)
        fclose(file);
    if (length < 0 || length > EDITED_MOST) {
        complain(length < 0 ? "nothing was written" : "more than 1 MiB was written");
        free(text);
        return NULL;
    }
    while (length > 0 && strchr(" \t\n", text[length - 1]))
        text[--length] = '\0';
    return text;
}

/* The command line: the editor, which may have arguments, and the file, whose name needs no quotes.
 */
static bool run_editor(const char *editor, const char *name)
{
    struct child child;
    char *command = NULL;
    if (asprintf(&command, "exec %s '%s'", editor, name) < 0)
        return false;
    bool started = child_start(&child, command, false);
    int status = started ? child_wait(&child) : -1;
    if (started && status != 0)
        complain("'%s' ended with %d: nothing is run", editor, status);
    free(command);
    return status == 0;
}

static enum status edit_run(struct session *session, char **operands)
{
    const char *editor = find_editor();
    const char *text = operands[0] ? operands[0] : session->last ? session->last : "";
    if (!editor) {
        complain("there is no editor: set EDITOR");
        return STATUS_ERROR;
    }
    char *name = write_file(text);
    if (!name)
        return STATUS_ERROR;
    free(session->edited);
    session->edited = run_editor(editor, name) ? read_file(name) : NULL;
    unlink(name);
    free(name);
    return session->edited ? STATUS_OK : STATUS_ERROR;
}

static const char *const aliases[] = {"e", NULL};

const struct command command_edit = {
    .name = "edit",
    .outside = true,
    .aliases = aliases,
    .arguments = "[SQL]",
    .summary = "write SQL in $EDITOR",
    .help =
        "Opens $VISUAL, or $EDITOR, on the SQL that is being typed, or the last statement. What\n"
        "is saved is run if it is complete, and goes on at the prompt if it is not. Also in the\n"
        "middle of a statement, as \\e.\n"
        "Example:  .edit\n",
    .most = 1,
    .verbatim = true,
    .prompt_only = true,
    .run = edit_run,
};
