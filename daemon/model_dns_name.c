/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The names that addresses were got for: by a process, and by the host, which is process 0. */
#include <stdlib.h>
#include <string.h>

#include "model_dns.h"

#define HOST 0

struct dns_name {
    int64_t process_id;
    uint16_t family;
    uint8_t address[16];
    struct shared *name;
    TAILQ_ENTRY(dns_name) used;
};

static struct key name_key(int64_t process_id, uint16_t family, const uint8_t address[16])
{
    uint64_t hash = hash_bytes(HASH_START, &family, sizeof(family));

    return (struct key){hash_bytes(hash, address, 16), (uint64_t)process_id};
}

/* Two addresses that share a key, which only somebody who looks for such will find, share a place:
 * the newer has it, and the older is no longer known. */
static struct dns_name *name_find(const struct dns_state *dns, int64_t process_id, uint16_t family,
                                  const uint8_t address[16])
{
    return index_get(&dns->names, name_key(process_id, family, address));
}

static bool is_of(const struct dns_name *name, uint16_t family, const uint8_t address[16])
{
    return name->family == family && memcmp(name->address, address, sizeof(name->address)) == 0;
}

static void name_free(struct dns_state *dns, struct dns_name *name)
{
    index_remove(&dns->names, name_key(name->process_id, name->family, name->address));
    TAILQ_REMOVE(&dns->used_names, name, used);
    dns->name_count--;
    shared_drop(name->name);
    free(name);
}

static struct dns_name *name_new(struct dns_state *dns, int64_t process_id, uint16_t family,
                                 const uint8_t address[16])
{
    struct dns_name *name = calloc(1, sizeof(*name));

    if (!name || index_put(&dns->names, name_key(process_id, family, address), name) < 0) {
        free(name);
        return NULL;
    }
    name->process_id = process_id;
    name->family = family;
    memcpy(name->address, address, sizeof(name->address));
    TAILQ_INSERT_TAIL(&dns->used_names, name, used);
    if (++dns->name_count > DNS_NAMES_MAX)
        name_free(dns, TAILQ_FIRST(&dns->used_names));
    return name;
}

static void name_use(struct dns_state *dns, struct dns_name *name)
{
    TAILQ_REMOVE(&dns->used_names, name, used);
    TAILQ_INSERT_TAIL(&dns->used_names, name, used);
}

void dns_name_learn(struct model *model, int64_t process_id, uint16_t family,
                    const uint8_t address[16], struct shared *text)
{
    struct dns_state *dns = model->dns;
    struct dns_name *name = name_find(dns, process_id, family, address);

    if (name && !is_of(name, family, address)) {
        name_free(dns, name);
        name = NULL;
    }
    if (name)
        name_use(dns, name);
    else
        name = name_new(dns, process_id, family, address);
    if (name)
        shared_set(&name->name, shared_hold(text));
    else
        model->unkept++;
}

struct shared *dns_name_for(const struct model *model, const struct process *process,
                            uint16_t family, const uint8_t address[16])
{
    const int64_t askers[] = {process ? process->row.id : HOST, HOST};

    for (size_t i = 0; model->dns && i < sizeof(askers) / sizeof(askers[0]); i++) {
        struct dns_name *name = name_find(model->dns, askers[i], family, address);
        if (!name || !is_of(name, family, address))
            continue;
        name_use(model->dns, name);
        return name->name;
    }
    return NULL;
}

void dns_name_free_all(struct dns_state *dns)
{
    struct dns_name *name;

    while ((name = TAILQ_FIRST(&dns->used_names)))
        name_free(dns, name);
    index_free(&dns->names);
}
