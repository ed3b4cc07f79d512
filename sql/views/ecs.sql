-- Recorded rows under the names of the Elastic Common Schema.
-- spyq-views(7) has the mapping.

CREATE VIEW ecs_process AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', e.at / 1e9, 'unixepoch') AS "@timestamp",
       'process' AS "event.category", 'start' AS "event.type", 'exec' AS "event.action",
       iif(e.error IS NULL, 'success', 'failure') AS "event.outcome", p.pid AS "process.pid",
       p.id AS "process.entity_id", p.comm AS "process.name", e.exe AS "process.executable",
       e.argv AS "process.args", e.argc AS "process.args_count",
       (SELECT group_concat(value, ' ') FROM json_each(e.argv)) AS "process.command_line",
       e.cwd AS "process.working_directory",
       strftime('%Y-%m-%dT%H:%M:%fZ', p.started_at / 1e9, 'unixepoch') AS "process.start",
       q.pid AS "process.parent.pid", p.parent_id AS "process.parent.entity_id",
       q.comm AS "process.parent.name",
       coalesce((SELECT x.exe FROM execs AS x
                 WHERE x.process_id = p.parent_id AND x.at <= e.at AND x.error IS NULL
                 ORDER BY x.at DESC LIMIT 1), q.exe) AS "process.parent.executable",
       coalesce((SELECT (SELECT group_concat(value, ' ') FROM json_each(x.argv)) FROM execs AS x
                 WHERE x.process_id = p.parent_id AND x.at <= e.at AND x.error IS NULL
                 ORDER BY x.at DESC LIMIT 1), q.cmdline) AS "process.parent.command_line",
       p.uid AS "user.id", p.user AS "user.name", p.container_id AS "container.id",
       h.hostname AS "host.name", h.machine_id AS "host.id", e.id AS "event.id"
FROM execs AS e
JOIN processes AS p ON p.id = e.process_id
LEFT JOIN processes AS q ON q.id = p.parent_id
LEFT JOIN hosts AS h ON h.id = p.host_id;

CREATE VIEW ecs_network AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', c.started_at / 1e9, 'unixepoch') AS "@timestamp",
       'network' AS "event.category", 'connection' AS "event.type",
       iif(c.direction = 'in', 'connection_accepted', 'connection_attempted') AS "event.action",
       iif(c.state IN ('open', 'closed', 'reset'), 'success', iif(c.state = 'connecting', 'unknown', 'failure')) AS "event.outcome",
       c.protocol AS "network.transport",
       iif(instr(c.remote_address, ':'), 'ipv6', 'ipv4') AS "network.type",
       'egress' AS "network.direction", c.local_address AS "source.ip",
       c.local_port AS "source.port", c.bytes_sent AS "source.bytes",
       c.remote_address AS "destination.ip", c.remote_port AS "destination.port",
       c.bytes_received AS "destination.bytes", c.remote_name AS "destination.domain",
       p.pid AS "process.pid", p.id AS "process.entity_id", p.comm AS "process.name",
       p.exe AS "process.executable", p.cmdline AS "process.command_line", p.uid AS "user.id",
       p.user AS "user.name", p.container_id AS "container.id", h.hostname AS "host.name",
       h.machine_id AS "host.id", c.id AS "event.id"
FROM connections AS c
LEFT JOIN processes AS p ON p.id = c.process_id
LEFT JOIN hosts AS h ON h.id = c.host_id
WHERE c.direction = 'out'
UNION ALL
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', c.started_at / 1e9, 'unixepoch'), 'network',
       'connection', iif(c.direction = 'in', 'connection_accepted', 'connection_attempted'),
       iif(c.state IN ('open', 'closed', 'reset'), 'success', iif(c.state = 'connecting', 'unknown', 'failure')),
       c.protocol, iif(instr(c.remote_address, ':'), 'ipv6', 'ipv4'), 'ingress',
       c.remote_address, c.remote_port, c.bytes_received, c.local_address, c.local_port,
       c.bytes_sent, NULL, p.pid, p.id, p.comm, p.exe, p.cmdline, p.uid, p.user,
       p.container_id, h.hostname, h.machine_id, c.id
FROM connections AS c
LEFT JOIN processes AS p ON p.id = c.process_id
LEFT JOIN hosts AS h ON h.id = c.host_id
WHERE c.direction = 'in';

CREATE VIEW ecs_file AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', f.at / 1e9, 'unixepoch') AS "@timestamp",
       'file' AS "event.category",
       CASE f.op WHEN 'unlink' THEN 'deletion' WHEN 'write' THEN 'creation' ELSE 'change' END AS "event.type",
       f.op AS "event.action", f.path AS "file.path", f.old_path AS "file.Ext.original.path",
       f.inode AS "file.inode", f.device AS "file.device",
       iif(f.mode IS NULL, NULL, printf('%04o', f.mode & 4095)) AS "file.mode",
       f.size AS "file.size", p.pid AS "process.pid", p.id AS "process.entity_id",
       p.comm AS "process.name", p.exe AS "process.executable",
       p.cmdline AS "process.command_line", p.uid AS "user.id", p.user AS "user.name",
       p.container_id AS "container.id", h.hostname AS "host.name", h.machine_id AS "host.id",
       f.id AS "event.id"
FROM files AS f
LEFT JOIN processes AS p ON p.id = f.process_id
LEFT JOIN hosts AS h ON h.id = f.host_id;

CREATE VIEW ecs_dns AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', d.at / 1e9, 'unixepoch') AS "@timestamp",
       'network' AS "event.category", 'protocol' AS "event.type",
       'dns_query' AS "event.action", d.name AS "dns.question.name",
       d.type AS "dns.question.type", d.rcode AS "dns.response_code",
       d.answers AS "dns.resolved_ip", d.protocol AS "network.transport",
       d.server AS "destination.ip", p.pid AS "process.pid", p.id AS "process.entity_id",
       p.comm AS "process.name", p.exe AS "process.executable",
       p.cmdline AS "process.command_line", p.uid AS "user.id", p.user AS "user.name",
       p.container_id AS "container.id", h.hostname AS "host.name", h.machine_id AS "host.id",
       d.id AS "event.id"
FROM dns_queries AS d
LEFT JOIN processes AS p ON p.id = d.process_id
LEFT JOIN hosts AS h ON h.id = d.host_id;

CREATE VIEW ecs_alert AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', g.at / 1e9, 'unixepoch') AS "@timestamp",
       'alert' AS "event.kind", g.rule AS "rule.id", g.title AS "rule.name",
       CASE g.severity WHEN 'critical' THEN 99 WHEN 'high' THEN 73 WHEN 'medium' THEN 47 WHEN 'low' THEN 21 ELSE 1 END AS "event.severity",
       g.techniques AS "threat.technique.id", g.tactics AS "threat.tactic.name",
       g.detail AS message, p.pid AS "process.pid", p.id AS "process.entity_id",
       p.comm AS "process.name", p.exe AS "process.executable",
       p.cmdline AS "process.command_line", p.uid AS "user.id", p.user AS "user.name",
       p.container_id AS "container.id", h.hostname AS "host.name", h.machine_id AS "host.id",
       g.id AS "event.id"
FROM flags AS g
LEFT JOIN processes AS p ON p.id = g.process_id
LEFT JOIN hosts AS h ON h.id = g.host_id;
