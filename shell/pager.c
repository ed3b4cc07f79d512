/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pager.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "complain.h"
#include "terminal.h"

static struct {
    FILE *stream; /* NULL: none yet, or nothing is ever paged */
    const char *command;
    bool unwanted; /* by .pager off */
    bool paged;    /* this answer may be */
    bool running;
    struct child child;
    char *held;
    size_t length, capacity;
    size_t lines, column; /* that what is held takes on the terminal */
} pager;

static const char *find_command(void)
{
    static const char *const usual[] = {"less -S -R", "more", NULL};
    const char *named = getenv("PAGER"), *term = getenv("TERM");
    if (!term || !*term || strcmp(term, "dumb") == 0)
        return NULL;
    if (named)
        return child_exists(named) ? named : NULL;
    for (const char *const *command = usual; *command; command++)
        if (child_exists(*command))
            return *command;
    return NULL;
}

static void write_terminal(const char *bytes, size_t length)
{
    fwrite(bytes, 1, length, stdout);
    fflush(stdout);
}

/* How many lines it has by now; longer ones than the terminal is wide count for several. */
static void count(const char *bytes, size_t length)
{
    size_t width = terminal_width(STDOUT_FILENO);
    for (size_t i = 0; i < length; i++) {
        bool ends = bytes[i] == '\n';
        bool begins =
            !ends && (bytes[i] & 0xc0) != 0x80; /* a character, and is not the rest of one */
        bool full = begins && pager.column == width;
        pager.column = ends ? 0 : (full ? 0 : pager.column) + begins;
        pager.lines += ends || full;
    }
}

static bool hold(const char *bytes, size_t length)
{
    if (pager.length + length > pager.capacity) {
        size_t capacity = 2 * pager.capacity + length;
        char *grown = realloc(pager.held, capacity);
        if (!grown)
            return false;
        pager.held = grown;
        pager.capacity = capacity;
    }
    memcpy(pager.held + pager.length, bytes, length);
    pager.length += length;
    count(bytes, length);
    return true;
}

/* Writes what is held to the pager or, where there is none, to the terminal. */
static void release(void)
{
    if (pager.running)
        fwrite(pager.held, 1, pager.length, pager.child.input);
    else if (pager.length > 0)
        write_terminal(pager.held, pager.length);
    pager.length = pager.lines = pager.column = 0;
}

static ssize_t on_write(void *unused, const char *bytes, size_t length)
{
    (void)unused;
    if (pager.running) {
        /* A pager that was left takes no more: nobody wants to see the rest. */
        fwrite(bytes, 1, length, pager.child.input);
    } else if (!pager.paged || !hold(bytes, length)) {
        write_terminal(bytes, length);
    } else if (pager.lines >= terminal_height(STDOUT_FILENO)) {
        pager.running = child_start(&pager.child, pager.command, true);
        pager.paged = pager.running;
        release();
    }
    return (ssize_t)length;
}

FILE *pager_stream(void)
{
    if (pager.stream || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return pager.stream;
    pager.command = find_command();
    if (!pager.command)
        return NULL;
    pager.stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = on_write});
    if (pager.stream)
        complain_after(pager_end);
    return pager.stream;
}

void pager_begin(bool paged)
{
    pager.paged = paged && !pager.unwanted;
}

void pager_end(void)
{
    if (!pager.stream)
        return;
    fflush(pager.stream);
    if (pager.running)
        child_wait(&pager.child);
    else
        release();
    pager.running = false;
}

void pager_set(bool wanted)
{
    pager.unwanted = !wanted;
}

bool pager_wanted(void)
{
    return pager.stream && !pager.unwanted;
}
