/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Places: files that others will run or trust, and which are therefore watched whoever writes them.
 * A place is `name:pattern`, a pattern one of glob(7) that an absolute path is held against; `*`
 * and `?` do not stand for a slash.
 */
#ifndef SPYQ_PLACES_H
#define SPYQ_PLACES_H

#include "../sql/rows.h"

/* Those that are watched by default, separated by blanks. */
extern const char places_default[];

/* Returns NULL, or in which form a place must be. */
const char *place_check(const char *place, size_t length);

/* The name of the first place that a path is in, as long as the places are; NULL text: none, or no
 * path. places: NULL-terminated, each as place_check wants it; NULL: none. */
struct text place_of(char *const *places, struct text path);

#endif
