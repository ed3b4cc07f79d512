/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * load exec COUNT PROG: runs PROG so many times, one after the other.
 * load connect COUNT: a server and a client, in a process each, that connect, accept and close so
 * many times over loopback.
 * Prints how long it took, in seconds: work for a recorder to see, and to be measured against.
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

static struct sockaddr_in listen_somewhere(int *listener)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    *listener = socket(AF_INET, SOCK_STREAM, 0);
    must(bind(*listener, (struct sockaddr *)&address, size) == 0, "bind");
    must(listen(*listener, 128) == 0, "listen");
    must(getsockname(*listener, (struct sockaddr *)&address, &size) == 0, "getsockname");
    return address;
}

static void serve(int listener, long count)
{
    for (long i = 0; i < count; i++)
        close(accept(listener, NULL, NULL));
    _exit(0);
}

static void connect_often(long count)
{
    int listener, status;
    struct sockaddr_in address = listen_somewhere(&listener);
    struct linger hard = {.l_onoff = 1}; /* no TIME_WAIT: ports would run out */
    pid_t server = fork();

    if (server == 0)
        serve(listener, count);
    for (long i = 0; i < count; i++) {
        int client = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(client, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
        must(connect(client, (struct sockaddr *)&address, sizeof(address)) == 0, "connect");
        close(client);
    }
    must(waitpid(server, &status, 0) == server, "waitpid");
}

int main(int argc, char **argv)
{
    struct timespec began, ended;
    long count = argc > 2 ? strtol(argv[2], NULL, 10) : 0;

    clock_gettime(CLOCK_MONOTONIC, &began);
    if (argc == 4 && strcmp(argv[1], "exec") == 0)
        run_programs(count, argv[3]);
    else if (argc == 3 && strcmp(argv[1], "connect") == 0)
        connect_often(count);
    else {
        fputs("usage: load exec COUNT PROG | load connect COUNT\n", stderr);
        return 2;
    }
    clock_gettime(CLOCK_MONOTONIC, &ended);
    printf("%.6f\n",
           (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9);
    return 0;
}
