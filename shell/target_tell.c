/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "target_tell.h"

#include <stdlib.h>

#include "complain.h"
#include "escape.h"
#include "shown.h"
#include "terminal.h"

#define OTHERS_SHOWN 5
#define NAME_WIDTH   40

struct text match_name(const struct cell *match)
{
    const struct cell *name = &match[MATCH_CMDLINE];
    if (name->type != CELL_TEXT || name->bytes.length == 0)
        name = &match[MATCH_COMM];
    return text_of_cell(name);
}

static void tell_match(FILE *out, const struct cell *match)
{
    struct shown started = {.text = {"?", 1}};
    struct text name = match_name(match);
    if (match[MATCH_STARTED].type == CELL_INTEGER)
        show_cell(&started, &match[MATCH_STARTED], true, PRECISION_SECONDS);
    fprintf(out, "  %lld  pid %lld  %.*s  ", (long long)match[MATCH_ID].integer,
            (long long)match[MATCH_PID].integer, (int)started.text.length, started.text.data);
    if (name.data)
        escape_print_cut(out, name, terminal_utf8(), NAME_WIDTH);
    fputc('\n', out);
}

void tell_others(const char *text, const struct result *matches)
{
    size_t others = matches->rows - 1;
    if (complain_is_quiet())
        return;
    complain("%s%zu processes match %s; took the newest, %lld. The others:",
             matches->rows == MATCH_LIMIT ? "at least " : "", matches->rows, text,
             (long long)result_row(matches, 0)->integer);
    for (size_t i = 1; i <= others && i <= OTHERS_SHOWN; i++)
        tell_match(stderr, result_row(matches, i));
    if (others > OTHERS_SHOWN)
        fprintf(stderr, "  and %zu more\n", others - OTHERS_SHOWN);
}

void tell_nothing(const struct target *target, const char *text)
{
    if (target->by == BY_ID)
        complain("there is no process with the id %s; pid:%s is a process by its pid", text, text);
    else if (target->by == BY_FILE && target->text[0] != '/')
        complain("no process in the store matches %s; paths in the store begin with '/'", text);
    else if (target->by == BY_FILE)
        complain("no process in the store matches %s: of files, those are recorded that are run, "
                 "or lie where others run or trust them",
                 text);
    else
        complain("no process in the store matches %s", text);
}

/* "connection 3, tcp to 192.0.2.7 port 443 at 2026-11-22T03:12:05Z: process 9 (pid 910) curl" */
static void compose_found(FILE *line, const struct style *style, const struct found *found)
{
    struct cell moment = cell_integer(found->at);
    struct shown at;
    if (found->what.data)
        fwrite(found->what.data, 1, found->what.length, line);
    if (found->what.data && found->at != INTEGER_NULL) {
        show_cell(&at, &moment, !style->raw_times, PRECISION_SECONDS);
        fprintf(line, " at %.*s", (int)at.text.length, at.text.data);
    }
    fprintf(line, "%sprocess %lld (pid %lld) ", found->what.data ? ": " : "",
            (long long)found->process_id, (long long)found->pid);
    if (found->name.data)
        fwrite(found->name.data, 1, found->name.length, line);
}

void tell_found(FILE *out, const struct style *style, const char *before, const struct found *found)
{
    struct text text = TEXT_NULL;
    FILE *line = open_memstream((char **)&text.data, &text.length);
    if (!line)
        return;
    fputs(before, line);
    compose_found(line, style, found);
    fclose(line);
    fputs(style->colour ? "\033[1m" : "", out);
    escape_print_cut(out, text, style->utf8, style->width ? style->width : SIZE_MAX - 1);
    fputs(style->colour ? "\033[0m\n" : "\n", out);
    free((char *)text.data);
}
