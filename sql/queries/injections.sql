-- name: injections
-- description: processes that traced another one or wrote into its memory
-- param: since TIME 24h from when on
-- param: until TIME now up to when
SELECT e.id, e.at, e.last_at, e.kind, e.detail, e.count, e.src, a.cmdline AS by, a.user AS by_user,
       e.dst, b.cmdline AS into_process, b.user AS into_user
FROM edges AS e
LEFT JOIN processes AS a ON a.id = e.src
LEFT JOIN processes AS b ON b.id = e.dst
WHERE e.id >= coalesce((SELECT min(f.id) FROM edges AS f
                        WHERE f.dst = (SELECT id FROM processes WHERE started_at >= :since
                                       ORDER BY started_at LIMIT 1)), 0)
  AND e.at BETWEEN :since AND :until AND e.kind IN ('ptrace', 'inject')
ORDER BY e.id
