-- Public views. Run after schema.sql and again, dropped first, after every migration.

-- ---- the tables that are stored otherwise ----
--
-- Each reads one table only, and looks up by id what that says with a number: so SQLite puts the
-- table itself in a query's place, on either side of a LEFT JOIN too, looks up only what is asked
-- for, and uses the table's indexes. Whoever writes to them may write plain text; the recorder, which
-- has triggers switched off, writes to the tables.

CREATE VIEW processes AS
SELECT
    processes.id, processes.host_id, processes.pid,
    processes.pid + processes.ns_pid_offset AS ns_pid,
    processes.ppid, processes.parent_id, processes.trace_id, processes.started_at,
    processes.ended_at, processes.exit_code, processes.exit_signal,
    CASE processes.origin WHEN 0 THEN 'event' WHEN 1 THEN 'scan' WHEN 2 THEN 'inferred' ELSE
        processes.origin END AS origin,
    CASE typeof(processes.comm) WHEN 'integer' THEN (SELECT text FROM strings WHERE strings.id =
        processes.comm) ELSE processes.comm END AS comm,
    processes.exe,
    CASE WHEN typeof(processes.cmdline) <> 'integer' THEN processes.cmdline WHEN
        processes.cmdline > 0 THEN (SELECT text FROM strings WHERE strings.id =
        processes.cmdline) ELSE (SELECT replace(substr(text, 3, length(text) - 4), '","', ' ')
        FROM strings WHERE strings.id = -processes.cmdline) END AS cmdline,
    CASE typeof(processes.cwd) WHEN 'integer' THEN (SELECT text FROM strings WHERE strings.id =
        processes.cwd) ELSE processes.cwd END AS cwd,
    processes.exec_count,
    (SELECT uid FROM contexts WHERE contexts.id = processes.context) AS uid,
    (SELECT euid FROM contexts WHERE contexts.id = processes.context) AS euid,
    (SELECT gid FROM contexts WHERE contexts.id = processes.context) AS gid,
    (SELECT egid FROM contexts WHERE contexts.id = processes.context) AS egid,
    (SELECT user FROM contexts WHERE contexts.id = processes.context) AS user,
    (SELECT login_uid FROM contexts WHERE contexts.id = processes.context) AS login_uid,
    (SELECT audit_session FROM contexts WHERE contexts.id = processes.context) AS audit_session,
    (SELECT capabilities FROM contexts WHERE contexts.id = processes.context) AS capabilities,
    (SELECT sid FROM contexts WHERE contexts.id = processes.context) AS sid,
    processes.pgid,
    (SELECT tty FROM contexts WHERE contexts.id = processes.context) AS tty,
    (SELECT container_id FROM contexts WHERE contexts.id = processes.context) AS container_id,
    (SELECT cgroup FROM contexts WHERE contexts.id = processes.context) AS cgroup,
    (SELECT mnt_ns FROM contexts WHERE contexts.id = processes.context) AS mnt_ns,
    (SELECT pid_ns FROM contexts WHERE contexts.id = processes.context) AS pid_ns,
    (SELECT net_ns FROM contexts WHERE contexts.id = processes.context) AS net_ns,
    (SELECT user_ns FROM contexts WHERE contexts.id = processes.context) AS user_ns,
    processes.depth, processes.truncated,
    coalesce(processes.started_at, 0) - (SELECT boot_offset FROM contexts WHERE contexts.id =
        processes.context) AS start_boottime
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
    execs.id, execs.process_id, execs.at,
    CASE typeof(execs.filename) WHEN 'integer' THEN (SELECT text FROM strings WHERE strings.id =
        execs.filename) ELSE execs.filename END AS filename,
    execs.exe,
    CASE typeof(execs.argv) WHEN 'integer' THEN (SELECT text FROM strings WHERE strings.id =
        execs.argv) ELSE execs.argv END AS argv,
    execs.argc,
    CASE typeof(execs.cwd) WHEN 'integer' THEN (SELECT text FROM strings WHERE strings.id =
        execs.cwd) ELSE execs.cwd END AS cwd,
    execs.script,
    CASE typeof(execs.interpreter) WHEN 'integer' THEN (SELECT text FROM strings WHERE
        strings.id = execs.interpreter) ELSE execs.interpreter END AS interpreter,
    (SELECT device FROM images WHERE images.id = execs.image) AS device,
    (SELECT inode FROM images WHERE images.id = execs.image) AS inode,
    (SELECT links FROM images WHERE images.id = execs.image) AS links,
    (SELECT memfd FROM images WHERE images.id = execs.image) AS memfd,
    (SELECT deleted FROM images WHERE images.id = execs.image) AS deleted,
    (SELECT setuid FROM images WHERE images.id = execs.image) AS setuid,
    (SELECT uid FROM images WHERE images.id = execs.image) AS uid,
    (SELECT euid FROM images WHERE images.id = execs.image) AS euid,
    (SELECT gid FROM images WHERE images.id = execs.image) AS gid,
    (SELECT egid FROM images WHERE images.id = execs.image) AS egid,
    CASE WHEN typeof(execs.stdin) <> 'integer' THEN execs.stdin WHEN execs.stdin < 0 THEN
        'pipe:[' || -execs.stdin || ']' ELSE (SELECT text FROM strings WHERE strings.id =
        execs.stdin) END AS stdin,
    CASE WHEN typeof(execs.stdout) <> 'integer' THEN execs.stdout WHEN execs.stdout < 0 THEN
        'pipe:[' || -execs.stdout || ']' ELSE (SELECT text FROM strings WHERE strings.id =
        execs.stdout) END AS stdout,
    CASE WHEN typeof(execs.stderr) <> 'integer' THEN execs.stderr WHEN execs.stderr < 0 THEN
        'pipe:[' || -execs.stderr || ']' ELSE (SELECT text FROM strings WHERE strings.id =
        execs.stderr) END AS stderr,
    CASE typeof(execs.environment) WHEN 'integer' THEN (SELECT text FROM strings WHERE
        strings.id = execs.environment) ELSE execs.environment END AS environment,
    CASE typeof(execs.error) WHEN 'integer' THEN (SELECT text FROM strings WHERE strings.id =
        execs.error) ELSE execs.error END AS error,
    execs.truncated, execs.argv_length
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
    edges.id, edges.host_id, edges.at,
    edges.at + edges.last_after AS last_at,
    edges.count,
    CASE edges.kind WHEN 0 THEN 'fork' WHEN 1 THEN 'connect' WHEN 2 THEN 'unix' WHEN 3 THEN
        'pipe' WHEN 4 THEN 'file' WHEN 5 THEN 'fdpass' WHEN 6 THEN 'ptrace' WHEN 7 THEN 'inject'
        WHEN 8 THEN 'signal' WHEN 9 THEN 'runtime' ELSE edges.kind END AS kind,
    edges.src, edges.dst, edges.connection_id, edges.file_id,
    CASE WHEN typeof(edges.detail) <> 'integer' THEN edges.detail WHEN edges.detail < 0 THEN
        'pipe:[' || -edges.detail || ']' ELSE (SELECT text FROM strings WHERE strings.id =
        edges.detail) END AS detail,
    edges.open
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
    connections.id, connections.host_id, connections.process_id,
    CASE connections.protocol WHEN 0 THEN 'tcp' WHEN 1 THEN 'udp' ELSE connections.protocol END
        AS protocol,
    CASE connections.direction WHEN 0 THEN 'out' WHEN 1 THEN 'in' ELSE connections.direction END
        AS direction,
    connections.local_address, connections.local_port, connections.remote_address,
    connections.remote_port,
    CASE typeof(connections.remote_name) WHEN 'integer' THEN (SELECT text FROM strings WHERE
        strings.id = connections.remote_name) ELSE connections.remote_name END AS remote_name,
    connections.started_at,
    coalesce(connections.started_at, 0) + connections.established_after AS established_at,
    connections.ended_at,
    CASE connections.state WHEN 0 THEN 'closed' WHEN 1 THEN 'open' WHEN 2 THEN 'connecting' WHEN
        3 THEN 'refused' WHEN 4 THEN 'timeout' WHEN 5 THEN 'unreachable' WHEN 6 THEN 'reset'
        WHEN 7 THEN 'failed' ELSE connections.state END AS state,
    CASE typeof(connections.error) WHEN 'integer' THEN (SELECT text FROM strings WHERE
        strings.id = connections.error) ELSE connections.error END AS error,
    connections.bytes_sent, connections.bytes_received, connections.listener_id,
    connections.id + connections.peer_offset AS peer_id,
    connections.peer_process_id,
    4026531840 + connections.net_ns_offset AS net_ns,
    CASE connections.origin WHEN 0 THEN 'event' WHEN 1 THEN 'scan' WHEN 2 THEN 'inferred' ELSE
        connections.origin END AS origin,
    connections.cookie, connections.inode
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
       CASE typeof(parent.comm) WHEN 'integer' THEN (SELECT text FROM strings WHERE strings.id = parent.comm)
           ELSE parent.comm END AS parent_comm,
       parent.exe AS parent_exe,
       CASE WHEN typeof(parent.cmdline) <> 'integer' THEN parent.cmdline
           WHEN parent.cmdline > 0 THEN (SELECT text FROM strings WHERE strings.id = parent.cmdline)
           ELSE (SELECT replace(substr(text, 3, length(text) - 4), '","', ' ')
                 FROM strings WHERE strings.id = -parent.cmdline)
           END AS parent_cmdline
FROM processes AS p
LEFT JOIN process_rows AS parent ON parent.id = p.parent_id;

CREATE VIEW open_connections AS
SELECT c.id, c.process_id, p.pid,
       CASE typeof(p.comm) WHEN 'integer' THEN (SELECT text FROM strings WHERE strings.id = p.comm)
           ELSE p.comm END AS comm,
       p.exe,
       (SELECT user FROM contexts WHERE contexts.id = p.context) AS user,
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
       CASE typeof(p.comm) WHEN 'integer' THEN (SELECT text FROM strings WHERE strings.id = p.comm)
           ELSE p.comm END AS comm,
       p.exe AS exe,
       c.local_address, c.local_port, c.remote_address, c.remote_port, c.remote_name,
       c.peer_process_id AS peer_process_id, q.pid AS peer_pid,
       CASE typeof(q.comm) WHEN 'integer' THEN (SELECT text FROM strings WHERE strings.id = q.comm)
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
       CASE typeof(p.comm) WHEN 'integer' THEN (SELECT text FROM strings WHERE strings.id = p.comm)
           ELSE p.comm END AS comm,
       p.exe,
       (SELECT user FROM contexts WHERE contexts.id = p.context) AS user,
       l.protocol, l.address, l.port, l.started_at, l.net_ns
FROM listeners AS l
LEFT JOIN process_rows AS p ON p.id = l.process_id
WHERE l.ended_at IS NULL AND l.address NOT LIKE '127.%' AND l.address <> '::1';

-- Since when this host knows what goes with what.
CREATE VIEW first_seen AS
SELECT r.kind, r.a, r.b, r.first_at, r.last_at, r.count, r.novel, r.process_id, p.trace_id
FROM pairs AS r
LEFT JOIN processes AS p ON p.id = r.process_id;

-- What programs are, by their names without a version: for rules and saved queries.
CREATE VIEW known_programs (kind, name) AS
VALUES
    ('shell', 'sh'), ('shell', 'bash'), ('shell', 'dash'), ('shell', 'zsh'), ('shell', 'ksh'),
    ('shell', 'mksh'), ('shell', 'ash'), ('shell', 'fish'), ('shell', 'tcsh'), ('shell', 'csh'),
    ('shell', 'busybox'), ('shell', 'rbash'), ('interpreter', 'python'), ('interpreter', 'perl'),
    ('interpreter', 'ruby'), ('interpreter', 'php'), ('interpreter', 'lua'),
    ('interpreter', 'luajit'), ('interpreter', 'node'), ('interpreter', 'nodejs'),
    ('interpreter', 'tclsh'), ('interpreter', 'expect'), ('interpreter', 'awk'),
    ('interpreter', 'gawk'), ('interpreter', 'mawk'), ('interpreter', 'osascript'),
    ('interpreter', 'pypy'), ('interpreter', 'java'), ('downloader', 'curl'),
    ('downloader', 'wget'), ('downloader', 'fetch'), ('downloader', 'aria2c'),
    ('downloader', 'lwp-request'), ('downloader', 'GET'), ('downloader', 'ftp'),
    ('downloader', 'tftp'), ('downloader', 'scp'), ('downloader', 'sftp'),
    ('downloader', 'rsync'), ('downloader', 'axel'), ('downloader', 'http'),
    ('downloader', 'https'), ('downloader', 'httpie'), ('downloader', 'nc'),
    ('downloader', 'ncat'), ('downloader', 'nc.openbsd'), ('downloader', 'nc.traditional'),
    ('server', 'nginx'), ('server', 'apache'), ('server', 'httpd'), ('server', 'lighttpd'),
    ('server', 'caddy'), ('server', 'php-fpm'), ('server', 'php-cgi'), ('server', 'mysqld'),
    ('server', 'mariadbd'), ('server', 'postgres'), ('server', 'redis-server'),
    ('server', 'mongod'), ('server', 'memcached'), ('server', 'named'), ('server', 'unbound'),
    ('server', 'tomcat'), ('server', 'exim'), ('server', 'exim4'), ('server', 'postfix'),
    ('server', 'master'), ('server', 'dovecot'), ('server', 'haproxy'), ('server', 'vsftpd'),
    ('server', 'proftpd'), ('server', 'slapd'), ('server', 'smbd'), ('server', 'gunicorn'),
    ('server', 'uwsgi'), ('server', 'puma'), ('server', 'unicorn'), ('server', 'varnishd'),
    ('server', 'squid'), ('server', 'elasticsearch'), ('server', 'rabbitmq-server'),
    ('package manager', 'dpkg'), ('package manager', 'dpkg-deb'),
    ('package manager', 'dpkg-divert'), ('package manager', 'apt'),
    ('package manager', 'apt-get'), ('package manager', 'aptitude'),
    ('package manager', 'unattended-upgrade'), ('package manager', 'rpm'),
    ('package manager', 'yum'), ('package manager', 'dnf'), ('package manager', 'dnf5'),
    ('package manager', 'microdnf'), ('package manager', 'zypper'), ('package manager', 'pacman'),
    ('package manager', 'apk'), ('package manager', 'snapd'), ('package manager', 'snap'),
    ('package manager', 'flatpak'), ('package manager', 'packagekitd'), ('debugger', 'gdb'),
    ('debugger', 'lldb'), ('debugger', 'lldb-server'), ('debugger', 'gdbserver'),
    ('debugger', 'strace'), ('debugger', 'ltrace'), ('debugger', 'rr'), ('debugger', 'perf'),
    ('debugger', 'valgrind'), ('debugger', 'uftrace'), ('debugger', 'delve'), ('debugger', 'dlv'),
    ('debugger', 'criu'), ('defender', 'auditd'), ('defender', 'falco'), ('defender', 'spyqd'),
    ('defender', 'osqueryd'), ('defender', 'wazuh-agentd'), ('defender', 'wazuh-modulesd'),
    ('defender', 'ossec-syscheckd'), ('defender', 'falcon-sensor'), ('defender', 'clamd'),
    ('defender', 'freshclam'), ('defender', 'fail2ban-server'), ('defender', 'rsyslogd'),
    ('defender', 'syslog-ng'), ('defender', 'aide'), ('defender', 'crowdsec'),
    ('defender', 'sysmon'), ('defender', 'mdatp'), ('defender', 'wdavdaemon'),
    ('defender', 'tetragon'), ('defender', 'tracee'), ('defender', 'systemd-journald');
