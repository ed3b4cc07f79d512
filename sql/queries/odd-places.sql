-- name: odd-places
-- description: programs that ran from where anybody may write, or from a hidden directory
-- param: since TIME 24h from when on
-- param: until TIME now up to when
SELECT e.id, e.at, e.process_id, e.exe, e.script, e.argv, p.user, chain(e.process_id) AS chain
FROM execs AS e
LEFT JOIN processes AS p ON p.id = e.process_id
WHERE e.at BETWEEN :since AND :until AND e.error IS NULL
  AND regexp('^/(tmp|var/tmp|dev/shm|dev/mqueue|run/user|run/lock|var/lock)/|/\.[^/]+/',
             coalesce(e.script, e.exe))
ORDER BY e.id
