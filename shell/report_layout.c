/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the processes of a report stand: the target in the middle, what led to it at its left, what
 * it led to at its right, each one layer further than the neighbour it was reached from. So both
 * sides are trees, and a tree can be laid out so that its own lines never cross: leaves get a row
 * each, in the order of time, and all others the middle of what is behind them.
 */
#include <stdlib.h>

#include "report.h"

#define DEEPEST 200 /* layers; a store that lies may have circles */

/* ---- layers ---- */

/* Steps from the target, below 0 for a cause; INT32_MAX: it hangs together with nothing. */
static int layer_of(const struct story *story, size_t actor)
{
    int steps = 0, side = story->actors[actor].cause ? -1 : 1;
    while (!story->actors[actor].target && actor != story->target && steps <= DEEPEST) {
        int64_t from = story->actors[actor].from_id;
        actor = from == INTEGER_NULL ? SIZE_MAX : story_find(story, from);
        if (actor == SIZE_MAX)
            return INT32_MAX;
        steps++;
    }
    return steps <= DEEPEST ? side * steps : INT32_MAX;
}

static int by_distance(const void *a, const void *b)
{
    const struct report_node *left = a, *right = b;
    if (abs(left->layer) != abs(right->layer))
        return abs(left->layer) - abs(right->layer);
    return left->actor < right->actor ? -1 : left->actor > right->actor;
}

/* Those nearest to the target. A neighbour it was reached from is nearer, and so is there too. */
static void choose_nodes(struct report *report)
{
    const struct story *story = report->story;
    struct report_node *all = calloc(story->actor_count + 1, sizeof *all);
    size_t count = 0;
    for (size_t i = 0; all && i < story->actor_count; i++) {
        int layer = story->actors[i].stranger ? INT32_MAX : layer_of(story, i);
        if (layer != INT32_MAX)
            all[count++] = (struct report_node){.actor = i, .layer = layer};
    }
    if (count > 0)
        qsort(all, count, sizeof *all, by_distance);
    report->node_count = count < REPORT_NODES ? count : REPORT_NODES;
    report->left_out = count - report->node_count;
    for (size_t i = 0; i < report->node_count; i++)
        report->nodes[i] = all[i];
    free(all);
}

/* ---- rows ---- */

static size_t from_of(const struct report *report, size_t node)
{
    const struct story *story = report->story;
    int64_t from = story->actors[report->nodes[node].actor].from_id;
    return from == INTEGER_NULL ? SIZE_MAX : story_find(story, from);
}

/* Whether node is behind parent, on that side. */
static bool is_behind(const struct report *report, size_t node, size_t parent, int side)
{
    return node != parent && report->nodes[node].layer * side > 0 &&
           abs(report->nodes[node].layer) == abs(report->nodes[parent].layer) + 1 &&
           from_of(report, node) == report->nodes[parent].actor;
}

/* Places what is behind a node, then the node; *row is the next free one. */
static void place(struct report *report, size_t node, int side, double *row)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < report->node_count; i++)
        if (is_behind(report, i, node, side)) {
            place(report, i, side, row);
            sum += report->nodes[i].y;
            count++;
        }
    report->nodes[node].y = count ? sum / (double)count : (*row)++;
}

/* Lays one side out and moves it so that the target, which is its root, is at row 0. */
static void place_side(struct report *report, int side)
{
    double row = 0;
    place(report, 0, side, &row);
    double root = report->nodes[0].y;
    for (size_t i = 0; i < report->node_count; i++)
        if (report->nodes[i].layer * side > 0)
            report->nodes[i].y -= root;
    report->nodes[0].y = 0;
}

/* Everything from row 0 on. */
static void normalize(struct report *report)
{
    double least = 0, most = 0;
    for (size_t i = 0; i < report->node_count; i++) {
        struct report_node *node = &report->nodes[i];
        least = node->y < least ? node->y : least;
        most = node->y > most ? node->y : most;
        report->first_layer = node->layer < report->first_layer ? node->layer : report->first_layer;
        report->last_layer = node->layer > report->last_layer ? node->layer : report->last_layer;
    }
    for (size_t i = 0; i < report->node_count; i++)
        report->nodes[i].y -= least;
    report->height = most - least + 1;
}

void report_layout(struct report *report)
{
    choose_nodes(report);
    if (report->node_count == 0)
        return;
    place_side(report, -1);
    place_side(report, 1);
    normalize(report);
}
