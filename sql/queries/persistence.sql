-- name: persistence
-- description: changes in places whose files are run or trusted later
-- param: since TIME 24h from when on
-- param: until TIME now up to when
-- param: place TEXT "" one kind of place only, such as cron or ssh
-- ids: files
SELECT f.id, f.at, f.place, f.op, f.path, f.old_path, p.user, p.cmdline,
       chain(f.process_id) AS chain
FROM files AS f
LEFT JOIN processes AS p ON p.id = f.process_id
WHERE (f.at BETWEEN :since AND :until OR f.id > :after)
  AND f.place IS NOT NULL AND (:place = '' OR f.place = :place)
ORDER BY +f.id
