/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "redirect.h"

#include <stdlib.h>
#include <string.h>

#include "complain.h"

/* The step after .once itself is not yet the one that it is about. */
#define STEPS_OF_ONCE 2

enum status redirect_to(struct session *session, const char *where, bool once)
{
    struct redirect *redirect = &session->redirect;
    /* A path must live as long as the output does. */
    char *copy = strdup(where + strspn(where, "| "));
    bool command = *where == '|', raw = session->options.raw_times;
    struct output *opened = NULL;
    if (copy && *copy)
        opened = command ? output_open_command(copy, raw) : output_open(copy, raw);
    else
        complain(copy ? "to which command?" : "out of memory");
    if (!opened) {
        free(copy);
        return STATUS_ERROR;
    }
    redirect_end(session, true);
    *redirect = (struct redirect){
        .usual = session->output, .where = copy, .steps = once ? STEPS_OF_ONCE : 0};
    session->output = opened;
    return STATUS_OK;
}

enum status redirect_end(struct session *session, bool keep)
{
    struct redirect *redirect = &session->redirect;
    if (!redirect->usual)
        return STATUS_OK;
    struct output *ended = session->output;
    session->output = redirect->usual;
    bool written = output_close(ended, keep);
    free(redirect->where);
    *redirect = (struct redirect){0};
    return written ? STATUS_OK : STATUS_ERROR;
}

void redirect_step(struct session *session, enum status status)
{
    if (session->redirect.steps > 0 && --session->redirect.steps == 0)
        redirect_end(session, status == STATUS_OK);
}
