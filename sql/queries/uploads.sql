-- name: uploads
-- description: connections out of this host that sent much
-- param: since TIME 24h from when on
-- param: until TIME now up to when
-- param: bytes NUMBER 10000000 how much at least
-- param: private NUMBER 0 1: to addresses that are not public as well
SELECT c.id, c.started_at, c.ended_at, c.bytes_sent, c.bytes_received, c.remote_address,
       c.remote_port, c.remote_name, p.user, p.cmdline, chain(c.process_id) AS chain
FROM connections AS c
LEFT JOIN processes AS p ON p.id = c.process_id
WHERE c.started_at BETWEEN :since AND :until AND c.bytes_sent >= :bytes
  AND (:private OR is_public(c.remote_address))
ORDER BY c.bytes_sent DESC
