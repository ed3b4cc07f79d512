/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hubs: processes through which nearly everything on a host is connected with everything else. To
 * follow the graph through one explains nothing, so a search stops there unless it is told not to.
 */
#ifndef SPYQ_GRAPH_HUB_H
#define SPYQ_GRAPH_HUB_H

#include <stddef.h>
#include <stdint.h>

/* A process that more others than this reach, or that reaches more, by connections is a hub. */
#define GRAPH_HUB_PEERS 32

/* The role of such a process. */
extern const char graph_hub_shared[];

/*
 * The role of a process by what it runs, such as "init" or "cron daemon"; NULL: it is no hub by
 * that. exe is the path of its executable, not NUL-terminated; NULL: it is not known. The roles are
 * public text and stay as they are.
 */
const char *graph_hub_role(int64_t pid, const char *exe, size_t length);

#endif
