/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the model_trace*.c files share: model_trace.c has the traces, their rows and who belongs to
 * which; model_trace_look.c what processes do that may change it, model_trace_rules.c where a trace
 * begins, model_trace_title.c what it is called and whose it is, model_trace_link.c how one led to
 * another, model_trace_restart.c those of earlier runs and of processes that a scan finds.
 */
#ifndef SPYQ_MODEL_TRACE_H
#define SPYQ_MODEL_TRACE_H

#include "model_private.h"

/* What a trace may turn out to be, in ascending order: a process that has begun one begins no
 * other, but what it was taken for may become something later in this list. */
enum trace_kind {
    TRACE_OTHER,
    TRACE_SERVICE,
    TRACE_CONTAINER,
    TRACE_CRON,
    TRACE_LOGIN,
    TRACE_INIT,
    TRACE_KINDS
};

/* Which way somebody logged in. */
enum trace_method { METHOD_OTHER, METHOD_SSH, METHOD_CONSOLE, METHOD_DISPLAY, METHOD_COUNT };

/* What a program in a system directory is for; of a process, what its program is for. */
enum trace_role {
    ROLE_NONE,
    ROLE_SSH,         /* takes connections, and forks a process for each */
    ROLE_SSH_SESSION, /* serves one */
    ROLE_CONSOLE,     /* serves one terminal */
    ROLE_DISPLAY,     /* serves one graphical session */
    ROLE_CRON,        /* forks a process for each job */
    ROLE_MANAGER,     /* systemd --user */
    ROLE_ESCALATOR,   /* su and its like: another user, the same person */
};

struct trace_link;
LIST_HEAD(trace_link_list, trace_link);

struct trace {
    struct row_trace row; /* integer columns; texts are below */
    enum trace_kind kind;
    enum trace_method method; /* of TRACE_LOGIN */
    struct shared *title;
    struct shared *user;
    struct shared *remote_address;
    struct shared *command; /* of TRACE_CRON: what its first program was; NULL: not known */
    struct shared
        *place; /* the cgroup of its unit of systemd or of its session; NULL: none known */
    int64_t audit_session; /* of TRACE_LOGIN and TRACE_CRON; INTEGER_NULL: none known */
    bool named;            /* user, and command of a job, are known for good */
    bool adopted;          /* an earlier run began it */
    bool dirty;
    uint32_t living;
    struct container *container;
    struct process_list members; /* until they are forgotten; parents before their children */
    struct trace_link_list out;
    struct trace_link_list in;
    TAILQ_ENTRY(trace) all;
    TAILQ_ENTRY(trace) changed;
};
TAILQ_HEAD(trace_list, trace);
TAILQ_HEAD(trace_link_order, trace_link);

struct trace_state {
    struct index by_id;    /* id of the row -> struct trace */
    struct index by_place; /* (hash of the place, kind) -> struct trace, the newest */
    struct index links;    /* hash of what is linked -> struct trace_link */
    struct trace_link_order recent_links; /* that which happened last is the last */
    struct trace_link_order changed_links;
    struct trace_list all;
    struct trace_list changed;
    uint32_t moves; /* numbers the moves of processes between traces */
    bool settled;   /* a scan is done: whoever has no known parent will not get one */
};

/* Why a process is looked at: what is new about it. */
#define LOOK_BORN    1u
#define LOOK_EXEC    2u
#define LOOK_CGROUP  4u
#define LOOK_SESSION 8u
#define LOOK_SERVES  16u /* its standard input is a connection that came in */
#define LOOK_FOUND   32u /* with the first four: nobody has seen what it did before */

/* Where a process begins or joins a trace. */
struct boundary {
    enum trace_kind kind;
    enum trace_method method;
    struct text place; /* within the process' cgroup; NULL: none */
    bool shared;       /* a living trace of that place is joined */
};

/* ---- model_trace.c ---- */

/* What is known of traces, made where need be. NULL: no memory, which is counted. */
struct trace_state *trace_state(struct model *model);

/* TRACE_OTHER where the text is no kind. */
enum trace_kind trace_kind_of(struct text text);

/* NULL: it is not there. */
struct trace *trace_by_id(const struct model *model, int64_t id);
struct process *trace_parent(const struct model *model, const struct process *process);

/* An empty one under that id; NULL: no memory, which is counted. */
struct trace *trace_make(struct model *model, int64_t id);
/* Without members; what has changed of it is in the batch. */
void trace_free(struct model *model, struct trace *trace);

/* Its row has to be written. */
void trace_touch(struct model *model, struct trace *trace);
/* Something happened in it at that time (ns since the epoch). The trace may be NULL. */
void trace_active(struct model *model, struct trace *trace, int64_t at);
/* NULL text: nothing changes. */
void trace_set_place(struct model *model, struct trace *trace, struct text place);

/* Whether it begins with that process; whether the process' own one does. */
bool trace_has_root(const struct trace *trace, const struct process *process);
bool trace_is_root(const struct process *process);
/* Whether it is somebody's session: a login or a job. */
bool trace_has_session(const struct trace *trace);

/* The process becomes a member, alone. */
void trace_join(struct model *model, struct process *process, struct trace *trace);
/* A trace begins at the process, which takes its descendants along. */
void trace_begin(struct model *model, struct process *process, const struct boundary *boundary);
/* The process begins or joins the trace that the boundary speaks of, or its own becomes that. */
void trace_arrive(struct model *model, struct process *process, const struct boundary *boundary);

/* ---- model_trace_look.c ---- */

/* Gives a process its first trace. why: LOOK_*. */
void trace_settle(struct model *model, struct process *process, unsigned why);

/* What was new about `as` is known now. */
void trace_remember(struct process *process, const struct process *as);

/* ---- model_trace_link.c ---- */

/* Where a trace begins or is joined the fork is what leads there. */
void trace_link_fork(struct model *model, const struct process *process);

/* All links from and to it are forgotten; what has changed of them is in the batch. */
void trace_drop_links(struct model *model, struct trace *trace);

/* Those that have changed are in the batch. */
void trace_flush_links(struct model *model);

/* ---- model_trace_rules.c ---- */

/* What the process' program is for, by its name; ROLE_NONE where it lies in no system directory. */
enum trace_role trace_role(const struct process *process);

/* Whether it serves somebody who logs in, rather than being what they run. */
bool trace_is_login_program(const struct process *process);

/* Whether, after what is new about it (LOOK_*), a trace begins at that process. */
bool trace_boundary(const struct model *model, const struct process *process, unsigned why,
                    struct boundary *boundary);

/* The innermost part of a cgroup's path that is a unit for that kind of trace: a service, or a
 * session's scope. NULL text: there is none. */
struct text trace_place(enum trace_kind kind, struct text cgroup);

/* The connection that a process serves, if it is one that came in: the one that is its standard
 * input (the event's), or else that its parent has accepted last. event NULL: not known. */
const struct connection *trace_connection_served(const struct model *model,
                                                 const struct process *process,
                                                 const struct event *event);

/* ---- model_trace_title.c ---- */

/* The program's base name; else what the process calls itself. */
struct text trace_program(const struct process *process);

/* Brings the title up to date. */
void trace_name(struct model *model, struct trace *trace);

/* A member has executed something, or has other credentials or another session. */
void trace_name_user(struct model *model, struct trace *trace, const struct process *process,
                     unsigned why);

/* Whoever the number belongs to has logged in. */
void trace_name_login(struct model *model, struct trace *trace, int64_t uid);

void trace_name_remote(struct model *model, struct trace *trace,
                       const struct connection *connection);

/* Of a row of an earlier run: how they logged in, as its title says. */
enum trace_method trace_method_of(struct text title);

#endif
