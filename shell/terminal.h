/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the terminal and the locale can do. */
#ifndef SPYQ_TERMINAL_H
#define SPYQ_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* Takes the character set from the environment. Call once, before anything else here. */
void terminal_locale(void);

/* Whether the locale's character set is UTF-8. */
bool terminal_utf8(void);

/* Columns of the terminal behind a descriptor; COLUMNS, else 80, where it does not say. */
size_t terminal_width(int descriptor);

/* Lines of it, likewise from LINES, else 24. */
size_t terminal_height(int descriptor);

/* Whether it understands what clears it: a terminal, and not a dumb one. */
bool terminal_clears(int descriptor);

/* Whether bold is wanted there: a terminal, not a dumb one, and NO_COLOR is not set. */
bool terminal_colour(int descriptor);

#endif
