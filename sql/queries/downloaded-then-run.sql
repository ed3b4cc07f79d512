-- name: downloaded-then-run
-- description: files that were fed from the network and then run
-- param: since TIME 24h from when on
-- param: until TIME now up to when
-- ids: files
SELECT e.id, f.at AS written_at, f.path, w.cmdline AS writer, c.remote_address, c.remote_port,
       c.remote_name, e.dst AS runner_id, r.cmdline AS runner, r.user, chain(e.dst) AS chain
FROM files AS f
CROSS JOIN connections AS c ON c.id = f.connection_id
CROSS JOIN edges AS e ON e.file_id = f.id
LEFT JOIN processes AS w ON w.id = f.process_id
LEFT JOIN processes AS r ON r.id = e.dst
WHERE f.at BETWEEN :since AND :until OR f.id > :after
ORDER BY e.id
