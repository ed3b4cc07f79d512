/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hold [CODE]: says when it started, waits for SIGTERM, says when it ends, exits with CODE.
 * While it waits, /proc says of it what the recorder should have said.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void say(const char *what)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    printf("%s %d %lld%09ld\n", what, (int)getpid(), (long long)now.tv_sec, now.tv_nsec);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    sigset_t waited_for;
    sigemptyset(&waited_for);
    sigaddset(&waited_for, SIGTERM);
    sigprocmask(SIG_BLOCK, &waited_for, NULL);
    say("begin");
    int received;
    sigwait(&waited_for, &received);
    say("end");
    return argc > 1 ? atoi(argv[1]) : 0;
}
