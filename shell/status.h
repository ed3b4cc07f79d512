/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The exit codes of spyq, a public promise. */
#ifndef SPYQ_STATUS_H
#define SPYQ_STATUS_H

enum status {
    STATUS_OK = 0,
    STATUS_ERROR = 1,   /* SQL or run-time error */
    STATUS_USAGE = 2,   /* unknown option or verb, wrong arguments */
    STATUS_STORE = 3,   /* store missing, unreadable, not ours or too new */
    STATUS_STOPPED = 4, /* interrupted or timed out */
    STATUS_ROWS = 5,    /* --fail-if-rows and there were rows */
    STATUS_STALE = 6,   /* --fail-if-stale and the recorder is not writing */
};

#endif
