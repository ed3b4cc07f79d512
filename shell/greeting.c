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

void greeting_print(struct session *session)
{
    int64_t processes = 0;
    printf("spyq %s: ", SPYQ_VERSION);
    escape_print(stdout, cell_text(session->path).bytes, output_style(session->output)->utf8);
    putchar('\n');
    print_host(session);
    print_since(session);
    if (query_integer(session, &processes, "SELECT count(*) FROM processes", "") == STATUS_OK)
        printf("%" PRId64 " process%s\n", processes, processes == 1 ? "" : "es");
    print_recorder(session);
    puts("SQL ends with ';'. Commands begin with '.': .help lists them, .quit leaves.");
    print_suggestions(session);
    fflush(stdout);
}
