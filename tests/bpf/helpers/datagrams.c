/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * datagrams send ADDRESS PORT COUNT SIZE BATCH PEERS [segment]: sends COUNT datagrams of SIZE bytes
 * from one socket, BATCH in each sendmmsg(), to ports PORT to PORT + PEERS - 1 in turn; with
 * `segment` each message is one buffer of BATCH datagrams that the kernel cuts (UDP_SEGMENT).
 * Prints `sent N`, `bytes N`, `cookie N`, `port N` and `ns N` (how long it took), then waits for
 * the end of stdin before it ends.
 *
 * datagrams sink PORT: a socket that takes everything on 127.0.0.1:PORT. Prints `cookie N` and
 * `port N`, and at the end of stdin `got N` and `bytes N`: what was read.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define BATCH_MAX 64
#define SIZE_MAX_ 65507

static char payload[SIZE_MAX_];

static void say(const char *what, unsigned long long number)
{
    printf("%s %llu\n", what, number);
    fflush(stdout);
}

static void introduce(int sock)
{
    unsigned long long cookie = 0;
    struct sockaddr_in6 own = {0};
    socklen_t size = sizeof(cookie), own_size = sizeof(own);

    getsockopt(sock, SOL_SOCKET, SO_COOKIE, &cookie, &size);
    getsockname(sock, (struct sockaddr *)&own, &own_size);
    say("cookie", cookie);
    say("port", ntohs(own.sin6_port)); /* at the same place in both families */
}

static socklen_t address_of(const char *text, int port, struct sockaddr_storage *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        return sizeof(*v4);
    }
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
        exit(2);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    return sizeof(*v6);
}

static unsigned long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (unsigned long long)time.tv_sec * 1000000000ull + (unsigned long long)time.tv_nsec;
}

struct order {
    const char *address;
    int port;
    unsigned long long count;
    size_t size;
    unsigned batch;
    int peers;
    int segment;
};

/* Sends as much as is left, at most a batch. Returns how many datagrams that were. */
static unsigned send_batch(int sock, const struct order *order, unsigned long long sent)
{
    static struct sockaddr_storage addresses[BATCH_MAX];
    static struct iovec pieces[BATCH_MAX];
    static struct mmsghdr messages[BATCH_MAX];
    unsigned batch =
        order->count - sent < order->batch ? (unsigned)(order->count - sent) : order->batch;
    unsigned count = order->segment ? 1 : batch;

    for (unsigned i = 0; i < count; i++) {
        int port = order->port + (int)((sent + i) % (unsigned)order->peers);
        pieces[i] = (struct iovec){payload, order->segment ? order->size * batch : order->size};
        messages[i].msg_hdr = (struct msghdr){
            .msg_name = &addresses[i],
            .msg_namelen = address_of(order->address, port, &addresses[i]),
            .msg_iov = &pieces[i],
            .msg_iovlen = 1,
        };
    }
    int done = sendmmsg(sock, messages, count, 0);
    if (done < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ECONNREFUSED))
        return 0;
    if (done < 0) {
        perror("sendmmsg");
        exit(1);
    }
    return order->segment ? batch : (unsigned)done;
}

static int send_all(const struct order *order)
{
    struct sockaddr_storage address;
    unsigned long long sent = 0, began;
    int size = (int)order->size, sock;
    char ignored;

    address_of(order->address, order->port, &address);
    sock = socket(address.ss_family, SOCK_DGRAM, 0);
    if (sock < 0 || order->batch > BATCH_MAX || order->size > sizeof(payload))
        return 1;
    if (order->segment && setsockopt(sock, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) < 0)
        return 77;
    began = now();
    while (sent < order->count)
        sent += send_batch(sock, order, sent);
    say("ns", now() - began);
    say("sent", sent);
    say("bytes", sent * order->size);
    introduce(sock);
    while (read(0, &ignored, 1) > 0)
        ;
    return 0;
}

static int sink(int port)
{
    struct sockaddr_storage address;
    socklen_t size = address_of("127.0.0.1", port, &address);
    int sock = socket(AF_INET, SOCK_DGRAM, 0), room = 64 << 20;
    unsigned long long got = 0, bytes = 0;
    struct pollfd polled[2] = {{.fd = sock, .events = POLLIN}, {.fd = 0, .events = POLLIN}};

    if (sock < 0 || bind(sock, (struct sockaddr *)&address, size) < 0)
        return 1;
    setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
    introduce(sock);
    for (;;) {
        ssize_t length = recv(sock, payload, sizeof(payload), MSG_DONTWAIT);
        if (length >= 0) {
            got++;
            bytes += (unsigned long long)length;
            continue;
        }
        poll(polled, 2, -1);
        if (polled[1].revents && !polled[0].revents)
            break;
    }
    say("got", got);
    say("bytes", bytes);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "sink") == 0)
        return sink(atoi(argv[2]));
    if (argc < 8 || strcmp(argv[1], "send") != 0)
        return 2;
    return send_all(&(struct order){
        .address = argv[2],
        .port = atoi(argv[3]),
        .count = strtoull(argv[4], NULL, 10),
        .size = strtoul(argv[5], NULL, 10),
        .batch = (unsigned)atoi(argv[6]),
        .peers = atoi(argv[7]),
        .segment = argc > 8,
    });
}
