-- name: dns-failures
-- description: who asked for many names that do not exist
-- param: since TIME 24h from when on
-- param: until TIME now up to when
-- param: least NUMBER 10 how many different names at least
-- key: process_id
SELECT d.process_id, p.pid, p.user, p.exe, count(*) AS failed, count(DISTINCT d.name) AS names,
       min(d.at) AS first_at, max(d.at) AS last_at, min(d.name) AS example
FROM dns_queries AS d
LEFT JOIN processes AS p ON p.id = d.process_id
WHERE d.at BETWEEN :since AND :until AND d.rcode = 'NXDOMAIN'
GROUP BY d.process_id
HAVING count(DISTINCT d.name) >= :least
ORDER BY names DESC
