/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "complain.h"

/* The signals whose meaning changes while a child lives, and what they meant before. */
static const int signals[] = {SIGINT, SIGQUIT, SIGPIPE};
#define SIGNALS (sizeof signals / sizeof *signals)
static struct sigaction before[SIGNALS];
static int living;

static void leave_signals(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    for (size_t i = 0; living == 0 && i < SIGNALS; i++)
        sigaction(signals[i], &ignore, &before[i]);
    living++;
}

static void take_signals(void)
{
    living--;
    for (size_t i = 0; living == 0 && i < SIGNALS; i++)
        sigaction(signals[i], &before[i], NULL);
}

static _Noreturn void become(const char *command, int input)
{
    for (size_t i = 0; i < SIGNALS; i++)
        signal(signals[i], SIG_DFL);
    if (input >= 0)
        dup2(input, STDIN_FILENO);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

static bool started(struct child *child, const char *command, int ends[2])
{
    /* Not all streams: one may be on its way to this child. */
    fflush(stdout);
    fflush(stderr);
    leave_signals();
    child->pid = fork();
    if (child->pid == 0)
        become(command, ends[0]);
    if (ends[0] >= 0)
        close(ends[0]);
    if (child->pid > 0 && ends[1] >= 0)
        child->input = fdopen(ends[1], "w");
    if (child->pid > 0)
        return true;
    take_signals();
    return false;
}

bool child_start(struct child *child, const char *command, bool piped)
{
    int ends[2] = {-1, -1};
    *child = (struct child){0};
    if ((!piped || pipe2(ends, O_CLOEXEC) == 0) && started(child, command, ends))
        return true;
    complain("cannot run '%s': %s", command, strerror(errno));
    return false;
}

int child_wait(struct child *child)
{
    int status = 0;
    if (child->input)
        fclose(child->input);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    take_signals();
    *child = (struct child){0};
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool child_exists(const char *command)
{
    char name[256], file[512];
    const char *path = getenv("PATH");
    snprintf(name, sizeof name, "%.*s", (int)strcspn(command, " \t"), command);
    if (strchr(name, '/'))
        return access(name, X_OK) == 0;
    while (path && *path && *name) {
        size_t length = strcspn(path, ":");
        snprintf(file, sizeof file, "%.*s/%s", (int)length, path, name);
        if (access(file, X_OK) == 0)
            return true;
        path += length + (path[length] == ':');
    }
    return false;
}
