-- name: failed-execs
-- description: programs that could not be run
-- param: since TIME 24h from when on
-- param: until TIME now up to when
-- param: all NUMBER 0 1: with what a search through PATH did not find
SELECT e.id, e.at, e.process_id, e.filename, e.error, p.user, p.cmdline,
       chain(e.process_id) AS chain
FROM execs AS e
LEFT JOIN processes AS p ON p.id = e.process_id
WHERE e.at BETWEEN :since AND :until AND e.error IS NOT NULL
  AND (:all OR e.error <> 'ENOENT')
ORDER BY e.id
