/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads DNS messages (RFC 1035) that anybody may have sent: pure, allocates nothing, never reads
 * beyond the bytes it was given. A message that was cut, or whose counts lie, is read as far as it
 * goes.
 *
 * All text is printable ASCII: bytes of names and strings that are not, or that mean something in a
 * master file, are escaped as there (`\.`, `\032`). Names have no dot at their end; the root is
 * `.`.
 */
#ifndef SPYQ_DNS_H
#define SPYQ_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any name: 255 bytes, each perhaps escaped, and a NUL. */
#define DNS_NAME_SIZE 1024
/* Room for the text of one record, NUL included. Longer text is cut. */
#define DNS_DATA_SIZE 4096
/* Room for the name of a type or response code. */
#define DNS_CODE_SIZE 16

#define DNS_OPCODE_QUERY 0

/* A message that is being read, from its head on: first the questions, then the answers. */
struct dns_message {
    const uint8_t *bytes; /* the caller's */
    size_t length;
    size_t at;
    uint16_t id;
    uint16_t rcode; /* of a response; the upper bits, if any, are those of EDNS (RFC 6891) */
    uint8_t opcode;
    bool response;
    bool incomplete;    /* not all there is could be read: cut, damaged, or said to be truncated */
    uint16_t questions; /* to come, as the header says */
    uint16_t answers;
};

struct dns_question {
    char name[DNS_NAME_SIZE];
    uint16_t type;
    uint16_t class;
};

struct dns_answer {
    uint16_t type;
    uint16_t class;
    uint16_t family; /* AF_INET or AF_INET6 of an A or AAAA record, after mapping; else 0 */
    uint8_t address[16];
    char text[DNS_DATA_SIZE]; /* what dig +short prints, but for the dots at the end of names */
};

/* Starts to read the bytes as a message. Returns false where they are too few for its header. */
bool dns_open(struct dns_message *message, const void *bytes, size_t length);

/* Reads the next question. Returns false when there is none (left), or it can not be read. */
bool dns_next_question(struct dns_message *message, struct dns_question *question);

/* Reads the next record of the answer section, in the message's order; passes over the questions
 * that were not read. Returns false as above. */
bool dns_next_answer(struct dns_message *message, struct dns_answer *answer);

/* The name of a type ("AAAA", "TYPE731") or response code ("NXDOMAIN", "RCODE27"): a constant, or
 * written into `text`. */
const char *dns_type(uint16_t type, char text[DNS_CODE_SIZE]);
const char *dns_rcode(uint16_t rcode, char text[DNS_CODE_SIZE]);

#endif
