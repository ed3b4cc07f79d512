-- Recorded rows under the names that osquery's tables have.
-- spyq-views(7) has the mapping.

CREATE VIEW process_events AS
SELECT pid, coalesce(e.exe, filename) AS path, NULL AS mode,
       (SELECT group_concat(value, ' ') FROM json_each(argv)) AS cmdline,
       argv_length AS cmdline_size, environment AS env,
       (SELECT count(*) FROM json_each(environment)) AS env_count,
       length(environment) AS env_size, e.cwd, login_uid AS auid, e.uid, e.euid, e.gid,
       e.egid, ppid AS parent, at / 1000000000 AS time,
       (at - booted_at) / 1000000000 AS uptime, e.id AS eid,
       CASE WHEN error IS NULL THEN 'succeeded' ELSE 'failed' END AS status,
       'execve' AS syscall, process_id, at
FROM execs AS e
JOIN processes AS p ON p.id = process_id
LEFT JOIN hosts AS h ON h.id = host_id;

CREATE VIEW socket_events AS
SELECT CASE direction WHEN 'in' THEN 'accept' ELSE 'connect' END AS action, pid,
       exe AS path, NULL AS fd, login_uid AS auid,
       CASE WHEN state IN ('open', 'closed', 'reset') THEN 'succeeded' WHEN state = 'connecting' THEN 'in_progress' ELSE 'failed' END AS status,
       CASE WHEN instr(local_address, ':') THEN 10 ELSE 2 END AS family,
       CASE protocol WHEN 'tcp' THEN 6 ELSE 17 END AS protocol, local_address,
       remote_address, local_port, remote_port, '' AS socket,
       c.started_at / 1000000000 AS time, (c.started_at - booted_at) / 1000000000 AS uptime,
       c.id AS eid, state IN ('open', 'closed', 'reset') AS success, process_id,
       c.started_at AS at
FROM connections AS c
LEFT JOIN processes AS p ON p.id = process_id
LEFT JOIN hosts AS h ON h.id = c.host_id
UNION ALL
SELECT 'bind', pid, exe, NULL, login_uid, 'succeeded',
       CASE WHEN instr(address, ':') THEN 10 ELSE 2 END,
       CASE protocol WHEN 'tcp' THEN 6 ELSE 17 END, address, NULL, port, NULL, '',
       l.started_at / 1000000000, (l.started_at - booted_at) / 1000000000, l.id, 1,
       process_id, l.started_at
FROM listeners AS l
LEFT JOIN processes AS p ON p.id = process_id
LEFT JOIN hosts AS h ON h.id = l.host_id;

CREATE VIEW bpf_process_events AS
SELECT pid AS tid, pid, ppid AS parent, e.uid, e.gid, NULL AS cid,
       CASE WHEN error IS NULL THEN '0' ELSE error END AS exit_code, 0 AS probe_error,
       'execve' AS syscall, coalesce(e.exe, filename) AS path, e.cwd,
       (SELECT group_concat(value, ' ') FROM json_each(argv)) AS cmdline, NULL AS duration,
       argv AS json_cmdline, at AS ntime, at / 1000000000 AS time, e.id AS eid,
       process_id
FROM execs AS e
JOIN processes AS p ON p.id = process_id;

CREATE VIEW bpf_socket_events AS
SELECT pid AS tid, pid, ppid AS parent, uid, gid, NULL AS cid,
       coalesce(error, '0') AS exit_code, 0 AS probe_error,
       CASE direction WHEN 'in' THEN 'accept' ELSE 'connect' END AS syscall, exe AS path,
       NULL AS fd, CASE WHEN instr(local_address, ':') THEN 10 ELSE 2 END AS family,
       CASE protocol WHEN 'tcp' THEN 1 ELSE 2 END AS type,
       CASE protocol WHEN 'tcp' THEN 6 ELSE 17 END AS protocol, local_address,
       remote_address, local_port, remote_port, NULL AS duration, c.started_at AS ntime,
       c.started_at / 1000000000 AS time, c.id AS eid, process_id
FROM connections AS c
LEFT JOIN processes AS p ON p.id = process_id
UNION ALL
SELECT pid, pid, ppid, uid, gid, NULL, '0', 0, 'bind', exe, NULL,
       CASE WHEN instr(address, ':') THEN 10 ELSE 2 END,
       CASE protocol WHEN 'tcp' THEN 1 ELSE 2 END,
       CASE protocol WHEN 'tcp' THEN 6 ELSE 17 END, address, NULL, port, NULL, NULL,
       l.started_at, l.started_at / 1000000000, l.id, process_id
FROM listeners AS l
LEFT JOIN processes AS p ON p.id = process_id;

CREATE VIEW listening_ports AS
SELECT pid, port, CASE protocol WHEN 'tcp' THEN 6 ELSE 17 END AS protocol,
       CASE WHEN instr(address, ':') THEN 10 ELSE 2 END AS family, address, NULL AS fd,
       cookie AS socket, '' AS path, l.net_ns AS net_namespace, process_id
FROM listeners AS l
LEFT JOIN processes AS p ON p.id = process_id
WHERE l.ended_at IS NULL;
