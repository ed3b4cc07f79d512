-- name: public-connections
-- description: connections to public addresses, or from them
-- param: since TIME 24h from when on
-- param: until TIME now up to when
SELECT c.id, c.started_at, c.direction, c.protocol, c.remote_address, c.remote_port, c.remote_name,
       c.local_port, c.state, c.bytes_sent, c.bytes_received, p.user, p.exe,
       chain(c.process_id) AS chain
FROM connections AS c
LEFT JOIN processes AS p ON p.id = c.process_id
WHERE c.started_at BETWEEN :since AND :until AND is_public(c.remote_address)
ORDER BY c.id
