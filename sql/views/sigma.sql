-- Recorded rows under the names that Sigma's rules for Linux use, which are Sysmon's.
-- spyq-views(7) has the mapping.

CREATE VIEW sigma_process_creation AS
SELECT strftime('%Y-%m-%d %H:%M:%f', e.at / 1e9, 'unixepoch') AS UtcTime,
       e.process_id AS ProcessGuid, p.pid AS ProcessId, e.exe AS Image,
       NULL AS OriginalFileName, NULL AS Hashes,
       (SELECT group_concat(value, ' ') FROM json_each(e.argv)) AS CommandLine,
       e.cwd AS CurrentDirectory, p.user AS User, p.trace_id AS LogonGuid,
       p.audit_session AS LogonId, p.sid AS TerminalSessionId, NULL AS IntegrityLevel,
       p.parent_id AS ParentProcessGuid, q.pid AS ParentProcessId,
       coalesce((SELECT x.exe FROM execs AS x
                 WHERE x.process_id = p.parent_id AND x.at <= e.at AND x.error IS NULL
                 ORDER BY x.at DESC LIMIT 1), q.exe) AS ParentImage,
       coalesce((SELECT (SELECT group_concat(value, ' ') FROM json_each(x.argv)) FROM execs AS x
                 WHERE x.process_id = p.parent_id AND x.at <= e.at AND x.error IS NULL
                 ORDER BY x.at DESC LIMIT 1), q.cmdline) AS ParentCommandLine,
       q.user AS ParentUser, e.id, e.at, e.process_id
FROM execs AS e
JOIN processes AS p ON p.id = e.process_id
LEFT JOIN processes AS q ON q.id = p.parent_id
WHERE e.error IS NULL;

CREATE VIEW sigma_network_connection AS
SELECT strftime('%Y-%m-%d %H:%M:%f', c.started_at / 1e9, 'unixepoch') AS UtcTime,
       c.process_id AS ProcessGuid, p.pid AS ProcessId, p.exe AS Image,
       p.cmdline AS CommandLine, p.user AS User, c.protocol AS Protocol, 'true' AS Initiated,
       iif(instr(c.local_address, ':'), 'true', 'false') AS SourceIsIpv6,
       c.local_address AS SourceIp, NULL AS SourceHostname, c.local_port AS SourcePort,
       iif(instr(c.remote_address, ':'), 'true', 'false') AS DestinationIsIpv6,
       c.remote_address AS DestinationIp, c.remote_name AS DestinationHostname,
       c.remote_port AS DestinationPort, c.id, c.started_at AS at, c.process_id
FROM connections AS c
LEFT JOIN processes AS p ON p.id = c.process_id
WHERE c.direction = 'out'
UNION ALL
SELECT strftime('%Y-%m-%d %H:%M:%f', c.started_at / 1e9, 'unixepoch'), c.process_id, p.pid,
       p.exe, p.cmdline, p.user, c.protocol, 'false',
       iif(instr(c.remote_address, ':'), 'true', 'false'), c.remote_address, c.remote_name,
       c.remote_port, iif(instr(c.local_address, ':'), 'true', 'false'), c.local_address, NULL,
       c.local_port, c.id, c.started_at, c.process_id
FROM connections AS c
LEFT JOIN processes AS p ON p.id = c.process_id
WHERE c.direction = 'in';

CREATE VIEW sigma_file_event AS
SELECT strftime('%Y-%m-%d %H:%M:%f', f.at / 1e9, 'unixepoch') AS UtcTime,
       f.process_id AS ProcessGuid, p.pid AS ProcessId, p.exe AS Image,
       p.cmdline AS CommandLine, p.user AS User, f.path AS TargetFilename,
       f.old_path AS SourceFilename,
       strftime('%Y-%m-%d %H:%M:%f', f.at / 1e9, 'unixepoch') AS CreationUtcTime,
       f.op AS Operation, f.id, f.at, f.process_id
FROM files AS f
LEFT JOIN processes AS p ON p.id = f.process_id
WHERE f.op <> 'unlink';

CREATE VIEW sigma_dns_query AS
SELECT strftime('%Y-%m-%d %H:%M:%f', d.at / 1e9, 'unixepoch') AS UtcTime,
       d.process_id AS ProcessGuid, p.pid AS ProcessId, p.exe AS Image,
       p.cmdline AS CommandLine, p.user AS User, d.name AS QueryName, d.type AS QueryType,
       d.rcode AS QueryStatus, d.answers AS QueryResults, d.id, d.at, d.process_id
FROM dns_queries AS d
LEFT JOIN processes AS p ON p.id = d.process_id;
