-- name: visitors
-- description: addresses that connected to a service of this host for the first time
-- param: since TIME 24h from when on
-- param: until TIME now up to when
-- key: remote_address local_port
SELECT min(c.id) AS id, min(c.started_at) AS at, c.remote_address, c.local_port, p.exe, p.user
FROM connections AS c
LEFT JOIN processes AS p ON p.id = c.process_id
WHERE c.started_at BETWEEN :since AND :until AND c.direction = 'in' AND c.peer_id IS NULL
  AND NOT cidr_match(c.remote_address, '127.0.0.0/8') AND c.remote_address <> '::1'
  AND NOT EXISTS (SELECT 1 FROM connections AS old
                  WHERE old.remote_address = c.remote_address AND old.direction = 'in'
                    AND old.local_port = c.local_port AND old.id < c.id
                    AND (old.started_at < :since OR old.started_at IS NULL))
GROUP BY c.remote_address, c.local_port
ORDER BY 1
