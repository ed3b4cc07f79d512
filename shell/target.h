/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A TARGET, as the person wrote it, and the process that it means. */
#ifndef SPYQ_TARGET_H
#define SPYQ_TARGET_H

#include <stdint.h>

#include "result.h"
#include "session.h"

/* What a TARGET means in this store. The texts are as recorded, and live until found_free(). */
struct found {
    int64_t process_id;
    int64_t pid;
    int64_t at;       /* the moment in question, as ns; INTEGER_NULL: the process' whole life */
    int64_t since;    /* the same for what came of it: a file was written from then until `at` */
    struct text what; /* the file, connection, ... that led to the process; TEXT_NULL: none */
    struct text name; /* of the process: its command line, else its short name; may be TEXT_NULL */
    struct result result;
};

/*
 * Finds the process that a TARGET names within the session's span; `help targets` lists the forms.
 * Where several match, takes the newest and lists the others on stderr. Returns STATUS_USAGE for
 * text that is no TARGET and STATUS_ERROR where nothing matches, after a message. Free *found in
 * any case.
 */
enum status target_find(struct session *session, const char *text, struct found *found);
void found_free(struct found *found);

#endif
