-- name: setuid-files
-- description: files that somebody made setuid or setgid
-- param: since TIME 24h from when on
-- param: until TIME now up to when
-- ids: files
SELECT f.id, f.at, f.process_id, f.path, printf('%04o', f.mode & 4095) AS mode, p.user, p.cmdline,
       chain(f.process_id) AS chain
FROM files AS f
LEFT JOIN processes AS p ON p.id = f.process_id
WHERE (f.at BETWEEN :since AND :until OR f.id > :after)
  AND f.op = 'chmod' AND (f.mode & 3072) <> 0
ORDER BY +f.id
