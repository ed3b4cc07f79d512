-- name: first-seen-programs
-- description: programs that ran for the first time
-- param: since TIME 24h from when on
-- param: until TIME now up to when
-- key: exe
SELECT min(e.id) AS id, min(e.at) AS at, e.exe, e.argv, e.cwd, p.user,
       chain(e.process_id) AS chain
FROM execs AS e
LEFT JOIN processes AS p ON p.id = e.process_id
WHERE e.at BETWEEN :since AND :until AND e.error IS NULL AND e.exe IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM execs AS old WHERE old.exe = e.exe AND old.at < :since)
GROUP BY e.exe
ORDER BY 1
