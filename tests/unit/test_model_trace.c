/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Traces: where they begin, who moves with whom, what they are called, and how they are linked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "events.h"

#define UID_ANA 1000

static const struct who init_process = {1, 1};
static const struct who kthreadd = {2, 1};

/* ---- the host of these tests: init, whose services are units ---- */

static void user(uint32_t uid, const char *name)
{
    struct event_user record = {.header = header_of(EVENT_USER, sizeof(record), 0, NOBODY),
                                .uid = uid};
    strcpy(record.name, name);
    apply(&record);
}

static void cgroup(uint64_t id, const char *path)
{
    struct event_cgroup_path record = cgroup_record(id, path);
    apply(&record);
}

/* Events of a process that runs as somebody somewhere. */
struct as {
    uint32_t uid;
    uint64_t cgroup;
    uint32_t login_uid; /* 0: none */
    uint32_t session;
    uint32_t sid;
    const char *tty;
    uint64_t input;   /* inode of a socket */
    const char *argv; /* strings with a NUL after each, up to an empty one; NULL: the program */
};

static void set_as(struct event_task *task, struct as as)
{
    task->uid = task->euid = as.uid;
    task->cgroup_id = as.cgroup;
    if (as.login_uid) {
        task->login_uid = as.login_uid;
        task->audit_session = as.session;
    }
    task->sid = as.sid;
    if (as.tty)
        strcpy(task->tty, as.tty);
}

static void fork_as(struct who who, struct who parent, struct as as)
{
    struct event_fork record = fork_record(who.start, who, parent);
    set_as(&record.task, as);
    apply(&record);
}

static size_t argv_size(const char *argv)
{
    const char *at = argv;
    while (*at)
        at += strlen(at) + 1;
    return (size_t)(at - argv);
}

static struct exec_record image_as(unsigned kind, uint64_t time, struct who who, struct who parent,
                                   const char *exe, struct as as)
{
    struct exec_record record = exec_record(kind, time, who, parent, exe);
    set_as(&record.exec.task, as);
    if (as.argv)
        record.exec.image.argv = exec_text(&record, as.argv, argv_size(as.argv));
    if (as.input) {
        record.exec.image.stdio[0].mode = S_IFSOCK | 0777;
        record.exec.image.stdio[0].inode = as.input;
    }
    return record;
}

static void exec_as(uint64_t time, struct who who, struct who parent, const char *exe, struct as as)
{
    struct exec_record record = image_as(EVENT_EXEC, time, who, parent, exe, as);
    apply(&record);
}

static void found_as(uint64_t time, struct who who, struct who parent, const char *exe,
                     struct as as)
{
    struct exec_record record = image_as(EVENT_PROCESS, time, who, parent, exe, as);
    apply(&record);
}

static void attach_as(uint64_t time, struct who who, struct who parent, struct as as)
{
    struct event_fork record = fork_record(time, who, parent);
    record.header.kind = EVENT_CGROUP_ATTACH;
    set_as(&record.task, as);
    apply(&record);
}

enum { CG_ROOT = 7, CG_SSH, CG_SESSION, CG_CRON, CG_NGINX, CG_DOCKER, CG_BOX, CG_USER, CG_OTHER };

static const struct as root_as = {.cgroup = CG_ROOT};

static int host_set_up(void **state)
{
    if (model_set_up(state) < 0)
        return -1;
    user(0, "root");
    user(UID_ANA, "ana");
    user(33, "www-data");
    user(105, "sshd");
    cgroup(CG_ROOT, "/init.scope");
    cgroup(CG_SSH, "/system.slice/ssh.service");
    cgroup(CG_SESSION, "/user.slice/user-1000.slice/session-5.scope");
    cgroup(CG_CRON, "/system.slice/cron.service");
    cgroup(CG_NGINX, "/system.slice/nginx.service");
    cgroup(CG_DOCKER, "/system.slice/docker.service");
    cgroup(CG_BOX, "/docker/4f797c539e6c745de61a93ca3ff892358ecbcacc"); /* no id: too short */
    cgroup(CG_USER, "/user.slice/user-1000.slice/user@1000.service/init.scope");
    cgroup(CG_OTHER, "/user.slice/user-1000.slice/session-6.scope");
    found_as(9 * SECOND, init_process, NOBODY, "/usr/lib/systemd/systemd", root_as);
    found_as(9 * SECOND, kthreadd, NOBODY, "", root_as);
    return 0;
}

/* Ends the scan: rows of whoever was found come in the order of their start. */
static void scan_over(void)
{
    scan_done(10 * SECOND, 8 * SECOND);
    flush();
}

/* ---- what is asked of them ---- */

static const struct row_process *process_of_who(struct who who)
{
    flush();
    for (int64_t id = 1; id < LEDGER_MAX; id++) {
        const struct row_process *row = ledger_get(ROW_PROCESS, id);
        if (row && row->pid == who.pid && row->start_boottime == (int64_t)who.start)
            return row;
    }
    fail_msg("no process %u", who.pid);
    return NULL;
}

static int64_t trace_id(struct who who)
{
    return process_of_who(who)->trace_id;
}

static const struct row_trace *trace_of(struct who who)
{
    return flushed(ROW_TRACE, trace_id(who));
}

static void assert_trace(struct who who, const char *kind, const char *title)
{
    const struct row_trace *trace = trace_of(who);
    assert_text(trace->kind, kind);
    assert_text(trace->title, title);
}

#define assert_same_trace(one, other)    assert_int_equal(trace_id(one), trace_id(other))
#define assert_another_trace(one, other) assert_int_not_equal(trace_id(one), trace_id(other))

static const struct row_trace_link *link_of(struct who src, struct who dst, const char *kind)
{
    int64_t from = trace_id(src), to = trace_id(dst);
    for (int64_t id = 1; id < LEDGER_MAX; id++) {
        const struct row_trace_link *row = ledger_get(ROW_TRACE_LINK, id);
        if (row && row->src_trace_id == from && row->dst_trace_id == to &&
            row->kind.length == strlen(kind) && memcmp(row->kind.data, kind, strlen(kind)) == 0)
            return row;
    }
    return NULL;
}

/* ---- sshd ---- */

static const struct who listening_sshd = {50, 5 * SECOND};
static const struct who visit = {60, 20 * SECOND};
static const struct who served = {61, 22 * SECOND};
static const struct who shell = {62, 23 * SECOND};
static const struct as in_ssh = {.cgroup = CG_SSH};
static const struct end visitors = {"203.0.113.5", "198.51.100.1", 71, 1, 2, NET_NS, 40000, 22};

#define SOCKET 7100

static void sshd_is_there(void)
{
    found_as(9 * SECOND, listening_sshd, init_process, "/usr/sbin/sshd", in_ssh);
    scan_over();
}

static void visitor_comes(void)
{
    struct end end = other_end(visitors, 72);
    listening(11 * SECOND, listening_sshd, 70, "0.0.0.0", 22);
    established(19 * SECOND, end, TCP_SYN_RECV);
    struct event_tcp tcp = tcp_record(EVENT_TCP_ACCEPT, 19 * SECOND + MS, listening_sshd, end);
    tcp.inode = SOCKET;
    apply(&tcp);
    fork_as(visit, listening_sshd, in_ssh);
}

static void visitor_logs_in(void)
{
    struct as session = {.cgroup = CG_SESSION, .login_uid = UID_ANA, .session = 5};
    struct as input = in_ssh;
    input.input = SOCKET;
    exec_as(20 * SECOND + MS, visit, listening_sshd, "/usr/lib/openssh/sshd-session", input);
    attach_as(21 * SECOND, visit, listening_sshd, (struct as){.cgroup = CG_SESSION});
    fork_as(served, visit, session);
    session.uid = UID_ANA;
    fork_as(shell, served, session);
    exec_as(shell.start + MS, shell, served, "/bin/bash", session);
}

static void a_visitor_of_sshd_has_a_trace_of_their_own(void **state)
{
    (void)state;
    sshd_is_there();
    assert_trace(listening_sshd, "service", "service ssh.service");
    visitor_comes();
    assert_trace(visit, "login", "ssh connection from 203.0.113.5");
    assert_null(trace_of(visit)->user.data);
    visitor_logs_in();
    assert_trace(shell, "login", "ssh login of ana from 203.0.113.5");
    assert_text(trace_of(shell)->user, "ana");
    assert_text(trace_of(shell)->remote_address, "203.0.113.5");
    assert_same_trace(visit, shell);
    assert_same_trace(visit, served);
    assert_int_equal(trace_of(shell)->process_count, 3);
    assert_int_equal(rows(ROW_TRACE), 4); /* init, kernel, the service, the login */
    /* and the session that only its child could show */
    assert_int_equal(process_of_who(visit)->audit_session, 5);
}

static void the_forks_of_an_sshd_that_serves_begin_nothing(void **state)
{
    (void)state;
    sshd_is_there();
    fork_as(visit, listening_sshd, in_ssh);
    /* sshd before 9.8 executes itself */
    exec_as(20 * SECOND + MS, visit, listening_sshd, "/usr/sbin/sshd", in_ssh);
    fork_as(served, visit, in_ssh);
    fork_as(shell, served, (struct as){.cgroup = CG_SSH, .uid = UID_ANA});
    assert_same_trace(visit, served);
    assert_same_trace(visit, shell);
    assert_another_trace(visit, listening_sshd);
}

static void a_program_that_is_only_called_sshd_is_no_login_service(void **state)
{
    (void)state;
    static const struct as as = {.cgroup = CG_OTHER, .uid = UID_ANA};
    found_as(9 * SECOND, listening_sshd, NOBODY, "/home/ana/usr/sbin/sshd", as);
    scan_over();
    fork_as(visit, listening_sshd, as);
    assert_same_trace(visit, listening_sshd);
}

static void an_sshd_that_somebody_starts_in_a_session_has_visitors_too(void **state)
{
    (void)state;
    const struct who mine = {70, 30 * SECOND}, guest = {71, 31 * SECOND};
    sshd_is_there();
    visitor_comes();
    visitor_logs_in();
    fork_as(mine, shell, (struct as){.cgroup = CG_SESSION, .login_uid = UID_ANA, .session = 5});
    exec_as(mine.start + MS, mine, shell, "/usr/sbin/sshd",
            (struct as){.cgroup = CG_SESSION, .login_uid = UID_ANA, .session = 5});
    assert_same_trace(mine, shell);
    fork_as(guest, mine, (struct as){.cgroup = CG_SESSION, .login_uid = UID_ANA, .session = 5});
    assert_trace(guest, "login", "ssh connection");
    assert_another_trace(guest, mine);
    assert_non_null(link_of(mine, guest, "fork"));
}

/* PAM runs programs as root before the shell is there; they are nobody's shell. */
static void root_has_logged_in_when_a_session_leader_runs_as_root(void **state)
{
    (void)state;
    const struct who motd = {65, 21 * SECOND};
    sshd_is_there();
    fork_as(visit, listening_sshd, in_ssh);
    exec_as(20 * SECOND + MS, visit, listening_sshd, "/usr/lib/openssh/sshd-session", in_ssh);
    fork_as(motd, visit, (struct as){.cgroup = CG_SSH, .sid = visit.pid});
    exec_as(motd.start + MS, motd, visit, "/bin/run-parts",
            (struct as){.cgroup = CG_SSH, .sid = visit.pid});
    assert_null(trace_of(visit)->user.data);
    fork_as(shell, visit, (struct as){.cgroup = CG_SSH, .sid = shell.pid});
    exec_as(shell.start + MS, shell, visit, "/bin/bash",
            (struct as){.cgroup = CG_SSH, .sid = shell.pid});
    assert_trace(visit, "login", "ssh login of root");
    exec_as(shell.start + SECOND, shell, visit, "/bin/sh",
            (struct as){.cgroup = CG_SSH, .sid = shell.pid, .uid = UID_ANA});
    assert_trace(visit, "login", "ssh login of root"); /* whomever they became later */
}

static void a_user_that_is_in_no_file_is_a_number(void **state)
{
    (void)state;
    sshd_is_there();
    fork_as(visit, listening_sshd, in_ssh);
    fork_as(shell, visit, (struct as){.cgroup = CG_SSH, .uid = 10123});
    exec_as(shell.start + MS, shell, visit, "/bin/bash",
            (struct as){.cgroup = CG_SSH, .uid = 10123});
    assert_trace(visit, "login", "ssh login of 10123");
}

/* The half of sshd that talks to strangers is nobody who has logged in; that which serves files by
 * itself is. */
static void the_user_may_be_served_without_a_program_of_theirs(void **state)
{
    (void)state;
    const struct who stranger = {65, 21 * SECOND};
    struct event_privilege record;
    sshd_is_there();
    fork_as(visit, listening_sshd, in_ssh);
    exec_as(20 * SECOND + MS, visit, listening_sshd, "/usr/lib/openssh/sshd-session", in_ssh);
    fork_as(stranger, visit, (struct as){.cgroup = CG_SSH, .uid = 105});
    assert_null(trace_of(visit)->user.data);
    fork_as(served, visit, in_ssh);
    record = (struct event_privilege){
        .header = header_of(EVENT_PRIVILEGE, sizeof(record), 23 * SECOND, served),
        .task = task_of(served, visit),
        .what = EVENT_PRIVILEGE_UID};
    set_as(&record.task, (struct as){.cgroup = CG_SSH, .uid = UID_ANA});
    apply(&record);
    assert_trace(visit, "login", "ssh login of ana");
}

static void a_session_that_was_there_is_a_login_too(void **state)
{
    (void)state;
    struct as session = {.cgroup = CG_SESSION, .login_uid = UID_ANA, .session = 5};
    const struct who early = {60, 6 * SECOND}, user_half = {61, 6 * SECOND + MS},
                     bash = {62, 7 * SECOND}, orphan = {63, 8 * SECOND};
    struct event_tcp tcp = tcp_record(EVENT_TCP_SOCKET, 9 * SECOND, early, other_end(visitors, 72));
    struct event_tcp port = tcp_record(EVENT_TCP_SOCKET, 9 * SECOND, listening_sshd,
                                       (struct end){"0.0.0.0", "0.0.0.0", 70, 0, 0, NET_NS, 22, 0});
    port.old_state = port.new_state = TCP_LISTEN;
    /* in no order */
    found_as(9 * SECOND, bash, user_half, "/bin/bash",
             (struct as){UID_ANA, CG_SESSION, UID_ANA, 5, 0, NULL, 0, NULL});
    found_as(9 * SECOND, orphan, init_process, "/usr/bin/tmux",
             (struct as){UID_ANA, CG_SESSION, UID_ANA, 5, 0, NULL, 0, NULL});
    found_as(9 * SECOND, user_half, early, "/usr/lib/openssh/sshd-session", session);
    found_as(9 * SECOND, early, listening_sshd, "/usr/lib/openssh/sshd-session", session);
    apply(&tcp);
    apply(&port);
    sshd_is_there();
    assert_trace(bash, "login", "ssh login of ana from 203.0.113.5");
    assert_same_trace(bash, early);
    assert_same_trace(bash, user_half);
    assert_same_trace(bash, orphan);
    assert_int_equal(trace_of(bash)->process_count, 4);
    assert_trace(listening_sshd, "service", "service ssh.service");
}

/* ssh.socket has init accept, and start a unit for each connection. */
static void a_visitor_whom_another_has_accepted_is_one(void **state)
{
    (void)state;
    const struct who stranger = {64, 20 * SECOND};
    struct as input = {.cgroup = CG_SSH, .input = SOCKET};
    struct end end = other_end(visitors, 72);
    scan_over();
    listening(11 * SECOND, init_process, 70, "0.0.0.0", 22);
    established(19 * SECOND, end, TCP_SYN_RECV);
    struct event_tcp tcp = tcp_record(EVENT_TCP_ACCEPT, 19 * SECOND + MS, init_process, end);
    tcp.inode = SOCKET;
    apply(&tcp);
    fork_as(visit, init_process, in_ssh);
    assert_trace(visit, "service", "service ssh.service");
    assert_text(trace_of(visit)->user, "root");
    exec_as(20 * SECOND + MS, visit, init_process, "/usr/sbin/sshd", input);
    assert_trace(visit, "login", "ssh connection from 203.0.113.5");
    assert_null(trace_of(visit)->user.data);
    /* what is no sshd has a connection for its input, and no more */
    fork_as(stranger, init_process, (struct as){.cgroup = CG_NGINX});
    input.cgroup = CG_NGINX;
    exec_as(20 * SECOND + 2 * MS, stranger, init_process, "/usr/sbin/in.fingerd", input);
    assert_trace(stranger, "service", "service nginx.service");
}

static void a_session_found_without_its_daemon_is_a_login(void **state)
{
    (void)state;
    found_as(9 * SECOND, (struct who){60, 6 * SECOND}, NOBODY, "/usr/lib/openssh/sshd-session",
             root_as);
    scan_over();
    assert_trace((struct who){60, 6 * SECOND}, "login", "ssh connection");
}

/* ---- other logins ---- */

static void a_display_managers_worker_is_a_login(void **state)
{
    (void)state;
    const struct who manager = {80, 8 * SECOND}, worker = {81, 20 * SECOND},
                     desktop = {82, 21 * SECOND};
    struct as as = {.cgroup = CG_NGINX,
                    .argv = "lightdm\0--session-child\0"
                            "12\0"};
    found_as(9 * SECOND, manager, init_process, "/usr/sbin/lightdm",
             (struct as){.cgroup = CG_NGINX});
    scan_over();
    fork_as(worker, manager, as);
    exec_as(20 * SECOND + MS, worker, manager, "/usr/sbin/lightdm", as);
    fork_as(desktop, worker, (struct as){.uid = UID_ANA, .cgroup = CG_SESSION});
    assert_trace(desktop, "login", "display login of ana");
    assert_same_trace(desktop, worker);
    assert_another_trace(desktop, manager);
}

static void another_session_inside_of_one_is_another_login(void **state)
{
    (void)state;
    const struct who greeter = {100, 30 * SECOND}, shown = {101, 31 * SECOND};
    struct as as = {.cgroup = CG_SESSION, .login_uid = UID_ANA, .session = 5};
    sshd_is_there();
    visitor_comes();
    visitor_logs_in();
    fork_as(greeter, shell, as);
    as.cgroup = CG_OTHER;
    attach_as(30 * SECOND + MS, greeter, shell, as);
    assert_trace(greeter, "login", "login");
    assert_another_trace(greeter, shell);
    as = (struct as){.cgroup = CG_SESSION, .login_uid = 33, .session = 6};
    fork_as(shown, shell, (struct as){.cgroup = CG_SESSION, .login_uid = UID_ANA, .session = 5});
    exec_as(31 * SECOND + MS, shown, shell, "/usr/sbin/vsftpd", as);
    assert_trace(shown, "login", "login of www-data");
}

static void a_terminal_is_a_login_from_its_getty_on(void **state)
{
    (void)state;
    const struct who getty = {80, 20 * SECOND}, bash = {81, 22 * SECOND};
    struct as tty = {.cgroup = CG_ROOT, .tty = "tty1"};
    scan_over();
    fork_as(getty, init_process, root_as);
    assert_same_trace(getty, init_process);
    exec_as(20 * SECOND + MS, getty, init_process, "/usr/sbin/agetty", root_as);
    assert_trace(getty, "login", "console login");
    exec_as(21 * SECOND, getty, init_process, "/bin/login", tty);
    assert_trace(getty, "login", "console login on tty1");
    tty.sid = bash.pid;
    fork_as(bash, getty, tty);
    exec_as(22 * SECOND + MS, bash, getty, "/bin/bash", tty);
    assert_trace(bash, "login", "console login of root on tty1");
    assert_int_equal(rows(ROW_TRACE), 3);
}

static void a_session_of_the_kernels_audit_is_a_login(void **state)
{
    (void)state;
    const struct who daemon = {80, 8 * SECOND}, worker = {81, 20 * SECOND};
    found_as(9 * SECOND, daemon, init_process, "/usr/sbin/vsftpd", (struct as){.cgroup = CG_NGINX});
    scan_over();
    fork_as(worker, daemon, (struct as){.cgroup = CG_NGINX});
    assert_same_trace(worker, daemon);
    exec_as(21 * SECOND, worker, daemon, "/usr/sbin/vsftpd",
            (struct as){.cgroup = CG_NGINX, .login_uid = UID_ANA, .session = 9});
    assert_trace(worker, "login", "login of ana");
    assert_int_equal(trace_of(daemon)->process_count, 1);
}

static void su_and_its_like_begin_nothing(void **state)
{
    (void)state;
    static const char *const programs[] = {"/bin/su", "/usr/bin/sudo", "/usr/bin/doas",
                                           "/sbin/runuser", "/usr/bin/pkexec"};
    sshd_is_there();
    visitor_comes();
    visitor_logs_in();
    for (uint32_t i = 0; i < 5; i++) {
        const struct who su = {100 + 2 * i, (30 + 2 * i) * SECOND};
        const struct who mine = {101 + 2 * i, (31 + 2 * i) * SECOND};
        struct as as = {.cgroup = CG_SESSION, .login_uid = UID_ANA, .session = 5};
        fork_as(su, shell, as);
        exec_as(su.start + MS, su, shell, programs[i], as);
        /* with PAM's help in a session and scope of its own, which its child shows */
        as = (struct as){.cgroup = CG_OTHER, .login_uid = 33, .session = 6 + i};
        attach_as(su.start + 2 * MS, su, shell, as);
        fork_as(mine, su, as);
        exec_as(mine.start + MS, mine, su, "/bin/sh", as);
        assert_same_trace(mine, shell);
    }
    assert_text(trace_of(shell)->user, "ana");
}

static void a_user_manager_is_a_service_and_starts_services(void **state)
{
    (void)state;
    const struct who manager = {80, 20 * SECOND}, pam = {81, 21 * SECOND}, job = {82, 22 * SECOND};
    struct as as = {.uid = UID_ANA,
                    .cgroup = CG_USER,
                    .login_uid = UID_ANA,
                    .session = 3,
                    .argv = "/usr/lib/systemd/systemd\0--user\0"};
    scan_over();
    fork_as(manager, init_process, (struct as){.cgroup = CG_USER});
    exec_as(20 * SECOND + MS, manager, init_process, "/usr/lib/systemd/systemd", as);
    assert_trace(manager, "service", "service user@1000.service");
    fork_as(pam, manager, as);
    assert_same_trace(pam, manager);
    fork_as(job, manager, as);
    as.argv = NULL;
    exec_as(22 * SECOND + MS, job, manager, "/usr/bin/pipewire", as);
    assert_trace(job, "service", "service user@1000.service");
}

/* Where there are no units, by what they execute; who executes nothing is one of the manager's. */
static void a_user_managers_own_hands_are_no_services(void **state)
{
    (void)state;
    const struct who manager = {80, 6 * SECOND}, pam = {81, 7 * SECOND},
                     below_pam = {82, 20 * SECOND}, service = {83, 21 * SECOND};
    struct as as = {
        .uid = UID_ANA, .cgroup = CG_ROOT, .argv = "/usr/lib/systemd/systemd\0--user\0"};
    found_as(9 * SECOND, manager, init_process, "/usr/lib/systemd/systemd", as);
    found_as(9 * SECOND, pam, manager, "/usr/lib/systemd/systemd", as);
    scan_over();
    assert_trace(manager, "service", "service systemd");
    assert_same_trace(manager, pam);
    as.argv = NULL;
    fork_as((struct who){84, 19 * SECOND}, manager, as);
    fork_as(below_pam, (struct who){84, 19 * SECOND}, as);
    exec_as(20 * SECOND + MS, below_pam, (struct who){84, 19 * SECOND}, "/usr/bin/env", as);
    assert_same_trace(manager, below_pam);
    fork_as(service, manager, as);
    exec_as(21 * SECOND + MS, service, manager, "/usr/bin/pipewire", as);
    assert_trace(service, "service", "service pipewire");
}

/* ---- jobs ---- */

static const struct who crond = {90, 5 * SECOND};
static const struct who job = {91, 20 * SECOND};
static const struct who job_shell = {92, 20 * SECOND + MS};
static const struct as in_cron = {.cgroup = CG_CRON};

static void each_job_of_cron_is_a_trace(void **state)
{
    (void)state;
    const struct who next = {93, 30 * SECOND};
    struct as as = {.uid = 33,
                    .cgroup = CG_CRON,
                    .login_uid = 33,
                    .session = 12,
                    .argv = "/bin/sh\0-c\0/usr/bin/touch /tmp/1234567890123456789012345678901234567"
                            "8901234567890\0"};
    found_as(9 * SECOND, crond, init_process, "/usr/sbin/cron", in_cron);
    scan_over();
    fork_as(job, crond, in_cron);
    assert_trace(job, "cron", "cron job");
    fork_as(job_shell, job, in_cron);
    exec_as(job_shell.start + MS, job_shell, job, "/bin/dash", as);
    assert_trace(job_shell, "cron",
                 "cron job of www-data: "
                 "/usr/bin/touch /tmp/1234567890123456789012345678901234567890...");
    assert_same_trace(job, job_shell);
    as.argv = NULL;
    exec_as(job_shell.start + 2 * MS, job_shell, job, "/usr/bin/touch", as);
    assert_int_equal(trace_of(job)->title.length, 84 + 1);
    fork_as(next, crond, in_cron);
    assert_another_trace(job, next);
    assert_trace(crond, "service", "service cron.service");
    assert_int_equal(link_of(crond, job, "fork")->count, 1);
}

static void a_title_holds_no_half_characters(void **state)
{
    (void)state;
    /* 59 bytes, then one of two */
    struct as as = {.cgroup = CG_CRON,
                    .argv =
                        "/bin/sh\0-c\0"
                        "12345678901234567890123456789012345678901234567890123456789\303\244\0"};
    found_as(9 * SECOND, crond, init_process, "/usr/sbin/cron", in_cron);
    scan_over();
    fork_as(job, crond, in_cron);
    exec_as(job.start + MS, job, crond, "/bin/dash", as);
    assert_trace(job, "cron",
                 "cron job of root: "
                 "12345678901234567890123456789012345678901234567890123456789...");
}

static void a_program_that_is_only_called_cron_has_no_jobs(void **state)
{
    (void)state;
    found_as(9 * SECOND, crond, init_process, "/tmp/cron", in_cron);
    scan_over();
    fork_as(job, crond, in_cron);
    assert_same_trace(job, crond);
}

/* ---- services ---- */

static void what_init_executes_is_a_service(void **state)
{
    (void)state;
    const struct who daemon = {80, 20 * SECOND}, worker = {81, 22 * SECOND};
    scan_over();
    fork_as(daemon, init_process, root_as);
    assert_same_trace(daemon, init_process);
    exec_as(21 * SECOND, daemon, init_process, "/bin/sh", root_as);
    assert_trace(daemon, "service", "service sh");
    exec_as(21 * SECOND + MS, daemon, init_process, "/usr/sbin/nginx", root_as);
    assert_trace(daemon, "service", "service nginx");
    fork_as(worker, daemon, (struct as){.cgroup = CG_ROOT, .uid = 33});
    exec_as(22 * SECOND + MS, worker, daemon, "/usr/sbin/helper", root_as);
    assert_same_trace(worker, daemon);
    assert_text(trace_of(daemon)->user, "root");
}

static void the_processes_of_a_running_unit_are_one_service(void **state)
{
    (void)state;
    const struct who daemon = {80, 20 * SECOND}, reload = {81, 25 * SECOND},
                     again = {82, 31 * SECOND};
    const struct as unit = {.cgroup = CG_NGINX};
    scan_over();
    fork_as(daemon, init_process, root_as);
    attach_as(20 * SECOND + MS, daemon, init_process, unit);
    assert_trace(daemon, "service", "service nginx.service");
    exec_as(21 * SECOND, daemon, init_process, "/usr/sbin/nginx", unit);
    assert_trace(daemon, "service", "service nginx.service");
    fork_as(reload, init_process, unit);
    exec_as(25 * SECOND + MS, reload, init_process, "/bin/kill", unit);
    assert_same_trace(daemon, reload);
    exited(30 * SECOND, daemon, 0);
    exited(30 * SECOND, reload, 0);
    assert_true(trace_of(daemon)->ended_at == AT(30 * SECOND));
    fork_as(again, init_process, unit);
    assert_another_trace(again, daemon);
    assert_int_equal(link_of(init_process, daemon, "fork")->count, 2);
}

/* An init of busybox runs services of busybox. */
static void a_service_may_be_the_same_program_as_init(void **state)
{
    (void)state;
    const struct who daemon = {80, 8 * SECOND};
    found_as(9 * SECOND, daemon, init_process, "/usr/lib/systemd/systemd", root_as);
    scan_over();
    assert_trace(daemon, "service", "service systemd");
}

/* The child of any other process with the number 1 in its namespace is that one's. */
static void a_child_of_another_init_is_no_service(void **state)
{
    (void)state;
    const struct who inner = {80, 20 * SECOND}, child = {81, 21 * SECOND};
    struct event_fork record = fork_record(inner.start, inner, init_process);
    scan_over();
    record.task.ns_pid = 1;
    record.task.pid_ns = 99;
    record.task.cgroup_id = CG_ROOT;
    apply(&record);
    exec_as(20 * SECOND + MS, inner, init_process, "/usr/bin/tini", root_as);
    fork_as(child, inner, root_as);
    exec_as(21 * SECOND + MS, child, inner, "/usr/sbin/nginx", root_as);
    assert_same_trace(inner, child);
}

/* ---- moving ---- */

static void descendants_move_when_the_boundary_is_seen_late(void **state)
{
    (void)state;
    const struct who parent = {80, 20 * SECOND}, child = {81, 21 * SECOND},
                     grandchild = {82, 22 * SECOND}, sibling = {83, 22 * SECOND + MS};
    const struct end out = client_end(5, 40001, 80);
    scan_over();
    fork_as(parent, init_process, root_as);
    fork_as(child, parent, root_as);
    fork_as(grandchild, child, root_as);
    connecting(22 * SECOND, grandchild, out);
    fork_as(sibling, init_process, root_as);
    exited(23 * SECOND, grandchild, 0);
    assert_int_equal(trace_of(init_process)->process_count, 5);
    assert_int_equal(trace_of(init_process)->connection_count, 1);
    attach_as(24 * SECOND, parent, init_process, (struct as){.cgroup = CG_NGINX});
    assert_trace(parent, "service", "service nginx.service");
    assert_same_trace(child, parent);
    assert_same_trace(grandchild, parent);
    assert_same_trace(sibling, init_process);
    assert_int_equal(trace_of(init_process)->process_count, 2);
    assert_int_equal(trace_of(init_process)->connection_count, 0);
    assert_int_equal(trace_of(parent)->process_count, 3);
    assert_int_equal(trace_of(parent)->connection_count, 1);
    assert_true(trace_of(parent)->started_at == AT(parent.start));
}

static void a_descendant_with_a_trace_of_its_own_stays_there(void **state)
{
    (void)state;
    const struct who parent = {80, 20 * SECOND}, other = {81, 21 * SECOND},
                     below = {82, 22 * SECOND};
    scan_over();
    fork_as(parent, init_process, root_as);
    fork_as(other, parent, root_as);
    attach_as(21 * SECOND + MS, other, parent, (struct as){.cgroup = CG_CRON});
    fork_as(below, other, (struct as){.cgroup = CG_CRON});
    attach_as(24 * SECOND, parent, init_process, (struct as){.cgroup = CG_NGINX});
    assert_trace(below, "service", "service cron.service");
    assert_trace(parent, "service", "service nginx.service");
}

/* ---- life ---- */

static void a_trace_lives_as_long_as_a_process_of_it(void **state)
{
    (void)state;
    sshd_is_there();
    visitor_comes();
    visitor_logs_in();
    exited(30 * SECOND, shell, 0);
    exited(31 * SECOND, served, 0);
    assert_null_column(trace_of(shell)->ended_at);
    exited(32 * SECOND, visit, 0);
    assert_true(trace_of(shell)->ended_at == AT(32 * SECOND));
    assert_true(trace_of(shell)->last_at == AT(32 * SECOND));
    assert_int_equal(trace_of(shell)->process_count, 3);
}

static void a_storm_writes_its_trace_once(void **state)
{
    (void)state;
    const struct who parent = {80, 20 * SECOND};
    scan_over();
    fork_as(parent, NOBODY, root_as);
    flush();
    for (uint32_t i = 0; i < 100; i++) {
        const struct who child = {1000 + i, 21 * SECOND + i * MS};
        fork_as(child, parent, root_as);
        exited(child.start + MS / 2, child, 0);
    }
    assert_int_equal(flush(), 100 + 100 + 1); /* processes, edges */
    assert_int_equal(trace_of(parent)->process_count, 101);
}

static void who_has_no_known_parent_is_a_trace_by_itself(void **state)
{
    (void)state;
    const struct who one = {80, 8 * SECOND}, two = {81, 20 * SECOND}, child = {82, 21 * SECOND};
    found_as(9 * SECOND, one, NOBODY, "/opt/one", root_as);
    scan_over();
    assert_trace(one, "other", "one");
    execed(20 * SECOND + MS, two, NOBODY, "/opt/two");
    assert_trace(two, "other", "two");
    forked(child, two);
    assert_same_trace(two, child);
    assert_trace(init_process, "init", "init");
    assert_trace(kthreadd, "init", "kernel");
}

/* ---- links ---- */

static void an_edge_between_traces_links_them(void **state)
{
    (void)state;
    const struct who daemon = {80, 8 * SECOND};
    const struct end end = client_end(5, 40001, 80);
    found_as(9 * SECOND, daemon, init_process, "/usr/sbin/nginx", (struct as){.cgroup = CG_NGINX});
    sshd_is_there();
    visitor_comes();
    visitor_logs_in();
    listening(24 * SECOND, daemon, 4, "127.0.0.1", 80);
    connecting(25 * SECOND, shell, end);
    established(25 * SECOND + MS, end, TCP_SYN_SENT);
    established(25 * SECOND + MS, other_end(end, 6), TCP_SYN_RECV);
    accepted(26 * SECOND, daemon, other_end(end, 6));
    const struct row_trace_link *link = link_of(shell, daemon, "connect");
    assert_non_null(link);
    assert_int_equal(link->count, 1);
    assert_text(edge_row(link->edge_id)->kind, "connect");
    assert_null(link_of(daemon, shell, "connect"));
    closed(29 * SECOND, other_end(end, 6), 0, 0);
    assert_true(link_of(shell, daemon, "connect")->last_at == AT(29 * SECOND));
    assert_int_equal(link_of(shell, daemon, "connect")->count, 1);
    assert_true(link_of(listening_sshd, shell, "fork")->at == AT(visit.start));
    assert_int_equal(trace_of(shell)->connection_count, 1);
    assert_true(trace_of(shell)->last_at == AT(29 * SECOND));
}

static void signalled(uint64_t time, struct who by, struct who whom)
{
    struct event_influence record = {.header = header_of(EVENT_SIGNAL, sizeof(record), time, by),
                                     .target_start = whom.start,
                                     .target_pid = whom.pid,
                                     .number = 15};
    apply(&record);
}

static void an_edge_that_happens_again_makes_its_link_longer(void **state)
{
    (void)state;
    const struct who parent = {80, 20 * SECOND}, child = {81, 20 * SECOND + MS};
    sshd_is_there();
    fork_as(parent, NOBODY, root_as);
    fork_as(child, parent, root_as);
    signalled(21 * SECOND, parent, listening_sshd);
    signalled(24 * SECOND, parent, listening_sshd);
    const struct row_trace_link *link = link_of(parent, listening_sshd, "signal");
    assert_int_equal(link->count, 1);
    assert_true(link->at == AT(21 * SECOND));
    assert_true(link->last_at == AT(24 * SECOND));
    assert_true(trace_of(listening_sshd)->last_at == AT(24 * SECOND));
    signalled(25 * SECOND, child, listening_sshd); /* another edge */
    assert_int_equal(link_of(parent, listening_sshd, "signal")->count, 2);
    signalled(26 * SECOND, child, parent); /* within one */
    assert_int_equal(rows(ROW_TRACE_LINK), 2);
}

/* ---- containers ---- */

#define BOX_ID "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970"

static const struct who runc = {120, 30 * SECOND};
static const struct who first = {121, 31 * SECOND};
static const struct who main_process = {122, 32 * SECOND};

static void long_cgroup(uint64_t id, const char *path)
{
    struct {
        struct event_cgroup cgroup;
        char path[128];
    } record = {
        .cgroup = {.header = header_of(EVENT_CGROUP, sizeof(record), 0, NOBODY), .cgroup_id = id}};
    strcpy(record.path, path);
    record.cgroup.path = (struct event_text){sizeof(record.cgroup), (__u32)strlen(path)};
    apply(&record);
}

static void box_cgroup(void)
{
    long_cgroup(CG_BOX, "/docker/" BOX_ID);
}

static void box_starts(struct who by)
{
    box_cgroup();
    fork_as(runc, by, root_as);
    fork_as(first, runc, root_as);
    attach_as(31 * SECOND + MS, first, runc, (struct as){.cgroup = CG_BOX});
    fork_as(main_process, first, (struct as){.cgroup = CG_BOX});
    exec_as(32 * SECOND + MS, main_process, first, "/usr/sbin/nginx",
            (struct as){.cgroup = CG_BOX});
}

static void box_is_described(uint64_t time)
{
    struct {
        struct event_container container;
        char tail[128];
    } record = {.container = {.header = header_of(EVENT_CONTAINER, sizeof(record), time, NOBODY),
                              .cgroup_id = CG_BOX}};
    strcpy(record.tail, BOX_ID "web"
                               "nginx:1.27");
    record.container.container_id = (struct event_text){sizeof(record.container), 64};
    record.container.name = (struct event_text){sizeof(record.container) + 64, 3};
    record.container.image = (struct event_text){sizeof(record.container) + 67, 10};
    apply(&record);
}

static void a_container_is_a_trace_from_its_first_process_on(void **state)
{
    (void)state;
    sshd_is_there();
    visitor_comes();
    visitor_logs_in();
    box_starts(shell);
    assert_trace(main_process, "container", "container 4f797c539e6c");
    assert_same_trace(main_process, first);
    assert_same_trace(runc, shell);
    box_is_described(33 * SECOND);
    assert_trace(main_process, "container", "container web (nginx:1.27)");
    assert_non_null(link_of(shell, main_process, "fork"));
    assert_int_equal(trace_of(main_process)->process_count, 2);
}

static void a_login_that_enters_a_container_stays_one(void **state)
{
    (void)state;
    const struct who enters = {130, 40 * SECOND};
    sshd_is_there();
    visitor_comes();
    visitor_logs_in();
    box_starts(listening_sshd); /* by somebody else */
    assert_null(link_of(shell, main_process, "runtime"));
    fork_as(enters, shell, root_as);
    attach_as(40 * SECOND + MS, enters, shell, (struct as){.cgroup = CG_BOX});
    assert_same_trace(enters, shell);
    const struct row_trace_link *link = link_of(shell, main_process, "runtime");
    assert_non_null(link);
    assert_int_equal(link->count, 1);
    assert_int_equal(edge_row(link->edge_id)->dst, process_of_who(enters)->id);
}

static void a_service_that_enters_a_container_joins_it(void **state)
{
    (void)state;
    const struct who daemon = {80, 8 * SECOND}, enters = {130, 40 * SECOND};
    found_as(9 * SECOND, daemon, init_process, "/usr/bin/containerd",
             (struct as){.cgroup = CG_DOCKER});
    scan_over();
    box_starts(daemon);
    fork_as(enters, daemon, (struct as){.cgroup = CG_DOCKER});
    attach_as(40 * SECOND + MS, enters, daemon, (struct as){.cgroup = CG_BOX});
    assert_same_trace(enters, main_process);
    assert_int_equal(link_of(daemon, main_process, "runtime")->count, 1);
}

/* A container below a unit is where its processes are, and the unit is around it. */
static void a_container_in_a_unit_is_a_container(void **state)
{
    (void)state;
    const struct who daemon = {80, 8 * SECOND}, enters = {130, 40 * SECOND};
    const struct as inside = {.cgroup = CG_BOX};
    long_cgroup(CG_BOX, "/system.slice/web.service/libpod-" BOX_ID ".scope");
    found_as(9 * SECOND, daemon, init_process, "/usr/bin/podman", (struct as){.cgroup = CG_DOCKER});
    scan_over();
    fork_as(first, daemon, (struct as){.cgroup = CG_DOCKER});
    attach_as(31 * SECOND + MS, first, daemon, inside);
    assert_trace(first, "container", "container 4f797c539e6c");
    fork_as(enters, daemon, (struct as){.cgroup = CG_DOCKER});
    attach_as(40 * SECOND + MS, enters, daemon, inside);
    assert_same_trace(enters, first);
}

/* ---- restart ---- */

/* A new run, with what the store holds; ids go on from 100. */
static void restarted(void)
{
    static const enum row_kind kinds[] = {ROW_TRACE, ROW_PROCESS, ROW_CONTAINER, ROW_CONNECTION,
                                          ROW_TRACE_LINK};
    restart_model(100);
    for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++)
        for (int64_t id = 1; id < 100; id++)
            if (ledger_get(kinds[kind], id))
                adopt(kinds[kind], ledger_get(kinds[kind], id));
    user(0, "root");
    user(UID_ANA, "ana");
    cgroup(CG_ROOT, "/init.scope");
    cgroup(CG_SESSION, "/user.slice/user-1000.slice/session-5.scope");
    cgroup(CG_SSH, "/system.slice/ssh.service");
    found_as(49 * SECOND, init_process, NOBODY, "/usr/lib/systemd/systemd", root_as);
}

static void a_restart_keeps_traces_and_links(void **state)
{
    (void)state;
    struct as session = {.uid = UID_ANA, .cgroup = CG_SESSION, .login_uid = UID_ANA, .session = 5};
    const struct who later = {200, 50 * SECOND}, another = {201, 51 * SECOND},
                     reload = {202, 52 * SECOND};
    const struct end out = client_end(5, 40001, 80);
    sshd_is_there();
    visitor_comes();
    visitor_logs_in();
    connecting(24 * SECOND, shell, out);
    established(24 * SECOND + MS, out, TCP_SYN_SENT);
    int64_t id = trace_id(shell), link = link_of(listening_sshd, shell, "fork")->id;
    restarted();
    found_as(49 * SECOND, shell, served, "/bin/bash", session);
    found_as(49 * SECOND, listening_sshd, init_process, "/usr/sbin/sshd", in_ssh);
    found_open(49 * SECOND, shell, out);
    scan_done(49 * SECOND + MS, 48 * SECOND);
    closed(50 * SECOND, out, 1, 0);
    fork_as(later, shell, session);
    assert_int_equal(trace_id(later), id);
    assert_trace(later, "login", "ssh login of ana from 203.0.113.5");
    assert_int_equal(trace_of(later)->process_count, 4);
    assert_int_equal(trace_of(later)->connection_count, 1);
    fork_as(another, listening_sshd, in_ssh);
    assert_another_trace(another, later);
    assert_int_equal(link_of(listening_sshd, shell, "fork")->id, link);
    fork_as(reload, init_process, in_ssh);
    assert_same_trace(reload, listening_sshd);
    exited(60 * SECOND, later, 0);
    exited(60 * SECOND, shell, 0);
    assert_true(trace_of(shell)->ended_at == AT(60 * SECOND)); /* the others were gone */
}

static void a_restart_keeps_a_containers_trace(void **state)
{
    (void)state;
    const struct who inside = {140, 51 * SECOND}, enters = {141, 52 * SECOND};
    sshd_is_there();
    box_starts(listening_sshd);
    box_is_described(33 * SECOND);
    int64_t id = trace_id(main_process);
    restarted();
    box_cgroup();
    found_as(49 * SECOND, main_process, first, "/usr/sbin/nginx", (struct as){.cgroup = CG_BOX});
    found_as(49 * SECOND, listening_sshd, init_process, "/usr/sbin/sshd", in_ssh);
    scan_done(49 * SECOND + MS, 48 * SECOND);
    fork_as(inside, main_process, (struct as){.cgroup = CG_BOX});
    assert_int_equal(trace_id(inside), id);
    fork_as(enters, listening_sshd, root_as);
    attach_as(52 * SECOND + MS, enters, listening_sshd, (struct as){.cgroup = CG_BOX});
    assert_trace(main_process, "container", "container web (nginx:1.27)");
}

/* ---- whatever happens ---- */

#define WILD_EVENTS 500
#define WILD_BEGIN  (100 * SECOND)

static unsigned below(unsigned bound)
{
    return (unsigned)random() % bound;
}

static struct who anybody(void)
{
    return (struct who){1 + below(10), WILD_BEGIN - 1 - below(2)};
}

static struct as anyhow(void)
{
    static const uint32_t users[] = {0, 0, UID_ANA, 33, 105};
    struct as as = {.uid = users[below(5)], .cgroup = CG_ROOT + below(9), .sid = below(12)};
    if (below(3) == 0) {
        as.login_uid = UID_ANA;
        as.session = 1 + below(3);
    }
    return as;
}

static void anything(uint64_t time)
{
    static const char *const programs[] = {
        "/usr/sbin/sshd", "/usr/lib/openssh/sshd-session", "/usr/sbin/cron", "/bin/login",
        "/bin/su",        "/usr/lib/systemd/systemd",      "/bin/bash",      "/tmp/sshd"};
    struct who who = anybody(), parent = anybody();
    struct as as = anyhow();
    struct event_fork fork = fork_record(time, who, parent);
    switch (below(12)) {
    case 0:
    case 1:
    case 2:
        set_as(&fork.task, as);
        apply(&fork);
        return;
    case 3:
    case 4:
        exec_as(time, who, parent, programs[below(8)], as);
        return;
    case 5:
        attach_as(time, who, parent, as);
        return;
    case 6:
        exited(time, who, 0);
        return;
    case 7:
        found_as(time, who, parent, programs[below(8)], as);
        return;
    case 8:
        box_is_described(time);
        return;
    case 9:
        scan_done(time, WILD_BEGIN + (uint64_t)random() % (time - WILD_BEGIN + 1));
        return;
    case 10:
        connecting(time, who, client_end(1 + below(6), (uint16_t)(40000 + below(6)), 80));
        return;
    default:
        closed(time, client_end(1 + below(6), (uint16_t)(40000 + below(6)), 80), 1, 0);
    }
}

/* What a trace says of itself is what the other rows say of its processes. */
static void check_trace(const struct row_trace *trace)
{
    int64_t processes = 0, living = 0, connections = 0;
    for (int64_t id = 1; id < LEDGER_MAX; id++) {
        const struct row_process *process = ledger_get(ROW_PROCESS, id);
        const struct row_connection *connection = ledger_get(ROW_CONNECTION, id);
        processes += process && process->trace_id == trace->id;
        living += process && process->trace_id == trace->id && process->ended_at == INTEGER_NULL;
        process = connection ? ledger_get(ROW_PROCESS, connection->process_id) : NULL;
        connections += process && process->trace_id == trace->id;
    }
    assert_int_equal(trace->process_count, processes);
    assert_int_equal(trace->connection_count, connections);
    assert_int_equal(trace->ended_at == INTEGER_NULL, living > 0);
    assert_non_null(ledger_get(ROW_PROCESS, trace->root_process_id));
}

static void check_link(const struct row_trace_link *link)
{
    assert_non_null(ledger_get(ROW_TRACE, link->src_trace_id));
    assert_non_null(ledger_get(ROW_TRACE, link->dst_trace_id));
    assert_true(link->src_trace_id != link->dst_trace_id);
    assert_true(link->at <= link->last_at);
    assert_true(link->count >= 1);
}

/* A number for all rows of traces and links. */
static uint64_t digest(void)
{
    uint64_t hash = 0;
    for (int64_t id = 1; id < LEDGER_MAX; id++) {
        const struct row_trace *trace = ledger_get(ROW_TRACE, id);
        const struct row_trace_link *link = ledger_get(ROW_TRACE_LINK, id);
        if (trace) {
            check_trace(trace);
            hash = hash * 31 + (uint64_t)(trace->last_at ^ trace->started_at ^ trace->id << 40);
            for (size_t i = 0; i < trace->title.length; i++)
                hash = hash * 31 + (unsigned char)trace->title.data[i];
        }
        if (link) {
            check_link(link);
            hash = hash * 31 + (uint64_t)(link->src_trace_id << 20 ^ link->dst_trace_id ^
                                          link->last_at ^ link->count << 50);
        }
    }
    return hash;
}

static uint64_t run_wild(unsigned seed, unsigned flush_every)
{
    void *ignored = NULL;
    uint64_t time = WILD_BEGIN;
    model_tear_down(&ignored);
    assert_int_equal(host_set_up(&ignored), 0);
    box_cgroup();
    srandom(seed);
    for (unsigned i = 0; i < WILD_EVENTS; i++) {
        time += below(7) * MS;
        anything(time);
        if (flush_every && i % flush_every == 0)
            flush();
    }
    flush();
    return digest();
}

static void counts_hold_whatever_happens_and_whenever_it_is_written(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 150; seed++) {
        uint64_t once = run_wild(seed, 0);
        assert_true(once == run_wild(seed, 1 + seed % 7));
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, host_set_up, model_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_visitor_of_sshd_has_a_trace_of_their_own),
        TEST(the_forks_of_an_sshd_that_serves_begin_nothing),
        TEST(a_program_that_is_only_called_sshd_is_no_login_service),
        TEST(an_sshd_that_somebody_starts_in_a_session_has_visitors_too),
        TEST(root_has_logged_in_when_a_session_leader_runs_as_root),
        TEST(a_user_that_is_in_no_file_is_a_number),
        TEST(the_user_may_be_served_without_a_program_of_theirs),
        TEST(a_session_that_was_there_is_a_login_too),
        TEST(a_terminal_is_a_login_from_its_getty_on),
        TEST(a_session_of_the_kernels_audit_is_a_login),
        TEST(su_and_its_like_begin_nothing),
        TEST(a_user_manager_is_a_service_and_starts_services),
        TEST(each_job_of_cron_is_a_trace),
        TEST(a_program_that_is_only_called_cron_has_no_jobs),
        TEST(what_init_executes_is_a_service),
        TEST(the_processes_of_a_running_unit_are_one_service),
        TEST(a_child_of_another_init_is_no_service),
        TEST(descendants_move_when_the_boundary_is_seen_late),
        TEST(a_descendant_with_a_trace_of_its_own_stays_there),
        TEST(a_trace_lives_as_long_as_a_process_of_it),
        TEST(a_storm_writes_its_trace_once),
        TEST(who_has_no_known_parent_is_a_trace_by_itself),
        TEST(an_edge_between_traces_links_them),
        TEST(an_edge_that_happens_again_makes_its_link_longer),
        TEST(a_container_is_a_trace_from_its_first_process_on),
        TEST(a_login_that_enters_a_container_stays_one),
        TEST(a_service_that_enters_a_container_joins_it),
        TEST(a_restart_keeps_traces_and_links),
        TEST(a_visitor_whom_another_has_accepted_is_one),
        TEST(a_session_found_without_its_daemon_is_a_login),
        TEST(a_display_managers_worker_is_a_login),
        TEST(another_session_inside_of_one_is_another_login),
        TEST(a_user_managers_own_hands_are_no_services),
        TEST(a_title_holds_no_half_characters),
        TEST(a_service_may_be_the_same_program_as_init),
        TEST(a_container_in_a_unit_is_a_container),
        TEST(a_restart_keeps_a_containers_trace),
        TEST(counts_hold_whatever_happens_and_whenever_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
