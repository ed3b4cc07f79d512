-- name: new-listeners
-- description: sockets that began to wait for others, and whose they are
-- param: since TIME 24h from when on
-- param: until TIME now up to when
-- param: udp NUMBER 0 1: sockets of UDP as well
SELECT l.id, l.started_at, l.protocol, l.address, l.port, p.pid, p.user, p.exe, l.ended_at,
       chain(l.process_id) AS chain
FROM listeners AS l
LEFT JOIN processes AS p ON p.id = l.process_id
WHERE l.started_at BETWEEN :since AND :until AND l.origin = 'event'
  AND (:udp OR l.protocol <> 'udp')
ORDER BY +l.id
