/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * uring accept FD           takes one connection from a listening socket
 * uring connect ADDRESS PORT  connects a new TCP socket over IPv4
 * uring read FD             reads at most 64 bytes
 * uring write FD            writes three bytes
 * uring probe               nothing: is it there?
 *
 * Does so by io_uring, with no library: none of the system calls of that name is made. Says `begin
 * PID` before, `cookie N` of the socket, and at the end `result N` (what the call would have
 * returned, or minus the error), and waits for SIGTERM. Exits with 77 where there is no io_uring.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NO_RING 77

struct ring {
    int fd;
    struct io_uring_params params;
    unsigned char *submissions, *completions; /* the rings' memory */
    struct io_uring_sqe *entry;
};

static void say(const char *what, long long number)
{
    printf("%s %lld\n", what, number);
    fflush(stdout);
}

static void *map(const struct ring *ring, size_t size, off_t offset)
{
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd, offset);

    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return memory;
}

static void ring_open(struct ring *ring)
{
    struct io_uring_params *params = &ring->params;

    ring->fd = (int)syscall(SYS_io_uring_setup, 1, params);
    if (ring->fd < 0) {
        perror("io_uring_setup");
        exit(NO_RING);
    }
    ring->submissions =
        map(ring, params->sq_off.array + params->sq_entries * sizeof(uint32_t), IORING_OFF_SQ_RING);
    ring->completions =
        map(ring, params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe),
            IORING_OFF_CQ_RING);
    ring->entry =
        map(ring, params->sq_entries * sizeof(struct io_uring_sqe), (off_t)IORING_OFF_SQES);
    memset(ring->entry, 0, sizeof(*ring->entry));
}

/* Has the one entry done; what it came to. */
static int ring_do(struct ring *ring)
{
    const struct io_uring_params *params = &ring->params;
    uint32_t *array = (void *)(ring->submissions + params->sq_off.array);
    _Atomic uint32_t *tail = (void *)(ring->submissions + params->sq_off.tail);
    const struct io_uring_cqe *done = (void *)(ring->completions + params->cq_off.cqes);

    array[0] = 0;
    atomic_store(tail, 1);
    while (syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0) {
        if (errno != EINTR) {
            perror("io_uring_enter");
            exit(1);
        }
    }
    return done->res;
}

static void say_cookie(int sock)
{
    unsigned long long cookie = 0;
    socklen_t size = sizeof(cookie);

    getsockopt(sock, SOL_SOCKET, SO_COOKIE, &cookie, &size);
    say("cookie", (long long)cookie);
}

static int accept_one(struct ring *ring, int listener)
{
    int accepted;

    ring->entry->opcode = IORING_OP_ACCEPT;
    ring->entry->fd = listener;
    accepted = ring_do(ring);
    if (accepted >= 0)
        say_cookie(accepted);
    return accepted;
}

static int connect_to(struct ring *ring, const char *address, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int sock = socket(AF_INET, SOCK_STREAM, 0);

    inet_pton(AF_INET, address, &to.sin_addr);
    say_cookie(sock);
    ring->entry->opcode = IORING_OP_CONNECT;
    ring->entry->fd = sock;
    ring->entry->addr = (uintptr_t)&to;
    ring->entry->off = sizeof(to);
    return ring_do(ring);
}

static int transfer(struct ring *ring, unsigned char operation, int fd, unsigned length)
{
    static char bytes[64] = "abc";

    ring->entry->opcode = operation;
    ring->entry->fd = fd;
    ring->entry->addr = (uintptr_t)bytes;
    ring->entry->len = length;
    ring->entry->off = (uint64_t)-1; /* at the file's position */
    return ring_do(ring);
}

static int perform(struct ring *ring, int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";

    if (strcmp(what, "accept") == 0)
        return accept_one(ring, atoi(argv[2]));
    if (strcmp(what, "connect") == 0 && argc > 3)
        return connect_to(ring, argv[2], atoi(argv[3]));
    if (strcmp(what, "read") == 0)
        return transfer(ring, IORING_OP_READ, atoi(argv[2]), 64);
    if (strcmp(what, "write") == 0)
        return transfer(ring, IORING_OP_WRITE, atoi(argv[2]), 3);
    fprintf(stderr, "uring: see its source for how it is used\n");
    exit(2);
}

int main(int argc, char **argv)
{
    struct ring ring = {0};
    sigset_t waited_for;
    int received;

    sigemptyset(&waited_for);
    sigaddset(&waited_for, SIGTERM);
    sigprocmask(SIG_BLOCK, &waited_for, NULL);
    ring_open(&ring);
    if (argc == 2 && strcmp(argv[1], "probe") == 0)
        return 0;
    say("begin", getpid());
    say("result", perform(&ring, argc, argv));
    sigwait(&waited_for, &received);
    return 0;
}
