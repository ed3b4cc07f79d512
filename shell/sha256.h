/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256 (FIPS 180-4): which rows were given out already, and what a case file consists of. */
#ifndef SPYQ_SHA256_H
#define SPYQ_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32
#define SHA256_HEX   (2 * SHA256_BYTES + 1) /* with its NUL */

struct sha256 {
    uint32_t state[8];
    uint64_t length; /* bytes so far */
    unsigned char block[64];
};

void sha256_begin(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *bytes, size_t length);
void sha256_end(struct sha256 *hash, unsigned char digest[SHA256_BYTES]);

/* Writes length bytes in lower-case hex, and a NUL, to hex. */
void sha256_hex(const unsigned char *bytes, size_t length, char *hex);

#endif
