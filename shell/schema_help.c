/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "schema_help.h"

#include <stddef.h>
#include <string.h>

#include "schema_help_private.h"

static const struct meaning host_columns[] = {
    {"id", "number of this boot in this store"},
    {"hostname", "name of the host"},
    {"machine_id", "the installation, from /etc/machine-id"},
    {"boot_id", "the kernel's random name for this boot"},
    {"booted_at", "when the kernel started"},
    {"kernel", "kernel release"},
    {"os", "the distribution and its version"},
    {"arch", "machine architecture"},
    {"first_seen_at", "when a recorder first wrote on this boot"},
    {"last_seen_at", "when a recorder last wrote on this boot"},
    {NULL, NULL},
};

static const struct meaning recorder_columns[] = {
    {"id", "number of this run"},
    {"host_id", "the boot it ran on: hosts.id"},
    {"pid", "process id of spyqd"},
    {"version", "version of spyqd"},
    {"started_at", "when it began to record"},
    {"last_seen_at", "its last sign of life"},
    {"ended_at", "when it was stopped; NULL: still running, or it died"},
    {"cgroup", "the control group it was confined to; NULL: the whole host"},
    {"late", "records that came too late to be put into the order of time"},
    {NULL, NULL},
};

static const struct meaning probe_columns[] = {
    {"id", "number of the row"},
    {"recorder_id", "the run it belongs to: recorders.id"},
    {"name", "name of the kernel probe"},
    {"tier", "the set of probes it is part of"},
    {"error", "why it could not be attached; NULL: it is attached"},
    {"recursion_misses", "times the kernel skipped it because one was already running"},
    {NULL, NULL},
};

static const struct meaning process_columns[] = {
    {"id", "number of the process in this store, never used again"},
    {"host_id", "the boot it ran on: hosts.id"},
    {"pid", "the kernel's process id (used again later)"},
    {"ns_pid", "process id inside its own pid namespace"},
    {"ppid", "process id of its parent"},
    {"parent_id", "the process that forked it, for ever: processes.id"},
    {"trace_id", "the trace it belongs to: traces.id"},
    {"started_at", "when it was forked"},
    {"ended_at", "when it ended; NULL: alive"},
    {"exit_code", "what it exited with"},
    {"exit_signal", "the signal that killed it"},
    {"origin", "event: seen as it happened; scan: found at start-up; inferred"},
    {"comm", "the kernel's short name for it (15 bytes)"},
    {"exe", "path of the program it runs"},
    {"cmdline", "its arguments, joined by spaces"},
    {"cwd", "its working directory"},
    {"exec_count", "programs it has executed"},
    {"uid", "real user id"},
    {"euid", "effective user id"},
    {"gid", "real group id"},
    {"egid", "effective group id"},
    {"user", "name of the effective user"},
    {"login_uid", "user id that logged in, kept through su and sudo"},
    {"audit_session", "the kernel's number of the login session"},
    {"capabilities", "effective capabilities, in hex"},
    {"sid", "session id"},
    {"pgid", "process group id"},
    {"tty", "controlling terminal"},
    {"container_id", "the container, or service of systemd, that it runs in"},
    {"cgroup", "path of its control group"},
    {"mnt_ns", "mount namespace (inode number)"},
    {"pid_ns", "pid namespace (inode number)"},
    {"net_ns", "network namespace (inode number)"},
    {"user_ns", "user namespace (inode number)"},
    {"depth", "ancestors known when it started"},
    {"truncated", "1: some text of it was longer than what is recorded"},
    {"start_boottime", "its start on the boot clock, in ns: tells it apart across restarts"},
    {NULL, NULL},
};

static const struct meaning exec_columns[] = {
    {"id", "number of the row"},
    {"process_id", "who executed: processes.id"},
    {"at", "when"},
    {"filename", "the path as it was called"},
    {"exe", "path of the file that really ran"},
    {"argv", "the arguments, a JSON array"},
    {"argc", "how many arguments there were, recorded or not"},
    {"cwd", "working directory at that time"},
    {"script", "the script, where an interpreter runs one through #!"},
    {"interpreter", "the interpreter of that script"},
    {"device", "device of the file, major:minor"},
    {"inode", "inode number of the file"},
    {"links", "names the file had; 0: it was deleted"},
    {"memfd", "1: the file lived in memory only"},
    {"deleted", "1: the file had no name any more"},
    {"setuid", "1: the file gave its owner's or group's rights"},
    {"uid", "real user id afterwards"},
    {"euid", "effective user id afterwards"},
    {"gid", "real group id afterwards"},
    {"egid", "effective group id afterwards"},
    {"stdin", "what descriptor 0 was: tty:..., pipe:[...], socket:[...], a path"},
    {"stdout", "what descriptor 1 was"},
    {"stderr", "what descriptor 2 was"},
    {"environment", "chosen environment variables, a JSON object"},
    {"error", "why it failed (ENOENT, ...); NULL: it succeeded"},
    {"truncated", "1: some text of it was longer than what is recorded"},
    {"argv_length", "bytes of the arguments as they were, a NUL behind each"},
    {NULL, NULL},
};

static const struct meaning connection_columns[] = {
    {"id", "number of the row"},
    {"host_id", "the boot it was on: hosts.id"},
    {"process_id", "who holds or held this end: processes.id"},
    {"protocol", "tcp or udp"},
    {"direction", "out: this end asked; in: this end was asked"},
    {"local_address", "address of this end"},
    {"local_port", "port of this end"},
    {"remote_address", "address of the other end"},
    {"remote_port", "port of the other end"},
    {"remote_name", "the name that was looked up for the other address"},
    {"started_at", "when it was asked for or accepted"},
    {"established_at", "when both ends agreed; NULL: never"},
    {"ended_at", "when it ended; NULL: open"},
    {"state", "connecting, open, closed, refused, timeout, unreachable, reset or failed"},
    {"error", "why it failed, by errno name"},
    {"bytes_sent", "bytes of data sent from this end"},
    {"bytes_received", "bytes of data received at this end"},
    {"listener_id", "the listener that accepted it: listeners.id"},
    {"peer_id", "the other end, where it is in this store: connections.id"},
    {"peer_process_id", "the process at the other end: processes.id"},
    {"net_ns", "network namespace (inode number)"},
    {"origin", "event: seen as it happened; scan: found at start-up; inferred"},
    {"cookie", "the kernel's number of the socket, unique in one boot"},
    {"inode", "inode of the socket, as in socket:[N]"},
    {NULL, NULL},
};

static const struct meaning listener_columns[] = {
    {"id", "number of the row"},
    {"process_id", "who listens or listened: processes.id"},
    {"protocol", "tcp or udp"},
    {"address", "address it listens on; 0.0.0.0 and :: are all of them"},
    {"port", "port it listens on"},
    {"started_at", "when it began to listen"},
    {"ended_at", "when it stopped; NULL: listening"},
    {"net_ns", "network namespace (inode number)"},
    {"origin", "event: seen as it happened; scan: found at start-up; inferred"},
    {"cookie", "the kernel's number of the socket, unique in one boot"},
    {"host_id", "the boot it was on: hosts.id"},
    {NULL, NULL},
};

static const struct meaning edge_columns[] = {
    {"id", "number of the row"},
    {"host_id", "the boot it was on: hosts.id"},
    {"at", "when src first acted on dst"},
    {"last_at", "when it last did"},
    {"count", "how often it did"},
    {"kind", "fork, connect, ..."},
    {"src", "the cause: processes.id"},
    {"dst", "what it acted on: processes.id"},
    {"connection_id", "the connection that carried it: connections.id"},
    {"file_id", "the file that carried it: files.id"},
    {"detail", "more, where there is more to say"},
    {"open", "1: it may still act, last_at is no end yet"},
    {NULL, NULL},
};

static const struct meaning loss_columns[] = {
    {"id", "number of the row"},
    {"started_at", "when the loss began"},
    {"ended_at", "when it was over"},
    {"class", "what was lost: lifecycle, network, ...; down: the recorder did not run"},
    {"stage", "where: ring, decode, order, queue, store, recorder"},
    {"count", "how many events or rows; NULL: nobody can know"},
    {"detail", "more, where there is more to say"},
    {"cgroup", "whose it was; NULL: not of one cgroup alone"},
    {NULL, NULL},
};

static const struct meaning holding_columns[] = {
    {"id", "number of the row"},
    {"connection_id", "what is held: connections.id"},
    {"process_id", "who holds it, besides who made it: processes.id"},
    {"at", "since when"},
    {"how", "stdio: as a standard stream; fdpass: it was sent the descriptor; ..."},
    {"edge_id", "how it came by it: edges.id"},
    {NULL, NULL},
};

static const struct meaning dns_query_columns[] = {
    {"id", "number of the row"},
    {"process_id", "who asked: processes.id"},
    {"at", "when"},
    {"name", "the name asked for"},
    {"type", "A, AAAA, MX, TYPE65, ..."},
    {"server", "address of the server that was asked"},
    {"rcode", "NOERROR, NXDOMAIN, ...; NULL: no answer was seen"},
    {"answers", "JSON array of what came back"},
    {"latency_ns", "from question to answer, in ns"},
    {"protocol", "udp or tcp"},
    {"host_id", "the boot it was on: hosts.id"},
    {NULL, NULL},
};

static const struct meaning file_columns[] = {
    {"id", "number of the row"},
    {"process_id", "who did it: processes.id"},
    {"at", "when; of a write: its first bytes"},
    {"op", "write, rename, link, chmod or unlink"},
    {"path", "the file, after the operation"},
    {"old_path", "what it was called before"},
    {"device", "MAJOR:MINOR of its file system"},
    {"inode", "its inode number"},
    {"mode", "permission and type bits (st_mode)"},
    {"size", "bytes, as far as was seen"},
    {"last_at", "when it was last written by that process, as far as was seen"},
    {"connection_id", "the connection that fed the writer: connections.id"},
    {"place", "cron, systemd, ssh, ...: the kind of place it is in that matters"},
    {"memfd", "1: it has no name in any directory"},
    {"host_id", "the boot it was on: hosts.id"},
    {NULL, NULL},
};

static const struct meaning privilege_columns[] = {
    {"id", "number of the row"},
    {"process_id", "whose privileges changed: processes.id"},
    {"at", "when"},
    {"kind", "setuid, setgid, caps, setns, unshare, chroot, mount, module or bpf"},
    {"old", "what was so before, JSON; NULL: nothing, or not known"},
    {"new", "what is so now, JSON; NULL: it is gone"},
    {"exec_id", "the exec that caused it: execs.id; NULL: a system call did"},
    {"host_id", "the boot it was on: hosts.id"},
    {NULL, NULL},
};

static const struct meaning container_columns[] = {
    {"id", "number of the row"},
    {"container_id", "its id in full, as its runtime has it"},
    {"runtime", "docker, containerd, cri-o, podman, lxc, nspawn, systemd, ..."},
    {"name", "its name"},
    {"image", "the image it was made from"},
    {"pod", "the pod it belongs to"},
    {"namespace", "the pod's namespace"},
    {"labels", "JSON object"},
    {"cgroup", "its cgroup"},
    {"root_process_id", "its first process: processes.id"},
    {"started_at", "when it began; NULL: before the recorder"},
    {"ended_at", "when its last process ended; NULL: running"},
    {"host_id", "the boot it was on: hosts.id"},
    {NULL, NULL},
};

static const struct meaning trace_columns[] = {
    {"id", "number of the row"},
    {"host_id", "the boot it was on: hosts.id"},
    {"root_process_id", "the process it begins with: processes.id"},
    {"kind", "login, cron, service, container, init or other"},
    {"title", "such as: ssh login of ana from 203.0.113.5"},
    {"user", "who logged in, or whose processes they are"},
    {"remote_address", "where a login came from"},
    {"started_at", "when its root process began"},
    {"last_at", "the newest start, end, connection or edge in it"},
    {"ended_at", "when its last process ended; NULL: it lives"},
    {"process_count", "how many processes have been in it"},
    {"connection_count", "how many connections they made or took"},
    {"flag_count", "how many flags it has that are not suppressed"},
    {"score", "how much it deserves a look, 0 to 100"},
    {"severity", "the worst of its flags"},
    {"tactics", "tactics of ATT&CK that its flags name"},
    {"pinned", "0 so far"},
    {NULL, NULL},
};

static const struct meaning flag_columns[] = {
    {"id", "number of the row"},
    {"at", "when what was found happened"},
    {"rule", "which rule: rules.name"},
    {"severity", "info, low, medium, high or critical"},
    {"title", "what was found, in a few words"},
    {"techniques", "techniques of ATT&CK, as a JSON array"},
    {"process_id", "the process: processes.id"},
    {"exec_id", "the exec, if one is meant: execs.id"},
    {"connection_id", "the connection, if one is meant: connections.id"},
    {"file_id", "the file, if one is meant: files.id"},
    {"trace_id", "the trace of the process: traces.id"},
    {"detail", "what was found, in this case"},
    {"suppressed_by", "the suppression that it fell under; NULL: none"},
    {"edge_id", "the edge, if one is meant: edges.id"},
    {"tactics", "tactics of ATT&CK, as a JSON array"},
    {"flagged_at", "when the rule found it"},
    {"host_id", "the boot it was on: hosts.id"},
    {NULL, NULL},
};

static const struct meaning score_reason_columns[] = {
    {"id", "number of the row"},
    {"trace_id", "the trace: traces.id"},
    {"flag_id", "the flag that earned them: flags.id"},
    {"points", "how many; below 0: what is above the cap"},
    {"reason", "why, in words"},
    {NULL, NULL},
};

static const struct meaning rule_columns[] = {
    {"id", "number of the row"},
    {"name", "the id that its file gives it"},
    {"title", "what it finds, in a few words"},
    {"severity", "how bad that is"},
    {"techniques", "techniques of ATT&CK, as a JSON array"},
    {"tactics", "tactics of ATT&CK, as a JSON array"},
    {"description", "what it finds"},
    {"benign", "what it may find that is harmless"},
    {"file", "where it is from; below sql/rules: built in"},
    {"state", "active, failed, suspended, disabled or removed"},
    {"error", "why it is failed or suspended"},
    {"runs", "how often it was run"},
    {"hits", "rows that it gave, known ones included"},
    {"withheld", "hits not flagged, as their trace had enough"},
    {"busy_ns", "the CPU time it took altogether, ns"},
    {"slowest_ns", "its longest run by the clock, ns"},
    {"loaded_at", "when it was loaded"},
    {NULL, NULL},
};

static const struct meaning pair_columns[] = {
    {"id", "number of the row"},
    {"kind", "parent-child, program-destination, program-listener or user-program"},
    {"a", "the first of the two"},
    {"b", "the second of the two"},
    {"first_at", "when it was first seen"},
    {"last_at", "when it was last seen"},
    {"count", "how often it was seen"},
    {"novel", "1: first seen after the warm-up"},
    {"process_id", "by which process first: processes.id"},
    {NULL, NULL},
};

static const struct meaning trace_link_columns[] = {
    {"id", "number of the row"},
    {"host_id", "the boot it was on: hosts.id"},
    {"src_trace_id", "the trace that led there: traces.id"},
    {"dst_trace_id", "the trace that it led to: traces.id"},
    {"kind", "how, as edges.kind"},
    {"at", "when the first edge began"},
    {"last_at", "when the newest one acted last"},
    {"count", "how many edges there were"},
    {"edge_id", "the first of them: edges.id"},
    {NULL, NULL},
};

static const struct meaning sequence_columns[] = {
    {"name", "name of a table"},
    {"last_id", "the highest id that was ever given out in it"},
    {NULL, NULL},
};

static const struct meaning change_columns[] = {
    {"id", "number of the transaction"},
    {"processes", "JSON array of the rows written: processes.id"},
    {"edges", "JSON array of the rows written: edges.id"},
    {NULL, NULL},
};

static const struct meaning mark_columns[] = {
    {"id", "number of the mark"},
    {"host_id", "the boot it was made in: hosts.id"},
    {"at", "when it was made"},
    {"boottime", "the same since that boot, in ns"},
    {"last_ids", "JSON object: the highest id of each table by then"},
    {"rolled", "1: rows up to it have been rolled away, or are being so"},
    {NULL, NULL},
};

static const struct meaning gap_columns[] = {
    {"duration_ns", "how long it lasted, in ns"},
    {NULL, NULL},
};

static const struct meaning tree_columns[] = {
    {"parent_comm", "short name of its parent"},
    {"parent_exe", "program of its parent"},
    {"parent_cmdline", "arguments of its parent"},
    {NULL, NULL},
};

/* For views over connections and listeners. */
static const struct meaning holder_columns[] = {
    {"pid", "process id of who holds it"},
    {"comm", "short name of who holds it"},
    {"exe", "program of who holds it"},
    {"user", "user of who holds it"},
    {NULL, NULL},
};

static const struct meaning conversation_columns[] = {
    {"connection_id", "this end: connections.id"},
    {"pid", "process id at this end"},
    {"comm", "short name of the process at this end"},
    {"exe", "program at this end"},
    {"peer_pid", "process id at the other end"},
    {"peer_comm", "short name of the process at the other end"},
    {"peer_exe", "program at the other end"},
    {NULL, NULL},
};

static const struct meaning linked_columns[] = {
    {"src_kind", "what kind of trace led there"},
    {"src_title", "its title"},
    {"src_user", "its user"},
    {"dst_kind", "what kind of trace it led to"},
    {"dst_title", "its title"},
    {"dst_user", "its user"},
    {NULL, NULL},
};

static const struct meaning known_columns[] = {
    {"kind",
     "what it is: shell, interpreter, downloader, server, package manager, debugger, defender"},
    {"name", "the program's file name, without a version"},
    {NULL, NULL},
};

static const struct meaning login_columns[] = {
    {"id", "the trace: traces.id"},
    {"pid", "of the process that began it"},
    {"tty", "its terminal"},
    {"login_uid", "the user id that it was given at the login"},
    {"audit_session", "the number of the session"},
    {NULL, NULL},
};

static const struct meaning novel_columns[] = {
    {"trace_id", "the trace of that process: traces.id"},
    {NULL, NULL},
};

static const struct meaning pin_columns[] = {
    {"id", "number of the row"},
    {"trace_id", "the trace that is kept: traces.id"},
    {"trace_started_at", "when it began: another store has other ids"},
    {"pinned_at", "when that was asked for"},
    {"user", "by whom"},
    {"target", "what was named"},
    {"reason", "why"},
    {NULL, NULL},
};

static const struct meaning suppression_columns[] = {
    {"id", "number of the row"},
    {"rule", "name of the rule; what is NULL may be anything"},
    {"program", "path or short name of the program"},
    {"ancestor", "the same of a program above it"},
    {"user", "name of the user"},
    {"container", "id or name of the container"},
    {"arguments", "the command line; it and the five above are patterns, but for user"},
    {"expires_at", "when it ends; NULL: never"},
    {"reason", "why that is harmless"},
    {"added_by", "who said so"},
    {"added_at", "when"},
    {NULL, NULL},
};

static const struct relation relations[] = {
    {"hosts", "one row for each boot of a host", host_columns, NULL},
    {"recorders", "one row for each run of the recorder", recorder_columns, NULL},
    {"probes", "one row for each kernel probe of a run", probe_columns, NULL},
    {"processes", "one row for each process, with its latest program", process_columns, NULL},
    {"execs", "one row for each program executed, failures included", exec_columns, NULL},
    {"connections", "one row for each end of a connection on this host", connection_columns, NULL},
    {"listeners", "one row for each socket that waited for connections", listener_columns, NULL},
    {"holders", "who holds a connection that another made", holding_columns, NULL},
    {"dns_queries", "one row for each question asked", dns_query_columns, NULL},
    {"files", "what was done to files that matter to causality", file_columns, NULL},
    {"privileges", "changes of credentials and of walls", privilege_columns, NULL},
    {"containers", "one row for each container, or service of systemd", container_columns, NULL},
    {"traces", "one row for each login, job, service and container", trace_columns, NULL},
    {"trace_links", "which trace led into which, and how", trace_link_columns, NULL},
    {"edges", "which process acted on which, and how", edge_columns, NULL},
    {"flags", "what a rule has found, and where", flag_columns, NULL},
    {"score_reasons", "where each point of a score comes from", score_reason_columns, NULL},
    {"rules", "the rules that are run, and how they fare", rule_columns, NULL},
    {"pairs", "what goes with what here, and since when", pair_columns, NULL},
    {"losses", "what is known not to have been recorded", loss_columns, NULL},
    {"pins", "of the user's store: traces that are never rolled away", pin_columns, NULL},
    {"suppressions", "of the user's store: flags that are known to be harmless",
     suppression_columns, NULL},
    {"sequences", "private: where the numbering of each table stands", sequence_columns, NULL},
    {"changes", "private: what was written last, for who holds it in memory", change_columns, NULL},
    {"marks", "private: how far the numbering was, for rolling old rows away", mark_columns, NULL},
    {"gaps", "losses, with how long each lasted", gap_columns, "losses"},
    {"process_tree", "every process beside its parent", tree_columns, "processes"},
    {"open_connections", "connections open now, with who holds them", holder_columns,
     "connections"},
    {"conversations", "both ends of a connection in one row", conversation_columns, "connections"},
    {"linked_traces", "which trace led into which, with their titles", linked_columns,
     "trace_links"},
    {"logins", "who logged in, from where, for how long", login_columns, "traces"},
    {"first_seen", "since when this host knows what goes with what", novel_columns, "pairs"},
    {"known_programs", "what programs are, by their names", known_columns, NULL},
    {"exposed_listeners", "open listeners that other hosts can reach", holder_columns, "listeners"},
};

static const char *find_meaning(const struct meaning *meanings, const char *name)
{
    for (; meanings->name; meanings++)
        if (strcmp(meanings->name, name) == 0)
            return meanings->text;
    return NULL;
}

static const struct relation *find_relation(const char *name)
{
    for (size_t i = 0; i < sizeof relations / sizeof *relations; i++)
        if (strcmp(relations[i].name, name) == 0)
            return &relations[i];
    for (const struct relation *relation = foreign_relations; relation->name; relation++)
        if (strcmp(relation->name, name) == 0)
            return relation;
    return NULL;
}

const char *schema_help_table(const char *table)
{
    const struct relation *relation = find_relation(table);
    return relation ? relation->text : NULL;
}

const char *schema_help_column(const char *table, const char *column)
{
    const struct relation *relation = find_relation(table);
    const char *text = relation ? find_meaning(relation->columns, column) : NULL;
    if (text || !relation || !relation->base)
        return text;
    return find_meaning(find_relation(relation->base)->columns, column);
}
