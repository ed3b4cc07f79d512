/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Takes secrets out of records before anything of them is written: password-like arguments and
 * environment values become `[redacted:` and 16 hexadecimal digits of a keyed hash and `]`. Equal
 * secrets give equal texts, so that they still join; without the key nobody can try passwords.
 * What is taken for a secret is documented in spyqd.conf(5). Every step takes time in proportion to
 * the text. Pure: no I/O, no clock.
 */
#ifndef SPYQ_REDACT_H
#define SPYQ_REDACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../bpf/event.h"
#include "../sql/rows.h"

#define REDACT_KEY_SIZE 32

/* The names whose values are secrets: letters in any case, `_`, `-` and `.` alike, `*` at either
 * end for anything. The same list for arguments and for the environment. */
extern const char redact_default_names[];

struct redactor;

/* What the configuration adds to the default names (`name`) or takes away (`-name`), for arguments
 * and for the environment: NULL-terminated lists, or NULL. The key is copied. NULL: out of memory.
 */
struct redactor *redactor_new(char *const *arguments, char *const *environment,
                              const unsigned char key[REDACT_KEY_SIZE]);
void redactor_free(struct redactor *redactor);

/*
 * Returns the record itself where it holds no secret (or is none that decode() takes), else one
 * without them, which belongs to the redactor until the next call. `argv_length` stays what it was.
 * What outgrows a record is cut, and flagged so.
 */
const struct event_header *redact_record(struct redactor *redactor,
                                         const struct event_header *record, size_t size);

/*
 * The texts behind a record: NUL-terminated strings, one after the other; the last may lack its
 * NUL. Returns the text itself where nothing is secret, else one of at most `room` bytes (no more
 * than EVENT_RECORD_MAX) that belongs to the redactor until the next call; *cut says that it did
 * not fit.
 */
struct text redact_arguments(struct redactor *redactor, struct text argv, size_t room, bool *cut);
struct text redact_environment(struct redactor *redactor, struct text environment, size_t room,
                               bool *cut);

/* How many secrets have been replaced so far. */
uint64_t redactor_count(const struct redactor *redactor);

/* Whether the configuration may say this: NULL, or what is wrong with the name. */
const char *redact_check_name(const char *name, size_t length);

#endif
