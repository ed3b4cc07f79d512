/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a trace is called, and whose it is. */
#include <stdio.h>
#include <string.h>

#include "model_container.h"
#include "model_trace.h"

#define TITLE_SIZE   512
#define COMMAND_SIZE 60 /* of a job's command; bytes */
#define SHORT_ID     12 /* of a container's id, as its runtime shows it */

/* A title under way; what does not fit is cut. */
struct title {
    char bytes[TITLE_SIZE];
    size_t length;
};

static void add(struct title *title, struct text text)
{
    size_t room = sizeof(title->bytes) - title->length;
    size_t length = text.length < room ? text.length : room;

    if (text.data)
        memcpy(title->bytes + title->length, text.data, length);
    title->length += text.data ? length : 0;
}

static void add_string(struct title *title, const char *string)
{
    add(title, model_constant(string));
}

/* `before` and the text; nothing where there is no text. */
static void add_part(struct title *title, const char *before, struct text text)
{
    if (!text.data)
        return;
    add_string(title, before);
    add(title, text);
}

/* At most `size` bytes, and no character of UTF-8 by halves. */
static struct text shortened(struct text text, size_t size)
{
    if (text.length <= size)
        return text;
    while (size && ((unsigned char)text.data[size] & 0xc0) == 0x80)
        size--;
    text.length = size;
    return text;
}

static struct text last_part(struct text path)
{
    const char *slash = path.data ? memrchr(path.data, '/', path.length) : NULL;

    if (!slash)
        return path;
    return (struct text){slash + 1, path.length - (size_t)(slash + 1 - path.data)};
}

struct text trace_program(const struct process *process)
{
    return process->text.exe ? last_part(shared_text(process->text.exe))
                             : shared_text(process->text.comm);
}

static struct text root_program(const struct model *model, const struct trace *trace)
{
    const struct process *root = process_by_id(model, trace->row.root_process_id);

    return root ? trace_program(root) : TEXT_NULL;
}

/* ---- one for each kind ---- */

/* `login` also says how, and an sshd's connection need not become a login. */
static const struct {
    const char *connected;
    const char *login;
} methods[METHOD_COUNT] = {
    [METHOD_OTHER] = {"login", "login"},
    [METHOD_SSH] = {"ssh connection", "ssh login"},
    [METHOD_CONSOLE] = {"console login", "console login"},
    [METHOD_DISPLAY] = {"display login", "display login"},
};

static void add_terminal(const struct model *model, const struct trace *trace, struct title *title)
{
    const struct process *root = process_by_id(model, trace->row.root_process_id);

    if (root && trace->method == METHOD_CONSOLE)
        add_part(title, " on ", shared_text(root->text.tty));
}

static void name_login(const struct model *model, const struct trace *trace, struct title *title)
{
    add_string(title,
               trace->user ? methods[trace->method].login : methods[trace->method].connected);
    add_part(title, " of ", shared_text(trace->user));
    add_part(title, " from ", shared_text(trace->remote_address));
    add_terminal(model, trace, title);
}

static void name_cron(const struct model *model, const struct trace *trace, struct title *title)
{
    struct text command = shared_text(trace->command);
    struct text cut = shortened(command, COMMAND_SIZE);

    (void)model;
    add_string(title, "cron job");
    add_part(title, " of ", shared_text(trace->user));
    add_part(title, ": ", cut);
    if (cut.length < command.length)
        add_string(title, "...");
}

static void name_service(const struct model *model, const struct trace *trace, struct title *title)
{
    add_string(title, "service ");
    add(title, trace->place ? last_part(shared_text(trace->place)) : root_program(model, trace));
}

static void name_container(const struct model *model, const struct trace *trace,
                           struct title *title)
{
    struct text name = shared_text(trace->container->text[CONTAINER_NAME]);
    struct text image = shared_text(trace->container->text[CONTAINER_IMAGE]);
    struct text id = shared_text(trace->container->text[CONTAINER_ID]);

    (void)model;
    add_string(title, "container ");
    add(title, name.data ? name : shortened(id, SHORT_ID));
    if (image.data) {
        add_part(title, " (", image);
        add_string(title, ")");
    }
}

static void name_init(const struct model *model, const struct trace *trace, struct title *title)
{
    const struct process *root = process_by_id(model, trace->row.root_process_id);

    add_string(title, root && root->pid == 1 ? "init" : "kernel");
}

static void name_other(const struct model *model, const struct trace *trace, struct title *title)
{
    add(title, root_program(model, trace));
}

static void (*const namers[TRACE_KINDS])(const struct model *model, const struct trace *trace,
                                         struct title *title) = {
    [TRACE_OTHER] = name_other, [TRACE_SERVICE] = name_service, [TRACE_CONTAINER] = name_container,
    [TRACE_CRON] = name_cron,   [TRACE_LOGIN] = name_login,     [TRACE_INIT] = name_init,
};

static bool is_same(struct text one, const struct title *title)
{
    return one.data && one.length == title->length &&
           memcmp(one.data, title->bytes, one.length) == 0;
}

void trace_name(struct model *model, struct trace *trace)
{
    struct title title = {.length = 0};

    if (trace->kind == TRACE_CONTAINER && !trace->container)
        return; /* it has ended; or it is an earlier run's, and not found yet */
    namers[trace->kind](model, trace, &title);
    if (!title.length || is_same(shared_text(trace->title), &title))
        return;
    shared_set(&trace->title, shared_new((struct text){title.bytes, title.length}));
    trace_touch(model, trace);
}

enum trace_method trace_method_of(struct text title)
{
    for (int method = METHOD_COUNT - 1; method > METHOD_OTHER; method--) {
        const char *word = methods[method].connected;
        size_t length = strcspn(word, " ") + 1;
        if (title.data && title.length >= length && memcmp(title.data, word, length) == 0)
            return (enum trace_method)method;
    }
    return METHOD_OTHER;
}

/* ---- users ---- */

/* The name, else the number, as not all accounts are in /etc/passwd. The caller holds it; NULL: not
 * even that is known. */
static struct shared *user_name(const struct model *model, int64_t uid)
{
    struct shared *name = index_get(&model->users, (struct key){(uint64_t)uid, 0});
    char number[24];

    if (name || uid == INTEGER_NULL)
        return shared_hold(name);
    snprintf(number, sizeof(number), "%lld", (long long)uid);
    return shared_string(number);
}

static void set_user(struct model *model, struct trace *trace, int64_t uid)
{
    struct shared *user = user_name(model, uid);

    if (!user || text_same(shared_text(trace->user), shared_text(user))) {
        shared_drop(user);
        return;
    }
    shared_set(&trace->user, user);
    trace_touch(model, trace);
    trace_name(model, trace);
}

/* Whom sshd makes of the half that talks to those who have not shown who they are. */
static bool is_privilege_separation(struct text user)
{
    static const char *const users[] = {"sshd", "_sshd", NULL};

    return model_one_of(user, users) != NULL;
}

/*
 * Who has logged in, where the kernel's login_uid does not say: the user of the first program that
 * is not the login service's own. That of root counts only as the leader of a session, as shells
 * and commands are: PAM runs others as root, such as those for the message of the day. A server
 * may also serve by itself as the user, as that for sftp does.
 */
static bool shows_user(const struct process *process, unsigned why)
{
    if (trace_is_login_program(process))
        return process->row.uid > 0 && !is_privilege_separation(shared_text(process->text.user));
    return why & LOOK_EXEC && (process->row.uid > 0 || process->row.sid == process->pid);
}

/* Cron has a shell run every command. */
static struct text job_command(const struct process *process)
{
    static const char *const shells[] = {"/bin/sh -c ", "/bin/bash -c ", "sh -c "};
    struct text command = shared_text(process->text.cmdline);

    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        size_t length = strlen(shells[i]);
        if (command.data && command.length > length && memcmp(command.data, shells[i], length) == 0)
            return (struct text){command.data + length, command.length - length};
    }
    return command;
}

static void name_job(struct model *model, struct trace *trace, const struct process *process)
{
    shared_set(&trace->command, shared_new(job_command(process)));
    trace->named = true;
    set_user(model, trace, process->row.uid);
    trace_name(model, trace);
}

void trace_name_user(struct model *model, struct trace *trace, const struct process *process,
                     unsigned why)
{
    if (trace->kind == TRACE_LOGIN) {
        if (!trace->named && shows_user(process, why)) {
            trace->named = true;
            set_user(model, trace, process->row.uid);
        }
        if (trace_has_root(trace, process))
            trace_name(model, trace); /* its terminal may have come */
    } else if (trace->kind == TRACE_CRON) {
        if (!trace->named && why & LOOK_EXEC && process->role != ROLE_CRON)
            name_job(model, trace, process);
    } else if (trace_has_root(trace, process)) {
        set_user(model, trace, process->row.uid);
        if (why & LOOK_EXEC)
            trace_name(model, trace);
    }
}

void trace_name_login(struct model *model, struct trace *trace, int64_t uid)
{
    if (trace->kind != TRACE_LOGIN)
        return;
    trace->named = true;
    set_user(model, trace, uid);
}

void trace_name_remote(struct model *model, struct trace *trace,
                       const struct connection *connection)
{
    char text[ADDRESS_SIZE];
    struct text address;

    if (!connection || trace->kind != TRACE_LOGIN || trace->method != METHOD_SSH)
        return;
    address = address_text(connection->tuple.family, connection->tuple.remote, text);
    shared_set(&trace->remote_address, shared_new(address));
    trace_touch(model, trace);
    trace_name(model, trace);
}
