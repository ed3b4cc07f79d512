/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The drawing of a report's graph. */
#include <inttypes.h>

#include "html_text.h"
#include "report.h"

#define NODE_WIDTH  152
#define NODE_HEIGHT 40
#define LAYER_WIDTH 206 /* from one layer's left to the next one's */
#define ROW_HEIGHT  56
#define MARGIN      14
#define NAME_WIDTH  18 /* columns of text in a node */

struct place {
    double x, y; /* of a node's upper left corner */
};

static struct place place_of(const struct report *report, const struct report_node *node)
{
    return (struct place){
        .x = MARGIN + (double)(node->layer - report->first_layer) * LAYER_WIDTH,
        .y = MARGIN + node->y * ROW_HEIGHT,
    };
}

/* ---- edges ---- */

/* From the right of one to the left of the other, or around where that is backwards. */
static void put_path(const struct report *report, FILE *out, const struct report_node *src,
                     const struct report_node *dst, int lane)
{
    struct place from = place_of(report, src), to = place_of(report, dst);
    double shift = 5 * lane, x1 = from.x + NODE_WIDTH, x2 = to.x;
    double y1 = from.y + NODE_HEIGHT / 2.0 + shift, y2 = to.y + NODE_HEIGHT / 2.0 + shift;
    double bend = 26;
    if (x2 <= x1) {
        /* Both ends at the right side: a loop that no node hides. */
        x2 = to.x + NODE_WIDTH;
        bend = 46 + 6 * lane;
        fprintf(out, "M%.0f %.1f C%.0f %.1f %.0f %.1f %.0f %.1f", x1, y1, x1 + bend, y1, x2 + bend,
                y2, x2 + 3, y2);
        return;
    }
    fprintf(out, "M%.0f %.1f C%.0f %.1f %.0f %.1f %.0f %.1f", x1, y1, x1 + bend, y1, x2 - bend, y2,
            x2 - 3, y2);
}

static void put_label(const struct report *report, FILE *out, const struct report_node *src,
                      const struct report_node *dst, const struct cell *edge, int lane)
{
    struct place from = place_of(report, src), to = place_of(report, dst);
    bool loop = to.x <= from.x + NODE_WIDTH;
    double x = loop ? from.x + NODE_WIDTH + 40 : (from.x + NODE_WIDTH + to.x) / 2;
    double y = (from.y + to.y) / 2 + NODE_HEIGHT / 2.0 - 4 + 11 * lane;
    fprintf(out, "<text class=\"edge\" x=\"%.0f\" y=\"%.1f\">", x, y);
    html_text(out, text_of_cell(&edge[EDGE_KIND]));
    if (edge[EDGE_COUNT].type == CELL_INTEGER && edge[EDGE_COUNT].integer > 1)
        fprintf(out, " \xc3\x97%" PRId64, edge[EDGE_COUNT].integer);
    fputs("</text>", out);
}

/* How many edges between the same two were drawn before: each has a lane of its own. */
static int lane_of(const struct story *story, size_t number)
{
    int lane = 1; /* the fork, if there is one, has the middle */
    const struct cell *edge = result_row(&story->edges, number);
    for (size_t i = 0; i < number; i++) {
        const struct cell *other = result_row(&story->edges, i);
        lane += other[EDGE_SRC].integer == edge[EDGE_SRC].integer &&
                other[EDGE_DST].integer == edge[EDGE_DST].integer && story_edge_counts(story, i);
    }
    return lane;
}

static void put_edge(const struct report *report, FILE *out, size_t number)
{
    const struct cell *edge = result_row(&report->story->edges, number);
    const struct report_node *src = report_node(report, edge[EDGE_SRC].integer);
    const struct report_node *dst = report_node(report, edge[EDGE_DST].integer);
    if (!src || !dst || !story_edge_counts(report->story, number))
        return;
    int lane = lane_of(report->story, number);
    fprintf(out, "<a href=\"#edges-%" PRId64 "\"><path class=\"act\" marker-end=\"url(#tip)\" d=\"",
            edge[EDGE_ID].integer);
    put_path(report, out, src, dst, lane < 4 ? lane : 4);
    fputs("\"/>", out);
    if (lane < 4)
        put_label(report, out, src, dst, edge, lane - 1);
    fputs("<title>", out);
    html_text(out, text_of_cell(&edge[EDGE_KIND]));
    fputs(" ", out);
    html_text(out, text_of_cell(&edge[EDGE_DETAIL]));
    html_text(out, text_of_cell(&edge[EDGE_PATH]));
    fputs("</title></a>\n", out);
}

static void put_fork(const struct report *report, FILE *out, const struct report_node *node)
{
    const struct story_actor *actor = &report->story->actors[node->actor];
    const struct report_node *parent =
        actor->parent_id == INTEGER_NULL ? NULL : report_node(report, actor->parent_id);
    if (!parent)
        return;
    fputs("<path class=\"fork\" marker-end=\"url(#tip)\" d=\"", out);
    put_path(report, out, parent, node, 0);
    fputs("\"/>\n", out);
}

/* ---- nodes ---- */

static const char *role_of(const struct report *report, const struct report_node *node)
{
    const struct story_actor *actor = &report->story->actors[node->actor];
    if (node->layer == 0)
        return "target";
    return actor->hub ? "hub" : node->layer < 0 ? "cause" : "effect";
}

static void put_node(const struct report *report, FILE *out, const struct report_node *node)
{
    const struct story_actor *actor = &report->story->actors[node->actor];
    struct place place = place_of(report, node);
    const char *role = role_of(report, node);
    fprintf(out,
            "<a href=\"#processes-%" PRId64 "\"><g class=\"%s\"><rect x=\"%.0f\" y=\"%.1f\" "
            "width=\"%d\" height=\"%d\" rx=\"5\"/><text class=\"name\" x=\"%.0f\" y=\"%.1f\">",
            actor->id, role, place.x, place.y, NODE_WIDTH, NODE_HEIGHT, place.x + 9, place.y + 17);
    html_text_cut(out, report_name(report, node), NAME_WIDTH);
    fprintf(out, "</text><text class=\"who\" x=\"%.0f\" y=\"%.1f\">", place.x + 9, place.y + 32);
    if (actor->pid != INTEGER_NULL)
        fprintf(out, "pid %" PRId64, actor->pid);
    bool told = node->layer == 0 || actor->hub; /* not by its place alone */
    if (actor->user.data) {
        fputs(" \xc2\xb7 ", out);
        html_text_cut(out, actor->user, told ? 6 : 10);
    }
    fprintf(out, "%s%s</text><title>", told ? " \xc2\xb7 " : "", told ? role : "");
    html_text(out, actor->cmdline.data ? actor->cmdline : actor->comm);
    fputs("</title></g></a>\n", out);
}

void report_svg(const struct report *report, FILE *out)
{
    int layers = report->last_layer - report->first_layer + 1;
    double width = 2 * MARGIN + (double)(layers - 1) * LAYER_WIDTH + NODE_WIDTH + 60;
    double height = 2 * MARGIN + (report->height - 1) * ROW_HEIGHT + NODE_HEIGHT + 12;
    fprintf(out,
            "<svg role=\"img\" aria-label=\"who acted on whom\" viewBox=\"0 0 %.0f %.0f\" "
            "width=\"%.0f\" height=\"%.0f\">\n"
            "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" "
            "markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n",
            width, height, width, height);
    for (size_t i = 0; i < report->node_count; i++)
        put_fork(report, out, &report->nodes[i]);
    for (size_t i = 0; i < report->story->edges.rows; i++)
        put_edge(report, out, i);
    for (size_t i = 0; i < report->node_count; i++)
        put_node(report, out, &report->nodes[i]);
    fputs("</svg>\n", out);
}
