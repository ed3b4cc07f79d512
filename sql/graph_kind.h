/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kinds of edges that a search follows: the values of edges.kind. Others it passes by. */
#ifndef SPYQ_GRAPH_KIND_H
#define SPYQ_GRAPH_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* clang-format off */
#define GRAPH_KINDS(K)                                                                             \
    K(FORK, "fork") K(CONNECT, "connect") K(UNIX, "unix") K(PIPE, "pipe") K(FILE, "file")          \
    K(FDPASS, "fdpass") K(PTRACE, "ptrace") K(INJECT, "inject") K(SIGNAL, "signal")                \
    K(RUNTIME, "runtime")
/* clang-format on */

#define GRAPH_KIND_ENUMERATOR(NAME, text) GRAPH_##NAME,
enum graph_kind { GRAPH_KINDS(GRAPH_KIND_ENUMERATOR) GRAPH_KIND_COUNT };

/* A set of kinds: bit 1 << kind. */
#define GRAPH_KIND_BIT(kind) (1u << (kind))
#define GRAPH_KINDS_ALL      (GRAPH_KIND_BIT(GRAPH_KIND_COUNT) - 1)

extern const char *const graph_kind_names[GRAPH_KIND_COUNT];

/* All of them as a person reads them: "fork, connect, ...". */
extern const char *const graph_kind_list;

/* Returns GRAPH_KIND_COUNT where no kind has that name. */
enum graph_kind graph_kind_of(const char *name, size_t length);

/* Reads a list such as 'fork,file'; spaces around a name do not matter. false: it is none. */
bool graph_kinds_parse(const char *list, size_t length, uint32_t *kinds);

#endif
