-- name: root-gained
-- description: processes that became root without having been it
-- param: since TIME 24h from when on
-- param: until TIME now up to when
SELECT v.id, v.at, v.process_id, p.pid, p.user, p.cmdline, x.exe AS by_program, v.old, v.new,
       chain(v.process_id) AS chain
FROM privileges AS v
LEFT JOIN processes AS p ON p.id = v.process_id
LEFT JOIN execs AS x ON x.id = v.exec_id
WHERE v.at BETWEEN :since AND :until AND v.kind = 'setuid'
  AND v.new ->> '$.euid' = 0 AND v.old ->> '$.euid' <> 0
ORDER BY v.id
