-- name: became-root
-- description: commands given to sudo, su and the like
-- param: since TIME 24h from when on
-- param: until TIME now up to when
SELECT e.id, e.at, p.user, e.cwd, e.argv, e.error, chain(e.process_id) AS chain
FROM execs AS e
LEFT JOIN processes AS p ON p.id = e.process_id
WHERE e.exe IN ('/usr/bin/sudo', '/bin/sudo', '/usr/bin/su', '/bin/su', '/usr/bin/pkexec',
                '/usr/bin/doas', '/usr/bin/run0', '/usr/sbin/runuser', '/sbin/runuser')
  AND e.at BETWEEN :since AND :until
ORDER BY e.id
