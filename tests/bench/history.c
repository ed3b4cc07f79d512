/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * history COUNT END: writes a recording of COUNT processes to stdout, ten a second, the last of
 * them at END (ns since the epoch), for spyqd to replay. What went on does not change with COUNT,
 * there is only more of it: logins of a thousand processes that build and look around, jobs of
 * cron, a server that all talk to. Each process is forked and executes something; each feeds
 * another by a pipe; one in ten connects, half of them to the server. The same arguments give the
 * same bytes.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../bpf/event.h"
#include "../../daemon/recording.h"

#define MS      1000000ull
#define STEP    (100 * MS) /* from one process to the next */
#define BEGIN   (1000 * 1000 * MS)
#define PID_MAX 32768
#define STREAMS 8 /* what goes on at once: one is cron's, the others are logins */
#define DEPTH   12

#define LOGIN_PROCESSES 1000
#define JOB_PROCESSES   10
#define PROGRAMS        300

/* cgroups */
enum { CGROUP_INIT = 1, CGROUP_SSH, CGROUP_CRON, CGROUP_WEB, CGROUP_SESSIONS };

struct process {
    uint32_t pid;
    uint64_t start;
};

/* What a process is born with besides. */
struct context {
    uint64_t cgroup;
    uint32_t uid, session; /* of the audit; EVENT_ID_UNSET: none */
    const char *tty;
};

struct stream {
    struct process stack[DEPTH]; /* those that are alive, each the child of the one before */
    int depth;
    int least;            /* as many stay until the session is over */
    int left;             /* processes to come in this session */
    struct process ended; /* has done its work, and goes when the next has come; pid 0: none */
    struct context context;
};

static const struct process init = {1, 1 * MS}, sshd = {800, 4000 * MS}, cron = {900, 5000 * MS},
                            web = {1000, 6000 * MS};
static const struct context of_system = {CGROUP_INIT, 0, EVENT_ID_UNSET, ""};

static uint64_t now = BEGIN;
static uint64_t noise = 88172645463325252ull;
static uint32_t next_pid = 2000;
static uint64_t born, sessions, pipes = 1000, cookies = 1000;

/* xorshift64 */
static uint32_t chance(uint32_t of)
{
    noise ^= noise << 13;
    noise ^= noise >> 7;
    noise ^= noise << 17;
    return (uint32_t)((noise >> 20) % of);
}

/* Those of daemons and of who is alive are not given out again. */
static bool is_taken(const struct stream *streams, uint32_t pid)
{
    for (int i = 0; i < STREAMS; i++) {
        if (streams[i].ended.pid == pid)
            return true;
        for (int j = 0; j < streams[i].depth; j++)
            if (streams[i].stack[j].pid == pid)
                return true;
    }
    return false;
}

static struct process newborn(const struct stream *streams)
{
    do
        next_pid = next_pid + 1 < PID_MAX ? next_pid + 1 : 2000;
    while (is_taken(streams, next_pid));
    return (struct process){next_pid, now};
}

/* ---- records ---- */

static union {
    struct event_header header;
    unsigned char bytes[4096];
} record;

/* Begins a record of so many bytes, one microsecond after the last. */
static void *begin(size_t size, uint16_t kind, struct process subject)
{
    memset(&record, 0, size);
    record.header = (struct event_header){.size = (uint32_t)size,
                                          .kind = kind,
                                          .time = now += 1000,
                                          .start = subject.start,
                                          .pid = subject.pid,
                                          .tid = subject.pid};
    return &record;
}

static void put_bytes(struct event_text *text, const char *bytes, size_t length)
{
    *text = (struct event_text){record.header.size, (uint32_t)length};
    memcpy(record.bytes + record.header.size, bytes, length);
    record.header.size += (uint32_t)length;
}

static void put(struct event_text *text, const char *string)
{
    put_bytes(text, string, strlen(string));
}

static void end(void)
{
    while (record.header.size % 8)
        record.bytes[record.header.size++] = 0;
    fwrite(record.bytes, 1, record.header.size, stdout);
}

static void put_host(int64_t wall_minus_boot)
{
    struct recording_header header = {RECORDING_MAGIC, RECORDING_BYTE_ORDER, EVENT_ABI_VERSION};
    struct event_host *host = begin(sizeof *host, EVENT_HOST, (struct process){0});

    fwrite(&header, 1, sizeof header, stdout);
    host->pid_max = PID_MAX;
    host->wall_minus_boot = wall_minus_boot;
    host->abi = EVENT_ABI_VERSION;
    host->cpus = 2;
    put(&host->hostname, "history");
    put(&host->machine_id, "0123456789abcdef0123456789abcdef");
    put(&host->boot_id, "00000000-1111-2222-3333-444444444444");
    put(&host->kernel, "6.1.0");
    put(&host->os, "Debian");
    put(&host->arch, "x86_64");
    end();
}

static void put_cgroup(uint64_t id, const char *path)
{
    struct event_cgroup *cgroup = begin(sizeof *cgroup, EVENT_CGROUP, (struct process){0});

    cgroup->cgroup_id = id;
    put(&cgroup->path, path);
    end();
}

static void put_user(uint32_t uid, const char *name)
{
    struct event_user *user = begin(sizeof *user, EVENT_USER, (struct process){0});

    user->uid = uid;
    memcpy(user->name, name, strlen(name));
    end();
}

static void put_mark(uint16_t kind)
{
    struct event_mark *mark = begin(sizeof *mark, kind, (struct process){0});

    mark->header.start = kind == EVENT_SCAN_DONE ? BEGIN : 0;
    end();
}

static struct event_task task(struct process process, struct process parent,
                              const struct context *context, const char *comm)
{
    struct event_task task = {
        .parent_start = parent.start,
        .creator_start = parent.start,
        .cgroup_id = context->cgroup,
        .parent_pid = parent.pid,
        .creator_pid = parent.pid,
        .ns_pid = process.pid,
        .uid = context->uid,
        .euid = context->uid,
        .gid = context->uid,
        .egid = context->uid,
        .login_uid = context->session == EVENT_ID_UNSET ? EVENT_ID_UNSET : context->uid,
        .audit_session = context->session,
        .sid = context->session,
        .pgid = process.pid,
        .mnt_ns = 4026531841,
        .pid_ns = 4026531836,
        .net_ns = 4026531840,
        .user_ns = 4026531837,
    };

    snprintf(task.comm, sizeof task.comm, "%.15s", comm);
    snprintf(task.tty, sizeof task.tty, "%s", context->tty);
    return task;
}

static const char *name_of(const char *path)
{
    return strrchr(path, '/') + 1;
}

static void put_fork(struct process process, struct process parent, const struct context *context,
                     const char *comm)
{
    struct event_fork *fork = begin(sizeof *fork, EVENT_FORK, process);

    fork->task = task(process, parent, context, comm);
    end();
}

static void put_attach(struct process process, struct process parent, const struct context *context,
                       const char *comm)
{
    struct event_fork *attach = begin(sizeof *attach, EVENT_CGROUP_ATTACH, process);

    attach->task = task(process, parent, context, comm);
    end();
}

/* The second argument, where it is not empty, comes behind the path. */
static void put_exec(uint16_t kind, struct process process, struct process parent,
                     const struct context *context, const char *exe, const char *argument)
{
    char argv[256];
    struct event_exec *exec = begin(sizeof *exec, kind, process);
    size_t length = (size_t)snprintf(argv, sizeof argv, "%s%c%s", exe, 0, argument) + 1;

    exec->task = task(process, parent, context, name_of(exe));
    exec->image.inode = 100 + strlen(exe) * 1000 + (unsigned char)exe[strlen(exe) - 1];
    exec->image.device = 8u << 20 | 1;
    exec->image.links = 1;
    exec->image.mode = 0100755;
    length -= *argument ? 0 : 1;
    exec->image.argc = *argument ? 2 : 1;
    exec->image.argv_length = length;
    if (kind == EVENT_EXEC)
        put(&exec->image.filename, exe);
    put(&exec->image.exe, exe);
    put(&exec->image.cwd, context->uid ? "/home/ana" : "/");
    put_bytes(&exec->image.argv, argv, length);
    end();
}

static void put_exit(struct process process)
{
    struct event_exit *record_of = begin(sizeof *record_of, EVENT_EXIT, process);

    record_of->status = chance(50) ? 0 : 1 << 8;
    end();
}

static void put_pipe(struct process writer, struct process reader)
{
    struct event_pipe *pipe = begin(sizeof *pipe, EVENT_PIPE_WRITE, writer);

    pipe->inode = ++pipes;
    pipe->device = 13;
    end();
    pipe = begin(sizeof *pipe, EVENT_PIPE_READ, reader);
    pipe->inode = pipes;
    pipe->device = 13;
    pipe->flags = EVENT_PIPE_EMPTY;
    end();
}

/* ---- connections ---- */

struct end {
    uint64_t cookie;
    uint32_t sequence, peer_sequence;
    uint16_t port, peer_port;
    uint32_t address, peer_address; /* in network order */
};

static void put_tcp(uint16_t kind, struct process owner, const struct end *socket, uint8_t from,
                    uint8_t to)
{
    struct event_tcp *tcp = begin(sizeof *tcp, kind, owner);

    tcp->cookie = socket->cookie;
    tcp->inode = 100000 + socket->cookie;
    tcp->net_ns = 4026531840;
    tcp->family = 2; /* AF_INET */
    tcp->local_sequence = socket->sequence;
    tcp->remote_sequence = socket->peer_sequence;
    tcp->local_port = socket->port;
    tcp->remote_port = socket->peer_port;
    tcp->old_state = from;
    tcp->new_state = to;
    tcp->flags = owner.pid ? 0 : EVENT_TCP_OWNER_UNKNOWN;
    tcp->bytes_sent = kind == EVENT_TCP_CLOSE ? 300 : 0;
    tcp->bytes_received = kind == EVENT_TCP_CLOSE ? 900 : 0;
    memcpy(tcp->local_address, &socket->address, 4);
    memcpy(tcp->remote_address, &socket->peer_address, 4);
    end();
}

static struct end client_end(void)
{
    struct end client = {
        .cookie = ++cookies,
        .sequence = (uint32_t)cookies * 2654435761u,
        .peer_sequence = (uint32_t)cookies * 40503u,
        .port = (uint16_t)(32768 + cookies % 28000),
    };

    return client;
}

static void put_client(struct process process, struct end *client)
{
    struct end unbound = *client;

    unbound.port = 0;
    put_tcp(EVENT_TCP_CONNECT, process, &unbound, TCP_CLOSE, TCP_SYN_SENT);
    put_tcp(EVENT_TCP_ESTABLISHED, (struct process){0}, client, TCP_SYN_SENT, TCP_ESTABLISHED);
}

/* To one of two thousand addresses, or to one that this session alone talks to. */
static void connect_out(struct process process)
{
    struct end client = client_end();
    uint32_t address = chance(100) ? 0xc6336400u + chance(2000) : 0x64400000u + (uint32_t)sessions;

    client.peer_port = 443;
    client.address = htonl(0xc000020au);
    client.peer_address = htonl(address);
    put_client(process, &client);
    put_tcp(EVENT_TCP_CLOSE, (struct process){0}, &client, TCP_FIN_WAIT1, TCP_CLOSE);
}

static void connect_in(struct process process)
{
    struct end client = client_end();
    struct end server = {
        .cookie = ++cookies,
        .sequence = client.peer_sequence,
        .peer_sequence = client.sequence,
        .port = 80,
        .peer_port = client.port,
        .address = htonl(INADDR_LOOPBACK),
        .peer_address = htonl(INADDR_LOOPBACK),
    };

    client.peer_port = 80;
    client.address = client.peer_address = server.address;
    put_client(process, &client);
    put_tcp(EVENT_TCP_ESTABLISHED, (struct process){0}, &server, TCP_SYN_RECV, TCP_ESTABLISHED);
    put_tcp(EVENT_TCP_ACCEPT, web, &server, TCP_ESTABLISHED, TCP_ESTABLISHED);
    put_tcp(EVENT_TCP_CLOSE, (struct process){0}, &server, TCP_LAST_ACK, TCP_CLOSE);
    put_tcp(EVENT_TCP_CLOSE, (struct process){0}, &client, TCP_FIN_WAIT2, TCP_CLOSE);
}

/* ---- what goes on ---- */

static void put_world(int64_t wall_minus_boot)
{
    const struct process nobody = {0};
    const struct context ssh = {CGROUP_SSH, 0, EVENT_ID_UNSET, ""};
    const struct context jobs = {CGROUP_CRON, 0, EVENT_ID_UNSET, ""};
    const struct context server = {CGROUP_WEB, 33, EVENT_ID_UNSET, ""};
    const struct end listener = {.cookie = 1, .port = 80};

    put_host(wall_minus_boot);
    put_user(0, "root");
    put_user(33, "www-data");
    put_user(1000, "ana");
    put_cgroup(CGROUP_INIT, "/init.scope");
    put_cgroup(CGROUP_SSH, "/system.slice/ssh.service");
    put_cgroup(CGROUP_CRON, "/system.slice/cron.service");
    put_cgroup(CGROUP_WEB, "/system.slice/web.service");
    put_exec(EVENT_PROCESS, init, nobody, &of_system, "/usr/lib/systemd/systemd", "");
    put_exec(EVENT_PROCESS, sshd, init, &ssh, "/usr/sbin/sshd", "-D");
    put_exec(EVENT_PROCESS, cron, init, &jobs, "/usr/sbin/cron", "-f");
    put_exec(EVENT_PROCESS, web, init, &server, "/opt/web/bin/server", "");
    put_mark(EVENT_SCAN_DONE);
    put_tcp(EVENT_TCP_LISTEN, web, &listener, TCP_CLOSE, TCP_LISTEN);
}

static struct process top(const struct stream *stream)
{
    return stream->stack[stream->depth - 1];
}

/* A new process below the last; it executes that, unless it is NULL. */
static struct process spawn(struct stream *streams, struct stream *stream, struct process parent,
                            const char *comm, const char *exe, const char *argument)
{
    struct process process = newborn(streams);

    put_fork(process, parent, &stream->context, comm);
    if (exe)
        put_exec(EVENT_EXEC, process, parent, &stream->context, exe, argument);
    stream->stack[stream->depth++] = process;
    stream->left--;
    born++;
    return process;
}

static void begin_login(struct stream *streams, struct stream *stream)
{
    char path[96];

    snprintf(path, sizeof path, "/user.slice/user-1000.slice/session-%llu.scope",
             (unsigned long long)++sessions);
    stream->left = LOGIN_PROCESSES;
    stream->context = (struct context){CGROUP_SSH, 0, EVENT_ID_UNSET, ""};
    struct process monitor = spawn(streams, stream, sshd, "sshd", "/usr/sbin/sshd", "-R");
    stream->context.cgroup = CGROUP_SESSIONS + sessions;
    put_cgroup(stream->context.cgroup, path);
    put_attach(monitor, sshd, &stream->context, "sshd");
    stream->context.uid = 1000;
    stream->context.session = (uint32_t)sessions;
    stream->context.tty = "pts0";
    spawn(streams, stream, monitor, "sshd", NULL, NULL);
    spawn(streams, stream, top(stream), "sshd", "/bin/bash", "-l");
    stream->least = stream->depth;
}

static void begin_job(struct stream *streams, struct stream *stream)
{
    stream->left = JOB_PROCESSES;
    stream->context = (struct context){CGROUP_CRON, 0, EVENT_ID_UNSET, ""};
    struct process helper = spawn(streams, stream, cron, "cron", NULL, NULL);
    stream->context.session = (uint32_t)++sessions;
    spawn(streams, stream, helper, "cron", "/bin/dash", "run-parts /etc/cron.hourly");
    stream->least = stream->depth;
}

/* Few programs run often, many seldom. */
static const char *choose_program(char *path, size_t size)
{
    static const char *const common[] = {
        "/usr/bin/make", "/bin/dash",    "/usr/bin/gcc",  "/usr/lib/gcc/x86_64-linux-gnu/12/cc1",
        "/usr/bin/as",   "/usr/bin/sed", "/usr/bin/grep", "/bin/cat"};
    uint32_t which = chance(100);

    if (which < 80)
        return common[which % 8];
    if (which == 80)
        snprintf(path, size, "/srv/session-%llu/run", (unsigned long long)sessions);
    else
        snprintf(path, size, "/usr/bin/tool-%u", chance(PROGRAMS));
    return path;
}

static void leave(struct stream *stream)
{
    if (stream->ended.pid)
        put_exit(stream->ended);
    stream->ended.pid = 0;
}

static void work(struct stream *streams, struct stream *stream)
{
    char path[64], argument[64];

    while (stream->depth > stream->least && (stream->depth == DEPTH || chance(2))) {
        leave(stream);
        stream->ended = stream->stack[--stream->depth];
    }
    const struct process parent = top(stream), beside = stream->ended;
    const char *exe = choose_program(path, sizeof path);
    snprintf(argument, sizeof argument, "part-%u.c", chance(5000));
    struct process process = spawn(streams, stream, parent, "dash", exe, argument);
    if (beside.pid)
        put_pipe(beside, process);
    else
        put_pipe(process, parent);
    if (chance(10) == 0)
        (chance(2) ? connect_out : connect_in)(process);
    leave(stream);
}

static void finish(struct stream *stream)
{
    leave(stream);
    while (stream->depth > 0)
        put_exit(stream->stack[--stream->depth]);
}

static void go_on(struct stream *streams, struct stream *stream)
{
    if (stream->left > 0) {
        work(streams, stream);
        return;
    }
    finish(stream);
    if (stream == streams)
        begin_job(streams, stream);
    else
        begin_login(streams, stream);
}

int main(int argc, char **argv)
{
    static struct stream streams[STREAMS];
    uint64_t count = argc == 3 ? strtoull(argv[1], NULL, 10) : 0;
    int64_t until = argc == 3 ? strtoll(argv[2], NULL, 10) : 0;

    if (count == 0 || until == 0) {
        fputs("usage: history COUNT END\n", stderr);
        return 2;
    }
    put_world(until - (int64_t)(BEGIN + count * STEP));
    for (unsigned i = 0; born < count; i++) {
        now = BEGIN + (born + 1) * STEP;
        go_on(streams, &streams[i % STREAMS]);
        put_mark(EVENT_FRONTIER);
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
