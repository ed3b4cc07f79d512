-- name: first-seen-destinations
-- description: addresses that this host connected to for the first time
-- param: since TIME 24h from when on
-- param: until TIME now up to when
-- param: private NUMBER 0 1: addresses that are not public as well
-- key: remote_address
SELECT min(c.id) AS id, min(c.started_at) AS at, c.remote_address, c.remote_port, c.remote_name,
       c.state, p.user, p.exe, chain(c.process_id) AS chain
FROM connections AS c
LEFT JOIN processes AS p ON p.id = c.process_id
WHERE c.started_at BETWEEN :since AND :until AND c.direction = 'out'
  AND (:private OR is_public(c.remote_address))
  AND NOT EXISTS (SELECT 1 FROM connections AS old
                  WHERE old.remote_address = c.remote_address AND old.direction = 'out'
                    AND old.id < c.id
                    AND (old.started_at < :since OR old.started_at IS NULL))
GROUP BY c.remote_address
ORDER BY 1
