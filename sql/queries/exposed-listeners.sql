-- name: exposed-listeners
-- description: what other hosts can reach now, as far as addresses tell
-- param: udp NUMBER 0 1: sockets of UDP as well
SELECT l.id, l.started_at, l.protocol, l.address, l.port, p.pid, p.user, p.exe, p.cmdline
FROM listeners AS l
LEFT JOIN processes AS p ON p.id = l.process_id
WHERE l.ended_at IS NULL AND l.address <> '::1' AND NOT cidr_match(l.address, '127.0.0.0/8')
  AND (:udp OR l.protocol <> 'udp')
ORDER BY +l.port, +l.id
