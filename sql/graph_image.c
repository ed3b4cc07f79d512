/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ids count up with few gaps, so a process' id less the least is its node, and no map is needed.
 * Each direction has its own copy of the edges, one node's after another's: a search reads them in
 * the order in which they lie.
 */
#include <sqlite3ext.h>

#include <string.h>

#include "graph_hub.h"
#include "graph_image.h"
#include "graph_store.h"
#include "rows.h"

SQLITE_EXTENSION_INIT3

/* The neighbour, the kind and whether it is open, in one word: 27, 4 and 1 bits. */
#define NODE_BITS  27
#define NODES_MAX  (1ll << NODE_BITS)
#define NODE_NONE  UINT32_MAX
#define OPEN_BIT   (1u << 31)
#define KIND_SHIFT NODE_BITS

_Static_assert(GRAPH_KIND_COUNT <= 16, "a kind has four bits");

struct half_edge {
    int64_t at;
    int64_t last_at;
    uint32_t number; /* its id less the least, plus one; 0: it has none */
    uint32_t word;
};

/* One direction: node n's edges are those from first[n] to first[n + 1]. */
struct half {
    uint32_t *first;
    struct half_edge *edges;
};

struct ends {
    uint32_t src, dst;
};

struct graph_image {
    int64_t least_process;
    int64_t least_edge;
    uint32_t nodes;
    const char **roles;    /* of each node: NULL, a hub's role, or one of those below */
    struct half halves[2]; /* by direction: GRAPH_BACKWARD has what leads to a node */
    struct ends *ends;     /* of each edge, by its id less the least: what it is between */
    uint32_t edges;        /* how many ids those are */
};

/* Told apart by their addresses. */
static const char absent[] = "no such process";
static const char lacking[] = "to be read in the store";

static uint32_t node_of(const struct graph_image *image, int64_t process_id)
{
    uint64_t offset = (uint64_t)process_id - (uint64_t)image->least_process;

    return offset < image->nodes ? (uint32_t)offset : NODE_NONE;
}

static bool is_there(const struct graph_image *image, uint32_t node)
{
    return node != NODE_NONE && image->roles[node] != absent;
}

/* ---- searching ---- */

bool graph_image_lacks(const struct graph_image *image, int64_t process_id)
{
    uint32_t node = node_of(image, process_id);

    return node == NODE_NONE || image->roles[node] == lacking;
}

static enum graph_kind kind_of(const struct half_edge *edge)
{
    return (edge->word & ~OPEN_BIT) >> KIND_SHIFT;
}

static uint32_t neighbour_of(const struct half_edge *edge)
{
    return edge->word & (uint32_t)(NODES_MAX - 1);
}

static bool is_open(const struct half_edge *edge)
{
    return edge->word & OPEN_BIT;
}

/* Is it a connection that counts at the time of the question? */
static bool is_peer(const struct graph_question *question, const struct half_edge *edge)
{
    enum graph_kind kind = kind_of(edge);

    if (kind != GRAPH_CONNECT && kind != GRAPH_UNIX)
        return false;
    if (question->at == INTEGER_NULL)
        return true;
    return question->direction == GRAPH_BACKWARD ? edge->at <= question->at
                                                 : edge->last_at >= question->at || is_open(edge);
}

static bool has_many_peers(const struct graph_image *image, const struct graph_question *question,
                           uint32_t node)
{
    const struct half *half = &image->halves[question->direction];
    uint32_t peers[GRAPH_HUB_PEERS];
    unsigned count = 0, same;

    if (half->first[node + 1] - half->first[node] <= GRAPH_HUB_PEERS)
        return false;
    for (uint32_t i = half->first[node]; i < half->first[node + 1]; i++) {
        uint32_t peer = neighbour_of(&half->edges[i]);
        if (!is_peer(question, &half->edges[i]))
            continue;
        for (same = 0; same < count && peers[same] != peer; same++)
            continue;
        if (same < count)
            continue;
        if (count == GRAPH_HUB_PEERS)
            return true;
        peers[count++] = peer;
    }
    return false;
}

void graph_image_look(const struct graph_image *image, const struct graph_question *question,
                      int64_t process_id, bool *known, const char **hub)
{
    uint32_t node = node_of(image, process_id);

    *known = is_there(image, node);
    *hub = NULL;
    if (!*known || question->through_hubs)
        return;
    *hub = image->roles[node];
    if (!*hub && has_many_peers(image, question, node))
        *hub = graph_hub_shared;
}

int graph_image_expand(const struct graph_image *image, const struct graph_question *question,
                       int64_t process_id, uint32_t kinds, struct graph_search *search)
{
    const struct half *half = &image->halves[question->direction];
    uint32_t node = node_of(image, process_id);
    int rc = SQLITE_OK;

    if (!is_there(image, node))
        return SQLITE_OK;
    for (uint32_t i = half->first[node]; rc == SQLITE_OK && i < half->first[node + 1]; i++) {
        const struct half_edge *each = &half->edges[i];
        const struct graph_edge edge = {
            .id = each->number ? image->least_edge + each->number - 1 : INTEGER_NULL,
            .neighbour = image->least_process + neighbour_of(each),
            .at = each->at,
            .last_at = each->last_at,
            .kind = kind_of(each),
            .open = is_open(each),
            .exists = image->roles[neighbour_of(each)] != lacking,
        };
        if (kinds & GRAPH_KIND_BIT(edge.kind))
            rc = graph_offer(search, &edge);
    }
    return rc;
}

/* ---- what changes ---- */

void graph_image_lose(struct graph_image *image, int64_t process_id)
{
    uint32_t node = node_of(image, process_id);

    if (node != NODE_NONE)
        image->roles[node] = lacking;
}

static void lose_node(struct graph_image *image, uint32_t node)
{
    if (node != NODE_NONE)
        image->roles[node] = lacking;
}

void graph_image_lose_process(struct graph_image *image, int64_t process_id)
{
    const struct half *half = &image->halves[GRAPH_BACKWARD];
    uint32_t node = node_of(image, process_id);

    if (node == NODE_NONE)
        return;
    lose_node(image, node);
    for (uint32_t i = half->first[node]; i < half->first[node + 1]; i++)
        if (kind_of(&half->edges[i]) == GRAPH_FORK)
            lose_node(image, neighbour_of(&half->edges[i]));
}

void graph_image_lose_edge(struct graph_image *image, int64_t edge_id)
{
    uint64_t number = (uint64_t)edge_id - (uint64_t)image->least_edge;

    if (number >= image->edges)
        return;
    lose_node(image, image->ends[number].src);
    lose_node(image, image->ends[number].dst);
}

/* ---- making one ---- */

struct record {
    int64_t at;
    int64_t last_at;
    uint32_t number;
    uint32_t src;
    uint32_t dst;
    uint32_t bits; /* of the kind, and open */
};

/* Who forked a process. */
struct birth {
    int64_t at;
    uint32_t parent;
    uint32_t number; /* of the edge; 0: none */
};

struct making {
    struct graph_image *image;
    struct birth *births;
    struct record *records;
    size_t count;
    size_t capacity;
};

static int64_t integer_at(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) == SQLITE_NULL ? INTEGER_NULL
                                                           : sqlite3_column_int64(row, column);
}

static int take_process(struct making *making, sqlite3_stmt *row)
{
    struct graph_image *image = making->image;
    uint32_t node = node_of(image, sqlite3_column_int64(row, 0));
    const char *exe = (const char *)sqlite3_column_text(row, 4);

    if (node == NODE_NONE)
        return SQLITE_OK;
    image->roles[node] =
        graph_hub_role(sqlite3_column_int64(row, 3), exe, (size_t)sqlite3_column_bytes(row, 4));
    making->births[node].parent = node_of(image, integer_at(row, 1));
    making->births[node].at = integer_at(row, 2);
    if (integer_at(row, 1) != INTEGER_NULL && making->births[node].parent == NODE_NONE)
        image->roles[node] = lacking; /* the parent's row may come yet */
    return SQLITE_OK;
}

static int keep_record(struct making *making, const struct record *record)
{
    if (making->count == making->capacity) {
        size_t capacity = making->capacity ? making->capacity * 2 : 1024;
        void *records = sqlite3_realloc64(making->records, capacity * sizeof *making->records);
        if (!records)
            return SQLITE_NOMEM;
        making->records = records;
        making->capacity = capacity;
    }
    making->records[making->count++] = *record;
    return SQLITE_OK;
}

/* Of several fork edges between the two the first counts. */
static void take_fork(struct making *making, const struct record *record)
{
    struct birth *birth = record->dst == NODE_NONE ? NULL : &making->births[record->dst];

    if (!birth || birth->parent == NODE_NONE || birth->parent != record->src ||
        (birth->number && birth->at <= record->at))
        return;
    birth->at = record->at;
    birth->number = record->number;
}

/* An edge from or to who is no process leads nowhere, but does make the other end a peer: that one
 * is left to the statements. */
static void take_dangling(struct graph_image *image, const struct record *record)
{
    if (is_there(image, record->src))
        image->roles[record->src] = lacking;
    if (is_there(image, record->dst))
        image->roles[record->dst] = lacking;
}

static int take_edge(struct making *making, sqlite3_stmt *row)
{
    struct graph_image *image = making->image;
    enum graph_kind kind = graph_store_kind(row, 5);
    const struct record record = {
        .number = (uint32_t)(sqlite3_column_int64(row, 0) - image->least_edge) + 1,
        .at = sqlite3_column_int64(row, 1),
        .last_at = sqlite3_column_int64(row, 2),
        .src = node_of(image, sqlite3_column_int64(row, 3)),
        .dst = node_of(image, sqlite3_column_int64(row, 4)),
        .bits = (uint32_t)kind << KIND_SHIFT | (sqlite3_column_int64(row, 6) == 1 ? OPEN_BIT : 0),
    };

    if (record.number - 1 < image->edges)
        image->ends[record.number - 1] = (struct ends){record.src, record.dst};
    if (kind == GRAPH_KIND_COUNT)
        return SQLITE_OK;
    if (kind == GRAPH_FORK)
        take_fork(making, &record);
    else if (!is_there(image, record.src) || !is_there(image, record.dst))
        take_dangling(image, &record);
    else
        return keep_record(making, &record);
    return SQLITE_OK;
}

/* A birth whose time is not known counts always: it is as if it went on. */
static int keep_births(struct making *making)
{
    int rc = SQLITE_OK;

    for (uint32_t node = 0; rc == SQLITE_OK && node < making->image->nodes; node++) {
        const struct birth *birth = &making->births[node];
        const struct record record = {
            .number = birth->number,
            .at = birth->at,
            .last_at = birth->at,
            .src = birth->parent,
            .dst = node,
            .bits = (uint32_t)GRAPH_FORK << KIND_SHIFT | (birth->at == INTEGER_NULL ? OPEN_BIT : 0),
        };
        if (!is_there(making->image, node) || birth->parent == NODE_NONE)
            continue;
        if (is_there(making->image, birth->parent))
            rc = keep_record(making, &record);
        else
            making->image->roles[node] = lacking;
    }
    return rc;
}

/* Sorts the records by the node at one end (a counting sort). */
static int make_half(const struct making *making, enum graph_direction direction)
{
    bool backward = direction == GRAPH_BACKWARD;
    struct half *half = &making->image->halves[direction];
    uint32_t nodes = making->image->nodes;
    size_t bytes = (making->count + 1) * sizeof *half->edges; /* never none */

    half->first = sqlite3_malloc64(((size_t)nodes + 2) * sizeof *half->first);
    half->edges = half->first ? sqlite3_malloc64(bytes) : NULL;
    if (!half->edges)
        return SQLITE_NOMEM;
    memset(half->first, 0, ((size_t)nodes + 2) * sizeof *half->first);
    uint32_t *next = half->first + 1; /* in the end each has moved on to where the next begins */
    for (size_t i = 0; i < making->count; i++)
        next[(backward ? making->records[i].dst : making->records[i].src) + 1]++;
    for (uint32_t node = 0; node < nodes; node++)
        next[node + 1] += next[node];
    for (size_t i = 0; i < making->count; i++) {
        const struct record *record = &making->records[i];
        half->edges[next[backward ? record->dst : record->src]++] = (struct half_edge){
            .at = record->at,
            .last_at = record->last_at,
            .number = record->number,
            .word = record->bits | (backward ? record->src : record->dst),
        };
    }
    return SQLITE_OK;
}

/* Calls take for each row. */
static int read_rows(sqlite3 *db, const char *of_rows, const char *of_public, struct making *making,
                     int (*take)(struct making *making, sqlite3_stmt *row))
{
    sqlite3_stmt *row = NULL;
    int rc = graph_store_prepare(db, of_rows, of_public, 0, &row);

    while (rc == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW)
        rc = take(making, row);
    int finalized = sqlite3_finalize(row);
    return rc == SQLITE_OK ? finalized : rc;
}

struct extent {
    int64_t least_process, last_process;
    int64_t least_edge, last_edge;
};

#define EXTENT(processes, edges)                                                                   \
    "SELECT (SELECT min(id) FROM " processes "), (SELECT max(id) FROM " processes "),"             \
    " coalesce((SELECT min(id) FROM " edges "), 1), coalesce((SELECT max(id) FROM " edges "), 0)"

/* The ids that there are. All 0: there is nothing, or it could not be read. */
static struct extent measure(sqlite3 *db)
{
    sqlite3_stmt *row = NULL;
    struct extent extent = {0};

    if (graph_store_prepare(db, EXTENT("main.process_rows", "main.edge_rows"),
                            EXTENT("processes", "edges"), 0, &row) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW)
        extent = (struct extent){sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1),
                                 sqlite3_column_int64(row, 2), sqlite3_column_int64(row, 3)};
    sqlite3_finalize(row);
    return extent;
}

/* How many ids there are from one to another; -1: far too many. */
static int64_t span(int64_t least, int64_t last)
{
    uint64_t count = (uint64_t)last - (uint64_t)least + 1;

    return count < 1ull << 31 ? (int64_t)count : -1;
}

static int64_t rows_of(const struct extent *extent)
{
    int64_t processes = span(extent->least_process, extent->last_process);
    int64_t edges = span(extent->least_edge, extent->last_edge);
    int64_t bytes = 2 * (processes + edges) * (int64_t)sizeof(struct half_edge) +
                    processes * (int64_t)(sizeof(char *) + 2 * sizeof(uint32_t)) +
                    edges * (int64_t)sizeof(struct ends);

    if (!extent->last_process || processes <= 0 || edges < 0 || processes >= NODES_MAX ||
        bytes > GRAPH_IMAGE_BYTES_MAX)
        return -1;
    return processes + edges;
}

int64_t graph_image_rows(sqlite3 *db)
{
    struct extent extent = measure(db);

    return rows_of(&extent);
}

static int make_room(struct making *making, const struct extent *extent)
{
    struct graph_image *image = sqlite3_malloc(sizeof *image);

    making->image = image;
    if (!image)
        return SQLITE_NOMEM;
    *image = (struct graph_image){
        .least_process = extent->least_process,
        .least_edge = extent->least_edge,
        .nodes = (uint32_t)span(extent->least_process, extent->last_process),
        .edges = (uint32_t)span(extent->least_edge, extent->last_edge),
    };
    image->roles = sqlite3_malloc64(image->nodes * sizeof *image->roles);
    making->births = sqlite3_malloc64(image->nodes * sizeof *making->births);
    image->ends = sqlite3_malloc64((image->edges + 1ull) * sizeof *image->ends);
    if (!image->roles || !making->births || !image->ends)
        return SQLITE_NOMEM;
    memset(image->ends, 0xff, (image->edges + 1ull) * sizeof *image->ends); /* NODE_NONE */
    for (uint32_t node = 0; node < image->nodes; node++) {
        image->roles[node] = absent;
        making->births[node] = (struct birth){INTEGER_NULL, NODE_NONE, 0};
    }
    return SQLITE_OK;
}

#define PROCESSES(table) "SELECT id, parent_id, started_at, pid, exe FROM " table
#define EDGES(last, table)                                                                         \
    "SELECT id, at, " last ", src, dst, kind, open FROM " table " ORDER BY id"

int graph_image_make(sqlite3 *db, struct graph_image **image)
{
    struct extent extent = measure(db);
    struct making making = {0};
    int rc = rows_of(&extent) < 0 ? SQLITE_TOOBIG : make_room(&making, &extent);

    if (rc == SQLITE_OK)
        rc = read_rows(db, PROCESSES("main.process_rows"), PROCESSES("processes"), &making,
                       take_process);
    if (rc == SQLITE_OK)
        rc = read_rows(db, EDGES("at + last_after", "main.edge_rows"), EDGES("last_at", "edges"),
                       &making, take_edge);
    if (rc == SQLITE_OK)
        rc = keep_births(&making);
    if (rc == SQLITE_OK)
        rc = make_half(&making, GRAPH_BACKWARD);
    if (rc == SQLITE_OK)
        rc = make_half(&making, GRAPH_FORWARD);
    sqlite3_free(making.births);
    sqlite3_free(making.records);
    if (rc != SQLITE_OK) {
        graph_image_free(making.image);
        making.image = NULL;
    }
    *image = making.image;
    return rc;
}

void graph_image_free(struct graph_image *image)
{
    if (!image)
        return;
    for (int direction = 0; direction < 2; direction++) {
        sqlite3_free(image->halves[direction].first);
        sqlite3_free(image->halves[direction].edges);
    }
    sqlite3_free(image->ends);
    sqlite3_free(image->roles);
    sqlite3_free(image);
}
