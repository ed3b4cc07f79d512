/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file of nothing beside the store, `STORE-ballast`. On a full disk even a deletion needs room in
 * the log: the ballast is given up then, so that old rows can make room for new ones.
 */
#ifndef SPYQ_BALLAST_H
#define SPYQ_BALLAST_H

#include <stdbool.h>
#include <stdint.h>

/* Makes sure that it is there with so many bytes of the disk, as long as twice that is free.
 * Returns whether it is. bytes 0 removes it. */
bool ballast_keep(const char *store, int64_t bytes);

/* Gives its bytes back to the disk. */
void ballast_drop(const char *store);

/* Bytes free for us where the store is; INT64_MAX when that can not be told. */
int64_t ballast_free(const char *store);

#endif
