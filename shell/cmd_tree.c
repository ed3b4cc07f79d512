/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The process tree around a process: the line of its ancestors, itself, all its descendants. Drawn
 * for a person; for a program, the same processes in the same order, with their depth.
 */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "complain.h"
#include "escape.h"
#include "query.h"
#include "shown.h"
#include "stop.h"
#include "target_tell.h"

#define NOBODY      SIZE_MAX
#define DEPTH_DRAWN 40 /* levels of lines; what lies deeper is drawn at this one */
#define LEAST_ROOM  20 /* columns for a process, however narrow the terminal */

enum tree_column {
    TREE_ID,
    TREE_PARENT,
    TREE_RELATION,
    TREE_DEPTH,
    TREE_PID,
    TREE_PPID,
    TREE_USER,
    TREE_COMM,
    TREE_CMDLINE,
    TREE_STARTED,
    TREE_ENDED,
    TREE_EXIT_CODE,
    TREE_EXIT_SIGNAL,
    TREE_COLUMNS,
};

/* Whoever led to someone alive in the span is kept too, else the tree would fall apart. */
static const char tree_sql[] =
    "WITH RECURSIVE "
    "up (id) AS (SELECT ?1 UNION SELECT p.parent_id FROM up JOIN processes AS p ON p.id = up.id "
    "  WHERE p.parent_id IS NOT NULL), "
    "down (id) AS (SELECT ?1 UNION SELECT p.id FROM down JOIN processes AS p "
    "  ON p.parent_id = down.id), "
    "kept (id) AS (SELECT d.id FROM down AS d JOIN processes AS p ON p.id = d.id "
    "  WHERE (p.started_at IS NULL OR p.started_at <= ?3) "
    "  AND (p.ended_at IS NULL OR p.ended_at >= ?2) "
    "  UNION SELECT p.parent_id FROM kept JOIN processes AS p ON p.id = kept.id "
    "  WHERE p.id <> ?1 AND p.parent_id IN (SELECT id FROM down)) "
    "SELECT id, parent_id, CASE WHEN id = ?1 THEN 'target' WHEN id IN (SELECT id FROM up) "
    "  THEN 'ancestor' ELSE 'descendant' END AS relation, 0 AS depth, pid, ppid, user, comm, "
    "  cmdline, started_at, ended_at, exit_code, exit_signal "
    "FROM processes WHERE id IN (SELECT id FROM up UNION SELECT id FROM kept)";

/* A process in the tree, by its row in the result; the others by their number in the tree. */
struct node {
    const struct cell *row;
    size_t parent, first_child, last_child, next;
    size_t depth;
};

struct tree {
    struct node *nodes;
    size_t count;
    size_t target;
};

static int compare_ids(const void *a, const void *b)
{
    int64_t left = ((const struct node *)a)->row[TREE_ID].integer;
    int64_t right = ((const struct node *)b)->row[TREE_ID].integer;
    return (left > right) - (left < right);
}

static size_t find_node(const struct tree *tree, const struct cell *id)
{
    if (id->type != CELL_INTEGER)
        return NOBODY;
    struct node key = {.row = id};
    const struct node *found =
        bsearch(&key, tree->nodes, tree->count, sizeof *tree->nodes, compare_ids);
    return found ? (size_t)(found - tree->nodes) : NOBODY;
}

static bool is_relation(const struct node *node, const char *relation)
{
    struct text text = node->row[TREE_RELATION].bytes;
    return text.length == strlen(relation) && memcmp(text.data, relation, text.length) == 0;
}

/* A store from somewhere else may say that a process descends from itself: cut that at the target.
 */
static void cut_cycle(struct tree *tree)
{
    size_t node = tree->target;
    for (size_t steps = 0; steps <= tree->count; steps++) {
        node = tree->nodes[node].parent;
        if (node == NOBODY)
            return;
    }
    tree->nodes[tree->target].parent = NOBODY;
}

static void link_child(struct tree *tree, size_t child)
{
    struct node *parent = &tree->nodes[tree->nodes[child].parent];
    if (parent->first_child == NOBODY)
        parent->first_child = child;
    else
        tree->nodes[parent->last_child].next = child;
    parent->last_child = child;
}

/* Links the nodes, which are in order of id; children keep that order. */
static void link_nodes(struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        struct node *node = &tree->nodes[i];
        node->parent = find_node(tree, &node->row[TREE_PARENT]);
        node->first_child = node->last_child = node->next = NOBODY;
        if (is_relation(node, "target"))
            tree->target = i;
    }
    cut_cycle(tree);
    for (size_t i = 0; i < tree->count; i++)
        if (tree->nodes[i].parent != NOBODY)
            link_child(tree, i);
}

static bool tree_make(struct tree *tree, const struct result *result)
{
    *tree = (struct tree){.count = result->rows};
    tree->nodes = calloc(result->rows + 1, sizeof *tree->nodes);
    if (!tree->nodes)
        return false;
    for (size_t i = 0; i < result->rows; i++)
        tree->nodes[i].row = result_row(result, i);
    qsort(tree->nodes, tree->count, sizeof *tree->nodes, compare_ids);
    link_nodes(tree);
    return true;
}

static size_t tree_root(const struct tree *tree)
{
    size_t root = tree->target;
    while (tree->nodes[root].parent != NOBODY)
        root = tree->nodes[root].parent;
    return root;
}

/* The node that is drawn after this one, its depth set; NOBODY after the last. */
static size_t tree_next(const struct tree *tree, size_t node)
{
    const struct node *nodes = tree->nodes;
    size_t next = nodes[node].first_child;
    if (next != NOBODY) {
        tree->nodes[next].depth = nodes[node].depth + 1;
        return next;
    }
    while (node != NOBODY && nodes[node].next == NOBODY)
        node = nodes[node].parent;
    if (node == NOBODY)
        return NOBODY;
    tree->nodes[nodes[node].next].depth = nodes[node].depth;
    return nodes[node].next;
}

/* ---- drawing ---- */

static void print_state(char *to, size_t size, const struct cell *row)
{
    if (row[TREE_ENDED].type == CELL_NULL)
        snprintf(to, size, "alive");
    else if (row[TREE_EXIT_SIGNAL].type == CELL_INTEGER && row[TREE_EXIT_SIGNAL].integer)
        snprintf(to, size, "signal %lld", (long long)row[TREE_EXIT_SIGNAL].integer);
    else if (row[TREE_EXIT_CODE].type == CELL_INTEGER)
        snprintf(to, size, "exit %lld", (long long)row[TREE_EXIT_CODE].integer);
    else
        snprintf(to, size, "ended");
}

/* The parts of the lines in front of a process. */
struct strokes {
    const char *past, *none, *branch, *last;
};

static const struct strokes line_strokes = {"\u2502  ", "   ", "\u251c\u2500 ", "\u2514\u2500 "};
static const struct strokes ascii_strokes = {"|  ", "   ", "|- ", "`- "};

/* Returns the columns used. */
static size_t draw_strokes(FILE *out, const struct tree *tree, size_t node, bool utf8)
{
    const struct strokes *strokes = utf8 ? &line_strokes : &ascii_strokes;
    const char *parts[DEPTH_DRAWN];
    size_t levels = 0;
    for (size_t at = node; levels < DEPTH_DRAWN && tree->nodes[at].parent != NOBODY;
         at = tree->nodes[at].parent) {
        bool more = tree->nodes[at].next != NOBODY;
        if (at == node)
            parts[levels++] = more ? strokes->branch : strokes->last;
        else
            parts[levels++] = more ? strokes->past : strokes->none;
    }
    for (size_t i = levels; i > 0; i--)
        fputs(parts[i - 1], out);
    return 3 * levels;
}

/* The name, and the command line where there is one; a kernel thread has none. */
static void draw_process(FILE *out, const struct cell *row, bool utf8, size_t room)
{
    struct text comm =
        row[TREE_COMM].type == CELL_TEXT ? row[TREE_COMM].bytes : (struct text){"?", 1};
    size_t used = escape_print_cut(out, comm, utf8, room);
    if (row[TREE_CMDLINE].type == CELL_TEXT && row[TREE_CMDLINE].bytes.length > 0 &&
        used + 4 < room) {
        fputs("  ", out);
        escape_print_cut(out, row[TREE_CMDLINE].bytes, utf8, room - used - 2);
    }
}

/* Widths of the columns before the tree. */
struct tree_widths {
    int id, pid, user, state;
};

static int wider(int a, int b)
{
    return a > b ? a : b;
}

static struct text user_text(const struct cell *row)
{
    return row[TREE_USER].type == CELL_TEXT ? row[TREE_USER].bytes : (struct text){"?", 1};
}

static struct tree_widths measure(const struct tree *tree, bool utf8)
{
    struct tree_widths widths = {2, 3, 4, 5};
    for (size_t i = 0; i < tree->count; i++) {
        const struct cell *row = tree->nodes[i].row;
        char state[32], number[24];
        print_state(state, sizeof state, row);
        int user = (int)escape_width(user_text(row), utf8, 12);
        widths.user = wider(widths.user, user > 12 ? 12 : user);
        widths.state = wider(widths.state, (int)strlen(state));
        widths.id = wider(widths.id,
                          snprintf(number, sizeof number, "%lld", (long long)row[TREE_ID].integer));
        widths.pid = wider(
            widths.pid, snprintf(number, sizeof number, "%lld", (long long)row[TREE_PID].integer));
    }
    return widths;
}

static void draw_node(FILE *out, const struct style *style, const struct tree *tree, size_t node,
                      const struct tree_widths *widths)
{
    const struct cell *row = tree->nodes[node].row;
    char state[32];
    print_state(state, sizeof state, row);
    fprintf(out, "%c %*lld  %*lld  ", node == tree->target ? '>' : ' ', widths->id,
            (long long)row[TREE_ID].integer, widths->pid, (long long)row[TREE_PID].integer);
    size_t user = escape_print_cut(out, user_text(row), style->utf8, (size_t)widths->user);
    fprintf(out, "%*s  %-*s  ", widths->user - (int)user, "", widths->state, state);
    size_t used = (size_t)(2 + widths->id + widths->pid + widths->user + widths->state + 8);
    used += draw_strokes(out, tree, node, style->utf8);
    size_t room = SIZE_MAX - 1;
    if (style->width)
        room = style->width >= used + LEAST_ROOM ? style->width - used : LEAST_ROOM;
    draw_process(out, row, style->utf8, room);
    fputc('\n', out);
}

static void draw(struct session *session, const struct tree *tree, const struct found *found)
{
    FILE *out = output_file(session->output);
    const struct style *style = output_style(session->output);
    struct tree_widths widths = measure(tree, style->utf8);
    size_t count = 0;
    if (found->what.data)
        tell_found(out, style, "", found);
    fprintf(out, "%s  %*s  %*s  %-*s  %-*s  process%s\n", style->colour ? "\033[1m" : "", widths.id,
            "id", widths.pid, "pid", widths.user, "user", widths.state, "state",
            style->colour ? "\033[0m" : "");
    for (size_t node = tree_root(tree); node != NOBODY && !stop_requested();
         node = tree_next(tree, node), count++)
        draw_node(out, style, tree, node, &widths);
    fprintf(out, "%zu process%s; > marks the one asked for\n", count, count == 1 ? "" : "es");
    fflush(out);
}

/* ---- the rows, for a program ---- */

static enum status list(struct session *session, const struct tree *tree,
                        const struct result *result)
{
    struct result listed;
    bool room = result_begin(&listed, result->headings, result->columns);
    for (size_t node = tree_root(tree); room && node != NOBODY; node = tree_next(tree, node)) {
        struct cell row[TREE_COLUMNS];
        memcpy(row, tree->nodes[node].row, sizeof row);
        row[TREE_DEPTH] = cell_integer((int64_t)tree->nodes[node].depth);
        room = result_add(&listed, row);
    }
    if (room)
        query_show(session, &listed);
    else
        complain("the tree is too large for memory; --since and --until make it smaller");
    result_free(&listed);
    return room ? STATUS_OK : STATUS_ERROR;
}

static enum status show(struct session *session, const struct result *result,
                        const struct found *found)
{
    struct tree tree;
    enum status status = STATUS_OK;
    if (result->rows == 0 || !tree_make(&tree, result)) {
        complain("the process has gone from the store, or memory is short");
        return STATUS_ERROR;
    }
    if (session_format(session) == &format_table)
        draw(session, &tree, found);
    else
        status = list(session, &tree, result);
    free(tree.nodes);
    return status;
}

static enum status tree_run(struct session *session, char **operands)
{
    struct found found;
    struct span span;
    struct result result = {0};
    enum status status = target_find(session, operands[0], &found);
    if (status == STATUS_OK && !session_span(session, &span))
        status = STATUS_USAGE;
    if (status == STATUS_OK)
        status = query_fetch(session, &result, tree_sql, "iii", found.process_id, span.since,
                             span.until);
    if (status == STATUS_OK)
        status = show(session, &result, &found);
    result_free(&result);
    found_free(&found);
    return status;
}

const struct command command_tree = {
    .name = "tree",
    .arguments = "TARGET",
    .summary = "a process and its relatives",
    .help = "--since and --until leave out descendants that did not live in that time.\n"
            "'help targets' tells what a TARGET can be.\n"
            "Example:  tree exe:sshd\n",
    .least = 1,
    .most = 1,
    .takes = OPTIONS_SPAN,
    .followed = true,
    .run = tree_run,
};
