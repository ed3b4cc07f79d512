/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One struct for each table that the recorder writes, and the description of its columns.
 *
 * The lists below are the only place where a table's columns are written down in C: the structs,
 * the SQL statements and the binding code are all made from them, and a unit test holds them
 * against schema.sql. Rows own nothing: text points into whatever arena the row came from.
 */
#ifndef SPYQ_ROWS_H
#define SPYQ_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A stretch of bytes, not NUL-terminated, any byte allowed. data == NULL is SQL NULL. */
struct text {
    const char *data;
    size_t length;
};

#define TEXT_NULL ((struct text){NULL, 0})

/* Whether both are the same; NULL is nothing's like. */
static inline bool text_same(struct text one, struct text other)
{
    return one.data && other.data && one.length == other.length &&
           memcmp(one.data, other.data, one.length) == 0;
}

/* The value of an integer column that is NULL. No column can really hold it. */
#define INTEGER_NULL INT64_MIN

/* clang-format off */
/* I: integer column, T: text column, in the order of schema.sql. */
#define HOST_COLUMNS(I, T)                                                                         \
    I(id) T(hostname) T(machine_id) T(boot_id) I(booted_at) T(kernel) T(os) T(arch)                \
    I(first_seen_at) I(last_seen_at)

#define PROCESS_COLUMNS(I, T)                                                                      \
    I(id) I(host_id) I(pid) I(ns_pid) I(ppid) I(parent_id) I(trace_id) I(started_at) I(ended_at)   \
    I(exit_code) I(exit_signal) T(origin) T(comm) T(exe) T(cmdline) T(cwd) I(exec_count) I(uid)    \
    I(euid) I(gid) I(egid) T(user) I(login_uid) I(audit_session) T(capabilities) I(sid) I(pgid)    \
    T(tty) T(container_id) T(cgroup) I(mnt_ns) I(pid_ns) I(net_ns) I(user_ns) I(depth)             \
    I(truncated) I(start_boottime)

#define EXEC_COLUMNS(I, T)                                                                         \
    I(id) I(process_id) I(at) T(filename) T(exe) T(argv) I(argc) T(cwd) T(script) T(interpreter)   \
    T(device) I(inode) I(links) I(memfd) I(deleted) I(setuid) I(uid) I(euid) I(gid) I(egid)        \
    T(stdin) T(stdout) T(stderr) T(environment) T(error) I(truncated) I(argv_length)

#define CONNECTION_COLUMNS(I, T)                                                                   \
    I(id) I(host_id) I(process_id) T(protocol) T(direction) T(local_address) I(local_port)         \
    T(remote_address) I(remote_port) T(remote_name) I(started_at) I(established_at) I(ended_at)    \
    T(state) T(error) I(bytes_sent) I(bytes_received) I(listener_id) I(peer_id)                    \
    I(peer_process_id) I(net_ns) T(origin) I(cookie) I(inode)

#define LISTENER_COLUMNS(I, T)                                                                     \
    I(id) I(process_id) T(protocol) T(address) I(port) I(started_at) I(ended_at) I(net_ns)         \
    T(origin) I(cookie) I(host_id)

/* One row for each process that came to hold the socket of a connection without having made it. */
#define HOLDER_COLUMNS(I, T) I(id) I(connection_id) I(process_id) I(at) T(how) I(edge_id)

#define DNS_QUERY_COLUMNS(I, T)                                                                    \
    I(id) I(process_id) I(at) T(name) T(type) T(server) T(rcode) T(answers) I(latency_ns)          \
    T(protocol) I(host_id)

#define FILE_COLUMNS(I, T)                                                                         \
    I(id) I(process_id) I(at) T(op) T(path) T(old_path) T(device) I(inode) I(mode) I(size)         \
    I(last_at) I(connection_id) T(place) I(memfd) I(host_id)

#define PRIVILEGE_COLUMNS(I, T)                                                                    \
    I(id) I(process_id) I(at) T(kind) T(old) T(new) I(exec_id) I(host_id)

#define CONTAINER_COLUMNS(I, T)                                                                    \
    I(id) T(container_id) T(runtime) T(name) T(image) T(pod) T(namespace) T(labels) T(cgroup)      \
    I(root_process_id) I(started_at) I(ended_at) I(host_id)

#define TRACE_COLUMNS(I, T)                                                                        \
    I(id) I(host_id) I(root_process_id) T(kind) T(title) T(user) T(remote_address) I(started_at)   \
    I(last_at) I(ended_at) I(process_count) I(connection_count)

/* The rest of a row of traces: other hands write it, and only where the row is there. With it go
 * all rows of score_reasons that the trace had. */
#define TRACE_SCORE_COLUMNS(I, T) I(id) I(flag_count) I(score) T(severity) T(tactics)

#define FLAG_COLUMNS(I, T)                                                                         \
    I(id) I(at) T(rule) T(severity) T(title) T(techniques) I(process_id) I(exec_id)                \
    I(connection_id) I(file_id) I(trace_id) T(detail) I(suppressed_by) I(edge_id) T(tactics)       \
    I(flagged_at) I(host_id)

#define SCORE_REASON_COLUMNS(I, T) I(id) I(trace_id) I(flag_id) I(points) T(reason)

/* One row for each rule, of this run of the recorder or an earlier one. */
#define RULE_COLUMNS(I, T)                                                                         \
    I(id) T(name) T(title) T(severity) T(techniques) T(tactics) T(description) T(benign) T(file)   \
    T(state) T(error) I(runs) I(hits) I(withheld) I(busy_ns) I(slowest_ns) I(loaded_at)

#define PAIR_COLUMNS(I, T)                                                                         \
    I(id) T(kind) T(a) T(b) I(first_at) I(last_at) I(count) I(novel) I(process_id)

/* One row for each pair of traces and kind of edge by which one led into the other. */
#define TRACE_LINK_COLUMNS(I, T)                                                                   \
    I(id) I(host_id) I(src_trace_id) I(dst_trace_id) T(kind) I(at) I(last_at) I(count) I(edge_id)

#define EDGE_COLUMNS(I, T)                                                                         \
    I(id) I(host_id) I(at) I(last_at) I(count) T(kind) I(src) I(dst) I(connection_id) I(file_id)   \
    T(detail) I(open)

#define LOSS_COLUMNS(I, T)                                                                         \
    I(id) I(started_at) I(ended_at) T(class) T(stage) I(count) T(detail) T(cgroup)

/* One row for each run of the recorder: pid and heartbeat are what `spyq status` goes by. */
#define RECORDER_COLUMNS(I, T)                                                                     \
    I(id) I(host_id) I(pid) T(version) I(started_at) I(last_seen_at) I(ended_at) T(cgroup) \
    I(late)

/* One row for each probe of a run; error is NULL where it is attached. */
#define PROBE_COLUMNS(I, T)                                                                        \
    I(id) I(recorder_id) T(name) T(tier) T(error) I(recursion_misses)

/* Every table the recorder writes: M(enumerator suffix, table name, struct suffix, columns).
 * Ordered by how long a row is kept when the queue to the disk is full: the last go first. */
#define ROW_KINDS(M)                                                                               \
    M(HOST, hosts, host, HOST_COLUMNS)                                                             \
    M(RECORDER, recorders, recorder, RECORDER_COLUMNS)                                             \
    M(PROBE, probes, probe, PROBE_COLUMNS)                                                         \
    M(LOSS, losses, loss, LOSS_COLUMNS)                                                            \
    M(RULE, rules, rule, RULE_COLUMNS)                                                             \
    M(TRACE, traces, trace, TRACE_COLUMNS)                                                         \
    M(FLAG, flags, flag, FLAG_COLUMNS)                                                             \
    M(TRACE_SCORE, traces, trace_score, TRACE_SCORE_COLUMNS)                                       \
    M(SCORE_REASON, score_reasons, score_reason, SCORE_REASON_COLUMNS)                             \
    M(PAIR, pairs, pair, PAIR_COLUMNS)                                                             \
    M(PROCESS, processes, process, PROCESS_COLUMNS)                                                \
    M(EXEC, execs, exec, EXEC_COLUMNS)                                                             \
    M(EDGE, edges, edge, EDGE_COLUMNS)                                                             \
    M(TRACE_LINK, trace_links, trace_link, TRACE_LINK_COLUMNS)                                     \
    M(CONTAINER, containers, container, CONTAINER_COLUMNS)                                         \
    M(PRIVILEGE, privileges, privilege, PRIVILEGE_COLUMNS)                                         \
    M(LISTENER, listeners, listener, LISTENER_COLUMNS)                                             \
    M(HOLDER, holders, holder, HOLDER_COLUMNS)                                                     \
    M(CONNECTION, connections, connection, CONNECTION_COLUMNS)                                     \
    M(DNS_QUERY, dns_queries, dns_query, DNS_QUERY_COLUMNS)                                        \
    M(FILE, files, file, FILE_COLUMNS)

/* clang-format on */

#define ROW_ENUMERATOR(NAME, table, name, COLUMNS) ROW_##NAME,
enum row_kind { ROW_KINDS(ROW_ENUMERATOR) ROW_KIND_COUNT };

#define ROW_INTEGER_FIELD(column) int64_t column;
#define ROW_TEXT_FIELD(column)    struct text column;
#define ROW_STRUCT(NAME, table, name, COLUMNS)                                                     \
    struct row_##name {                                                                            \
        COLUMNS(ROW_INTEGER_FIELD, ROW_TEXT_FIELD)                                                 \
    };
ROW_KINDS(ROW_STRUCT)

enum column_type { COLUMN_INTEGER, COLUMN_TEXT };

struct column {
    const char *name;
    enum column_type type;
    size_t offset; /* of the field in its row struct */
};

#define ROW_TEXTS_END 0xffff

struct table {
    const char *name;
    const struct column *columns; /* the first is the primary key, `id` */
    size_t column_count;
    size_t row_size;             /* of the row struct, in bytes */
    const void *cleared;         /* a row struct whose columns are all NULL */
    const unsigned short *texts; /* offsets of the texts in the row struct; behind the last
                                    ROW_TEXTS_END */
};

/* Indexed by enum row_kind. */
extern const struct table row_tables[ROW_KIND_COUNT];

/* A row of any kind. */
struct row {
    enum row_kind kind;
    const void *columns; /* the row struct of that kind */
};

/* Sets every column of a row struct to NULL. */
void row_clear(enum row_kind kind, void *columns);

/* The column of that name; NULL: there is none. */
const struct column *row_column(const struct table *table, const char *name);

/* A copy of a row struct with its texts behind it: how many bytes it takes, and making it in so
 * much room, which is aligned for a row struct. */
size_t row_copy_size(const struct table *table, const void *columns);
void row_copy(const struct table *table, const void *columns, void *to);

#endif
