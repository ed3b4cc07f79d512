/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Argument vectors as the kernel keeps them (NUL-terminated strings, one after the other) and the
 * forms in which the store has them. Bytes stay as they are: escaping is for display. */
#ifndef SPYQ_ARGV_H
#define SPYQ_ARGV_H

#include <stdint.h>

#include "shared.h"

/* A JSON array of strings; what JSON can not hold raw (quotes, backslashes, controls) is escaped.
 * A last string without its NUL counts as one. NULL text gives NULL. */
struct shared *argv_json(struct text argv);

/* A JSON object of the strings `NAME=value` whose name is one of `names` (NULL-terminated; NULL:
 * none is). Of several with one name the first counts, as for getenv(3). NULL where none is there.
 */
struct shared *argv_environment(struct text environment, char *const *names);

/* The strings joined by single spaces. NULL text gives NULL. */
struct shared *argv_joined(struct text argv);

/* How many strings there are. */
int64_t argv_count(struct text argv);

/* The text without the NULs at its end: a program that overwrites its arguments leaves many. */
struct text argv_trimmed(struct text argv);

#endif
