/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text with several holders: a forked child has its parent's program, arguments and directory, and
 * need not have copies. Counted; NULL stands for unknown text and may be passed everywhere.
 */
#ifndef SPYQ_SHARED_H
#define SPYQ_SHARED_H

#include "../sql/rows.h"

struct shared;

/* A copy of the text with one holder, the caller. NULL for NULL text, and when out of memory: the
 * text is then unknown rather than wrong. */
struct shared *shared_new(struct text text);

/* As shared_new, of a NUL-terminated string. */
struct shared *shared_string(const char *string);

/* Room for a text of at most `room` bytes, which the caller writes and then says how long it is.
 * NULL: out of memory. */
struct shared *shared_begin(size_t room, char **data);
struct shared *shared_end(struct shared *shared, size_t length);

/* Makes the caller one more holder. Returns its argument. */
struct shared *shared_hold(struct shared *shared);

/* Lets go; the last holder frees it. */
void shared_drop(struct shared *shared);

/* Replaces what *place holds with `value`, whose hold passes to *place. */
void shared_set(struct shared **place, struct shared *value);

/* Makes *place hold that text, which is what it holds already as a rule. */
void shared_keep(struct shared **place, struct text text);

/* The text; valid as long as somebody holds it. */
struct text shared_text(const struct shared *shared);

#endif
