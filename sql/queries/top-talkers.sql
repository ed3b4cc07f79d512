-- name: top-talkers
-- description: who exchanged most with whom, in bytes
-- param: since TIME 24h from when on
-- param: until TIME now up to when
-- param: limit NUMBER 20 how many
-- new: no
SELECT p.exe, p.user, c.remote_address, max(c.remote_name) AS remote_name, count(*) AS connections,
       sum(c.bytes_sent) AS sent, sum(c.bytes_received) AS received,
       min(c.started_at) AS first_at, max(c.started_at) AS last_at
FROM connections AS c
LEFT JOIN processes AS p ON p.id = c.process_id
WHERE c.started_at BETWEEN :since AND :until
GROUP BY p.exe, p.user, c.remote_address
ORDER BY coalesce(sum(c.bytes_sent), 0) + coalesce(sum(c.bytes_received), 0) DESC
LIMIT :limit
