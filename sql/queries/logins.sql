-- name: logins
-- description: sessions that somebody opened, on a terminal or from afar
-- param: since TIME 24h from when on
-- param: until TIME now up to when
SELECT t.id, t.started_at, t.ended_at, t.user, t.remote_address, t.title,
       t.process_count AS processes, t.connection_count AS connections, t.root_process_id
FROM traces AS t
WHERE t.started_at BETWEEN :since AND :until AND t.kind = 'login'
ORDER BY t.id
