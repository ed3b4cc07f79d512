-- name: written-then-run
-- description: files that a process wrote and another one then ran
-- param: since TIME 24h from when on
-- param: until TIME now up to when
-- ids: files
SELECT e.id, f.at AS written_at, f.path, f.process_id AS writer_id, w.cmdline AS writer,
       w.user AS writer_user, e.detail AS how, e.dst AS runner_id, r.started_at,
       r.cmdline AS runner, r.user, c.remote_address, c.remote_name
FROM files AS f
CROSS JOIN edges AS e ON e.file_id = f.id
LEFT JOIN processes AS w ON w.id = f.process_id
LEFT JOIN processes AS r ON r.id = e.dst
LEFT JOIN connections AS c ON c.id = f.connection_id
WHERE (f.at BETWEEN :since AND :until OR f.id > :after)
  AND e.detail IN ('exec', 'script', 'copy')
ORDER BY e.id
