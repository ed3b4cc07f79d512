-- Recorded rows under the names that osquery's tables have.
-- spyq-views(7) has the mapping.

CREATE VIEW process_events AS
SELECT p.pid, coalesce(e.exe, e.filename) AS path, NULL AS mode,
       (SELECT group_concat(value, ' ') FROM json_each(e.argv)) AS cmdline,
       e.argv_length AS cmdline_size, e.environment AS env,
       (SELECT count(*) FROM json_each(e.environment)) AS env_count,
       length(e.environment) AS env_size, e.cwd, p.login_uid AS auid, e.uid, e.euid, e.gid,
       e.egid, p.ppid AS parent, e.at / 1000000000 AS time,
       (e.at - h.booted_at) / 1000000000 AS uptime, e.id AS eid,
       CASE WHEN e.error IS NULL THEN 'succeeded' ELSE 'failed' END AS status,
       'execve' AS syscall, e.process_id, e.at
FROM execs AS e
JOIN processes AS p ON p.id = e.process_id
LEFT JOIN hosts AS h ON h.id = p.host_id;

CREATE VIEW socket_events AS
SELECT CASE c.direction WHEN 'in' THEN 'accept' ELSE 'connect' END AS action, p.pid,
       p.exe AS path, NULL AS fd, p.login_uid AS auid,
       CASE WHEN c.state IN ('open', 'closed', 'reset') THEN 'succeeded' WHEN c.state = 'connecting' THEN 'in_progress' ELSE 'failed' END AS status,
       CASE WHEN instr(c.local_address, ':') THEN 10 ELSE 2 END AS family,
       CASE c.protocol WHEN 'tcp' THEN 6 ELSE 17 END AS protocol, c.local_address,
       c.remote_address, c.local_port, c.remote_port, '' AS socket,
       c.started_at / 1000000000 AS time, (c.started_at - h.booted_at) / 1000000000 AS uptime,
       c.id AS eid, c.state IN ('open', 'closed', 'reset') AS success, c.process_id,
       c.started_at AS at
FROM connections AS c
LEFT JOIN processes AS p ON p.id = c.process_id
LEFT JOIN hosts AS h ON h.id = c.host_id
UNION ALL
SELECT 'bind', p.pid, p.exe, NULL, p.login_uid, 'succeeded',
       CASE WHEN instr(l.address, ':') THEN 10 ELSE 2 END,
       CASE l.protocol WHEN 'tcp' THEN 6 ELSE 17 END, l.address, NULL, l.port, NULL, '',
       l.started_at / 1000000000, (l.started_at - h.booted_at) / 1000000000, l.id, 1,
       l.process_id, l.started_at
FROM listeners AS l
LEFT JOIN processes AS p ON p.id = l.process_id
LEFT JOIN hosts AS h ON h.id = l.host_id;

CREATE VIEW bpf_process_events AS
SELECT p.pid AS tid, p.pid, p.ppid AS parent, e.uid, e.gid, NULL AS cid,
       CASE WHEN e.error IS NULL THEN '0' ELSE e.error END AS exit_code, 0 AS probe_error,
       'execve' AS syscall, coalesce(e.exe, e.filename) AS path, e.cwd,
       (SELECT group_concat(value, ' ') FROM json_each(e.argv)) AS cmdline, NULL AS duration,
       e.argv AS json_cmdline, e.at AS ntime, e.at / 1000000000 AS time, e.id AS eid,
       e.process_id
FROM execs AS e
JOIN processes AS p ON p.id = e.process_id;

CREATE VIEW bpf_socket_events AS
SELECT p.pid AS tid, p.pid, p.ppid AS parent, p.uid, p.gid, NULL AS cid,
       coalesce(c.error, '0') AS exit_code, 0 AS probe_error,
       CASE c.direction WHEN 'in' THEN 'accept' ELSE 'connect' END AS syscall, p.exe AS path,
       NULL AS fd, CASE WHEN instr(c.local_address, ':') THEN 10 ELSE 2 END AS family,
       CASE c.protocol WHEN 'tcp' THEN 1 ELSE 2 END AS type,
       CASE c.protocol WHEN 'tcp' THEN 6 ELSE 17 END AS protocol, c.local_address,
       c.remote_address, c.local_port, c.remote_port, NULL AS duration, c.started_at AS ntime,
       c.started_at / 1000000000 AS time, c.id AS eid, c.process_id
FROM connections AS c
LEFT JOIN processes AS p ON p.id = c.process_id
UNION ALL
SELECT p.pid, p.pid, p.ppid, p.uid, p.gid, NULL, '0', 0, 'bind', p.exe, NULL,
       CASE WHEN instr(l.address, ':') THEN 10 ELSE 2 END,
       CASE l.protocol WHEN 'tcp' THEN 1 ELSE 2 END,
       CASE l.protocol WHEN 'tcp' THEN 6 ELSE 17 END, l.address, NULL, l.port, NULL, NULL,
       l.started_at, l.started_at / 1000000000, l.id, l.process_id
FROM listeners AS l
LEFT JOIN processes AS p ON p.id = l.process_id;

CREATE VIEW listening_ports AS
SELECT p.pid, l.port, CASE l.protocol WHEN 'tcp' THEN 6 ELSE 17 END AS protocol,
       CASE WHEN instr(l.address, ':') THEN 10 ELSE 2 END AS family, l.address, NULL AS fd,
       l.cookie AS socket, '' AS path, l.net_ns AS net_namespace, l.process_id
FROM listeners AS l
LEFT JOIN processes AS p ON p.id = l.process_id
WHERE l.ended_at IS NULL;
