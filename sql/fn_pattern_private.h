/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What fn_pattern.c (reading a pattern) and fn_pattern_run.c (running it) share; nobody else
 * includes this. */
#ifndef SPYQ_FN_PATTERN_PRIVATE_H
#define SPYQ_FN_PATTERN_PRIVATE_H

#include "fn_pattern.h"

enum op {
    OP_BYTE,  /* reads the byte `argument` */
    OP_SET,   /* reads a byte of set number `argument` */
    OP_JUMP,  /* goes on `argument` instructions further */
    OP_SPLIT, /* goes on both at the next instruction and `argument` further */
    OP_START, /* holds at the start of the text */
    OP_END,   /* holds at its end */
    OP_MATCH,
};

struct instruction {
    enum op op;
    int argument;
};

struct byte_set {
    uint64_t bits[4];
};

struct run;

struct pattern {
    struct instruction *program;
    int length;
    int capacity;
    struct byte_set *sets;
    int set_count;
    struct run *run;
};

static inline bool byte_set_has(const struct byte_set *set, int byte)
{
    return set->bits[byte / 64] >> byte % 64 & 1;
}

/* Makes ready to run a program that is complete. Returns -1 when out of memory. */
int pattern_run_open(struct pattern *pattern);
void pattern_run_close(struct run *run); /* NULL is allowed */

#endif
