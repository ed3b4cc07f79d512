-- name: admin-connections
-- description: connections to other hosts by which one works on them
-- param: since TIME 24h from when on
-- param: until TIME now up to when
SELECT c.id, c.started_at, c.remote_address, c.remote_port, c.remote_name, c.state, p.user,
       p.cmdline, chain(c.process_id) AS chain
FROM connections AS c
LEFT JOIN processes AS p ON p.id = c.process_id
WHERE c.started_at BETWEEN :since AND :until AND c.direction = 'out' AND c.peer_id IS NULL
  AND c.remote_port IN (22, 23, 111, 135, 139, 445, 512, 513, 514, 873, 2049, 2375, 2376, 3389,
                        5900, 5985, 5986, 6443, 10250)
ORDER BY c.id
