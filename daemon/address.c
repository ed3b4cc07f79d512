/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <string.h>

#include "model_private.h"

struct tuple tuple_of(const struct event_tcp *tcp)
{
    struct tuple tuple = {
        .family = tcp->family,
        .local_port = tcp->local_port,
        .remote_port = tcp->remote_port,
    };

    memcpy(tuple.local, tcp->local_address, sizeof(tuple.local));
    memcpy(tuple.remote, tcp->remote_address, sizeof(tuple.remote));
    return tuple;
}

static char *put_byte(char *at, unsigned byte)
{
    if (byte >= 100)
        *at++ = (char)('0' + byte / 100);
    if (byte >= 10)
        *at++ = (char)('0' + byte / 10 % 10);
    *at++ = (char)('0' + byte % 10);
    return at;
}

/* As inet_ntop() has it, which asks printf(): four of them make a fifth of what a connection costs
 * the loop. */
static struct text v4_text(const uint8_t address[4], char text[ADDRESS_SIZE])
{
    char *at = put_byte(text, address[0]);

    for (int i = 1; i < 4; i++) {
        *at++ = '.';
        at = put_byte(at, address[i]);
    }
    *at = '\0';
    return (struct text){text, (size_t)(at - text)};
}

struct text address_text(uint16_t family, const uint8_t address[16], char text[ADDRESS_SIZE])
{
    if (family == AF_INET)
        return v4_text(address, text);
    if (!inet_ntop(family, address, text, ADDRESS_SIZE))
        return TEXT_NULL;
    return (struct text){text, strlen(text)};
}

bool address_parse(struct text text, uint16_t *family, uint8_t address[16])
{
    char string[ADDRESS_SIZE];

    if (!text.data || text.length >= sizeof(string))
        return false;
    memcpy(string, text.data, text.length);
    string[text.length] = '\0';
    memset(address, 0, 16);
    *family = strchr(string, ':') ? AF_INET6 : AF_INET;
    return inet_pton(*family, string, address) == 1;
}

bool address_is_loopback(uint16_t family, const uint8_t address[16])
{
    static const uint8_t v6_loopback[16] = {[15] = 1};

    return family == AF_INET ? address[0] == 127 : memcmp(address, v6_loopback, 16) == 0;
}

bool address_is_any(const uint8_t address[16])
{
    static const uint8_t any[16];

    return memcmp(address, any, sizeof(any)) == 0;
}
