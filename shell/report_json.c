/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A report as JSON: what the page has, for programs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "report.h"

static const struct style style = {0};

static void put_result(FILE *out, const struct result *result)
{
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    if (!memory)
        return;
    render_result(&format_json, memory, &style, result);
    fclose(memory);
    fwrite(text, 1, length - (length > 0), out); /* without its line end */
    free(text);
}

static void put_member(FILE *out, const char *name, struct text value)
{
    fprintf(out, ", \"%s\": ", name);
    if (value.data)
        json_string(out, value, false);
    else
        fputs("null", out);
}

static void put_number(FILE *out, const char *name, int64_t value)
{
    if (value == INTEGER_NULL)
        fprintf(out, ", \"%s\": null", name);
    else
        fprintf(out, ", \"%s\": %" PRId64, name, value);
}

static void put_nodes(const struct report *report, FILE *out)
{
    fputs(",\n \"nodes\": [", out);
    for (size_t i = 0; i < report->node_count; i++) {
        const struct report_node *node = &report->nodes[i];
        const struct story_actor *actor = &report->story->actors[node->actor];
        fprintf(out, "%s{\"process_id\": %" PRId64, i ? ",\n  " : "\n  ", actor->id);
        put_member(out, "name", report_name(report, node));
        put_number(out, "pid", actor->pid);
        put_member(out, "user", actor->user);
        put_number(out, "parent_id", actor->parent_id);
        fprintf(out, ", \"layer\": %d, \"hub\": %s}", node->layer, actor->hub ? "true" : "false");
    }
    fprintf(out, "],\n \"nodes_left_out\": %zu", report->left_out);
}

static void put_edges(const struct report *report, FILE *out)
{
    const struct story *story = report->story;
    const char *before = "\n  ";
    fputs(",\n \"edges\": [", out);
    for (size_t i = 0; i < story->edges.rows; i++) {
        const struct cell *edge = result_row(&story->edges, i);
        if (!story_edge_counts(story, i))
            continue;
        fprintf(out, "%s{\"edge_id\": %" PRId64, before, edge[EDGE_ID].integer);
        put_number(out, "src", story_integer(&edge[EDGE_SRC]));
        put_number(out, "dst", story_integer(&edge[EDGE_DST]));
        put_member(out, "kind", text_of_cell(&edge[EDGE_KIND]));
        put_number(out, "at_ns", story_integer(&edge[EDGE_AT]));
        put_number(out, "count", story_integer(&edge[EDGE_COUNT]));
        put_member(out, "detail", text_of_cell(&edge[EDGE_DETAIL]));
        fputc('}', out);
        before = ",\n  ";
    }
    fputc(']', out);
}

static void put_evidence(const struct report *report, FILE *out)
{
    const char *before = "\n  ";
    fputs(",\n \"evidence\": {", out);
    for (size_t i = 0; i < STORY_TABLE_COUNT; i++) {
        if (report->evidence[i].rows == 0)
            continue;
        fprintf(out, "%s\"%s\": ", before, story_table_name((enum story_table)i));
        put_result(out, &report->evidence[i]);
        before = ",\n  ";
    }
    fputc('}', out);
}

void report_json(const struct report *report, FILE *out)
{
    struct result story;
    fputs("{\"report\": ", out);
    json_string(out, (struct text){report->target, strlen(report->target)}, false);
    fputs(", \"made_by\": \"spyq " SPYQ_VERSION "\",\n \"about\": ", out);
    put_result(out, &report->about);
    put_number(out, "process_id", report->found->process_id);
    put_member(out, "what", report->found->what);
    put_member(out, "name", report->found->name);
    fputs(",\n \"story\": ", out);
    if (story_rows(report->story, &story))
        put_result(out, &story);
    else
        fputs("null", out);
    result_free(&story);
    put_nodes(report, out);
    put_edges(report, out);
    put_evidence(report, out);
    fputs("}\n", out);
}
