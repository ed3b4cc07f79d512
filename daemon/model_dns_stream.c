/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DNS over TCP: each message stands behind its length, two bytes, and segments begin and end where
 * they like. A segment that was not seen, or not kept whole, is a hole: the message around it is
 * cut there, and a hole over a length loses the thread until a segment holds one whole message.
 */
#include <stdlib.h>
#include <string.h>

#include "model_dns.h"

/* What is kept of one message. Bytes. */
#define KEPT_MAX    16384
#define PREFIX_SIZE 2
#define HEADER_SIZE 12 /* no message is shorter */

struct dns_stream {
    uint64_t cookie;
    uint64_t direction;
    uint64_t seen;
    uint32_t next; /* sequence number of the first byte that has not been seen */
    bool lost;     /* where a message begins is not known */
    bool cut;      /* of the message: bytes behind the `kept` first ones are missing */
    uint8_t prefix[PREFIX_SIZE];
    size_t at;    /* bytes of the message and its prefix that have passed */
    size_t whole; /* that there are, prefix included; 0: not known yet */
    size_t kept;  /* of the message */
    uint8_t *bytes;
    TAILQ_ENTRY(dns_stream) known;
};

static struct key stream_key(const struct dns_stream *stream)
{
    return (struct key){stream->cookie, stream->direction};
}

static void stream_free(struct dns_state *dns, struct dns_stream *stream)
{
    index_remove(&dns->streams, stream_key(stream));
    TAILQ_REMOVE(&dns->known_streams, stream, known);
    dns->stream_count--;
    free(stream->bytes);
    free(stream);
}

static struct dns_stream *stream_new(struct model *model, const struct event_dns *packet)
{
    struct dns_state *dns = model->dns;
    struct dns_stream *stream = calloc(1, sizeof(*stream));

    if (!stream) {
        model->unkept++;
        return NULL;
    }
    stream->cookie = packet->cookie;
    stream->direction = packet->flags & EVENT_DNS_RECEIVED;
    stream->next = packet->sequence;
    if (index_put(&dns->streams, stream_key(stream), stream) < 0) {
        model->unkept++;
        free(stream);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&dns->known_streams, stream, known);
    if (++dns->stream_count > DNS_STREAMS_MAX) {
        dns->pushed_out += TAILQ_FIRST(&dns->known_streams)->at > 0;
        stream_free(dns, TAILQ_FIRST(&dns->known_streams));
    }
    return stream;
}

static struct dns_stream *stream_of(struct model *model, const struct event *event)
{
    struct dns_state *dns = model->dns;
    struct key key = {event->dns->cookie, event->dns->flags & EVENT_DNS_RECEIVED};
    struct dns_stream *stream = index_get(&dns->streams, key);

    if (!stream)
        stream = stream_new(model, event->dns);
    if (!stream)
        return NULL;
    stream->seen = event->header->time;
    TAILQ_REMOVE(&dns->known_streams, stream, known);
    TAILQ_INSERT_TAIL(&dns->known_streams, stream, known);
    return stream;
}

/* ---- one message after the other ---- */

static void stream_begin(struct dns_stream *stream)
{
    free(stream->bytes);
    stream->bytes = NULL;
    stream->at = stream->whole = stream->kept = 0;
    stream->cut = false;
}

static void stream_lose(struct dns_stream *stream)
{
    stream_begin(stream);
    stream->lost = true;
}

/* Both bytes of the length are there. */
static void stream_measure(struct model *model, struct dns_stream *stream)
{
    size_t length = (size_t)stream->prefix[0] << 8 | stream->prefix[1];

    stream->whole = PREFIX_SIZE + length;
    if (length < HEADER_SIZE)
        stream_lose(stream);
    else if (!(stream->bytes = malloc(length < KEPT_MAX ? length : KEPT_MAX)))
        model->unkept++;
}

/* The last byte of the message has passed. What is no message was never at its place. */
static void stream_deliver(struct model *model, struct dns_stream *stream,
                           const struct event *event)
{
    struct dns_piece piece = {event, stream->bytes, stream->kept, stream->cut};

    if (stream->bytes && !dns_message_in(model, &piece))
        stream_lose(stream);
    else
        stream_begin(stream);
}

static void stream_keep(struct dns_stream *stream, const uint8_t *bytes, size_t length)
{
    size_t room = stream->cut ? 0 : KEPT_MAX - stream->kept;
    size_t kept = length < room ? length : room;

    stream->cut |= kept < length;
    if (!stream->bytes || !kept)
        return;
    memcpy(stream->bytes + stream->kept, bytes, kept);
    stream->kept += kept;
}

/* Takes bytes off the front, up to the end of the prefix or message. Returns how many. */
static size_t stream_take(struct model *model, struct dns_stream *stream, const struct event *event,
                          const uint8_t *bytes, size_t length)
{
    size_t left;

    if (!stream->whole) {
        stream->prefix[stream->at++] = bytes[0];
        if (stream->at == PREFIX_SIZE)
            stream_measure(model, stream);
        return 1;
    }
    left = stream->whole - stream->at;
    length = length < left ? length : left;
    stream_keep(stream, bytes, length);
    stream->at += length;
    if (stream->at == stream->whole)
        stream_deliver(model, stream, event);
    return length;
}

/* That many bytes were not seen. */
static void stream_miss(struct model *model, struct dns_stream *stream, const struct event *event,
                        size_t length)
{
    size_t left = stream->whole - stream->at;

    if (!length || stream->lost)
        return;
    if (!stream->whole || length > left) {
        if (stream->whole) {
            stream->cut = true;
            stream_deliver(model, stream, event);
        }
        stream_lose(stream);
        return;
    }
    stream->cut = true;
    stream->at += length;
    if (stream->at == stream->whole)
        stream_deliver(model, stream, event);
}

/* The thread is found again where a segment is just one message. */
static void stream_resume(struct dns_stream *stream, const uint8_t *bytes, size_t kept,
                          size_t length)
{
    if (stream->lost && kept >= PREFIX_SIZE &&
        length == PREFIX_SIZE + ((size_t)bytes[0] << 8 | bytes[1]))
        stream->lost = false;
}

void dns_stream_in(struct model *model, const struct event *event)
{
    const struct event_dns *packet = event->dns;
    struct text payload = event_text(event, packet->payload);
    const uint8_t *bytes = (const uint8_t *)payload.data;
    struct dns_stream *stream = packet->length ? stream_of(model, event) : NULL;
    size_t length = packet->length, kept = payload.length < length ? payload.length : length, old;
    uint32_t ahead = stream ? packet->sequence - stream->next : 0;

    if (!stream)
        return;
    old = ahead > INT32_MAX ? (uint32_t)-ahead : 0; /* sent once more */
    if (old >= length)
        return;
    if (!old)
        stream_miss(model, stream, event, ahead);
    stream->next = packet->sequence + packet->length;
    bytes = old < kept ? bytes + old : bytes;
    kept = old < kept ? kept - old : 0;
    length -= old;
    stream_resume(stream, bytes, kept, length);
    for (size_t at = 0; at < kept && !stream->lost;)
        at += stream_take(model, stream, event, bytes + at, kept - at);
    stream_miss(model, stream, event, length - kept);
}

void dns_stream_forget(struct dns_state *dns, uint64_t before)
{
    struct dns_stream *stream;

    while ((stream = TAILQ_FIRST(&dns->known_streams)) && stream->seen < before)
        stream_free(dns, stream);
}
