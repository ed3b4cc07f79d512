-- name: fileless
-- description: programs that ran from memory, or whose file had been deleted
-- param: since TIME 24h from when on
-- param: until TIME now up to when
SELECT e.id, e.at, e.process_id, e.filename, e.exe, e.argv, p.user, chain(e.process_id) AS chain
FROM execs AS e
LEFT JOIN processes AS p ON p.id = e.process_id
WHERE e.at BETWEEN :since AND :until AND (e.memfd OR e.deleted) AND e.error IS NULL
ORDER BY e.id
