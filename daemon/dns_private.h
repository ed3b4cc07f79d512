/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the dns*.c files share: dns.c reads messages, dns_data.c what the data of a record says. */
#ifndef SPYQ_DNS_PRIVATE_H
#define SPYQ_DNS_PRIVATE_H

#include "dns.h"

/* Types that messages themselves depend on. */
enum {
    DNS_TYPE_A = 1,
    DNS_TYPE_AAAA = 28,
    DNS_TYPE_OPT = 41,
};

/* Text that is written piece by piece. */
struct dns_out {
    char *data; /* NUL-terminated at all times */
    size_t size;
    size_t length;
    bool cut;
};

/* The fixed part of a record; its data is `length` bytes at `data` of the message. */
struct dns_record {
    uint16_t type;
    uint16_t class;
    uint32_t ttl;
    size_t data;
    uint16_t length;
};

/* ---- dns.c ---- */

void dns_put(struct dns_out *out, const char *bytes, size_t length);

/* A byte as in a master file; those of `special` stand behind a backslash, those before `first` are
 * numbers. */
void dns_put_escaped(struct dns_out *out, uint8_t byte, const char *special, uint8_t first);

/* Big-endian. */
uint16_t dns_read16(const uint8_t *bytes);
uint32_t dns_read32(const uint8_t *bytes);

/* Reads the name that begins at `at`. Returns the offset behind it, 0 where it can not be read. */
size_t dns_read_name(const struct dns_message *message, size_t at, struct dns_out *out);

/* ---- dns_data.c ---- */

/* Writes what the record's data says. Data that is not as its type says is shown as bytes. Returns
 * whether all of the text is there. */
bool dns_data_text(const struct dns_message *message, const struct dns_record *record,
                   struct dns_answer *answer);

#endif
