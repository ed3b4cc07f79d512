/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spawn HOW ...: makes processes in the ways a shell does not, and says which. Each line of the
 * output is a name and a number.
 *   vfork PROG ARG...          vfork and exec; exits as the child did
 *   posix_spawn PROG ARG...    likewise
 *   clone-parent CODE          a child that is its sibling: the parent is this process's parent
 *   double-fork CODE           an orphan, which ends only once it has a new parent
 *   reuse FIRST SECOND         two children one after the other under the same pid, by those codes
 *   clone-files PROG ARG...    a child that shares this process's descriptor table execs
 */
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void say(const char *name, long number)
{
    printf("%s %ld\n", name, number);
    fflush(stdout);
}

__attribute__((noreturn)) static void fail(const char *what)
{
    fprintf(stderr, "spawn: %s: %s\n", what, strerror(errno));
    exit(111);
}

static int reap(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            fail("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The child of vfork must not return from here, hence a function of its own. */
static pid_t vfork_exec(char **argv)
{
    pid_t pid = vfork();
    if (pid == 0) {
        execv(argv[0], argv);
        _exit(127);
    }
    return pid;
}

static int run_vfork(char **argv)
{
    pid_t pid = vfork_exec(argv);
    if (pid < 0)
        fail("vfork");
    say("child", pid);
    return reap(pid);
}

static int run_posix_spawn(char **argv)
{
    pid_t pid;
    errno = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);
    if (errno)
        fail("posix_spawn");
    say("child", pid);
    return reap(pid);
}

static int run_clone_parent(char **argv)
{
    long pid = syscall(SYS_clone, (unsigned long)(CLONE_PARENT | SIGCHLD), 0, 0, 0, 0);
    if (pid < 0)
        fail("clone");
    if (pid == 0)
        _exit(atoi(argv[0]));
    say("child", pid);
    return 0;
}

__attribute__((noreturn)) static void be_orphan(pid_t forker, int code)
{
    struct timespec pause = {0, 1000000};
    while (getppid() == forker)
        nanosleep(&pause, NULL);
    say("orphan", getpid());
    say("adopter", getppid());
    _exit(code);
}

static int run_double_fork(char **argv)
{
    pid_t middle = fork();
    if (middle < 0)
        fail("fork");
    if (middle == 0) {
        pid_t forker = getpid();
        if (fork() == 0)
            be_orphan(forker, atoi(argv[0]));
        _exit(0);
    }
    say("middle", middle);
    return reap(middle);
}

static pid_t clone_as(pid_t wanted, int code)
{
    pid_t set_tid[1] = {wanted};
    struct clone_args args;
    memset(&args, 0, sizeof(args));
    args.exit_signal = SIGCHLD;
    if (wanted) {
        args.set_tid = (uintptr_t)set_tid;
        args.set_tid_size = 1;
    }
    long pid = syscall(SYS_clone3, &args, sizeof(args));
    if (pid < 0)
        fail("clone3");
    if (pid == 0)
        _exit(code);
    return (pid_t)pid;
}

static int run_reuse(char **argv)
{
    pid_t first = clone_as(0, atoi(argv[0]));
    say("first", first);
    int wrong = reap(first) != atoi(argv[0]);
    pid_t second = clone_as(first, atoi(argv[1]));
    say("second", second);
    return wrong || reap(second) != atoi(argv[1]);
}

static int exec_in_clone(void *argv)
{
    char **arguments = argv;
    execv(arguments[0], arguments);
    return 127;
}

static int run_clone_files(char **argv)
{
    static char stack[65536] __attribute__((aligned(16)));
    pid_t pid = clone(exec_in_clone, stack + sizeof(stack), CLONE_FILES | CLONE_FS | SIGCHLD, argv);
    if (pid < 0)
        fail("clone");
    say("child", pid);
    return reap(pid);
}

static const struct how {
    const char *name;
    int arguments; /* at least */
    int (*run)(char **argv);
} ways[] = {
    {"vfork", 1, run_vfork},
    {"posix_spawn", 1, run_posix_spawn},
    {"clone-parent", 1, run_clone_parent},
    {"double-fork", 1, run_double_fork},
    {"reuse", 2, run_reuse},
    {"clone-files", 1, run_clone_files},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        if (argc > 1 && !strcmp(argv[1], ways[i].name) && argc - 2 >= ways[i].arguments)
            return ways[i].run(argv + 2);
    fprintf(stderr, "spawn: usage: spawn HOW ARGUMENT...\n");
    return 2;
}
