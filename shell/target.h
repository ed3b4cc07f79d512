/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A TARGET, as the person wrote it, and the process that it means. */
#ifndef SPYQ_TARGET_H
#define SPYQ_TARGET_H

#include <stdint.h>

#include "session.h"

/*
 * Finds the process that a TARGET names within the session's span: by the row's id (`123`), by the
 * kernel's number (`pid:1234`, `pid:1234@03:12`), by program (`exe:curl`, `exe:/usr/bin/curl`), as
 * the first process of a container (`container:web`, by name or the beginning of its id), or as
 * the holder of a connection or listener (`conn:ID`, `10.0.0.5`, `10.0.0.5:443`, `[::1]:443`,
 * `:8080`). Where several match, takes the newest and lists the others on stderr. Returns
 * STATUS_USAGE for text that is no TARGET and STATUS_ERROR where nothing matches, after a message.
 */
enum status target_find(struct session *session, const char *text, int64_t *process_id);

#endif
