-- name: server-shells
-- description: shells below a process that waits for connections, sshd excepted
-- param: since TIME 24h from when on
-- param: until TIME now up to when
SELECT e.id, e.at, e.process_id, e.argv, p.user,
       (SELECT s.exe FROM ancestors(e.process_id) AS a
        CROSS JOIN processes AS s ON s.id = a.process_id
        WHERE a.depth > 0 AND EXISTS (SELECT 1 FROM listeners AS l
                                      WHERE l.process_id = a.process_id AND l.protocol = 'tcp')
        ORDER BY a.depth LIMIT 1) AS server,
       chain(e.process_id) AS chain
FROM execs AS e
LEFT JOIN processes AS p ON p.id = e.process_id
WHERE e.at BETWEEN :since AND :until AND e.error IS NULL
  AND basename(e.exe) IN ('sh', 'bash', 'dash', 'ash', 'zsh', 'ksh', 'mksh', 'csh', 'tcsh', 'fish',
                          'busybox')
  AND server IS NOT NULL AND basename(server) NOT IN ('sshd', 'systemd', 'init', 'inetd', 'xinetd')
ORDER BY e.id
