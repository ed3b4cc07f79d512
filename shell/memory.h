/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where SQLite gets its memory. */
#ifndef SPYQ_MEMORY_H
#define SPYQ_MEMORY_H

/*
 * From here on SQLite's memory is kept by size and is bounded: what goes past the bound fails, and
 * with it the statement. To be called once, before anything else of SQLite, and only in a program
 * with one thread.
 */
void memory_install(void);

#endif
