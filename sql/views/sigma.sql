-- Recorded rows under the names that Sigma's rules for Linux use, which are Sysmon's.
-- spyq-views(7) has the mapping.

CREATE VIEW sigma_process_creation AS
SELECT strftime('%Y-%m-%d %H:%M:%f', at / 1e9, 'unixepoch') AS UtcTime,
       process_id AS ProcessGuid, p.pid AS ProcessId, e.exe AS Image,
       NULL AS OriginalFileName, NULL AS Hashes,
       (SELECT group_concat(value, ' ') FROM json_each(argv)) AS CommandLine,
       e.cwd AS CurrentDirectory, p.user AS User, p.trace_id AS LogonGuid,
       p.audit_session AS LogonId, p.sid AS TerminalSessionId, NULL AS IntegrityLevel,
       p.parent_id AS ParentProcessGuid, q.pid AS ParentProcessId,
       coalesce((SELECT exe FROM execs
                 WHERE process_id = p.parent_id AND at <= e.at AND error IS NULL
                 ORDER BY at DESC LIMIT 1), q.exe) AS ParentImage,
       coalesce((SELECT (SELECT group_concat(value, ' ') FROM json_each(argv)) FROM execs
                 WHERE process_id = p.parent_id AND at <= e.at AND error IS NULL
                 ORDER BY at DESC LIMIT 1), q.cmdline) AS ParentCommandLine,
       q.user AS ParentUser, e.id, at, process_id
FROM execs AS e
JOIN processes AS p ON p.id = process_id
LEFT JOIN processes AS q ON q.id = p.parent_id
WHERE error IS NULL;

CREATE VIEW sigma_network_connection AS
SELECT strftime('%Y-%m-%d %H:%M:%f', c.started_at / 1e9, 'unixepoch') AS UtcTime,
       process_id AS ProcessGuid, pid AS ProcessId, exe AS Image,
       cmdline AS CommandLine, user AS User, protocol AS Protocol, 'true' AS Initiated,
       iif(instr(local_address, ':'), 'true', 'false') AS SourceIsIpv6,
       local_address AS SourceIp, NULL AS SourceHostname, local_port AS SourcePort,
       iif(instr(remote_address, ':'), 'true', 'false') AS DestinationIsIpv6,
       remote_address AS DestinationIp, remote_name AS DestinationHostname,
       remote_port AS DestinationPort, c.id, c.started_at AS at, process_id
FROM connections AS c
LEFT JOIN processes AS p ON p.id = process_id
WHERE direction = 'out'
UNION ALL
SELECT strftime('%Y-%m-%d %H:%M:%f', c.started_at / 1e9, 'unixepoch'), process_id, pid,
       exe, cmdline, user, protocol, 'false',
       iif(instr(remote_address, ':'), 'true', 'false'), remote_address, remote_name,
       remote_port, iif(instr(local_address, ':'), 'true', 'false'), local_address, NULL,
       local_port, c.id, c.started_at, process_id
FROM connections AS c
LEFT JOIN processes AS p ON p.id = process_id
WHERE direction = 'in';

CREATE VIEW sigma_file_event AS
SELECT strftime('%Y-%m-%d %H:%M:%f', at / 1e9, 'unixepoch') AS UtcTime,
       process_id AS ProcessGuid, pid AS ProcessId, exe AS Image,
       cmdline AS CommandLine, user AS User, path AS TargetFilename,
       old_path AS SourceFilename,
       strftime('%Y-%m-%d %H:%M:%f', at / 1e9, 'unixepoch') AS CreationUtcTime,
       op AS Operation, f.id, at, process_id
FROM files AS f
LEFT JOIN processes AS p ON p.id = process_id
WHERE op <> 'unlink';

CREATE VIEW sigma_dns_query AS
SELECT strftime('%Y-%m-%d %H:%M:%f', at / 1e9, 'unixepoch') AS UtcTime,
       process_id AS ProcessGuid, pid AS ProcessId, exe AS Image,
       cmdline AS CommandLine, user AS User, name AS QueryName, type AS QueryType,
       rcode AS QueryStatus, answers AS QueryResults, d.id, at, process_id
FROM dns_queries AS d
LEFT JOIN processes AS p ON p.id = process_id;
