/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool utf8;

void terminal_locale(void)
{
    /* Only the character set: numbers and messages stay what scripts expect. */
    setlocale(LC_CTYPE, "");
    utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

bool terminal_utf8(void)
{
    return utf8;
}

size_t terminal_width(int descriptor)
{
    struct winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    const char *columns = getenv("COLUMNS");
    long width = columns ? strtol(columns, NULL, 10) : 0;
    return width > 0 && width < 10000 ? (size_t)width : 80;
}

size_t terminal_height(int descriptor)
{
    struct winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
        return size.ws_row;
    const char *lines = getenv("LINES");
    long height = lines ? strtol(lines, NULL, 10) : 0;
    return height > 0 && height < 10000 ? (size_t)height : 24;
}

bool terminal_clears(int descriptor)
{
    const char *term = getenv("TERM");
    return isatty(descriptor) && term && *term && strcmp(term, "dumb") != 0;
}

bool terminal_colour(int descriptor)
{
    const char *no_color = getenv("NO_COLOR");
    return terminal_clears(descriptor) && !(no_color && *no_color);
}
