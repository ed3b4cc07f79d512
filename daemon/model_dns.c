/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DNS queries and their responses, as the asking socket sees them: what it sends that is a query,
 * and what it receives that is a response. A name server on the same host sees the same messages
 * the other way round, and that is no second query; what it asks others is.
 */
#include "dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json.h"
#include "model_dns.h"

/* Questions of one message. Real ones have one. */
#define QUESTIONS_MAX 4
/* Queries of one socket and DNS id that are known at a time. */
#define CHAIN_MAX 16
/* Of the JSON array of answers. Bytes. */
#define ANSWERS_MAX 16384
#define PORT_DNS    53

struct dns_query {
    struct row_dns_query row; /* integers; see query_put() */
    struct shared *name;
    uint16_t type;
    uint16_t id;
    uint64_t cookie;
    struct tuple tuple;
    bool tcp;
    bool seen_asked;
    bool answered;
    bool dirty;
    uint64_t asked; /* boot clock, ns */
    uint64_t seen;
    struct dns_query *newer; /* of the same socket and id */
    struct dns_query *older;
    TAILQ_ENTRY(dns_query) known;
    TAILQ_ENTRY(dns_query) changed;
};

static struct dns_state *state_of(struct model *model)
{
    if (model->dns)
        return model->dns;
    model->dns = calloc(1, sizeof(*model->dns));
    if (!model->dns) {
        model->unkept++;
        return NULL;
    }
    TAILQ_INIT(&model->dns->known_queries);
    TAILQ_INIT(&model->dns->changed_queries);
    TAILQ_INIT(&model->dns->known_streams);
    TAILQ_INIT(&model->dns->used_names);
    return model->dns;
}

/* ---- rows ---- */

/* `192.0.2.53`, and with another port than 53 `192.0.2.53:5353` or `[2001:db8::1]:5353`. */
static struct text server_text(const struct tuple *tuple, char text[ADDRESS_SIZE + 8])
{
    char address[ADDRESS_SIZE];
    struct text server = address_text(tuple->family, tuple->remote, address);

    if (!server.data)
        return server;
    if (tuple->remote_port == PORT_DNS)
        snprintf(text, ADDRESS_SIZE + 8, "%s", address);
    else
        snprintf(text, ADDRESS_SIZE + 8, strchr(address, ':') ? "[%s]:%u" : "%s:%u", address,
                 tuple->remote_port);
    return model_constant(text);
}

static void query_put(struct model *model, const struct dns_query *query, const char *rcode,
                      struct text answers)
{
    struct row_dns_query row = query->row;
    char type[DNS_CODE_SIZE], server[ADDRESS_SIZE + 8];

    row.name = shared_text(query->name);
    row.type = model_constant(dns_type(query->type, type));
    row.server = server_text(&query->tuple, server);
    row.protocol = model_constant(query->tcp ? "tcp" : "udp");
    row.rcode = model_constant(rcode);
    row.answers = answers;
    model_put(model, ROW_DNS_QUERY, &row);
}

static void query_clean(struct dns_state *dns, struct dns_query *query)
{
    if (query->dirty)
        TAILQ_REMOVE(&dns->changed_queries, query, changed);
    query->dirty = false;
}

/* ---- what is known ---- */

static struct key query_key(uint64_t cookie, uint16_t id)
{
    return (struct key){cookie, id};
}

static struct dns_query *query_newest(const struct dns_state *dns, uint64_t cookie, uint16_t id)
{
    return index_get(&dns->queries, query_key(cookie, id));
}

static int query_link(struct dns_state *dns, struct dns_query *query)
{
    struct dns_query *older = query_newest(dns, query->cookie, query->id);

    if (index_put(&dns->queries, query_key(query->cookie, query->id), query) < 0)
        return -1;
    query->older = older;
    if (older)
        older->newer = query;
    TAILQ_INSERT_TAIL(&dns->known_queries, query, known);
    TAILQ_INSERT_TAIL(&dns->changed_queries, query, changed);
    query->dirty = true;
    dns->query_count++;
    return 0;
}

static void query_free(struct dns_state *dns, struct dns_query *query)
{
    struct key key = query_key(query->cookie, query->id);

    query_clean(dns, query);
    if (query->newer)
        query->newer->older = query->older;
    else
        index_remove(&dns->queries, key);
    if (query->older)
        query->older->newer = query->newer;
    if (!query->newer && query->older)
        index_put(&dns->queries, key, query->older); /* into the place that is free now */
    TAILQ_REMOVE(&dns->known_queries, query, known);
    dns->query_count--;
    shared_drop(query->name);
    free(query);
}

/* Makes room. What has no answer yet will not be joined with it any more. */
static void query_push_out(struct model *model, struct dns_query *query)
{
    if (query->dirty)
        query_put(model, query, NULL, TEXT_NULL);
    model->dns->pushed_out += !query->answered;
    query_free(model->dns, query);
}

static bool same_question(const struct dns_query *query, const struct dns_question *question)
{
    struct text name = shared_text(query->name);

    return query->type == question->type && name.length == strlen(question->name) &&
           strncasecmp(name.data, question->name, name.length) == 0;
}

static bool same_server(const struct dns_query *query, const struct event_dns *packet)
{
    return query->tuple.remote_port == packet->remote_port &&
           query->tuple.family == packet->family &&
           memcmp(query->tuple.remote, packet->remote_address, sizeof(query->tuple.remote)) == 0;
}

/* The newest query with that question (NULL: any) to that server. */
static struct dns_query *query_find(struct model *model, const struct event_dns *packet,
                                    uint16_t id, const struct dns_question *question)
{
    struct dns_query *query = query_newest(model->dns, packet->cookie, id);

    while (query && !(same_server(query, packet) && (!question || same_question(query, question))))
        query = query->older;
    return query;
}

/* A socket that asks more with one id than can be told apart loses the oldest. */
static void chain_trim(struct model *model, struct dns_query *newest)
{
    struct dns_query *query = newest;

    for (size_t i = 1; query && i < CHAIN_MAX; i++)
        query = query->older;
    if (query && query->older)
        query_push_out(model, query->older);
}

/* Who sent it: the event says so, or whose the connection is. */
static int64_t asker(struct model *model, const struct event *event)
{
    const struct process *process = process_of(model, event->header);
    const struct connection *connection;

    if (process)
        return process->row.id;
    connection = index_get(&model->connections, (struct key){event->dns->cookie, 0});
    return connection ? connection->row.process_id : INTEGER_NULL;
}

static struct dns_query *query_new(struct model *model, const struct event *event, uint16_t id,
                                   const struct dns_question *question)
{
    const struct event_dns *packet = event->dns;
    struct dns_query *query = calloc(1, sizeof(*query));

    if (query)
        query->name = shared_string(question->name);
    if (!query || !query->name) {
        free(query);
        model->unkept++;
        return NULL;
    }
    row_clear(ROW_DNS_QUERY, &query->row);
    query->row.process_id = asker(model, event);
    query->row.at = model_wall(model, event->header->time);
    query->row.host_id = model->host_id;
    query->type = question->type;
    query->id = id;
    query->cookie = packet->cookie;
    query->tuple.family = packet->family;
    query->tuple.remote_port = packet->remote_port;
    memcpy(query->tuple.remote, packet->remote_address, sizeof(query->tuple.remote));
    query->tcp = packet->flags & EVENT_DNS_TCP;
    query->asked = query->seen = event->header->time;
    if (query_link(model->dns, query) < 0) {
        shared_drop(query->name);
        free(query);
        model->unkept++;
        return NULL;
    }
    query->row.id = model_id(model, ROW_DNS_QUERY);
    chain_trim(model, query);
    if (model->dns->query_count > DNS_QUERIES_MAX)
        query_push_out(model, TAILQ_FIRST(&model->dns->known_queries));
    return query;
}

/* ---- queries ---- */

/* A query that is sent again before it is answered is the same query. */
static void ask(struct model *model, const struct event *event, uint16_t id,
                const struct dns_question *question)
{
    struct dns_query *query = query_find(model, event->dns, id, question);

    if (!query || query->answered) {
        query = query_new(model, event, id, question);
        if (query)
            query->seen_asked = true;
        return;
    }
    query->seen = event->header->time;
    TAILQ_REMOVE(&model->dns->known_queries, query, known);
    TAILQ_INSERT_TAIL(&model->dns->known_queries, query, known);
}

static bool on_query(struct model *model, const struct event *event, struct dns_message *message)
{
    struct dns_question question;
    size_t count = 0;

    while (count < QUESTIONS_MAX && dns_next_question(message, &question)) {
        ask(model, event, message->id, &question);
        count++;
    }
    return count > 0;
}

/* ---- responses ---- */

/* The JSON array of what was answered; a last element of null says that there was more. */
struct answers {
    size_t length;
    bool full;
    char json[ANSWERS_MAX];
};

static void answers_add(struct answers *answers, const char *text)
{
    /* The text is printable ASCII: no byte of it takes more than two. */
    if (answers->length + 2 * strlen(text) + sizeof(",\"\",null]") > sizeof(answers->json)) {
        answers->full = true;
        return;
    }
    answers->json[answers->length] = answers->length ? ',' : '[';
    answers->length++;
    answers->length += json_quote(answers->json + answers->length, text, strlen(text));
}

static struct text answers_end(struct answers *answers, bool incomplete)
{
    char *json = answers->json;
    size_t length = answers->length;

    if (!length)
        json[length++] = '[';
    if (incomplete || answers->full) {
        const char *more = length > 1 ? ",null" : "null";
        memcpy(json + length, more, strlen(more));
        length += strlen(more);
    }
    json[length++] = ']';
    return (struct text){json, length};
}

/* The process, and with it the host, has got addresses for the name it asked for. What nobody is
 * known to have asked for teaches nothing: anybody may send such a packet. */
static void learn(struct model *model, const struct dns_query *query, struct dns_message message)
{
    struct dns_answer answer;

    while (query->seen_asked && dns_next_answer(&message, &answer)) {
        if (!answer.family)
            continue;
        if (query->row.process_id != INTEGER_NULL)
            dns_name_learn(model, query->row.process_id, answer.family, answer.address,
                           query->name);
        dns_name_learn(model, 0, answer.family, answer.address, query->name);
    }
}

static void answered(struct model *model, const struct event *event, struct dns_query *query,
                     const char *rcode, struct text answers, struct dns_message message)
{
    if (!query)
        return;
    query->answered = true;
    if (query->seen_asked && event->header->time >= query->asked)
        query->row.latency_ns = (int64_t)(event->header->time - query->asked);
    if (query->row.process_id == INTEGER_NULL)
        query->row.process_id = asker(model, event);
    query_clean(model->dns, query);
    query_put(model, query, rcode, answers);
    learn(model, query, message);
}

/* The query that a response is about. The recorder may have come too late for it, or lost it: then
 * it is made up from the response, which has the question too. NULL: it has been answered. */
static struct dns_query *query_answered(struct model *model, const struct event *event, uint16_t id,
                                        const struct dns_question *question)
{
    struct dns_query *query = query_find(model, event->dns, id, question);

    if (query)
        return query->answered ? NULL : query;
    return question ? query_new(model, event, id, question) : NULL;
}

static struct text answers_of(struct dns_message message, struct answers *answers)
{
    struct dns_answer answer;

    answers->length = 0;
    answers->full = false;
    while (!answers->full && dns_next_answer(&message, &answer))
        answers_add(answers, answer.text);
    return answers_end(answers, message.incomplete);
}

static bool on_response(struct model *model, const struct event *event, struct dns_message *message)
{
    const struct dns_message whole = *message;
    bool bare = !message->questions; /* as some servers refuse */
    char code[DNS_CODE_SIZE];
    const char *rcode = dns_rcode(message->rcode, code);
    struct dns_question question;
    struct answers answers;
    struct text json = answers_of(whole, &answers);
    size_t count = 0;

    if (bare)
        answered(model, event, query_answered(model, event, message->id, NULL), rcode, json, whole);
    for (; count < QUESTIONS_MAX && dns_next_question(message, &question); count++)
        answered(model, event, query_answered(model, event, message->id, &question), rcode, json,
                 whole);
    return bare || count;
}

/* ---- packets ---- */

bool dns_message_in(struct model *model, const struct dns_piece *piece)
{
    bool received = piece->event->dns->flags & EVENT_DNS_RECEIVED;
    struct dns_message message;

    if (!dns_open(&message, piece->bytes, piece->length))
        return false;
    message.incomplete |= piece->cut;
    if (message.response != received || message.opcode != DNS_OPCODE_QUERY)
        return true;
    return received ? on_response(model, piece->event, &message)
                    : on_query(model, piece->event, &message);
}

void dns_packet(struct model *model, const struct event *event)
{
    struct text payload = event_text(event, event->dns->payload);
    struct dns_piece piece = {event, (const uint8_t *)payload.data, payload.length,
                              payload.length < event->dns->length};

    if (!state_of(model))
        return;
    if (event->dns->flags & EVENT_DNS_TCP) {
        if (event->dns->local_port != PORT_DNS) /* the server's end of it tells nothing new */
            dns_stream_in(model, event);
    } else
        dns_message_in(model, &piece);
}

/* ---- life ---- */

static void report_pushed_out(struct model *model)
{
    struct row_loss loss;

    if (!model->dns->pushed_out)
        return;
    row_clear(ROW_LOSS, &loss);
    loss.started_at = loss.ended_at = model_wall(model, model->now);
    loss.class = model_constant(event_class_name(EVENT_CLASS_DNS));
    loss.stage = model_constant("queue");
    loss.count = (int64_t)model->dns->pushed_out;
    loss.detail = model_constant("more DNS queries at a time than can be kept");
    model->dns->pushed_out = 0;
    model_lose(model, &loss);
}

void dns_flush(struct model *model)
{
    struct dns_query *query;

    if (!model->dns)
        return;
    while ((query = TAILQ_FIRST(&model->dns->changed_queries))) {
        query_clean(model->dns, query);
        query_put(model, query, NULL, TEXT_NULL);
    }
    report_pushed_out(model);
}

void dns_forget(struct model *model)
{
    struct dns_state *dns = model->dns;
    struct dns_query *query;
    uint64_t before;

    if (!dns)
        return;
    before = model->now > DNS_PATIENCE_NS ? model->now - DNS_PATIENCE_NS : 0;
    while ((query = TAILQ_FIRST(&dns->known_queries)) && query->seen < before)
        query_free(dns, query);
    dns_stream_forget(dns, before);
}

void dns_free_all(struct model *model)
{
    struct dns_state *dns = model->dns;
    struct dns_query *query;

    if (!dns)
        return;
    while ((query = TAILQ_FIRST(&dns->known_queries)))
        query_free(dns, query);
    index_free(&dns->queries);
    dns_stream_forget(dns, UINT64_MAX);
    index_free(&dns->streams);
    dns_name_free_all(dns);
    free(dns);
    model->dns = NULL;
}
