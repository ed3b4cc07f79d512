/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file that holds the key of the redactor: 32 random bytes, for their owner only. */
#ifndef SPYQ_REDACT_KEY_H
#define SPYQ_REDACT_KEY_H

#include "redact.h"

struct redact_key_error {
    char message[512]; /* one line: the file, what is wrong, what to do about it */
};

/*
 * Reads the key from the file; makes the file, with a new key, where there is none. Returns 0, or
 * -1 with *error: no regular file, of another size, or one that others may read or write; nothing
 * is changed then.
 */
int redact_key_load(const char *path, unsigned char key[REDACT_KEY_SIZE],
                    struct redact_key_error *error);

#endif
