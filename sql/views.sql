-- Public views. Run after schema.sql and again, dropped first, after every migration.

-- What an answer over a span of time should be read with.
CREATE VIEW gaps AS
SELECT id, started_at, ended_at, ended_at - started_at AS duration_ns, class, stage, count, detail,
       cgroup
FROM losses;

-- Every process beside its parent.
CREATE VIEW process_tree AS
SELECT p.id, p.parent_id, p.depth, p.pid, p.ppid, p.started_at, p.ended_at, p.user, p.comm, p.exe,
       p.cmdline, parent.comm AS parent_comm, parent.exe AS parent_exe,
       parent.cmdline AS parent_cmdline
FROM processes AS p
LEFT JOIN processes AS parent ON parent.id = p.parent_id;

CREATE VIEW open_connections AS
SELECT c.id, c.process_id, p.pid, p.comm, p.exe, p.user, c.protocol, c.direction, c.local_address,
       c.local_port, c.remote_address, c.remote_port, c.remote_name, c.started_at, c.state,
       c.peer_process_id, c.net_ns
FROM connections AS c
LEFT JOIN processes AS p ON p.id = c.process_id
WHERE c.ended_at IS NULL;

-- Both ends of a connection in one row; the client's end where only one is on this host or known.
CREATE VIEW conversations AS
SELECT c.id AS connection_id, c.peer_id, c.protocol, c.started_at, c.ended_at, c.state,
       c.direction,
       c.process_id AS process_id, p.pid AS pid, p.comm AS comm, p.exe AS exe,
       c.local_address, c.local_port, c.remote_address, c.remote_port, c.remote_name,
       c.peer_process_id AS peer_process_id, q.pid AS peer_pid, q.comm AS peer_comm,
       q.exe AS peer_exe, c.bytes_sent, c.bytes_received
FROM connections AS c
LEFT JOIN processes AS p ON p.id = c.process_id
LEFT JOIN processes AS q ON q.id = c.peer_process_id
WHERE c.direction = 'out' OR c.peer_id IS NULL;

-- Which trace led into which, with what they are.
CREATE VIEW linked_traces AS
SELECT l.id, l.kind, l.at, l.last_at, l.count, l.edge_id,
       l.src_trace_id, src.kind AS src_kind, src.title AS src_title, src.user AS src_user,
       l.dst_trace_id, dst.kind AS dst_kind, dst.title AS dst_title, dst.user AS dst_user
FROM trace_links AS l
LEFT JOIN traces AS src ON src.id = l.src_trace_id
LEFT JOIN traces AS dst ON dst.id = l.dst_trace_id;

-- Listeners that other hosts can reach, as far as their address tells.
CREATE VIEW exposed_listeners AS
SELECT l.id, l.process_id, p.pid, p.comm, p.exe, p.user, l.protocol, l.address, l.port,
       l.started_at, l.net_ns
FROM listeners AS l
LEFT JOIN processes AS p ON p.id = l.process_id
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
