-- name: dns-servers
-- description: which name servers are asked, and by how many programs
-- param: since TIME 24h from when on
-- param: until TIME now up to when
-- key: server
SELECT d.server, count(*) AS questions, count(DISTINCT p.exe) AS programs, max(p.exe) AS example,
       min(d.at) AS first_at, max(d.at) AS last_at, is_public(d.server) AS public
FROM dns_queries AS d
LEFT JOIN processes AS p ON p.id = d.process_id
WHERE d.at BETWEEN :since AND :until
GROUP BY d.server
ORDER BY questions DESC
