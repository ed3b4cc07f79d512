/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * compat NUMBER [ARGUMENT...]: a system call by `int 0x80`, with up to three arguments: the numbers
 * are those of the table for 32-bit programs, and no tracepoint for system calls shows it.
 *
 * Says `begin PID` before and `result N` after, what the call has returned, and waits for SIGTERM.
 * Exits with 77 on machines that have no such table.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NO_TABLE      77
#define ARGUMENTS_MAX 3

#ifdef __x86_64__
static int call(int number, const unsigned arguments[ARGUMENTS_MAX])
{
    int result;

    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(arguments[0]), "c"(arguments[1]), "d"(arguments[2])
                     : "memory", "r8", "r9", "r10", "r11");
    return result;
}
#else
static int call(int number, const unsigned arguments[ARGUMENTS_MAX])
{
    (void)number;
    (void)arguments;
    exit(NO_TABLE);
}
#endif

static void say(const char *what, int number)
{
    printf("%s %d\n", what, number);
    fflush(stdout);
}

static void wait_for_term(void)
{
    sigset_t signals;
    int signal;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigwait(&signals, &signal);
}

int main(int argc, char **argv)
{
    unsigned arguments[ARGUMENTS_MAX] = {0};
    sigset_t signals;

    if (argc < 2 || argc > 2 + ARGUMENTS_MAX) {
        fprintf(stderr, "compat: usage: compat NUMBER [ARGUMENT...]\n");
        return 2;
    }
    for (int i = 2; i < argc; i++)
        arguments[i - 2] = (unsigned)strtoul(argv[i], NULL, 0);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    say("begin", (int)getpid());
    say("result", call(atoi(argv[1]), arguments));
    wait_for_term();
    return 0;
}
