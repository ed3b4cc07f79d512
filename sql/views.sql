-- Public views. Run after schema.sql and again, dropped first, after every migration.

-- ---- the tables that are stored otherwise ----
--
-- Each reads one table only, and looks up by id what that says with a number: so SQLite puts the
-- table itself in a query's place, on either side of a LEFT JOIN too, looks up only what is asked
-- for, and uses the table's indexes. Whoever writes to them may write plain text; the recorder, which
-- has triggers switched off, writes to the tables.
--
-- SQLite parses all views whenever a store is opened, to answer one question too: a name of a table
-- before that of a column triples what the column costs there, and stands only where it has to.

CREATE VIEW processes AS
SELECT
    id, host_id, pid,
    pid + ns_pid_offset AS ns_pid,
    ppid, parent_id, trace_id, started_at, ended_at, exit_code, exit_signal,
    CASE origin WHEN 0 THEN 'event' WHEN 1 THEN 'scan' WHEN 2 THEN 'inferred' ELSE origin END AS
        origin,
    CASE typeof(comm) WHEN 'integer' THEN (SELECT text FROM strings WHERE id = comm) ELSE comm END
        AS comm,
    exe,
    CASE WHEN typeof(cmdline) <> 'integer' THEN cmdline WHEN cmdline > 0 THEN (SELECT text FROM
        strings WHERE id = cmdline) ELSE (SELECT replace(substr(text, 3, length(text) - 4),
        '","', ' ') FROM strings WHERE id = -cmdline) END AS cmdline,
    CASE typeof(cwd) WHEN 'integer' THEN (SELECT text FROM strings WHERE id = cwd) ELSE cwd END AS
        cwd,
    exec_count,
    (SELECT uid FROM contexts WHERE id = context) AS uid,
    (SELECT euid FROM contexts WHERE id = context) AS euid,
    (SELECT gid FROM contexts WHERE id = context) AS gid,
    (SELECT egid FROM contexts WHERE id = context) AS egid,
    (SELECT user FROM contexts WHERE id = context) AS user,
    (SELECT login_uid FROM contexts WHERE id = context) AS login_uid,
    (SELECT audit_session FROM contexts WHERE id = context) AS audit_session,
    (SELECT capabilities FROM contexts WHERE id = context) AS capabilities,
    (SELECT sid FROM contexts WHERE id = context) AS sid,
    pgid,
    (SELECT tty FROM contexts WHERE id = context) AS tty,
    (SELECT container_id FROM contexts WHERE id = context) AS container_id,
    (SELECT cgroup FROM contexts WHERE id = context) AS cgroup,
    (SELECT mnt_ns FROM contexts WHERE id = context) AS mnt_ns,
    (SELECT pid_ns FROM contexts WHERE id = context) AS pid_ns,
    (SELECT net_ns FROM contexts WHERE id = context) AS net_ns,
    (SELECT user_ns FROM contexts WHERE id = context) AS user_ns,
    depth, truncated,
    coalesce(started_at, 0) - (SELECT boot_offset FROM contexts WHERE id = context) AS
        start_boottime
FROM process_rows AS processes;

CREATE TRIGGER processes_insert INSTEAD OF INSERT ON processes BEGIN
    INSERT INTO contexts (
        uid, euid, gid, egid, user, login_uid, audit_session, capabilities, sid, tty, container_id,
        cgroup, mnt_ns, pid_ns, net_ns, user_ns, boot_offset
    ) VALUES (
        NEW.uid, NEW.euid, NEW.gid, NEW.egid, NEW.user, NEW.login_uid, NEW.audit_session,
        NEW.capabilities, NEW.sid, NEW.tty, NEW.container_id, NEW.cgroup, NEW.mnt_ns, NEW.pid_ns,
        NEW.net_ns, NEW.user_ns, coalesce(NEW.started_at, 0) - NEW.start_boottime
    );
    INSERT INTO process_rows (
        id, host_id, pid, ns_pid_offset, ppid, parent_id, trace_id, started_at, ended_at, exit_code,
        exit_signal, origin, comm, exe, cmdline, cwd, exec_count, context, pgid, depth, truncated
    ) VALUES (
        NEW.id, NEW.host_id, NEW.pid, NEW.ns_pid - NEW.pid, NEW.ppid, NEW.parent_id, NEW.trace_id,
        NEW.started_at, NEW.ended_at, NEW.exit_code, NEW.exit_signal, NEW.origin, NEW.comm, NEW.exe,
        NEW.cmdline, NEW.cwd, NEW.exec_count, last_insert_rowid(), NEW.pgid, NEW.depth,
        NEW.truncated
    );
END;

CREATE TRIGGER processes_update INSTEAD OF UPDATE ON processes BEGIN
    INSERT INTO contexts (
        uid, euid, gid, egid, user, login_uid, audit_session, capabilities, sid, tty, container_id,
        cgroup, mnt_ns, pid_ns, net_ns, user_ns, boot_offset
    ) VALUES (
        NEW.uid, NEW.euid, NEW.gid, NEW.egid, NEW.user, NEW.login_uid, NEW.audit_session,
        NEW.capabilities, NEW.sid, NEW.tty, NEW.container_id, NEW.cgroup, NEW.mnt_ns, NEW.pid_ns,
        NEW.net_ns, NEW.user_ns, coalesce(NEW.started_at, 0) - NEW.start_boottime
    );
    UPDATE process_rows SET
        id = NEW.id, host_id = NEW.host_id, pid = NEW.pid, ns_pid_offset = NEW.ns_pid - NEW.pid,
        ppid = NEW.ppid, parent_id = NEW.parent_id, trace_id = NEW.trace_id, started_at =
        NEW.started_at, ended_at = NEW.ended_at, exit_code = NEW.exit_code, exit_signal =
        NEW.exit_signal, origin = NEW.origin, comm = NEW.comm, exe = NEW.exe, cmdline = NEW.cmdline,
        cwd = NEW.cwd, exec_count = NEW.exec_count, context = last_insert_rowid(), pgid = NEW.pgid,
        depth = NEW.depth, truncated = NEW.truncated
    WHERE id = OLD.id;
END;

CREATE TRIGGER processes_delete INSTEAD OF DELETE ON processes BEGIN
    DELETE FROM process_rows WHERE id = OLD.id;
END;

CREATE VIEW execs AS
SELECT
    id, process_id, at,
    CASE typeof(filename) WHEN 'integer' THEN (SELECT text FROM strings WHERE id = filename) ELSE
        filename END AS filename,
    exe,
    CASE typeof(argv) WHEN 'integer' THEN (SELECT text FROM strings WHERE id = argv) ELSE argv END
        AS argv,
    argc,
    CASE typeof(cwd) WHEN 'integer' THEN (SELECT text FROM strings WHERE id = cwd) ELSE cwd END AS
        cwd,
    script,
    CASE typeof(interpreter) WHEN 'integer' THEN (SELECT text FROM strings WHERE id = interpreter)
        ELSE interpreter END AS interpreter,
    (SELECT device FROM images WHERE id = image) AS device,
    (SELECT inode FROM images WHERE id = image) AS inode,
    (SELECT links FROM images WHERE id = image) AS links,
    (SELECT memfd FROM images WHERE id = image) AS memfd,
    (SELECT deleted FROM images WHERE id = image) AS deleted,
    (SELECT setuid FROM images WHERE id = image) AS setuid,
    (SELECT uid FROM images WHERE id = image) AS uid,
    (SELECT euid FROM images WHERE id = image) AS euid,
    (SELECT gid FROM images WHERE id = image) AS gid,
    (SELECT egid FROM images WHERE id = image) AS egid,
    CASE WHEN typeof(stdin) <> 'integer' THEN stdin WHEN stdin < 0 THEN 'pipe:[' || -stdin || ']'
        ELSE (SELECT text FROM strings WHERE id = stdin) END AS stdin,
    CASE WHEN typeof(stdout) <> 'integer' THEN stdout WHEN stdout < 0 THEN 'pipe:[' || -stdout ||
        ']' ELSE (SELECT text FROM strings WHERE id = stdout) END AS stdout,
    CASE WHEN typeof(stderr) <> 'integer' THEN stderr WHEN stderr < 0 THEN 'pipe:[' || -stderr ||
        ']' ELSE (SELECT text FROM strings WHERE id = stderr) END AS stderr,
    CASE typeof(environment) WHEN 'integer' THEN (SELECT text FROM strings WHERE id = environment)
        ELSE environment END AS environment,
    CASE typeof(error) WHEN 'integer' THEN (SELECT text FROM strings WHERE id = error) ELSE error
        END AS error,
    truncated, argv_length
FROM exec_rows AS execs;

CREATE TRIGGER execs_insert INSTEAD OF INSERT ON execs BEGIN
    INSERT INTO images (
        device, inode, links, memfd, deleted, setuid, uid, euid, gid, egid
    ) VALUES (
        NEW.device, NEW.inode, NEW.links, NEW.memfd, NEW.deleted, NEW.setuid, NEW.uid, NEW.euid,
        NEW.gid, NEW.egid
    );
    INSERT INTO exec_rows (
        id, process_id, at, filename, exe, argv, argc, cwd, script, interpreter, image, stdin,
        stdout, stderr, environment, error, truncated, argv_length
    ) VALUES (
        NEW.id, NEW.process_id, NEW.at, NEW.filename, NEW.exe, NEW.argv, NEW.argc, NEW.cwd,
        NEW.script, NEW.interpreter, last_insert_rowid(), NEW.stdin, NEW.stdout, NEW.stderr,
        NEW.environment, NEW.error, NEW.truncated, NEW.argv_length
    );
END;

CREATE TRIGGER execs_update INSTEAD OF UPDATE ON execs BEGIN
    INSERT INTO images (
        device, inode, links, memfd, deleted, setuid, uid, euid, gid, egid
    ) VALUES (
        NEW.device, NEW.inode, NEW.links, NEW.memfd, NEW.deleted, NEW.setuid, NEW.uid, NEW.euid,
        NEW.gid, NEW.egid
    );
    UPDATE exec_rows SET
        id = NEW.id, process_id = NEW.process_id, at = NEW.at, filename = NEW.filename, exe =
        NEW.exe, argv = NEW.argv, argc = NEW.argc, cwd = NEW.cwd, script = NEW.script, interpreter =
        NEW.interpreter, image = last_insert_rowid(), stdin = NEW.stdin, stdout = NEW.stdout, stderr
        = NEW.stderr, environment = NEW.environment, error = NEW.error, truncated = NEW.truncated,
        argv_length = NEW.argv_length
    WHERE id = OLD.id;
END;

CREATE TRIGGER execs_delete INSTEAD OF DELETE ON execs BEGIN
    DELETE FROM exec_rows WHERE id = OLD.id;
END;

CREATE VIEW edges AS
SELECT
    id, host_id, at,
    at + last_after AS last_at,
    count,
    CASE kind WHEN 0 THEN 'fork' WHEN 1 THEN 'connect' WHEN 2 THEN 'unix' WHEN 3 THEN 'pipe' WHEN 4
        THEN 'file' WHEN 5 THEN 'fdpass' WHEN 6 THEN 'ptrace' WHEN 7 THEN 'inject' WHEN 8 THEN
        'signal' WHEN 9 THEN 'runtime' ELSE kind END AS kind,
    src, dst, connection_id, file_id,
    CASE WHEN typeof(detail) <> 'integer' THEN detail WHEN detail < 0 THEN 'pipe:[' || -detail ||
        ']' ELSE (SELECT text FROM strings WHERE id = detail) END AS detail,
    open
FROM edge_rows AS edges;

CREATE TRIGGER edges_insert INSTEAD OF INSERT ON edges BEGIN
    INSERT INTO edge_rows (
        id, host_id, at, last_after, count, kind, src, dst, connection_id, file_id, detail, open
    ) VALUES (
        NEW.id, NEW.host_id, NEW.at, NEW.last_at - NEW.at, NEW.count, NEW.kind, NEW.src, NEW.dst,
        NEW.connection_id, NEW.file_id, NEW.detail, coalesce(NEW.open, 0)
    );
END;

CREATE TRIGGER edges_update INSTEAD OF UPDATE ON edges BEGIN
    UPDATE edge_rows SET
        id = NEW.id, host_id = NEW.host_id, at = NEW.at, last_after = NEW.last_at - NEW.at, count =
        NEW.count, kind = NEW.kind, src = NEW.src, dst = NEW.dst, connection_id = NEW.connection_id,
        file_id = NEW.file_id, detail = NEW.detail, open = coalesce(NEW.open, 0)
    WHERE id = OLD.id;
END;

CREATE TRIGGER edges_delete INSTEAD OF DELETE ON edges BEGIN
    DELETE FROM edge_rows WHERE id = OLD.id;
END;

CREATE VIEW connections AS
SELECT
    id, host_id, process_id,
    CASE protocol WHEN 0 THEN 'tcp' WHEN 1 THEN 'udp' ELSE protocol END AS protocol,
    CASE direction WHEN 0 THEN 'out' WHEN 1 THEN 'in' ELSE direction END AS direction,
    local_address, local_port, remote_address, remote_port,
    CASE typeof(remote_name) WHEN 'integer' THEN (SELECT text FROM strings WHERE id = remote_name)
        ELSE remote_name END AS remote_name,
    started_at,
    coalesce(started_at, 0) + established_after AS established_at,
    ended_at,
    CASE state WHEN 0 THEN 'closed' WHEN 1 THEN 'open' WHEN 2 THEN 'connecting' WHEN 3 THEN
        'refused' WHEN 4 THEN 'timeout' WHEN 5 THEN 'unreachable' WHEN 6 THEN 'reset' WHEN 7 THEN
        'failed' ELSE state END AS state,
    CASE typeof(error) WHEN 'integer' THEN (SELECT text FROM strings WHERE id = error) ELSE error
        END AS error,
    bytes_sent, bytes_received, listener_id,
    id + peer_offset AS peer_id,
    peer_process_id,
    4026531840 + net_ns_offset AS net_ns,
    CASE origin WHEN 0 THEN 'event' WHEN 1 THEN 'scan' WHEN 2 THEN 'inferred' ELSE origin END AS
        origin,
    cookie, inode
FROM connection_rows AS connections;

CREATE TRIGGER connections_insert INSTEAD OF INSERT ON connections BEGIN
    INSERT INTO connection_rows (
        id, host_id, process_id, protocol, direction, local_address, local_port, remote_address,
        remote_port, remote_name, started_at, established_after, ended_at, state, error, bytes_sent,
        bytes_received, listener_id, peer_offset, peer_process_id, net_ns_offset, origin, cookie,
        inode
    ) VALUES (
        NEW.id, NEW.host_id, NEW.process_id, NEW.protocol, NEW.direction, NEW.local_address,
        NEW.local_port, NEW.remote_address, NEW.remote_port, NEW.remote_name, NEW.started_at,
        NEW.established_at - coalesce(NEW.started_at, 0), NEW.ended_at, NEW.state, NEW.error,
        NEW.bytes_sent, NEW.bytes_received, NEW.listener_id, NEW.peer_id - NEW.id,
        NEW.peer_process_id, NEW.net_ns - 4026531840, NEW.origin, NEW.cookie, NEW.inode
    );
END;

CREATE TRIGGER connections_update INSTEAD OF UPDATE ON connections BEGIN
    UPDATE connection_rows SET
        id = NEW.id, host_id = NEW.host_id, process_id = NEW.process_id, protocol = NEW.protocol,
        direction = NEW.direction, local_address = NEW.local_address, local_port = NEW.local_port,
        remote_address = NEW.remote_address, remote_port = NEW.remote_port, remote_name =
        NEW.remote_name, started_at = NEW.started_at, established_after = NEW.established_at -
        coalesce(NEW.started_at, 0), ended_at = NEW.ended_at, state = NEW.state, error = NEW.error,
        bytes_sent = NEW.bytes_sent, bytes_received = NEW.bytes_received, listener_id =
        NEW.listener_id, peer_offset = NEW.peer_id - NEW.id, peer_process_id = NEW.peer_process_id,
        net_ns_offset = NEW.net_ns - 4026531840, origin = NEW.origin, cookie = NEW.cookie, inode =
        NEW.inode
    WHERE id = OLD.id;
END;

CREATE TRIGGER connections_delete INSTEAD OF DELETE ON connections BEGIN
    DELETE FROM connection_rows WHERE id = OLD.id;
END;

-- ---- views for people ----
--
-- Their outer joins are with the tables themselves: over an outer join with a view SELECT DISTINCT
-- would have to read all of it.

-- What an answer over a span of time should be read with.
CREATE VIEW gaps AS
SELECT id, started_at, ended_at, ended_at - started_at AS duration_ns, class, stage, count, detail,
       cgroup
FROM losses;

-- Every process beside its parent.
CREATE VIEW process_tree AS
SELECT p.id, p.parent_id, p.depth, p.pid, p.ppid, p.started_at, p.ended_at, p.user, p.comm, p.exe,
       p.cmdline,
       CASE typeof(parent.comm) WHEN 'integer' THEN (SELECT text FROM strings WHERE id = parent.comm)
           ELSE parent.comm END AS parent_comm,
       parent.exe AS parent_exe,
       CASE WHEN typeof(parent.cmdline) <> 'integer' THEN parent.cmdline
           WHEN parent.cmdline > 0 THEN (SELECT text FROM strings WHERE id = parent.cmdline)
           ELSE (SELECT replace(substr(text, 3, length(text) - 4), '","', ' ')
                 FROM strings WHERE id = -parent.cmdline)
           END AS parent_cmdline
FROM processes AS p
LEFT JOIN process_rows AS parent ON parent.id = p.parent_id;

CREATE VIEW open_connections AS
SELECT c.id, c.process_id, p.pid,
       CASE typeof(p.comm) WHEN 'integer' THEN (SELECT text FROM strings WHERE id = p.comm)
           ELSE p.comm END AS comm,
       p.exe,
       (SELECT user FROM contexts WHERE id = p.context) AS user,
       c.protocol, c.direction, c.local_address, c.local_port, c.remote_address, c.remote_port, c.remote_name, c.started_at, c.state,
       c.peer_process_id, c.net_ns
FROM connections AS c
LEFT JOIN process_rows AS p ON p.id = c.process_id
WHERE c.ended_at IS NULL;

-- Both ends of a connection in one row; the client's end where only one is on this host or known.
CREATE VIEW conversations AS
SELECT c.id AS connection_id, c.peer_id, c.protocol, c.started_at, c.ended_at, c.state,
       c.direction,
       c.process_id AS process_id, p.pid AS pid,
       CASE typeof(p.comm) WHEN 'integer' THEN (SELECT text FROM strings WHERE id = p.comm)
           ELSE p.comm END AS comm,
       p.exe AS exe,
       c.local_address, c.local_port, c.remote_address, c.remote_port, c.remote_name,
       c.peer_process_id AS peer_process_id, q.pid AS peer_pid,
       CASE typeof(q.comm) WHEN 'integer' THEN (SELECT text FROM strings WHERE id = q.comm)
           ELSE q.comm END AS peer_comm,
       q.exe AS peer_exe, c.bytes_sent, c.bytes_received
FROM connections AS c
LEFT JOIN process_rows AS p ON p.id = c.process_id
LEFT JOIN process_rows AS q ON q.id = c.peer_process_id
WHERE c.direction = 'out' OR c.peer_id IS NULL;

-- Which trace led into which, with what they are.
CREATE VIEW linked_traces AS
SELECT l.id, l.kind, l.at, l.last_at, l.count, l.edge_id,
       l.src_trace_id, src.kind AS src_kind, src.title AS src_title, src.user AS src_user,
       l.dst_trace_id, dst.kind AS dst_kind, dst.title AS dst_title, dst.user AS dst_user
FROM trace_links AS l
LEFT JOIN traces AS src ON src.id = l.src_trace_id
LEFT JOIN traces AS dst ON dst.id = l.dst_trace_id;

-- Who logged in, from where, and how long it lasted: each is a trace.
CREATE VIEW logins AS
SELECT t.id, t.host_id, t.user, t.remote_address, t.title, t.started_at, t.last_at, t.ended_at,
       t.root_process_id, p.pid, p.tty, p.login_uid, p.audit_session, t.process_count,
       t.connection_count, t.flag_count, t.score
FROM traces AS t
LEFT JOIN processes AS p ON p.id = t.root_process_id
WHERE t.kind = 'login';

-- Listeners that other hosts can reach, as far as their address tells.
CREATE VIEW exposed_listeners AS
SELECT l.id, l.process_id, p.pid,
       CASE typeof(p.comm) WHEN 'integer' THEN (SELECT text FROM strings WHERE id = p.comm)
           ELSE p.comm END AS comm,
       p.exe,
       (SELECT user FROM contexts WHERE id = p.context) AS user,
       l.protocol, l.address, l.port, l.started_at, l.net_ns
FROM listeners AS l
LEFT JOIN process_rows AS p ON p.id = l.process_id
WHERE l.ended_at IS NULL AND l.address NOT LIKE '127.%' AND l.address <> '::1';

-- Since when this host knows what goes with what.
CREATE VIEW first_seen AS
SELECT r.kind, r.a, r.b, r.first_at, r.last_at, r.count, r.novel, r.process_id, p.trace_id
FROM pairs AS r
LEFT JOIN processes AS p ON p.id = r.process_id;

-- What programs are, by their names without a version: for rules and saved queries. Rows of VALUES
-- would be parsed whenever a store is opened; JSON is read, once, by the statement that asks for it.
CREATE VIEW known_programs (kind, name) AS
WITH programs AS MATERIALIZED (
    SELECT kinds.key, names.value FROM json_each('{
        "shell": [
            "sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "tcsh", "csh", "busybox",
            "rbash"],
        "interpreter": [
            "python", "perl", "ruby", "php", "lua", "luajit", "node", "nodejs", "tclsh", "expect",
            "awk", "gawk", "mawk", "osascript", "pypy", "java"],
        "downloader": [
            "curl", "wget", "fetch", "aria2c", "lwp-request", "GET", "ftp", "tftp", "scp", "sftp",
            "rsync", "axel", "http", "https", "httpie", "nc", "ncat", "nc.openbsd",
            "nc.traditional"],
        "server": [
            "nginx", "apache", "httpd", "lighttpd", "caddy", "php-fpm", "php-cgi", "mysqld",
            "mariadbd", "postgres", "redis-server", "mongod", "memcached", "named", "unbound",
            "tomcat", "exim", "exim4", "postfix", "master", "dovecot", "haproxy", "vsftpd",
            "proftpd", "slapd", "smbd", "gunicorn", "uwsgi", "puma", "unicorn", "varnishd",
            "squid", "elasticsearch", "rabbitmq-server"],
        "package manager": [
            "dpkg", "dpkg-deb", "dpkg-divert", "apt", "apt-get", "aptitude", "unattended-upgrade",
            "rpm", "yum", "dnf", "dnf5", "microdnf", "zypper", "pacman", "apk", "snapd", "snap",
            "flatpak", "packagekitd"],
        "debugger": [
            "gdb", "lldb", "lldb-server", "gdbserver", "strace", "ltrace", "rr", "perf",
            "valgrind", "uftrace", "delve", "dlv", "criu"],
        "defender": [
            "auditd", "falco", "spyqd", "osqueryd", "wazuh-agentd", "wazuh-modulesd",
            "ossec-syscheckd", "falcon-sensor", "clamd", "freshclam", "fail2ban-server",
            "rsyslogd", "syslog-ng", "aide", "crowdsec", "sysmon", "mdatp", "wdavdaemon",
            "tetragon", "tracee", "systemd-journald"]
    }') AS kinds, json_each(kinds.value) AS names
)
SELECT * FROM programs;
