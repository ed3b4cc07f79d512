/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rolling: old rows make room for new ones, by age and by size, in slices of a few milliseconds.
 *
 * Rows go in the order in which they were recorded, table by table up to one mark after another, as
 * soon as what happened is over and nothing that stays needs them (retention_rules.c has the rules,
 * a row for each table). What was rolled away is one row of `losses`, class `retention`, which
 * grows with each slice: its end is the horizon before which an answer may lack something.
 *
 * Belongs to the thread that uses the store.
 */
#ifndef SPYQ_RETENTION_H
#define SPYQ_RETENTION_H

#include "store.h"

struct retention;

struct retention_options {
    int64_t age;     /* ns; 0: no limit */
    int64_t bytes;   /* of the store and its log together; 0: no limit */
    int64_t reserve; /* bytes that a file beside the store keeps free on the disk; 0: none */
    int64_t host_id; /* of this boot */
    int64_t loss_id; /* an id for a row of losses that nobody else uses */
};

struct retention_time {
    int64_t wall; /* ns since the epoch, of the rows written now */
    int64_t boot; /* ns, of a clock that nobody sets; means something within a boot only */
};

/*
 * Returns NULL on failure, with store_failure() set. From here on store_write() keeps rows from
 * naming others that were rolled away. Close it before the store.
 */
struct retention *retention_open(struct store *store, const struct retention_options *options);
void retention_close(struct retention *retention);

/*
 * Does what is due, at most one slice in one transaction. *more: there is something left to do,
 * call again soon. Call it at least once a second. After a failure, which changes nothing, *more is
 * false.
 */
enum store_status retention_step(struct retention *retention, const struct retention_time *now,
                                 bool *more);

/*
 * The disk is full: gives up the reserve, and has the next steps roll until a sixteenth of the
 * store is free for new rows, whatever the limits are. That holds until the disk has room again.
 */
void retention_squeeze(struct retention *retention);

/*
 * Whether there is room in the log for rows of so many bytes more. STORE_BUSY, with store_failure()
 * naming who is in the way where that can be told, when it would outgrow the limit because a reader
 * keeps it from being brought into the store.
 */
enum store_status retention_allow(struct retention *retention, int64_t more);

struct retention_status {
    uint64_t rows;   /* rolled away since retention_open */
    uint64_t slices; /* that took any */
    int64_t longest; /* ns that one slice took at most */
    int64_t horizon; /* ns since the epoch; INTEGER_NULL: nothing was ever rolled away */
    int64_t used;    /* bytes of the store that hold something, at the last look */
    bool beyond;     /* they are more than the limit leaves to them */
    bool starved;    /* over the limit, and nothing is left that may go */
    bool squeezed;   /* the disk was full */
    char pins[512];  /* why the user's store can not be read; empty: no trouble */
};

void retention_status(const struct retention *retention, struct retention_status *status);

#endif
