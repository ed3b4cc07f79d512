-- Recorded rows under the names of the Open Cybersecurity Schema Framework.
-- spyq-views(7) has the mapping.

CREATE VIEW ocsf_process_activity AS
SELECT e.at / 1000000 AS time, 1 AS category_uid, 1007 AS class_uid,
       'Process Activity' AS class_name, 1 AS activity_id, 100700 + 1 AS type_uid,
       iif(e.error IS NULL, 1, 2) AS status_id, p.pid AS "process.pid", p.id AS "process.uid",
       p.comm AS "process.name", e.exe AS "process.file.path",
       (SELECT group_concat(value, ' ') FROM json_each(e.argv)) AS "process.cmd_line",
       e.cwd AS "process.working_directory", e.uid AS "process.user.uid",
       p.user AS "process.user.name", p.audit_session AS "process.session.uid",
       p.container_id AS "process.container.uid", q.pid AS "actor.process.pid",
       p.parent_id AS "actor.process.uid",
       coalesce((SELECT x.exe FROM execs AS x
                 WHERE x.process_id = p.parent_id AND x.at <= e.at AND x.error IS NULL
                 ORDER BY x.at DESC LIMIT 1), q.exe) AS "actor.process.file.path",
       coalesce((SELECT (SELECT group_concat(value, ' ') FROM json_each(x.argv)) FROM execs AS x
                 WHERE x.process_id = p.parent_id AND x.at <= e.at AND x.error IS NULL
                 ORDER BY x.at DESC LIMIT 1), q.cmdline) AS "actor.process.cmd_line",
       h.hostname AS "device.hostname", h.machine_id AS "device.uid", e.id AS "metadata.uid"
FROM execs AS e
JOIN processes AS p ON p.id = e.process_id
LEFT JOIN processes AS q ON q.id = p.parent_id
LEFT JOIN hosts AS h ON h.id = p.host_id;

CREATE VIEW ocsf_network_activity AS
SELECT c.started_at / 1000000 AS time, 4 AS category_uid, 4001 AS class_uid,
       'Network Activity' AS class_name,
       CASE WHEN c.state IN ('open', 'closed', 'reset') THEN 1 WHEN c.state = 'connecting' THEN 0 ELSE 4 END AS activity_id,
       400100 + CASE WHEN c.state IN ('open', 'closed', 'reset') THEN 1 WHEN c.state = 'connecting' THEN 0 ELSE 4 END AS type_uid,
       c.protocol AS "connection_info.protocol_name", 2 AS "connection_info.direction_id",
       c.local_address AS "src_endpoint.ip", c.local_port AS "src_endpoint.port",
       c.remote_address AS "dst_endpoint.ip", c.remote_port AS "dst_endpoint.port",
       c.remote_name AS "dst_endpoint.hostname", c.bytes_sent AS "traffic.bytes_out",
       c.bytes_received AS "traffic.bytes_in", p.pid AS "actor.process.pid",
       p.id AS "actor.process.uid", p.comm AS "actor.process.name",
       p.exe AS "actor.process.file.path", p.cmdline AS "actor.process.cmd_line",
       p.uid AS "actor.user.uid", p.user AS "actor.user.name", h.hostname AS "device.hostname",
       h.machine_id AS "device.uid", c.id AS "metadata.uid"
FROM connections AS c
LEFT JOIN processes AS p ON p.id = c.process_id
LEFT JOIN hosts AS h ON h.id = c.host_id
WHERE c.direction = 'out'
UNION ALL
SELECT c.started_at / 1000000, 4, 4001, 'Network Activity',
       CASE WHEN c.state IN ('open', 'closed', 'reset') THEN 1 WHEN c.state = 'connecting' THEN 0 ELSE 4 END,
       400100 + CASE WHEN c.state IN ('open', 'closed', 'reset') THEN 1 WHEN c.state = 'connecting' THEN 0 ELSE 4 END,
       c.protocol, 1, c.remote_address, c.remote_port, c.local_address, c.local_port, NULL,
       c.bytes_sent, c.bytes_received, p.pid, p.id, p.comm, p.exe, p.cmdline, p.uid, p.user,
       h.hostname, h.machine_id, c.id
FROM connections AS c
LEFT JOIN processes AS p ON p.id = c.process_id
LEFT JOIN hosts AS h ON h.id = c.host_id
WHERE c.direction = 'in';

CREATE VIEW ocsf_file_activity AS
SELECT f.at / 1000000 AS time, 1 AS category_uid, 1001 AS class_uid,
       'File System Activity' AS class_name,
       CASE f.op WHEN 'write' THEN 3 WHEN 'unlink' THEN 4 WHEN 'rename' THEN 5 WHEN 'chmod' THEN 7 ELSE 99 END AS activity_id,
       100100 + CASE f.op WHEN 'write' THEN 3 WHEN 'unlink' THEN 4 WHEN 'rename' THEN 5 WHEN 'chmod' THEN 7 ELSE 99 END AS type_uid,
       f.path AS "file.path", f.size AS "file.size", f.old_path AS file_diff,
       p.pid AS "actor.process.pid", p.id AS "actor.process.uid",
       p.comm AS "actor.process.name", p.exe AS "actor.process.file.path",
       p.cmdline AS "actor.process.cmd_line", p.uid AS "actor.user.uid",
       p.user AS "actor.user.name", h.hostname AS "device.hostname",
       h.machine_id AS "device.uid", f.id AS "metadata.uid"
FROM files AS f
LEFT JOIN processes AS p ON p.id = f.process_id
LEFT JOIN hosts AS h ON h.id = f.host_id;

CREATE VIEW ocsf_dns_activity AS
SELECT d.at / 1000000 AS time, 4 AS category_uid, 4003 AS class_uid,
       'DNS Activity' AS class_name, 6 AS activity_id, 400300 + 6 AS type_uid,
       d.name AS "query.hostname", d.type AS "query.type", d.rcode, d.answers,
       d.server AS "dst_endpoint.ip", p.pid AS "actor.process.pid",
       p.id AS "actor.process.uid", p.comm AS "actor.process.name",
       p.exe AS "actor.process.file.path", p.cmdline AS "actor.process.cmd_line",
       p.uid AS "actor.user.uid", p.user AS "actor.user.name", h.hostname AS "device.hostname",
       h.machine_id AS "device.uid", d.id AS "metadata.uid"
FROM dns_queries AS d
LEFT JOIN processes AS p ON p.id = d.process_id
LEFT JOIN hosts AS h ON h.id = d.host_id;

CREATE VIEW ocsf_detection_finding AS
SELECT g.at / 1000000 AS time, 2 AS category_uid, 2004 AS class_uid,
       'Detection Finding' AS class_name, 1 AS activity_id, 200400 + 1 AS type_uid,
       CASE g.severity WHEN 'critical' THEN 5 WHEN 'high' THEN 4 WHEN 'medium' THEN 3 WHEN 'low' THEN 2 ELSE 1 END AS severity_id,
       g.id AS "finding_info.uid", g.title AS "finding_info.title",
       g.detail AS "finding_info.desc", g.rule AS "finding_info.analytic.uid",
       g.techniques AS "finding_info.attacks", p.pid AS "actor.process.pid",
       p.id AS "actor.process.uid", p.comm AS "actor.process.name",
       p.exe AS "actor.process.file.path", p.cmdline AS "actor.process.cmd_line",
       p.uid AS "actor.user.uid", p.user AS "actor.user.name", h.hostname AS "device.hostname",
       h.machine_id AS "device.uid", g.id AS "metadata.uid"
FROM flags AS g
LEFT JOIN processes AS p ON p.id = g.process_id
LEFT JOIN hosts AS h ON h.id = g.host_id;
