-- name: scans
-- description: processes that tried many addresses or ports in vain
-- param: since TIME 24h from when on
-- param: until TIME now up to when
-- param: least NUMBER 20 how many different ones at least
SELECT p.id, min(c.started_at) AS first_at, max(c.started_at) AS last_at, p.pid, p.user, p.cmdline,
       count(*) AS failed, count(DISTINCT c.remote_address) AS addresses,
       count(DISTINCT c.remote_port) AS ports, chain(p.id) AS chain
FROM connections AS c
CROSS JOIN processes AS p ON p.id = c.process_id
WHERE c.started_at BETWEEN :since AND :until AND c.direction = 'out'
  AND c.state IN ('refused', 'timeout', 'unreachable', 'reset', 'failed')
GROUP BY p.id
HAVING count(DISTINCT c.remote_address || ' ' || c.remote_port) >= :least
ORDER BY p.id
