/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nearest.h"

#include <string.h>

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* Insertions, deletions and substitutions that lead from one word to the other, in any case. */
static int edit_distance(const char *a, const char *b)
{
    int row[64];
    int columns = least((int)strlen(b), 62);
    for (int j = 0; j <= columns; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= columns; j++) {
            int changed = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));
            diagonal = row[j];
            row[j] = least(changed, 1 + least(row[j], row[j - 1]));
        }
    }
    return row[columns];
}

const char *nearest_within(const char *word, const char *const *candidates, int limit)
{
    const char *best = NULL;
    int best_distance = limit + 1;
    for (; *candidates; candidates++) {
        int distance = edit_distance(word, *candidates);
        if (distance < best_distance) {
            best_distance = distance;
            best = *candidates;
        }
    }
    return best;
}

const char *nearest(const char *word, const char *const *candidates)
{
    return nearest_within(word, candidates, least(3, (int)strlen(word) / 2));
}
