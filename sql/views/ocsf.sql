-- Recorded rows under the names of the Open Cybersecurity Schema Framework.
-- spyq-views(7) has the mapping.

CREATE VIEW ocsf_process_activity AS
SELECT at / 1000000 AS time, 1 AS category_uid, 1007 AS class_uid,
       'Process Activity' AS class_name, 1 AS activity_id, 100700 + 1 AS type_uid,
       iif(error IS NULL, 1, 2) AS status_id, p.pid AS "process.pid", p.id AS "process.uid",
       p.comm AS "process.name", e.exe AS "process.file.path",
       (SELECT group_concat(value, ' ') FROM json_each(argv)) AS "process.cmd_line",
       e.cwd AS "process.working_directory", e.uid AS "process.user.uid",
       p.user AS "process.user.name", p.audit_session AS "process.session.uid",
       p.container_id AS "process.container.uid", q.pid AS "actor.process.pid",
       p.parent_id AS "actor.process.uid",
       coalesce((SELECT exe FROM execs
                 WHERE process_id = p.parent_id AND at <= e.at AND error IS NULL
                 ORDER BY at DESC LIMIT 1), q.exe) AS "actor.process.file.path",
       coalesce((SELECT (SELECT group_concat(value, ' ') FROM json_each(argv)) FROM execs
                 WHERE process_id = p.parent_id AND at <= e.at AND error IS NULL
                 ORDER BY at DESC LIMIT 1), q.cmdline) AS "actor.process.cmd_line",
       hostname AS "device.hostname", machine_id AS "device.uid", e.id AS "metadata.uid"
FROM execs AS e
JOIN processes AS p ON p.id = process_id
LEFT JOIN processes AS q ON q.id = p.parent_id
LEFT JOIN hosts AS h ON h.id = p.host_id;

CREATE VIEW ocsf_network_activity AS
SELECT c.started_at / 1000000 AS time, 4 AS category_uid, 4001 AS class_uid,
       'Network Activity' AS class_name,
       CASE WHEN state IN ('open', 'closed', 'reset') THEN 1 WHEN state = 'connecting' THEN 0 ELSE 4 END AS activity_id,
       400100 + CASE WHEN state IN ('open', 'closed', 'reset') THEN 1 WHEN state = 'connecting' THEN 0 ELSE 4 END AS type_uid,
       protocol AS "connection_info.protocol_name", 2 AS "connection_info.direction_id",
       local_address AS "src_endpoint.ip", local_port AS "src_endpoint.port",
       remote_address AS "dst_endpoint.ip", remote_port AS "dst_endpoint.port",
       remote_name AS "dst_endpoint.hostname", bytes_sent AS "traffic.bytes_out",
       bytes_received AS "traffic.bytes_in", pid AS "actor.process.pid",
       p.id AS "actor.process.uid", comm AS "actor.process.name",
       exe AS "actor.process.file.path", cmdline AS "actor.process.cmd_line",
       uid AS "actor.user.uid", user AS "actor.user.name", hostname AS "device.hostname",
       machine_id AS "device.uid", c.id AS "metadata.uid"
FROM connections AS c
LEFT JOIN processes AS p ON p.id = process_id
LEFT JOIN hosts AS h ON h.id = c.host_id
WHERE direction = 'out'
UNION ALL
SELECT c.started_at / 1000000, 4, 4001, 'Network Activity',
       CASE WHEN state IN ('open', 'closed', 'reset') THEN 1 WHEN state = 'connecting' THEN 0 ELSE 4 END,
       400100 + CASE WHEN state IN ('open', 'closed', 'reset') THEN 1 WHEN state = 'connecting' THEN 0 ELSE 4 END,
       protocol, 1, remote_address, remote_port, local_address, local_port, NULL,
       bytes_sent, bytes_received, pid, p.id, comm, exe, cmdline, uid, user,
       hostname, machine_id, c.id
FROM connections AS c
LEFT JOIN processes AS p ON p.id = process_id
LEFT JOIN hosts AS h ON h.id = c.host_id
WHERE direction = 'in';

CREATE VIEW ocsf_file_activity AS
SELECT at / 1000000 AS time, 1 AS category_uid, 1001 AS class_uid,
       'File System Activity' AS class_name,
       CASE op WHEN 'write' THEN 3 WHEN 'unlink' THEN 4 WHEN 'rename' THEN 5 WHEN 'chmod' THEN 7 ELSE 99 END AS activity_id,
       100100 + CASE op WHEN 'write' THEN 3 WHEN 'unlink' THEN 4 WHEN 'rename' THEN 5 WHEN 'chmod' THEN 7 ELSE 99 END AS type_uid,
       path AS "file.path", size AS "file.size", old_path AS file_diff,
       pid AS "actor.process.pid", p.id AS "actor.process.uid",
       comm AS "actor.process.name", exe AS "actor.process.file.path",
       cmdline AS "actor.process.cmd_line", uid AS "actor.user.uid",
       user AS "actor.user.name", hostname AS "device.hostname",
       machine_id AS "device.uid", f.id AS "metadata.uid"
FROM files AS f
LEFT JOIN processes AS p ON p.id = process_id
LEFT JOIN hosts AS h ON h.id = f.host_id;

CREATE VIEW ocsf_dns_activity AS
SELECT at / 1000000 AS time, 4 AS category_uid, 4003 AS class_uid,
       'DNS Activity' AS class_name, 6 AS activity_id, 400300 + 6 AS type_uid,
       name AS "query.hostname", type AS "query.type", rcode, answers,
       server AS "dst_endpoint.ip", pid AS "actor.process.pid",
       p.id AS "actor.process.uid", comm AS "actor.process.name",
       exe AS "actor.process.file.path", cmdline AS "actor.process.cmd_line",
       uid AS "actor.user.uid", user AS "actor.user.name", hostname AS "device.hostname",
       machine_id AS "device.uid", d.id AS "metadata.uid"
FROM dns_queries AS d
LEFT JOIN processes AS p ON p.id = process_id
LEFT JOIN hosts AS h ON h.id = d.host_id;

CREATE VIEW ocsf_detection_finding AS
SELECT at / 1000000 AS time, 2 AS category_uid, 2004 AS class_uid,
       'Detection Finding' AS class_name, 1 AS activity_id, 200400 + 1 AS type_uid,
       CASE severity WHEN 'critical' THEN 5 WHEN 'high' THEN 4 WHEN 'medium' THEN 3 WHEN 'low' THEN 2 ELSE 1 END AS severity_id,
       g.id AS "finding_info.uid", title AS "finding_info.title",
       detail AS "finding_info.desc", rule AS "finding_info.analytic.uid",
       techniques AS "finding_info.attacks", pid AS "actor.process.pid",
       p.id AS "actor.process.uid", comm AS "actor.process.name",
       exe AS "actor.process.file.path", cmdline AS "actor.process.cmd_line",
       uid AS "actor.user.uid", user AS "actor.user.name", hostname AS "device.hostname",
       machine_id AS "device.uid", g.id AS "metadata.uid"
FROM flags AS g
LEFT JOIN processes AS p ON p.id = process_id
LEFT JOIN hosts AS h ON h.id = g.host_id;
