/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "complain.h"
#include "pager.h"
#include "private_file.h"
#include "terminal.h"

struct output {
    FILE *file;
    const char *path;   /* NULL: standard output */
    char *temporary;    /* NULL: written in place */
    struct child child; /* of a command; its input is the file */
    int descriptor;     /* of the file; of standard output where a pager may stand before it */
    bool may_wait;
    struct style style;
};

static void set_style(struct output *output, bool raw_times)
{
    int descriptor = fileno(output->file);
    struct stat file;
    bool terminal = isatty(descriptor);
    output->descriptor = descriptor;
    output->style = (struct style){
        .terminal = terminal,
        .utf8 = terminal_utf8(),
        .colour = terminal_colour(descriptor),
        .raw_times = raw_times,
        .width = terminal ? terminal_width(descriptor) : 0,
    };
    output->may_wait = fstat(descriptor, &file) != 0 || !S_ISREG(file.st_mode);
}

/* A new file beside path. Nobody else may read it: what was recorded is not for everybody. */
static int open_temporary(struct output *output)
{
    if (asprintf(&output->temporary, "%s.XXXXXX", output->path) < 0) {
        output->temporary = NULL;
        return -1;
    }
    int descriptor = mkostemp(output->temporary, O_CLOEXEC);
    if (descriptor < 0) {
        free(output->temporary);
        output->temporary = NULL;
    }
    return descriptor;
}

static bool open_file(struct output *output)
{
    struct stat file;
    bool in_place = stat(output->path, &file) == 0 && !S_ISREG(file.st_mode);
    int descriptor = in_place ? open(output->path, O_WRONLY | O_CLOEXEC) : open_temporary(output);
    if (descriptor >= 0)
        output->file = fdopen(descriptor, "w");
    if (output->file)
        return true;
    complain("cannot write %s: %s", output->path, strerror(errno));
    return false;
}

struct output *output_open(const char *path, bool raw_times)
{
    struct output *output = calloc(1, sizeof *output);
    if (!output) {
        complain("out of memory");
        return NULL;
    }
    output->path = path;
    if (!path) {
        output->file = stdout;
    } else if (!open_file(output)) {
        free(output);
        return NULL;
    }
    set_style(output, raw_times);
    return output;
}

struct output *output_open_command(const char *command, bool raw_times)
{
    struct output *output = calloc(1, sizeof *output);
    if (!output || !child_start(&output->child, command, true)) {
        free(output);
        return NULL;
    }
    output->path = command;
    output->file = output->child.input;
    set_style(output, raw_times);
    return output;
}

void output_page(struct output *output)
{
    FILE *stream = output->path ? NULL : pager_stream();
    if (stream)
        output->file = stream;
}

FILE *output_file(struct output *output)
{
    return output->file;
}

struct style *output_style(struct output *output)
{
    /* The window may have changed since. */
    if (output->style.terminal)
        output->style.width = terminal_width(output->descriptor);
    return &output->style;
}

bool output_may_wait(const struct output *output)
{
    return output->may_wait;
}

int output_pipe(const struct output *output)
{
    return output->may_wait && !output->style.terminal ? fileno(output->file) : -1;
}

static bool flush(struct output *output)
{
    if (!output->path && output->file != stdout)
        pager_end();
    if (fflush(output->file) != 0 || ferror(output->file))
        return false;
    return !output->temporary || fsync(fileno(output->file)) == 0;
}

static bool put_in_place(struct output *output)
{
    if (!output->temporary)
        return true;
    if (rename(output->temporary, output->path) != 0)
        return false;
    private_sync_directory(output->path);
    return true;
}

bool output_close(struct output *output, bool keep)
{
    if (output->child.input) {
        /* A command that reads no further has what it wanted. */
        int status = child_wait(&output->child);
        if (status != 0)
            complain("'%s' ended with %d", output->path, status);
        free(output);
        return status == 0;
    }
    bool written = flush(output) && (!keep || put_in_place(output));
    if (!written)
        complain("cannot write %s: %s", output->path ? output->path : "standard output",
                 strerror(errno));
    if (output->temporary && (!keep || !written))
        unlink(output->temporary);
    if (output->path)
        fclose(output->file);
    free(output->temporary);
    free(output);
    return written;
}
