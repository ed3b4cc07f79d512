/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A report: the story of a TARGET with the graph of who took part and the rows that prove it, as
 * one page without scripts and without anything from elsewhere, as a graph for dot(1), or as JSON.
 */
#ifndef SPYQ_REPORT_H
#define SPYQ_REPORT_H

#include "story.h"

#define REPORT_NODES 120  /* processes that are drawn at most, those nearest to the target */
#define REPORT_ROWS  1000 /* rows of evidence of one table at most */

/* A process in the drawing: causes at the left of the target, in negative layers. */
struct report_node {
    size_t actor; /* an index into story->actors */
    int layer;
    double y; /* its middle, in rows from the top */
};

struct report {
    struct story *story;
    const struct found *found;
    const char *target; /* as the person wrote it */
    struct report_node nodes[REPORT_NODES];
    size_t node_count;
    size_t left_out; /* processes that are not drawn */
    int first_layer, last_layer;
    double height; /* in rows */
    /* The rows that prove it, of each table all columns. */
    struct result evidence[STORY_TABLE_COUNT];
    struct result about; /* one row: the host, the recorder, the time */
};

/* The story may be told; found and story must live as long. Fetches the evidence and lays out the
 * graph. Free it in any case. */
enum status report_make(struct report *report, struct story *story, const struct found *found,
                        const char *target);
void report_free(struct report *report);

/* report_layout.c: chooses the nodes and their places. */
void report_layout(struct report *report);

/* The node of a process, or NULL where it is not drawn. */
const struct report_node *report_node(const struct report *report, int64_t process_id);

/* What a node is called: its short name. */
struct text report_name(const struct report *report, const struct report_node *node);

/* The ways of writing it. */
void report_html(const struct report *report, FILE *out);
void report_svg(const struct report *report, FILE *out);
void report_dot(const struct report *report, FILE *out);
void report_json(const struct report *report, FILE *out);

#endif
