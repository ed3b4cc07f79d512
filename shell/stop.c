/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stop.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <time.h>

static volatile sig_atomic_t interrupted, leaving;
static int64_t deadline; /* monotonic ns, 0: none */

static void on_signal(int signal)
{
    if (signal == SIGINT)
        interrupted = 1;
    else
        leaving = 1;
}

static int64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

void stop_install(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

void stop_arm(double timeout)
{
    interrupted = 0;
    stop_limit(timeout);
}

void stop_limit(double timeout)
{
    deadline = timeout > 0 ? monotonic_ns() + (int64_t)(timeout * 1e9) : 0;
}

enum stop_reason stop_reason(void)
{
    if (leaving)
        return STOP_LEAVE;
    if (interrupted)
        return STOP_INTERRUPT;
    if (deadline && monotonic_ns() >= deadline)
        return STOP_TIMEOUT;
    return STOP_NONE;
}

bool stop_requested(void)
{
    return stop_reason() != STOP_NONE;
}

int stop_progress(void *unused)
{
    (void)unused;
    return stop_requested();
}

const char *stop_words(enum stop_reason reason)
{
    static const char *const words[] = {
        [STOP_NONE] = "stopped",
        [STOP_INTERRUPT] = "interrupted",
        [STOP_TIMEOUT] = "timed out",
        [STOP_LEAVE] = "told to stop",
    };
    return words[reason];
}

/* The signals that ask for a stop wait until ppoll() lets them in, so that none is overlooked. */
static void block_signals(sigset_t *before)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGHUP);
    sigprocmask(SIG_BLOCK, &blocked, before);
}

bool stop_sleep(double seconds)
{
    sigset_t before;
    int64_t end = monotonic_ns() + (int64_t)(seconds * 1e9);
    block_signals(&before);
    for (int64_t left; !interrupted && !leaving && (left = end - monotonic_ns()) > 0;) {
        struct timespec wait = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
        ppoll(NULL, 0, &wait, &before);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return !interrupted && !leaving;
}

bool stop_wait_readable(int descriptor)
{
    sigset_t before;
    block_signals(&before);
    struct pollfd poll = {.fd = descriptor, .events = POLLIN};
    bool readable = false;
    while (!readable && !interrupted && !leaving) {
        int ready = ppoll(&poll, 1, NULL, &before);
        readable = ready > 0 || (ready < 0 && errno != EINTR);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return readable;
}

/* A descriptor of which only the end is looked for. */
bool stop_wait(int milliseconds, int pipe)
{
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGHUP);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    struct pollfd poll = {.fd = pipe, .events = 0};
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    int ready = stop_requested() ? -1 : ppoll(&poll, 1, &time, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return ready == 0 && !stop_requested();
}
