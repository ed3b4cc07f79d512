/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "containers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "container_files.h"
#include "record.h"

#define MS       1000000ull
#define WAIT_MAX 4096 /* containers that are waited for; the oldest gives way */

/* When files are looked for, after the cgroup was heard of. */
static const uint64_t looks[] = {20 * MS, 100 * MS, 500 * MS, 2000 * MS, 5000 * MS, 15000 * MS};
#define LOOKS (sizeof(looks) / sizeof(looks[0]))

struct waiting {
    uint64_t cgroup_id;
    uint64_t began;
    size_t turn;  /* the next of `looks` */
    size_t known; /* how many facts have been told */
    TAILQ_ENTRY(waiting) all;
    char cgroup[];
};
TAILQ_HEAD(waiting_list, waiting);

struct containers {
    const char *root;
    struct waiting_list waiting;
    size_t count;
};

struct containers *containers_new(const char *root)
{
    struct containers *containers = calloc(1, sizeof(*containers));

    if (!containers)
        return NULL;
    containers->root = strcmp(root, "/") == 0 ? "" : root;
    TAILQ_INIT(&containers->waiting);
    return containers;
}

static void give_up(struct containers *containers, struct waiting *waiting)
{
    TAILQ_REMOVE(&containers->waiting, waiting, all);
    containers->count--;
    free(waiting);
}

void containers_free(struct containers *containers)
{
    if (!containers)
        return;
    while (!TAILQ_EMPTY(&containers->waiting))
        give_up(containers, TAILQ_FIRST(&containers->waiting));
    free(containers);
}

static void tell(const struct container_facts *facts, uint64_t cgroup_id, source_sink *sink,
                 void *context)
{
    struct record record;
    struct event_container *event =
        record_begin(&record, EVENT_CONTAINER, sizeof(*event), boot_now());

    event->cgroup_id = cgroup_id;
    event->container_id = record_text(&record, facts->id);
    event->runtime = record_text(&record, facts->runtime);
    event->name = record_text(&record, facts->name);
    event->image = record_text(&record, facts->image);
    event->pod = record_text(&record, facts->pod);
    event->namespace_name = record_text(&record, facts->namespace);
    event->labels = record_text(&record, facts->labels);
    record_end(&record);
    sink(context, &event->header, record.size);
}

static size_t count_facts(const struct container_facts *facts)
{
    return 1u + (facts->name[0] != 0) + (facts->image[0] != 0) + (facts->pod[0] != 0) +
           (facts->namespace[0] != 0) + (facts->labels[0] != 0);
}

/* Tells what is there beyond what has been told. Returns whether nothing more is waited for. */
static bool look(struct containers *containers, struct waiting *waiting, source_sink *sink,
                 void *context)
{
    struct container_facts facts;

    if (!container_files_read(containers->root, waiting->cgroup, &facts))
        return false;
    if (count_facts(&facts) > waiting->known)
        tell(&facts, waiting->cgroup_id, sink, context);
    waiting->known = count_facts(&facts);
    return facts.name[0] && facts.image[0];
}

static struct waiting *wait_for(struct containers *containers, uint64_t cgroup_id,
                                const char *cgroup, size_t length)
{
    struct waiting *waiting = calloc(1, sizeof(*waiting) + length + 1);

    if (!waiting)
        return NULL;
    memcpy(waiting->cgroup, cgroup, length);
    waiting->cgroup_id = cgroup_id;
    waiting->began = boot_now();
    TAILQ_INSERT_TAIL(&containers->waiting, waiting, all);
    if (++containers->count > WAIT_MAX)
        give_up(containers, TAILQ_FIRST(&containers->waiting));
    return waiting;
}

void containers_introduce(struct containers *containers, const struct event_header *record,
                          source_sink *sink, void *context)
{
    const struct event_cgroup *cgroup = (const struct event_cgroup *)record;
    struct waiting *waiting;

    if (!containers || record->kind != EVENT_CGROUP)
        return;
    waiting = wait_for(containers, cgroup->cgroup_id, (const char *)record + cgroup->path.offset,
                       cgroup->path.length);
    if (waiting && (!container_files_expected(containers->root, waiting->cgroup) ||
                    look(containers, waiting, sink, context)))
        give_up(containers, waiting);
}

void containers_look_again(struct containers *containers, uint64_t now, source_sink *sink,
                           void *context)
{
    struct waiting *waiting, *next;

    for (waiting = TAILQ_FIRST(&containers->waiting); waiting; waiting = next) {
        next = TAILQ_NEXT(waiting, all);
        if (now < waiting->began + looks[waiting->turn])
            continue;
        while (waiting->turn < LOOKS && now >= waiting->began + looks[waiting->turn])
            waiting->turn++;
        if (look(containers, waiting, sink, context) || waiting->turn == LOOKS)
            give_up(containers, waiting);
    }
}
