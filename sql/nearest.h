/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The word that was meant, where somebody mistyped one. */
#ifndef SPYQ_NEAREST_H
#define SPYQ_NEAREST_H

/*
 * The candidate (a list ended by NULL) that looks most like word, or NULL where none is near
 * enough to be what was meant.
 */
const char *nearest(const char *word, const char *const *candidates);

/* The same, within so many insertions, deletions and substitutions. */
const char *nearest_within(const char *word, const char *const *candidates, int limit);

#endif
