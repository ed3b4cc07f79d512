/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cidr_match('10.1.2.3', '10.0.0.0/8')         -> 1
 * cidr_match('::ffff:10.1.2.3', '10.0.0.0/8')  -> 1: a mapped address is the IPv4 address in it
 * is_public('192.0.2.7')                       -> 0
 */
#include <sqlite3ext.h>

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "fn_call.h"

SQLITE_EXTENSION_INIT3

/* IPv4 addresses are held in their mapped form, ::ffff:a.b.c.d. */
struct address {
    uint8_t bytes[16];
};

#define MAPPED_BITS 96

static const struct address mapped_prefix = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};

static bool prefix_equal(const struct address *a, const struct address *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(a->bytes, b->bytes, whole) != 0)
        return false;
    return rest == 0 || (a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest) == 0;
}

static bool is_mapped(const struct address *address)
{
    return prefix_equal(address, &mapped_prefix, MAPPED_BITS);
}

/* *v4 says whether it was written as IPv4. */
static bool parse_address(struct text text, struct address *address, bool *v4)
{
    char string[INET6_ADDRSTRLEN];

    if (text.length >= sizeof string || memchr(text.data, '\0', text.length))
        return false;
    memcpy(string, text.data, text.length);
    string[text.length] = '\0';
    *address = mapped_prefix;
    *v4 = inet_pton(AF_INET, string, address->bytes + 12) == 1;
    return *v4 || inet_pton(AF_INET6, string, address->bytes) == 1;
}

static bool parse_prefix_length(struct text text, unsigned limit, unsigned *bits)
{
    *bits = 0;
    if (text.length < 1 || text.length > 3 || (text.length > 1 && text.data[0] == '0'))
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *bits = *bits * 10 + (unsigned)(text.data[i] - '0');
    }
    return *bits <= limit;
}

/* An address alone is the network of that one address. */
static bool parse_network(struct text text, struct address *network, unsigned *bits)
{
    const char *slash = memchr(text.data, '/', text.length);
    size_t length = slash ? (size_t)(slash - text.data) : text.length;
    bool v4;

    if (!parse_address((struct text){text.data, length}, network, &v4))
        return false;
    *bits = v4 ? 32 : 128;
    if (slash &&
        !parse_prefix_length((struct text){slash + 1, text.length - length - 1}, *bits, bits))
        return false;
    *bits += v4 ? MAPPED_BITS : 0;
    return true;
}

static void address_cidr_match(sqlite3_context *context, sqlite3_value **values)
{
    struct address address, network;
    unsigned bits;
    bool v4;

    if (!parse_address(fn_text(values[0]), &address, &v4)) {
        fn_reject(context, 0, values[0], "an IPv4 or IPv6 address");
    } else if (!parse_network(fn_text(values[1]), &network, &bits)) {
        fn_reject(context, 1, values[1], "a network such as '10.0.0.0/8' or '2001:db8::/32'");
    } else {
        /* ::/0 is all of IPv6: no IPv4 address is in it, mapped or not. */
        bool same_family = bits >= MAPPED_BITS || !is_mapped(&address);
        sqlite3_result_int(context, same_family && prefix_equal(&address, &network, bits));
    }
}

/* ---- is_public ---- */

#define HEXTET(h) (uint8_t)((h) >> 8), (uint8_t)((h)&0xff)
#define V6(a, b, c, d, e, f, g, h, bits)                                                           \
    {{HEXTET(a), HEXTET(b), HEXTET(c), HEXTET(d), HEXTET(e), HEXTET(f), HEXTET(g), HEXTET(h)}}, bits
#define V4(a, b, c, d, bits)                                                                       \
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}}, MAPPED_BITS + bits

/*
 * The first row that holds the address decides, so an exception stands before its rule.
 *
 * From the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and what updates it),
 * column "Globally Reachable", and the multicast registries (RFC 5771, RFC 4291): multicast is
 * not public here, as it names no host. 6to4 and Teredo, for which the registry has no answer,
 * carry traffic across the Internet and count as public. Of IPv6, only 2000::/3 is handed out as
 * global unicast; fec0::/10 (RFC 3879) and all else outside it is not public.
 */
static const struct {
    struct address network;
    unsigned bits;
    bool public;
} special[] = {
    /* clang-format off */
    {V4(0, 0, 0, 0, 8), false},               /* this network */
    {V4(10, 0, 0, 0, 8), false},              /* private use, RFC 1918 */
    {V4(100, 64, 0, 0, 10), false},           /* carrier-grade NAT, RFC 6598 */
    {V4(127, 0, 0, 0, 8), false},             /* loopback */
    {V4(169, 254, 0, 0, 16), false},          /* link local */
    {V4(172, 16, 0, 0, 12), false},           /* private use, RFC 1918 */
    {V4(192, 0, 0, 9, 32), true},             /* Port Control Protocol anycast */
    {V4(192, 0, 0, 10, 32), true},            /* TURN anycast */
    {V4(192, 0, 0, 0, 24), false},            /* IETF protocol assignments */
    {V4(192, 0, 2, 0, 24), false},            /* documentation, TEST-NET-1 */
    {V4(192, 168, 0, 0, 16), false},          /* private use, RFC 1918 */
    {V4(198, 18, 0, 0, 15), false},           /* benchmarking */
    {V4(198, 51, 100, 0, 24), false},         /* documentation, TEST-NET-2 */
    {V4(203, 0, 113, 0, 24), false},          /* documentation, TEST-NET-3 */
    {V4(224, 0, 0, 0, 4), false},             /* multicast */
    {V4(240, 0, 0, 0, 4), false},             /* reserved, and limited broadcast */
    {V4(0, 0, 0, 0, 0), true},                /* the rest of IPv4 */

    {V6(0x64, 0xff9b, 0, 0, 0, 0, 0, 0, 96), true},       /* IPv4/IPv6 translation */
    {V6(0x2001, 1, 0, 0, 0, 0, 0, 1, 128), true},         /* Port Control Protocol anycast */
    {V6(0x2001, 1, 0, 0, 0, 0, 0, 2, 128), true},         /* TURN anycast */
    {V6(0x2001, 1, 0, 0, 0, 0, 0, 3, 128), true},         /* DNS-SD registration anycast */
    {V6(0x2001, 3, 0, 0, 0, 0, 0, 0, 32), true},          /* AMT */
    {V6(0x2001, 4, 0x112, 0, 0, 0, 0, 0, 48), true},      /* AS112 */
    {V6(0x2001, 0x20, 0, 0, 0, 0, 0, 0, 28), true},       /* ORCHIDv2 */
    {V6(0x2001, 0x30, 0, 0, 0, 0, 0, 0, 28), true},       /* drone remote identification */
    {V6(0x2001, 0, 0, 0, 0, 0, 0, 0, 32), true},          /* Teredo */
    {V6(0x2001, 0, 0, 0, 0, 0, 0, 0, 23), false},         /* IETF protocol assignments */
    {V6(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0, 32), false},     /* documentation */
    {V6(0x3fff, 0, 0, 0, 0, 0, 0, 0, 20), false},         /* documentation */
    {V6(0x2000, 0, 0, 0, 0, 0, 0, 0, 3), true},           /* global unicast */
    {V6(0, 0, 0, 0, 0, 0, 0, 0, 0), false},               /* the rest of IPv6 */
    /* clang-format on */
};

static void address_is_public(sqlite3_context *context, sqlite3_value **values)
{
    struct address address;
    size_t i = 0;
    bool v4;

    if (!parse_address(fn_text(values[0]), &address, &v4)) {
        fn_reject(context, 0, values[0], "an IPv4 or IPv6 address");
        return;
    }
    while (!prefix_equal(&address, &special[i].network, special[i].bits))
        i++; /* ends: the last row holds every address */
    sqlite3_result_int(context, special[i].public);
}

const struct fn fn_address[] = {
    {"cidr_match", FN_PURE, 2, {{"addr", FN_TEXT}, {"net", FN_TEXT}}, address_cidr_match},
    {"is_public", FN_PURE, 1, {{"addr", FN_TEXT}}, address_is_public},
    {0},
};
