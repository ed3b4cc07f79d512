/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "log.h"
#include "notify.h"
#include "recorder.h"

#define QUIET_TICKS 5 /* ticks without a record before the loop goes to sleep */
#define SECOND_MS   1000

enum { TIMER_TICK, TIMER_FLUSH, TIMER_SECOND, TIMERS };

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

struct loop {
    uv_loop_t uv;
    uv_timer_t timers[TIMERS];
    uv_signal_t signals[SIGNALS];
    uv_poll_t rings[EVENT_RINGS];
    uv_async_t committed;
    size_t ring_count;
    unsigned quiet; /* ticks since the last record */
    bool asleep;
    struct recorder *recorder;
    struct config *config;
    int argc;
    char **argv;
};

static void on_tick(uv_timer_t *timer);
static void on_flush(uv_timer_t *timer);

/* ---- waking and sleeping ---- */

static void start_tick(struct loop *loop)
{
    /* A recording is there to be read. */
    uint64_t every = loop->config->replay ? 1 : loop->config->tick_ms;

    uv_timer_start(&loop->timers[TIMER_TICK], on_tick, 0, every);
}

static void wake(struct loop *loop)
{
    for (size_t i = 0; i < loop->ring_count; i++)
        uv_poll_stop(&loop->rings[i]);
    loop->asleep = false;
    loop->quiet = 0;
    start_tick(loop);
    uv_timer_start(&loop->timers[TIMER_FLUSH], on_flush, loop->config->flush_ms,
                   loop->config->flush_ms);
}

static void on_ring(uv_poll_t *ring, int status, int events)
{
    (void)status;
    (void)events;
    wake(ring->data);
}

/* Starting to poll looks at the rings at once: a record sent before they were armed is seen. */
static void fall_asleep(struct loop *loop)
{
    int fds[EVENT_RINGS];

    uv_timer_stop(&loop->timers[TIMER_TICK]);
    loop->asleep = true;
    recorder_sleep(loop->recorder, fds);
    for (size_t i = 0; i < loop->ring_count; i++)
        uv_poll_start(&loop->rings[i], UV_READABLE, on_ring);
}

static void on_tick(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    bool more = recorder_turn(loop->recorder);

    loop->quiet = more ? 0 : loop->quiet + 1;
    if (recorder_ended(loop->recorder))
        uv_stop(&loop->uv);
    else if (loop->ring_count && loop->quiet > QUIET_TICKS)
        fall_asleep(loop);
}

/* ---- the other handles ---- */

static void on_flush(uv_timer_t *timer)
{
    struct loop *loop = timer->data;

    recorder_flush(loop->recorder);
    if (loop->asleep) /* all is written: nothing more to do until something happens */
        uv_timer_stop(timer);
}

static void on_second(uv_timer_t *timer)
{
    struct loop *loop = timer->data;

    recorder_audit(loop->recorder);
    /* What the audit found has to come to the frontier as well. */
    if (loop->asleep && recorder_turn(loop->recorder))
        wake(loop);
}

static void on_committed(uv_async_t *async)
{
    struct loop *loop = async->data;

    recorder_check_writer(loop->recorder);
    if (recorder_ended(loop->recorder))
        uv_stop(&loop->uv);
}

/* In the writer's thread. */
static void committed(void *context)
{
    uv_async_send(context);
}

static void reload(struct loop *loop)
{
    struct config config;
    struct config_error error;

    if (config_load(&config, loop->argc, loop->argv, &error) < 0) {
        log_line("the configuration is not valid, nothing changes: %s", error.message);
        config_free(&config);
        return;
    }
    loop->config->tick_ms = config.tick_ms;
    loop->config->flush_ms = config.flush_ms;
    uv_timer_set_repeat(&loop->timers[TIMER_TICK], config.tick_ms);
    uv_timer_set_repeat(&loop->timers[TIMER_FLUSH], config.flush_ms);
    recorder_reload_rules(loop->recorder);
    log_line("the configuration and the rules were read again");
    config_free(&config);
}

static void on_signal(uv_signal_t *handle, int signal)
{
    struct loop *loop = handle->data;

    if (signal == SIGHUP)
        reload(loop);
    else
        uv_stop(&loop->uv);
}

/* ---- life ---- */

static void start_timers(struct loop *loop)
{
    start_tick(loop);
    uv_timer_start(&loop->timers[TIMER_FLUSH], on_flush, loop->config->flush_ms,
                   loop->config->flush_ms);
    uv_timer_start(&loop->timers[TIMER_SECOND], on_second, SECOND_MS, SECOND_MS);
}

static void open_handles(struct loop *loop)
{
    uv_loop_init(&loop->uv);
    for (size_t i = 0; i < TIMERS; i++) {
        uv_timer_init(&loop->uv, &loop->timers[i]);
        loop->timers[i].data = loop;
    }
    for (size_t i = 0; i < SIGNALS; i++) {
        uv_signal_init(&loop->uv, &loop->signals[i]);
        loop->signals[i].data = loop;
        uv_signal_start(&loop->signals[i], on_signal, signals[i]);
    }
    uv_async_init(&loop->uv, &loop->committed, on_committed);
    loop->committed.data = loop;
}

static void open_rings(struct loop *loop)
{
    int fds[EVENT_RINGS];

    loop->ring_count = recorder_sleep(loop->recorder, fds);
    for (size_t i = 0; i < loop->ring_count; i++) {
        uv_poll_init(&loop->uv, &loop->rings[i], fds[i]);
        loop->rings[i].data = loop;
    }
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void close_handles(struct loop *loop)
{
    uv_walk(&loop->uv, close_handle, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_loop_close(&loop->uv);
}

static void announce(const struct config *config)
{
    notify("READY=1");
    if (config->replay)
        return;
    puts("spyqd: ready");
    fflush(stdout);
}

/* From an open recorder to its end. */
static int record(struct loop *loop)
{
    struct recorder_error error;
    int code = recorder_scan(loop->recorder, &error);

    if (code < 0)
        log_line("%s", error.message);
    else {
        open_rings(loop);
        start_timers(loop);
        announce(loop->config);
        uv_run(&loop->uv, UV_RUN_DEFAULT);
        notify("STOPPING=1");
    }
    if (recorder_close(loop->recorder, &error) < 0) {
        log_line("%s", error.message);
        code = -1;
    }
    return code;
}

int loop_run(struct config *config, int argc, char **argv)
{
    struct loop loop = {.config = config, .argc = argc, .argv = argv};
    struct recorder_error error;
    int code = -1;

    open_handles(&loop);
    loop.recorder = recorder_open(config, committed, &loop.committed, &error);
    if (loop.recorder)
        code = record(&loop);
    else
        log_line("%s", error.message);
    close_handles(&loop);
    return code < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
