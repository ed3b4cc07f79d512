/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a trace begins.
 *
 * A trace is what one person, timer or administrator's decision has set off. So a boundary is where
 * the reason for all that follows is no longer the parent's: a listening sshd does not want what
 * its visitor does, init does not want what a service does.
 */
#include <string.h>
#include <sys/stat.h>

#include "model_container.h"
#include "model_trace.h"

#define PID_INIT    1
#define PID_KTHREAD 2
#define IMAGES_MAX  16 /* forks without an exec, one below the other */

static bool equals(struct text text, const char *string)
{
    return text.length && *text.data == *string && text.length == strlen(string) &&
           memcmp(text.data, string, text.length) == 0;
}

static bool same_text(const struct shared *one, const struct shared *other)
{
    struct text a = shared_text(one), b = shared_text(other);

    return one == other ||
           (a.data && b.data && a.length == b.length && memcmp(a.data, b.data, a.length) == 0);
}

/* ---- programs ---- */

/* argument: only with this word among its arguments; NULL: always. */
static const struct {
    const char *name;
    const char *argument;
    enum trace_role role;
} programs[] = {
    {"sshd", NULL, ROLE_SSH},
    {"dropbear", NULL, ROLE_SSH},
    {"sshd-session", NULL, ROLE_SSH_SESSION},
    {"sshd-auth", NULL, ROLE_SSH_SESSION},
    {"login", NULL, ROLE_CONSOLE},
    {"agetty", NULL, ROLE_CONSOLE},
    {"getty", NULL, ROLE_CONSOLE},
    {"mingetty", NULL, ROLE_CONSOLE},
    {"gdm-session-worker", NULL, ROLE_DISPLAY},
    {"lightdm", "--session-child", ROLE_DISPLAY},
    {"sddm-helper", NULL, ROLE_DISPLAY},
    {"cron", NULL, ROLE_CRON},
    {"crond", NULL, ROLE_CRON},
    {"atd", NULL, ROLE_CRON},
    {"anacron", NULL, ROLE_CRON},
    {"fcron", NULL, ROLE_CRON},
    {"systemd", "--user", ROLE_MANAGER},
    {"su", NULL, ROLE_ESCALATOR},
    {"sudo", NULL, ROLE_ESCALATOR},
    {"doas", NULL, ROLE_ESCALATOR},
    {"runuser", NULL, ROLE_ESCALATOR},
    {"pkexec", NULL, ROLE_ESCALATOR},
};

/* Where only root can put a program: else anybody could call theirs sshd, fork, and have what the
 * child does taken for a visitor's. */
static bool in_system_directory(struct text path)
{
    static const char *const directories[] = {"/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/"};

    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
        if (path.data && path.length > strlen(directories[i]) &&
            memcmp(path.data, directories[i], strlen(directories[i])) == 0)
            return true;
    return false;
}

static struct text base_name(struct text path)
{
    const char *slash = path.data ? memrchr(path.data, '/', path.length) : NULL;

    if (!slash)
        return path;
    return (struct text){slash + 1, path.length - (size_t)(slash + 1 - path.data)};
}

static bool has_word(struct text line, const char *word)
{
    size_t length = strlen(word);
    const char *at = line.data, *end = at ? at + line.length : NULL;

    for (; at && (at = memmem(at, (size_t)(end - at), word, length)); at += length)
        if (at > line.data && at[-1] == ' ' && (at + length == end || at[length] == ' '))
            return true;
    return false;
}

enum trace_role trace_role(const struct process *process)
{
    struct text exe = shared_text(process->text.exe), name = base_name(exe);

    if (!in_system_directory(exe))
        return ROLE_NONE;
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
        if (equals(name, programs[i].name) &&
            (!programs[i].argument ||
             has_word(shared_text(process->text.cmdline), programs[i].argument)))
            return programs[i].role;
    return ROLE_NONE;
}

bool trace_is_login_program(const struct process *process)
{
    return process->role >= ROLE_SSH && process->role <= ROLE_DISPLAY;
}

/* ---- places ---- */

static bool is_service(struct text name)
{
    static const char suffix[] = ".service";
    size_t length = strlen(suffix);

    return name.length > length && memcmp(name.data + name.length - length, suffix, length) == 0;
}

static bool is_session(struct text name)
{
    static const char prefix[] = "session-", suffix[] = ".scope";

    return name.length > strlen(prefix) + strlen(suffix) &&
           memcmp(name.data, prefix, strlen(prefix)) == 0 &&
           memcmp(name.data + name.length - strlen(suffix), suffix, strlen(suffix)) == 0;
}

struct text trace_place(enum trace_kind kind, struct text cgroup)
{
    bool wanted = kind == TRACE_SERVICE || kind == TRACE_LOGIN || kind == TRACE_CRON;

    while (wanted && cgroup.data && cgroup.length) {
        struct text name = base_name(cgroup);
        if (kind == TRACE_SERVICE ? is_service(name) : is_session(name))
            return cgroup;
        cgroup.length -= name.length;
        while (cgroup.length && cgroup.data[cgroup.length - 1] == '/')
            cgroup.length--;
    }
    return TEXT_NULL;
}

static bool same_place(struct text one, struct text other)
{
    return one.length == other.length &&
           (!one.length || memcmp(one.data, other.data, one.length) == 0);
}

/* ---- rules ---- */

struct look {
    const struct model *model;
    const struct process *process;
    const struct process *parent; /* NULL: not known */
    const struct trace *trace;    /* that it is in now; NULL: none yet */
    unsigned why;
};

static bool is_init(const struct look *look)
{
    return look->process->pid == PID_INIT;
}

static bool is_kernel(const struct look *look)
{
    return look->process->pid == PID_KTHREAD && look->process->row.ppid == 0;
}

/* It was forked, perhaps by way of others that ran the same program, by a process that has begun a
 * trace of that kind: it is one of those that serve it, and not their daemon. */
static bool is_spent(const struct model *model, const struct process *process, enum trace_kind kind)
{
    const struct process *above = process;

    for (int i = 0; above && above->trace && i < IMAGES_MAX; i++) {
        if (above->trace->kind == kind && trace_has_root(above->trace, above))
            return true;
        if (above->role != process->role || !same_text(above->text.exe, process->text.exe))
            return false;
        above = trace_parent(model, above);
    }
    return false;
}

static bool is_forked_by(const struct look *look, enum trace_role role, enum trace_kind kind)
{
    return look->parent && look->parent->role == role && !is_spent(look->model, look->parent, kind);
}

static bool is_visit(const struct look *look)
{
    return is_forked_by(look, ROLE_SSH, TRACE_LOGIN);
}

static bool is_job(const struct look *look)
{
    return is_forked_by(look, ROLE_CRON, TRACE_CRON);
}

/* One that is served already, by whoever forked it or executed it there. */
static bool is_served(const struct look *look, enum trace_role role)
{
    const struct process *parent = look->parent;

    return parent && parent->trace == look->trace && parent->role == role && look->trace &&
           look->trace->kind == TRACE_LOGIN;
}

static bool is_console(const struct look *look)
{
    return look->process->role == ROLE_CONSOLE && !is_served(look, ROLE_CONSOLE);
}

static bool is_display(const struct look *look)
{
    return look->process->role == ROLE_DISPLAY && !is_served(look, ROLE_DISPLAY);
}

/* Found without the listening sshd that forked it: outside of what is recorded, or gone. */
static bool is_lone_visit(const struct look *look)
{
    return look->process->role == ROLE_SSH_SESSION &&
           !(look->trace && look->trace->kind == TRACE_LOGIN);
}

/* Some other server has taken the connection, and executes an sshd for each. */
static bool is_handed_visit(const struct look *look)
{
    return (look->process->role == ROLE_SSH || look->process->role == ROLE_SSH_SESSION) &&
           !(look->trace && look->trace->kind == TRACE_LOGIN);
}

/* In a trace that has had a session already it is another one's; else it is the trace's own. */
static bool has_own_session(const struct trace *trace)
{
    return !trace || (trace->kind != TRACE_LOGIN && trace->kind != TRACE_CRON);
}

/* The same person, or the daemon that sets a job or a session up. */
static bool is_gateway(const struct process *process)
{
    return process->role == ROLE_ESCALATOR || process->role == ROLE_CRON;
}

static bool is_session_scope(const struct look *look)
{
    struct text cgroup = shared_text(look->process->text.cgroup);
    struct text scope = trace_place(TRACE_LOGIN, cgroup);

    if (!scope.data || is_gateway(look->process) ||
        same_place(scope, trace_place(TRACE_LOGIN, shared_text(look->process->looked_cgroup))))
        return false;
    return has_own_session(look->trace) ||
           (look->trace->place && !same_place(scope, shared_text(look->trace->place)));
}

/* A manager of services runs some of them in sessions of their users: they are services. */
static bool is_managed_by(const struct process *parent)
{
    return parent->pid == PID_INIT || parent->role == ROLE_MANAGER;
}

static bool is_own_session(const struct look *look)
{
    const struct row_process *row = &look->process->row;

    if (row->audit_session == INTEGER_NULL || !look->parent || is_managed_by(look->parent) ||
        is_gateway(look->process))
        return false;
    return has_own_session(look->trace) || (look->trace->audit_session != INTEGER_NULL &&
                                            look->trace->audit_session != row->audit_session);
}

/* A container may be a unit's, or have units in it. */
static bool is_around_container(struct text unit, const struct process *process)
{
    const struct container *container = process->container;

    return container && !container->service &&
           shared_text(container->text[CONTAINER_CGROUP]).length > unit.length;
}

static bool is_unit(const struct look *look)
{
    struct text now = trace_place(TRACE_SERVICE, shared_text(look->process->text.cgroup));
    struct text before = trace_place(TRACE_SERVICE, shared_text(look->process->looked_cgroup));

    return now.data && !same_place(now, before) && !is_around_container(now, look->process);
}

/* What a manager forks may be but one more of its hands, until it executes something. */
static bool is_managed(const struct look *look)
{
    const struct process *parent = look->parent;

    if (!parent || !is_managed_by(parent) || look->process->trace != parent->trace)
        return false;
    return !(look->why & LOOK_FOUND) || parent->pid == PID_INIT ||
           !same_text(parent->text.exe, look->process->text.exe);
}

/* Of several that hold the first counts. `when`: what must be new for it to be looked at. */
static const struct {
    unsigned when;
    enum trace_kind kind;
    enum trace_method method;
    bool shared;
    bool (*holds)(const struct look *look);
} rules[] = {
    /* The roots of all else. */
    {LOOK_BORN, TRACE_INIT, METHOD_OTHER, false, is_init},
    {LOOK_BORN, TRACE_INIT, METHOD_OTHER, false, is_kernel},
    /* A visitor, not whoever has started the daemon, decides what happens from here on. */
    {LOOK_BORN, TRACE_LOGIN, METHOD_SSH, false, is_visit},
    {LOOK_FOUND, TRACE_LOGIN, METHOD_SSH, false, is_lone_visit},
    {LOOK_SERVES, TRACE_LOGIN, METHOD_SSH, false, is_handed_visit},
    {LOOK_EXEC, TRACE_LOGIN, METHOD_CONSOLE, false, is_console},
    {LOOK_EXEC, TRACE_LOGIN, METHOD_DISPLAY, false, is_display},
    /* The time, and whoever has written the table. */
    {LOOK_BORN, TRACE_CRON, METHOD_OTHER, false, is_job},
    /* PAM has let somebody in: any other service that people log in to. */
    {LOOK_CGROUP, TRACE_LOGIN, METHOD_OTHER, true, is_session_scope},
    {LOOK_SESSION, TRACE_LOGIN, METHOD_OTHER, false, is_own_session},
    /* An administrator has enabled it, or asked a manager for it; the manager only forks. */
    {LOOK_CGROUP, TRACE_SERVICE, METHOD_OTHER, true, is_unit},
    {LOOK_EXEC, TRACE_SERVICE, METHOD_OTHER, true, is_managed},
};

bool trace_boundary(const struct model *model, const struct process *process, unsigned why,
                    struct boundary *boundary)
{
    struct look look = {
        .model = model,
        .process = process,
        .parent = trace_parent(model, process),
        .trace = process->trace,
        .why = why,
    };

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (!(rules[i].when & why) || !rules[i].holds(&look))
            continue;
        *boundary = (struct boundary){
            .kind = rules[i].kind,
            .method = rules[i].method,
            .place = trace_place(rules[i].kind, shared_text(process->text.cgroup)),
            .shared = rules[i].shared,
        };
        return true;
    }
    return false;
}

/* ---- connections ---- */

static const struct connection *incoming(const struct model *model, uint64_t inode)
{
    const struct connection *connection = connection_of_socket(model, inode);

    return connection && connection_is_incoming(connection) ? connection : NULL;
}

const struct connection *trace_connection_served(const struct model *model,
                                                 const struct process *process,
                                                 const struct event *event)
{
    const struct event_fd *input = event ? &event->exec->image.stdio[0] : NULL;
    const struct process *parent = trace_parent(model, process);

    if (input)
        return S_ISSOCK(input->mode) ? incoming(model, input->inode) : NULL;
    return parent ? incoming(model, parent->accepted) : NULL;
}
