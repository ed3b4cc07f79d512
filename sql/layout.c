/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layout.h"

#include <string.h>

/* The first namespace that a kernel gives out. */
#define NAMESPACE_FIRST 4026531840

/* Words in the order of views.sql. New ones come last: stores have the numbers. Whatever is not
 * among them is stored as text. The kinds of edges are in the order of graph_kind.h. */
static const char *const origins[] = {"event", "scan", "inferred", NULL};
static const char *const protocols[] = {"tcp", "udp", NULL};
static const char *const directions[] = {"out", "in", NULL};
static const char *const states[] = {"closed",      "open",  "connecting", "refused", "timeout",
                                     "unreachable", "reset", "failed",     NULL};
static const char *const edge_kinds[] = {"fork",   "connect", "unix",   "pipe",    "file", "fdpass",
                                         "ptrace", "inject",  "signal", "runtime", NULL};

#define TEXT(column)                                                                               \
    {                                                                                              \
        column, STORED_TEXT, NULL, NULL, 0, NULL                                                   \
    }
#define PIPE(column)                                                                               \
    {                                                                                              \
        column, STORED_PIPE, NULL, NULL, 0, NULL                                                   \
    }
#define WORD(column, words)                                                                        \
    {                                                                                              \
        column, STORED_WORD, NULL, NULL, 0, words                                                  \
    }
#define FOLD(column)                                                                               \
    {                                                                                              \
        column, STORED_FOLDED, NULL, NULL, 0, NULL                                                 \
    }

static const struct stored process_columns[] = {
    {"ns_pid", STORED_OFFSET, "ns_pid_offset", "pid", 0, NULL},
    WORD("origin", origins),
    TEXT("comm"),
    {"cmdline", STORED_JOINED, NULL, NULL, 0, NULL},
    TEXT("cwd"),
    FOLD("uid"),
    FOLD("euid"),
    FOLD("gid"),
    FOLD("egid"),
    FOLD("user"),
    FOLD("login_uid"),
    FOLD("audit_session"),
    FOLD("capabilities"),
    FOLD("sid"),
    FOLD("tty"),
    FOLD("container_id"),
    FOLD("cgroup"),
    FOLD("mnt_ns"),
    FOLD("pid_ns"),
    FOLD("net_ns"),
    FOLD("user_ns"),
    {"start_boottime", STORED_FOLDED_OFFSET, "boot_offset", "started_at", 0, NULL},
    {0},
};

static const struct stored exec_columns[] = {
    TEXT("filename"), TEXT("argv"),   TEXT("cwd"),         TEXT("interpreter"), FOLD("device"),
    FOLD("inode"),    FOLD("links"),  FOLD("memfd"),       FOLD("deleted"),     FOLD("setuid"),
    FOLD("uid"),      FOLD("euid"),   FOLD("gid"),         FOLD("egid"),        PIPE("stdin"),
    PIPE("stdout"),   PIPE("stderr"), TEXT("environment"), TEXT("error"),       {0},
};

static const struct stored edge_columns[] = {
    {"last_at", STORED_OFFSET, "last_after", "at", 0, NULL},
    WORD("kind", edge_kinds),
    PIPE("detail"),
    {0},
};

static const struct stored connection_columns[] = {
    WORD("protocol", protocols),
    WORD("direction", directions),
    TEXT("remote_name"),
    {"established_at", STORED_OFFSET, "established_after", "started_at", 0, NULL},
    WORD("state", states),
    TEXT("error"),
    {"peer_id", STORED_OFFSET, "peer_offset", "id", 0, NULL},
    {"net_ns", STORED_OFFSET, "net_ns_offset", NULL, NAMESPACE_FIRST, NULL},
    WORD("origin", origins),
    {0},
};

const struct layout layouts[ROW_KIND_COUNT] = {
    [ROW_PROCESS] = {"process_rows", "contexts", "context", process_columns},
    [ROW_EXEC] = {"exec_rows", "images", "image", exec_columns},
    [ROW_EDGE] = {"edge_rows", NULL, NULL, edge_columns},
    [ROW_CONNECTION] = {"connection_rows", NULL, NULL, connection_columns},
};

const char *layout_table(enum row_kind kind)
{
    return layouts[kind].table ? layouts[kind].table : row_tables[kind].name;
}

struct stored layout_of(enum row_kind kind, const struct column *column)
{
    const struct stored *stored = layouts[kind].columns;
    struct stored found = {.column = column->name};
    for (; stored && stored->column; stored++)
        if (strcmp(stored->column, column->name) == 0)
            found = *stored;
    if (!found.name)
        found.name = column->name;
    return found;
}
