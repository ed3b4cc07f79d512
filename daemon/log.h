/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The recorder's log: lines on standard error, which the service manager keeps. */
#ifndef SPYQ_LOG_H
#define SPYQ_LOG_H

/* Writes one line, `spyqd: ` before it; control bytes in it are shown as \xNN. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
