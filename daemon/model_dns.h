/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of the model that deal with DNS share. Only model_dns*.c include this. */
#ifndef SPYQ_MODEL_DNS_H
#define SPYQ_MODEL_DNS_H

#include "model_private.h"

/* A query is matched with its response, and a stream goes on, within this time. ns. */
#define DNS_PATIENCE_NS (10 * 1000000000ull)

/* How much is kept at most. Beyond it the oldest goes. */
#define DNS_QUERIES_MAX 16384
#define DNS_STREAMS_MAX 256
#define DNS_NAMES_MAX   32768

struct dns_query;
struct dns_stream;
struct dns_name;
TAILQ_HEAD(dns_query_list, dns_query);
TAILQ_HEAD(dns_stream_list, dns_stream);
TAILQ_HEAD(dns_name_list, dns_name);

struct dns_state {
    struct index queries; /* (cookie, DNS id) -> struct dns_query, the newest first */
    struct dns_query_list known_queries; /* in order of the newest event about them */
    struct dns_query_list changed_queries;
    size_t query_count;
    uint64_t pushed_out; /* before they were whole or answered, since the last flush */

    struct index streams;                 /* (cookie, direction) -> struct dns_stream */
    struct dns_stream_list known_streams; /* likewise */
    size_t stream_count;

    struct index names;              /* (process and address) -> struct dns_name */
    struct dns_name_list used_names; /* in order of their last use */
    size_t name_count;
};

/* A message as it was found in one packet or a stream; `event` is that of its last byte. */
struct dns_piece {
    const struct event *event;
    const uint8_t *bytes;
    size_t length;
    bool cut; /* there was more */
};

/* ---- model_dns.c ---- */

/* Takes in one message. Returns false where it is none. */
bool dns_message_in(struct model *model, const struct dns_piece *piece);

/* ---- model_dns_stream.c ---- */

/* Takes in a segment, and every message that ends in it. */
void dns_stream_in(struct model *model, const struct event *event);
void dns_stream_forget(struct dns_state *dns, uint64_t before);

/* ---- model_dns_name.c ---- */

/* A process (id 0: the host) has got an address for a name. */
void dns_name_learn(struct model *model, int64_t process_id, uint16_t family,
                    const uint8_t address[16], struct shared *name);
void dns_name_free_all(struct dns_state *dns);

#endif
