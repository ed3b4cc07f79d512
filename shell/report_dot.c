/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A report's graph for dot(1). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "html_text.h"
#include "report.h"

/* `curl (pid 900, ana)`: text, for free(). */
static struct text node_label(const struct report *report, const struct report_node *node)
{
    const struct story_actor *actor = &report->story->actors[node->actor];
    struct text text = TEXT_NULL;
    FILE *out = open_memstream((char **)&text.data, &text.length);
    if (!out)
        return TEXT_NULL;
    story_put_actor(out, report->story, actor, NULL, INTEGER_NULL);
    fclose(out);
    return text;
}

static void put_node(const struct report *report, FILE *out, const struct report_node *node)
{
    const struct story_actor *actor = &report->story->actors[node->actor];
    struct text label = node_label(report, node);
    fprintf(out, "  p%" PRId64 " [label=", actor->id);
    dot_string(out, label);
    fputs(", tooltip=", out);
    dot_string(out, actor->cmdline.data ? actor->cmdline : actor->comm);
    fputs(node->layer == 0 ? ", style=\"filled,bold\"" : actor->hub ? ", style=dashed" : "", out);
    fputs("];\n", out);
    free((char *)label.data);
}

static void put_fork(const struct report *report, FILE *out, const struct report_node *node)
{
    const struct story_actor *actor = &report->story->actors[node->actor];
    if (actor->parent_id != INTEGER_NULL && report_node(report, actor->parent_id))
        fprintf(out, "  p%" PRId64 " -> p%" PRId64 " [label=\"fork\", color=gray];\n",
                actor->parent_id, actor->id);
}

static void put_edge(const struct report *report, FILE *out, size_t number)
{
    const struct cell *edge = result_row(&report->story->edges, number);
    if (!story_edge_counts(report->story, number) || !report_node(report, edge[EDGE_SRC].integer) ||
        !report_node(report, edge[EDGE_DST].integer))
        return;
    fprintf(out, "  p%" PRId64 " -> p%" PRId64 " [label=", edge[EDGE_SRC].integer,
            edge[EDGE_DST].integer);
    dot_string(out, text_of_cell(&edge[EDGE_KIND]));
    fputs(", tooltip=", out);
    dot_string(out,
               text_of_cell(&edge[edge[EDGE_PATH].type == CELL_TEXT ? EDGE_PATH : EDGE_DETAIL]));
    fprintf(out, ", id=\"edge-%" PRId64 "\"];\n", edge[EDGE_ID].integer);
}

void report_dot(const struct report *report, FILE *out)
{
    const struct story *story = report->story;
    fputs("digraph spyq {\n  rankdir=LR;\n  label=", out);
    dot_string(out, (struct text){report->target, strlen(report->target)});
    fputs(";\n  node [shape=box, fontname=\"sans-serif\"];\n"
          "  edge [fontname=\"sans-serif\", fontsize=10];\n",
          out);
    for (size_t i = 0; i < report->node_count; i++)
        put_node(report, out, &report->nodes[i]);
    for (size_t i = 0; i < report->node_count; i++)
        put_fork(report, out, &report->nodes[i]);
    for (size_t i = 0; i < story->edges.rows; i++)
        put_edge(report, out, i);
    if (report->left_out > 0)
        fprintf(out, "  more [label=\"%zu more processes\", style=dotted];\n", report->left_out);
    fputs("}\n", out);
}
