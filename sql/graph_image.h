/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The graph of a store as it was in one transaction: compressed adjacency, in both directions. */
#ifndef SPYQ_GRAPH_IMAGE_H
#define SPYQ_GRAPH_IMAGE_H

#include <sqlite3.h>

#include "graph.h"

/* Larger images are not made. While it is being made an image takes about twice its size. */
#define GRAPH_IMAGE_BYTES_MAX (512ll << 20)

struct graph_image;

/* How many rows there are to be read, about; -1: the store is empty or too large, or it failed. */
int64_t graph_image_rows(sqlite3 *db);

/* Reads the store that db has open. Returns one of SQLite's codes; *image is NULL unless it is
 * SQLITE_OK. The caller frees it. */
int graph_image_make(sqlite3 *db, struct graph_image **image);
void graph_image_free(struct graph_image *image);

/*
 * From now on the image lacks a process; a process whose row was written, and who had forked it;
 * the two at the ends of an edge, as the image has it, whose row was written. Whose row is new, or
 * leads to others now, is for the caller to find: the image knows only what was.
 */
void graph_image_lose(struct graph_image *image, int64_t process_id);
void graph_image_lose_process(struct graph_image *image, int64_t process_id);
void graph_image_lose_edge(struct graph_image *image, int64_t edge_id);

/* What the image says is to be had from the store instead: it has changed there, or is new. */
bool graph_image_lacks(const struct graph_image *image, int64_t process_id);

/* As those of struct graph_source, of a process that the image does not lack. */
void graph_image_look(const struct graph_image *image, const struct graph_question *question,
                      int64_t process_id, bool *known, const char **hub);
int graph_image_expand(const struct graph_image *image, const struct graph_question *question,
                       int64_t process_id, uint32_t kinds, struct graph_search *search);

#endif
