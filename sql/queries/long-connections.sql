-- name: long-connections
-- description: connections that have been open for long, or were before they ended
-- param: since TIME 24h those that are over: begun from when on
-- param: until TIME now and up to when
-- param: longer SPAN 1h how long at least
SELECT c.id, c.started_at, c.ended_at,
       duration(coalesce(c.ended_at, at('now')) - c.started_at) AS lasted, c.protocol, c.direction,
       c.remote_address, c.remote_port, c.remote_name, c.bytes_sent, c.bytes_received, p.user, p.exe
FROM connections AS c
LEFT JOIN processes AS p ON p.id = c.process_id
WHERE c.id IN (SELECT id FROM connections WHERE ended_at IS NULL AND started_at <= ago(:longer)
               UNION
               SELECT id FROM connections
               WHERE started_at BETWEEN :since AND :until
                 AND ended_at - started_at >= at('now') - ago(:longer))
ORDER BY c.id
