-- name: beacons
-- description: connections made again and again at even intervals
-- param: since TIME 24h from when on
-- param: until TIME now up to when
-- param: calls NUMBER 8 how many connections at least
-- param: private NUMBER 0 1: to addresses that are not public as well
-- new: no
WITH calls AS (
    SELECT p.exe AS exe, c.remote_address AS remote_address, c.remote_port AS remote_port,
           c.started_at AS at,
           (c.started_at - lag(c.started_at) OVER (
               PARTITION BY p.exe, c.remote_address, c.remote_port ORDER BY c.started_at
           )) / 1e9 AS gap
    FROM connections AS c
    LEFT JOIN processes AS p ON p.id = c.process_id
    WHERE c.started_at BETWEEN :since AND :until AND c.direction = 'out'
      AND (:private OR is_public(c.remote_address)))
SELECT exe, remote_address, remote_port, count(*) AS calls, round(avg(gap), 1) AS every_s,
       round(max(0, avg(gap * gap) - avg(gap) * avg(gap)) / (avg(gap) * avg(gap)), 4) AS unevenness,
       min(at) AS first_at, max(at) AS last_at
FROM calls
GROUP BY exe, remote_address, remote_port
HAVING count(*) >= :calls AND avg(gap) > 1 AND unevenness < 0.05
ORDER BY unevenness, calls DESC
