-- Recorded rows under the names of the Elastic Common Schema.
-- spyq-views(7) has the mapping.

CREATE VIEW ecs_process AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', at / 1e9, 'unixepoch') AS "@timestamp",
       'process' AS "event.category", 'start' AS "event.type", 'exec' AS "event.action",
       iif(error IS NULL, 'success', 'failure') AS "event.outcome", p.pid AS "process.pid",
       p.id AS "process.entity_id", p.comm AS "process.name", e.exe AS "process.executable",
       argv AS "process.args", argc AS "process.args_count",
       (SELECT group_concat(value, ' ') FROM json_each(argv)) AS "process.command_line",
       e.cwd AS "process.working_directory",
       strftime('%Y-%m-%dT%H:%M:%fZ', p.started_at / 1e9, 'unixepoch') AS "process.start",
       q.pid AS "process.parent.pid", p.parent_id AS "process.parent.entity_id",
       q.comm AS "process.parent.name",
       coalesce((SELECT exe FROM execs
                 WHERE process_id = p.parent_id AND at <= e.at AND error IS NULL
                 ORDER BY at DESC LIMIT 1), q.exe) AS "process.parent.executable",
       coalesce((SELECT (SELECT group_concat(value, ' ') FROM json_each(argv)) FROM execs
                 WHERE process_id = p.parent_id AND at <= e.at AND error IS NULL
                 ORDER BY at DESC LIMIT 1), q.cmdline) AS "process.parent.command_line",
       p.uid AS "user.id", p.user AS "user.name", p.container_id AS "container.id",
       hostname AS "host.name", machine_id AS "host.id", e.id AS "event.id"
FROM execs AS e
JOIN processes AS p ON p.id = process_id
LEFT JOIN processes AS q ON q.id = p.parent_id
LEFT JOIN hosts AS h ON h.id = p.host_id;

CREATE VIEW ecs_network AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', c.started_at / 1e9, 'unixepoch') AS "@timestamp",
       'network' AS "event.category", 'connection' AS "event.type",
       iif(direction = 'in', 'connection_accepted', 'connection_attempted') AS "event.action",
       iif(state IN ('open', 'closed', 'reset'), 'success', iif(state = 'connecting', 'unknown', 'failure')) AS "event.outcome",
       protocol AS "network.transport",
       iif(instr(remote_address, ':'), 'ipv6', 'ipv4') AS "network.type",
       'egress' AS "network.direction", local_address AS "source.ip",
       local_port AS "source.port", bytes_sent AS "source.bytes",
       remote_address AS "destination.ip", remote_port AS "destination.port",
       bytes_received AS "destination.bytes", remote_name AS "destination.domain",
       pid AS "process.pid", p.id AS "process.entity_id", comm AS "process.name",
       exe AS "process.executable", cmdline AS "process.command_line", uid AS "user.id",
       user AS "user.name", container_id AS "container.id", hostname AS "host.name",
       machine_id AS "host.id", c.id AS "event.id"
FROM connections AS c
LEFT JOIN processes AS p ON p.id = process_id
LEFT JOIN hosts AS h ON h.id = c.host_id
WHERE direction = 'out'
UNION ALL
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', c.started_at / 1e9, 'unixepoch'), 'network',
       'connection', iif(direction = 'in', 'connection_accepted', 'connection_attempted'),
       iif(state IN ('open', 'closed', 'reset'), 'success', iif(state = 'connecting', 'unknown', 'failure')),
       protocol, iif(instr(remote_address, ':'), 'ipv6', 'ipv4'), 'ingress',
       remote_address, remote_port, bytes_received, local_address, local_port,
       bytes_sent, NULL, pid, p.id, comm, exe, cmdline, uid, user,
       container_id, hostname, machine_id, c.id
FROM connections AS c
LEFT JOIN processes AS p ON p.id = process_id
LEFT JOIN hosts AS h ON h.id = c.host_id
WHERE direction = 'in';

CREATE VIEW ecs_file AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', at / 1e9, 'unixepoch') AS "@timestamp",
       'file' AS "event.category",
       CASE op WHEN 'unlink' THEN 'deletion' WHEN 'write' THEN 'creation' ELSE 'change' END AS "event.type",
       op AS "event.action", path AS "file.path", old_path AS "file.Ext.original.path",
       inode AS "file.inode", device AS "file.device",
       iif(mode IS NULL, NULL, printf('%04o', mode & 4095)) AS "file.mode",
       size AS "file.size", pid AS "process.pid", p.id AS "process.entity_id",
       comm AS "process.name", exe AS "process.executable",
       cmdline AS "process.command_line", uid AS "user.id", user AS "user.name",
       container_id AS "container.id", hostname AS "host.name", machine_id AS "host.id",
       f.id AS "event.id"
FROM files AS f
LEFT JOIN processes AS p ON p.id = process_id
LEFT JOIN hosts AS h ON h.id = f.host_id;

CREATE VIEW ecs_dns AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', at / 1e9, 'unixepoch') AS "@timestamp",
       'network' AS "event.category", 'protocol' AS "event.type",
       'dns_query' AS "event.action", name AS "dns.question.name",
       type AS "dns.question.type", rcode AS "dns.response_code",
       answers AS "dns.resolved_ip", protocol AS "network.transport",
       server AS "destination.ip", pid AS "process.pid", p.id AS "process.entity_id",
       comm AS "process.name", exe AS "process.executable",
       cmdline AS "process.command_line", uid AS "user.id", user AS "user.name",
       container_id AS "container.id", hostname AS "host.name", machine_id AS "host.id",
       d.id AS "event.id"
FROM dns_queries AS d
LEFT JOIN processes AS p ON p.id = process_id
LEFT JOIN hosts AS h ON h.id = d.host_id;

CREATE VIEW ecs_alert AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', at / 1e9, 'unixepoch') AS "@timestamp",
       'alert' AS "event.kind", rule AS "rule.id", title AS "rule.name",
       CASE severity WHEN 'critical' THEN 99 WHEN 'high' THEN 73 WHEN 'medium' THEN 47 WHEN 'low' THEN 21 ELSE 1 END AS "event.severity",
       techniques AS "threat.technique.id", tactics AS "threat.tactic.name",
       detail AS message, pid AS "process.pid", p.id AS "process.entity_id",
       comm AS "process.name", exe AS "process.executable",
       cmdline AS "process.command_line", uid AS "user.id", user AS "user.name",
       container_id AS "container.id", hostname AS "host.name", machine_id AS "host.id",
       g.id AS "event.id"
FROM flags AS g
LEFT JOIN processes AS p ON p.id = process_id
LEFT JOIN hosts AS h ON h.id = g.host_id;
