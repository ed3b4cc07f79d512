/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * threads HOW ...: thread groups whose leader is not the one that acts.
 *   exec PROG ARG...        a second thread execs, while the leader waits
 *   group-exit CODE         the leader leaves; the second thread reads a line from stdin, then
 *                           ends the process with exit_group(CODE)
 *   last-leaves CODE OTHER  the leader leaves with CODE; the second thread reads a line from stdin,
 *                           then leaves with OTHER, as the last one
 *   many COUNT CODE         COUNT threads that come and go, then exit_group(CODE) from one of them
 * "leaves" is the exit system call, which ends one thread. Lines of the output: a name, a number.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static char **arguments;

static void say(const char *name, long number)
{
    printf("%s %ld\n", name, number);
    fflush(stdout);
}

static void wait_for_line(void)
{
    char byte;
    while (read(0, &byte, 1) == 1 && byte != '\n')
        ;
}

/* True once the leader of this process is a zombie: the state in /proc, after the name. */
static int leader_left(void)
{
    char line[512] = "";
    FILE *stat = fopen("/proc/self/stat", "r");
    if (!stat || !fgets(line, sizeof(line), stat))
        _exit(112);
    fclose(stat);
    const char *name_end = strrchr(line, ')');
    return name_end && name_end[2] == 'Z';
}

static void wait_for_leader(void)
{
    struct timespec pause = {0, 1000000};
    while (!leader_left())
        nanosleep(&pause, NULL);
    say("left", getpid());
}

static void *exec_program(void *unused)
{
    (void)unused;
    say("pid", getpid());
    say("tid", syscall(SYS_gettid));
    execv(arguments[0], arguments);
    _exit(127);
}

static void *exit_group(void *unused)
{
    (void)unused;
    wait_for_leader();
    wait_for_line();
    syscall(SYS_exit_group, atoi(arguments[0]));
    return NULL;
}

static void *leave_last(void *unused)
{
    (void)unused;
    wait_for_leader();
    wait_for_line();
    syscall(SYS_exit, atoi(arguments[1]));
    return NULL;
}

static void *come_and_go(void *unused)
{
    (void)unused;
    return NULL;
}

static void start(void *(*run)(void *))
{
    pthread_t thread;
    errno = pthread_create(&thread, NULL, run, NULL);
    if (errno) {
        perror("threads: pthread_create");
        exit(111);
    }
    pthread_detach(thread);
}

static void *many(void *unused)
{
    (void)unused;
    for (int i = 0; i < atoi(arguments[0]); i++)
        start(come_and_go);
    syscall(SYS_exit_group, atoi(arguments[1]));
    return NULL;
}

static const struct how {
    const char *name;
    int arguments;
    void *(*run)(void *);
    int leader_leaves;
} ways[] = {
    {"exec", 1, exec_program, 0},
    {"group-exit", 1, exit_group, 1},
    {"last-leaves", 2, leave_last, 1},
    {"many", 2, many, 0},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (argc < 2 || strcmp(argv[1], ways[i].name) || argc - 2 < ways[i].arguments)
            continue;
        arguments = argv + 2;
        start(ways[i].run);
        if (ways[i].leader_leaves)
            syscall(SYS_exit, atoi(arguments[0]));
        for (;;)
            pause();
    }
    fprintf(stderr, "threads: usage: threads HOW ARGUMENT...\n");
    return 2;
}
