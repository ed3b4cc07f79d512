/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "graph_kind.h"

#define KIND_NAME(NAME, text)   [GRAPH_##NAME] = (text),
#define KIND_LISTED(NAME, text) ", " text
const char *const graph_kind_names[GRAPH_KIND_COUNT] = {GRAPH_KINDS(KIND_NAME)};

static const char listed[] = GRAPH_KINDS(KIND_LISTED);
const char *const graph_kind_list = listed + 2;

enum graph_kind graph_kind_of(const char *name, size_t length)
{
    enum graph_kind kind = 0;

    while (kind < GRAPH_KIND_COUNT && (strlen(graph_kind_names[kind]) != length ||
                                       memcmp(graph_kind_names[kind], name, length) != 0))
        kind++;
    return kind;
}

static enum graph_kind kind_of_padded(const char *name, size_t length)
{
    while (length && *name == ' ')
        name++, length--;
    while (length && name[length - 1] == ' ')
        length--;
    return graph_kind_of(name, length);
}

bool graph_kinds_parse(const char *list, size_t length, uint32_t *kinds)
{
    const char *end = list + length, *comma;

    *kinds = 0;
    do {
        comma = memchr(list, ',', (size_t)(end - list));
        enum graph_kind kind = kind_of_padded(list, (size_t)((comma ? comma : end) - list));
        if (kind == GRAPH_KIND_COUNT)
            return false;
        *kinds |= GRAPH_KIND_BIT(kind);
        list = comma + 1;
    } while (comma);
    return true;
}
