-- What people ask of a store, by the public names. None may read the whole of a table that grows
-- with the host's activity. Each query's comment says what it is for.

-- a process, and by which pid at which time
SELECT * FROM processes WHERE id = 7;
SELECT * FROM processes WHERE pid = 4102 ORDER BY started_at DESC LIMIT 1;
SELECT * FROM processes WHERE pid = 4102 AND started_at <= at('2026-11-22 03:12') ORDER BY started_at DESC LIMIT 1;
-- by program
SELECT * FROM processes WHERE exe = '/usr/bin/curl' ORDER BY started_at DESC LIMIT 1;
-- by time
SELECT * FROM processes WHERE started_at > ago('15m');
SELECT * FROM processes WHERE started_at BETWEEN at('2026-11-22 03:00') AND at('2026-11-22 03:12');
-- who was there at a moment, as the schema page has it
WITH lifetime (digits, most) AS (VALUES (11, 100000000000),
    (12, 1000000000000), (13, 10000000000000), (14, 100000000000000),
    (15, 1000000000000000), (16, 10000000000000000), (17, 100000000000000000))
SELECT id FROM processes
WHERE ended_at IS NULL AND +started_at <= at('2026-11-22 03:12')
UNION ALL SELECT id FROM processes
WHERE started_at BETWEEN at('2026-11-22 03:12') - 10000000000 AND at('2026-11-22 03:12')
    AND ended_at >= at('2026-11-22 03:12') AND ended_at - started_at < 10000000000
UNION ALL SELECT id FROM lifetime JOIN processes
    ON length(ended_at - started_at) = digits
    AND ended_at BETWEEN at('2026-11-22 03:12') AND at('2026-11-22 03:12') + most
WHERE ended_at - started_at >= 10000000000 AND +started_at <= at('2026-11-22 03:12');
-- what is alive on a host
SELECT * FROM processes WHERE host_id = 1 AND ended_at IS NULL;
-- children
SELECT * FROM processes WHERE parent_id = 6;
-- what a process ran, and all that ran lately
SELECT * FROM execs WHERE process_id = 7 ORDER BY at;
SELECT arg(argv, 0), iso(at), chain(process_id) FROM execs WHERE at > ago('1h');
-- who ran a file, as a program or a script; who wrote it, by its name now and then
SELECT * FROM execs WHERE exe = '/tmp/x' ORDER BY at DESC LIMIT 1;
SELECT * FROM execs WHERE script = '/tmp/x.sh' ORDER BY at DESC LIMIT 1;
SELECT * FROM files WHERE path = '/tmp/x' AND op = 'write' ORDER BY at DESC LIMIT 1;
SELECT * FROM files WHERE old_path = '/tmp/x' AND op = 'write';
-- connections of a process, to an address, to a port of ours, lately, open now
SELECT * FROM connections WHERE process_id = 7 ORDER BY started_at;
SELECT * FROM connections WHERE remote_address = '198.51.100.9' AND remote_port = 80;
SELECT * FROM connections WHERE local_port = 22;
SELECT * FROM connections WHERE started_at > ago('15m') AND is_public(remote_address);
SELECT * FROM connections WHERE host_id = 1 AND ended_at IS NULL;
-- the other end
SELECT peer.* FROM connections AS c JOIN connections AS peer ON peer.id = c.peer_id WHERE c.id = 2;
-- listeners
SELECT * FROM listeners WHERE process_id = 2;
SELECT * FROM listeners WHERE port = 22;
SELECT * FROM listeners WHERE address = '::1';
SELECT * FROM listeners WHERE host_id = 1 AND ended_at IS NULL;
-- edges, both ways, in time
SELECT * FROM edges WHERE src = 6 AND last_at >= at('2026-11-22 03:00');
SELECT * FROM edges WHERE dst = 8 AND at <= at('2026-11-22 03:12');
-- what is missing from an answer
SELECT * FROM losses WHERE ended_at > ago('1d');
SELECT * FROM gaps WHERE ended_at > at('2026-11-22') AND started_at < at('2026-11-23');
-- the views
SELECT * FROM process_tree WHERE id = 7;
SELECT * FROM process_tree WHERE parent_id = 6;
SELECT * FROM process_tree WHERE started_at > ago('15m');
SELECT * FROM open_connections WHERE process_id = 7;
SELECT * FROM conversations WHERE process_id = 7;
SELECT * FROM conversations WHERE connection_id = 2;
SELECT * FROM conversations WHERE started_at > ago('15m');
SELECT * FROM exposed_listeners WHERE port = 22;
SELECT * FROM exposed_listeners WHERE process_id = 2;
SELECT * FROM linked_traces WHERE src_trace_id = 4;
SELECT * FROM linked_traces WHERE dst_trace_id = 4;
SELECT * FROM logins WHERE id = 4;
SELECT * FROM logins WHERE started_at > ago('1d') ORDER BY started_at DESC;
-- traces
SELECT * FROM processes WHERE trace_id = 4;
SELECT * FROM traces WHERE id = 4;
SELECT * FROM traces WHERE started_at > ago('1d') ORDER BY started_at DESC;
SELECT * FROM traces WHERE last_at > ago('15m');
SELECT * FROM traces WHERE host_id = 1 AND ended_at IS NULL;
SELECT * FROM trace_links WHERE src_trace_id = 4 AND last_at > ago('1d');
SELECT * FROM trace_links WHERE dst_trace_id = 4 AND at < at('2026-11-23');
-- the table functions
SELECT p.* FROM ancestors(7) AS a JOIN processes AS p ON p.id = a.process_id ORDER BY a.depth;
SELECT p.* FROM descendants(1) AS d JOIN processes AS p ON p.id = d.process_id ORDER BY d.depth, d.at;
SELECT c.* FROM descendants(6) AS d JOIN connections AS c ON c.process_id = d.process_id;
SELECT p.id, a.process_id FROM processes AS p, ancestors(p.id) AS a WHERE p.started_at > ago('15m');
SELECT e.id, a.comm FROM execs AS e, ancestors(e.process_id) AS f JOIN processes AS a ON a.id = f.process_id WHERE e.at > ago('15m') AND f.depth = 2;
