-- name: deleted-programs
-- description: processes that run a program which is in no directory any more
SELECT p.id, p.started_at, p.pid, p.user, p.exe, p.cmdline,
       CASE WHEN e.memfd THEN 'in memory only' WHEN e.deleted THEN 'deleted before it ran'
            ELSE 'deleted since' END AS how,
       chain(p.id) AS chain
FROM processes AS p
LEFT JOIN execs AS e ON e.id = (SELECT x.id FROM execs AS x
                                WHERE x.process_id = p.id AND x.error IS NULL
                                ORDER BY x.at DESC LIMIT 1)
WHERE p.ended_at IS NULL
  AND (e.deleted OR e.memfd
       OR EXISTS (SELECT 1 FROM files AS f
                  WHERE f.path = p.exe AND f.op = 'unlink' AND f.at >= e.at))
ORDER BY +p.id
