-- name: dns-odd
-- description: questions to name servers of a kind that carries data, or of odd names
-- param: since TIME 24h from when on
-- param: until TIME now up to when
-- param: longer NUMBER 90 names longer than so many bytes
SELECT d.id, d.at, d.name, d.type, d.rcode, d.server, p.user, p.cmdline,
       chain(d.process_id) AS chain
FROM dns_queries AS d
LEFT JOIN processes AS p ON p.id = d.process_id
WHERE d.at BETWEEN :since AND :until
  AND (d.type IN ('TXT', 'NULL', 'ANY', 'AXFR', 'IXFR') OR length(d.name) > :longer
       OR regexp('[^.]{40,}', d.name)
       OR regexp('[^a-zA-Z0-9._*-]', d.name))
ORDER BY d.id
