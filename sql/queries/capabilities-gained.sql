-- name: capabilities-gained
-- description: processes whose capabilities changed otherwise than by becoming root
-- param: since TIME 24h from when on
-- param: until TIME now up to when
SELECT v.id, v.at, v.process_id, p.pid, p.user, p.cmdline, v.old ->> '$.capabilities' AS old,
       v.new ->> '$.capabilities' AS new, chain(v.process_id) AS chain
FROM privileges AS v
LEFT JOIN processes AS p ON p.id = v.process_id
WHERE v.at BETWEEN :since AND :until AND v.kind = 'caps'
ORDER BY v.id
