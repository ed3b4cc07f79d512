/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * storm COUNT [WIDTH [PROG ARG...]]: for each line on stdin, makes COUNT processes, at most WIDTH
 * at a time (default 64), and counts those that were made and those that came back; ends at the
 * end of stdin. A process exits at once with code 7; or, given PROG, executes it with ARG... and
 * its number as the last argument. Lines of the output: a name, a number; `ready` comes first.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct plan {
    long count;
    long width;
    char **argv; /* NULL: no exec; the last but one element takes the number */
    size_t argc;
};

static void say(const char *name, long number)
{
    printf("%s %ld\n", name, number);
    fflush(stdout);
}

static int next_line(void)
{
    char byte;
    ssize_t got;
    while ((got = read(0, &byte, 1)) == 1 && byte != '\n')
        ;
    return got == 1;
}

__attribute__((noreturn)) static void be_child(const struct plan *plan, long number)
{
    if (!plan->argv)
        _exit(7);
    char text[32];
    snprintf(text, sizeof(text), "%ld", number);
    plan->argv[plan->argc] = text;
    execv(plan->argv[0], plan->argv);
    _exit(127);
}

static long reap_one(void)
{
    int status;
    pid_t pid;
    do
        pid = wait(&status);
    while (pid < 0 && errno == EINTR);
    return pid > 0;
}

static void run(const struct plan *plan)
{
    long made = 0;
    long back = 0;
    for (long i = 0; i < plan->count; i++) {
        if (made - back >= plan->width)
            back += reap_one();
        pid_t pid = fork();
        if (pid == 0)
            be_child(plan, i);
        made += pid > 0;
    }
    while (back < made)
        back += reap_one();
    say("made", made);
    say("back", back);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "storm: usage: storm COUNT [WIDTH [PROG ARG...]]\n");
        return 2;
    }
    struct plan plan = {.count = atol(argv[1]), .width = argc > 2 ? atol(argv[2]) : 64};
    if (argc > 3) {
        plan.argc = (size_t)argc - 3;
        plan.argv = calloc(plan.argc + 2, sizeof(char *));
        if (!plan.argv)
            return 111;
        memcpy(plan.argv, argv + 3, plan.argc * sizeof(char *));
    }
    say("ready", getpid());
    while (next_line())
        run(&plan);
    free(plan.argv);
    return 0;
}
