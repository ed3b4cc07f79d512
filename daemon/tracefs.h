/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Classic tracepoints are known by a number that only tracefs tells. Many hosts do not mount it:
 * then it is mounted for this process alone, where nobody else sees it.
 */
#ifndef SPYQ_TRACEFS_H
#define SPYQ_TRACEFS_H

/* The id of the tracepoint `group/name`, such as "syscalls/sys_exit_connect". Returns -1 with errno
 * set where there is no such tracepoint or no tracefs to be had. */
int tracefs_event_id(const char *event);

#endif
