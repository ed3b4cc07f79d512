-- name: lost
-- description: what could not be recorded: an answer over that time may lack it
-- param: since TIME 24h from when on
-- param: until TIME now up to when
SELECT l.id, l.started_at, l.ended_at, duration(l.ended_at - l.started_at) AS lasted, l.class,
       l.stage, l.count, l.detail
FROM losses AS l
WHERE l.ended_at >= :since AND l.started_at <= :until
ORDER BY l.id
