/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hashes of texts that others choose, for tables in memory. They are not for keeping. */
#ifndef SPYQ_TEXT_HASH_H
#define SPYQ_TEXT_HASH_H

#include <stddef.h>
#include <stdint.h>

/* To begin with: nobody can choose texts that meet in a bucket. `where` stands in for it while the
 * kernel has no random numbers yet. */
uint64_t text_hash_seed(const void *where);

/* The hash so far, and a word more, or so many bytes. The low 16 bits are the worst. */
uint64_t text_hash_word(uint64_t hash, uint64_t word);
uint64_t text_hash_bytes(uint64_t hash, const void *bytes, size_t length);

#endif
