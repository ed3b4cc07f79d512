-- name: crashes
-- description: processes that a signal killed, those that ask for an end excepted
-- param: since TIME 24h from when on
-- param: until TIME now up to when
SELECT p.id, p.started_at, p.ended_at, p.exit_signal, p.pid, p.user, p.exe, p.cmdline,
       chain(p.id) AS chain
FROM traces AS t
CROSS JOIN processes AS p ON p.trace_id = t.id
WHERE t.last_at >= :since AND p.ended_at BETWEEN :since AND :until
  AND p.exit_signal IN (3, 4, 5, 6, 7, 8, 11, 24, 25, 31)
ORDER BY p.id
