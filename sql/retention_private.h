/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the retention*.c files share; nobody else includes this. retention.c decides when and how
 * far, retention_marks.c keeps the marks, retention_rules.c knows what may go, retention_loss.c
 * writes down what went, retention_pins.c reads the pins, retention_admit.c looks at what is
 * written.
 */
#ifndef SPYQ_RETENTION_PRIVATE_H
#define SPYQ_RETENTION_PRIVATE_H

#include "retention.h"
#include "store_private.h"

#include <sys/stat.h>

/* ---- marks ---- */

struct mark {
    int64_t id; /* 0: none */
    int64_t host_id, at, boottime;
    int64_t last_id[ROW_KIND_COUNT];
};

/* The newest mark that rolling has begun for, or one of zeros. */
enum store_status mark_horizon(struct store *store, struct mark *mark);
/* The first one above id, or one of zeros; the newest of all. */
enum store_status mark_after(struct store *store, int64_t id, struct mark *mark);
enum store_status mark_newest(struct store *store, struct mark *mark);
/* Inside a transaction: adds one for the ids as they are and sets its id; takes one for the horizon
 * and forgets those before it. */
enum store_status mark_add(struct store *store, struct mark *mark);
enum store_status mark_begin(struct store *store, const struct mark *mark);

/* ---- rules ---- */

#define RULES_MAX        24
#define RULE_DELETES_MAX 5

/* Rows that a rule looks at before any of them goes: it finds again what the time is too short for.
 */
#define RULE_ROWS_MAX ((size_t)2 * STORE_FEED_ROWS)

struct rules; /* the prepared statements of all rules */

/* What was rolled away, by kind. */
struct rolled {
    int64_t count[ROW_KIND_COUNT];
};

struct rules *rules_prepare(struct store *store); /* NULL: store_failure() is set */
void rules_finalize(struct rules *rules);
size_t rules_count(void);
enum row_kind rules_kind(size_t rule);

/* Up to where rows may go. */
struct horizon {
    const struct mark *mark;
    int64_t now; /* ns since the epoch */
    bool pins;   /* whether any trace is pinned */
};

/*
 * Inside a transaction: looks at up to `most` rows of the rule's table, which is RULE_ROWS_MAX or
 * less, behind *cursor, up to the horizon, and rolls away what may go, until the monotonic clock
 * (ns) has come to `until`. Moves *cursor; *done once there are none behind it.
 */
enum store_status rules_apply(struct rules *rules, size_t rule, const struct horizon *horizon,
                              size_t most, int64_t until, int64_t *cursor, bool *done,
                              struct rolled *rolled);

/* ---- the row of losses ---- */

struct retention_loss {
    int64_t id, started_at, ended_at;
    struct rolled total;
};

/* What earlier runs rolled away, or a row that is to be made under that id. */
enum store_status loss_read(struct store *store, int64_t id, struct retention_loss *loss);
/* Inside a transaction: adds and writes. */
enum store_status loss_write(struct store *store, struct retention_loss *loss,
                             const struct rolled *rolled, int64_t horizon);

/* ---- pins ---- */

struct pins {
    struct stat seen; /* of the user's store when it was last read; st_ino 0: there was none */
    bool any;         /* some trace is pinned */
    char trouble[512];
};

enum store_status pins_prepare(struct store *store);
/* Reads the user's store if it has changed, and sets traces.pinned. What is wrong with that file is
 * in `trouble`; then the pins stay as they were. */
enum store_status pins_refresh(struct store *store, struct pins *pins);

/* ---- rows that are written ---- */

#define ADMIT_KNOWN 64

struct admission {
    sqlite3_stmt *exists[ROW_KIND_COUNT];
    int64_t known[ROW_KIND_COUNT][ADMIT_KNOWN]; /* rows that are there, by the low bits of the id */
    const struct mark *horizon;
    struct rolled refused; /* rows that could not be written, to be counted */
};

int admission_prepare(struct admission *admission, struct store *store, const struct mark *horizon);
void admission_finalize(struct admission *admission);
/* Rows of some kinds have been rolled away. */
void admission_forget(struct admission *admission, const struct rolled *rolled);

struct retention {
    struct store *store;
    struct retention_options options;
    struct retention_loss loss;
    struct mark horizon; /* what is rolled up to */
    struct mark newest;  /* the last one made */
    struct rules *rules;
    struct pins pins;
    struct admission admission;

    bool sweeping;             /* up to the horizon */
    size_t rule;               /* which is at work */
    int64_t cursor[RULES_MAX]; /* how far each has come */
    unsigned since_full;       /* marks since every table was looked through from its begin */
    uint64_t tidied;           /* rows that had been rolled when texts were last tidied up */
    size_t turn;               /* what was done last: in `works` of retention.c */
    size_t batch;              /* rows to look at in one slice */

    sqlite3_stmt *sizes;
    int64_t page_size, pages, free_pages, log_bytes; /* at the last look */
    int64_t looked_at;                               /* boot time */
    int64_t wall;                                    /* of the step at work */
    int64_t squeeze; /* bytes to stay below since the disk was full; 0: it is not */
    struct retention_status status;
};

#endif
