/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Work for recorders to see, and to be measured against; prints how long it took, in seconds.
 *
 * load exec COUNT WIDTH PROG: WIDTH processes at once, each of which runs PROG one after the other,
 *     COUNT times in all.
 * load connect COUNT: a server and a client, in a process each, that connect, accept and close so
 *     many times over loopback.
 * load udp COUNT: so many datagrams of 64 bytes from one socket to another, over loopback.
 */
#include <arpa/inet.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void must(int good, const char *what)
{
    if (good)
        return;
    perror(what);
    exit(1);
}

static void run_program(char *program)
{
    char *argv[] = {program, NULL};
    pid_t child;
    int status;

    must(posix_spawn(&child, program, NULL, NULL, argv, environ) == 0, program);
    must(waitpid(child, &status, 0) == child && status == 0, program);
}

static void run_programs(long count, char *program)
{
    for (long i = 0; i < count; i++)
        run_program(program);
}

/* Each worker has its share, the first what does not divide. */
static void run_in_workers(long count, long width, char *program)
{
    int status;

    for (long i = 1; i < width; i++) {
        pid_t worker = fork();
        must(worker >= 0, "fork");
        if (worker == 0) {
            run_programs(count / width, program);
            _exit(0);
        }
    }
    run_programs(count - (width - 1) * (count / width), program);
    for (long i = 1; i < width; i++)
        must(wait(&status) > 0 && status == 0, "wait");
}

static struct sockaddr_in bound(int *made, int type)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    *made = socket(AF_INET, type, 0);
    must(bind(*made, (struct sockaddr *)&address, size) == 0, "bind");
    must(getsockname(*made, (struct sockaddr *)&address, &size) == 0, "getsockname");
    return address;
}

static void serve(int listener, long count)
{
    for (long i = 0; i < count; i++)
        close(accept(listener, NULL, NULL));
    _exit(0);
}

/* Each is accepted and closed before the next: a queue that overflows drops what is sent again only
 * after a second, and nothing else would be measured. */
static void connect_often(long count)
{
    char nothing;
    int listener, status;
    struct sockaddr_in address = bound(&listener, SOCK_STREAM);
    struct linger hard = {.l_onoff = 1}; /* no TIME_WAIT: ports would run out */

    must(listen(listener, 128) == 0, "listen");
    pid_t server = fork();
    if (server == 0)
        serve(listener, count);
    for (long i = 0; i < count; i++) {
        int client = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(client, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
        must(connect(client, (struct sockaddr *)&address, sizeof(address)) == 0, "connect");
        must(recv(client, &nothing, 1, 0) == 0, "recv");
        close(client);
    }
    must(waitpid(server, &status, 0) == server, "waitpid");
}

/* What the receiver does not take in time is dropped there, after it was sent and seen. */
static void send_often(long count)
{
    int receiver;
    struct sockaddr_in address = bound(&receiver, SOCK_DGRAM);
    int sender = socket(AF_INET, SOCK_DGRAM, 0);
    char text[64] = "";

    must(connect(sender, (struct sockaddr *)&address, sizeof(address)) == 0, "connect");
    for (long i = 0; i < count; i++)
        must(send(sender, text, sizeof(text), 0) == (ssize_t)sizeof(text), "send");
}

static int work(int argc, char **argv)
{
    long count = argc > 2 ? strtol(argv[2], NULL, 10) : 0;

    if (argc == 5 && strcmp(argv[1], "exec") == 0)
        run_in_workers(count, strtol(argv[3], NULL, 10), argv[4]);
    else if (argc == 3 && strcmp(argv[1], "connect") == 0)
        connect_often(count);
    else if (argc == 3 && strcmp(argv[1], "udp") == 0)
        send_often(count);
    else
        return 0;
    return 1;
}

int main(int argc, char **argv)
{
    struct timespec began, ended;

    clock_gettime(CLOCK_MONOTONIC, &began);
    if (!work(argc, argv)) {
        fputs("usage: load exec COUNT WIDTH PROG | load connect COUNT | load udp COUNT\n", stderr);
        return 2;
    }
    clock_gettime(CLOCK_MONOTONIC, &ended);
    printf("%.6f\n",
           (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9);
    return 0;
}
