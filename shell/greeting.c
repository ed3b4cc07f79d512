/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "greeting.h"

#include <inttypes.h>

#include "escape.h"
#include "query.h"
#include "recorder.h"
#include "shown.h"

static void print_host(struct session *session)
{
    struct result host;
    if (query_fetch(session, &host, "SELECT hostname FROM hosts ORDER BY id DESC LIMIT 1", "") ==
            STATUS_OK &&
        host.rows > 0 && result_row(&host, 0)->type == CELL_TEXT) {
        fputs("host ", stdout);
        escape_print_cut(stdout, result_row(&host, 0)->bytes, output_style(session->output)->utf8,
                         40);
        fputs(", ", stdout);
    }
    result_free(&host);
}

static void print_since(struct session *session)
{
    int64_t since = INTEGER_NULL;
    struct shown shown;
    if (query_integer(session, &since, "SELECT min(started_at) FROM recorders", "") != STATUS_OK ||
        since == INTEGER_NULL)
        return;
    struct cell cell = cell_integer(since);
    show_cell(&shown, &cell, true, PRECISION_SECONDS);
    printf("recorded since %s, ", shown.small);
}

static void print_recorder(struct session *session)
{
    struct recorder recorder;
    if (recorder_read(session, &recorder) != STATUS_OK)
        return;
    if (recorder.writing)
        puts("The recorder is writing.");
    else
        printf("The recorder is not writing: %s.\n", recorder.why);
}

/* These have answers on every store that holds a process. */
static void print_suggestions(struct session *session)
{
    int64_t newest = INTEGER_NULL;
    if (query_integer(session, &newest, "SELECT max(id) FROM processes", "") != STATUS_OK ||
        newest == INTEGER_NULL)
        return;
    printf("Try .ps, .tree %" PRId64 " or .schema processes.\n", newest);
}

#define COUNTED_MAX 100000 /* to count more takes longer than the prompt may */

static void print_processes(struct session *session)
{
    int64_t count = 0;
    if (query_integer(session, &count,
                      "SELECT count(*) FROM (SELECT 1 FROM processes LIMIT ?1 + 1)", "i",
                      (int64_t)COUNTED_MAX) != STATUS_OK)
        return;
    if (count > COUNTED_MAX)
        printf("more than %d processes\n", COUNTED_MAX);
    else
        printf("%" PRId64 " process%s\n", count, count == 1 ? "" : "es");
}

void greeting_print(struct session *session)
{
    printf("spyq %s: ", SPYQ_VERSION);
    escape_print(stdout, cell_text(session->path).bytes, output_style(session->output)->utf8);
    putchar('\n');
    print_host(session);
    print_since(session);
    print_processes(session);
    print_recorder(session);
    puts("SQL ends with ';'. Commands begin with '.': .help lists them, .quit leaves.");
    print_suggestions(session);
    fflush(stdout);
}
