-- name: reverse-shells
-- description: shells and interpreters whose standard streams are a socket
-- param: since TIME 24h from when on
-- param: until TIME now up to when
SELECT e.id, e.at, e.process_id, e.exe, e.argv, p.user, c.remote_address, c.remote_port,
       chain(e.process_id) AS chain
FROM execs AS e
LEFT JOIN processes AS p ON p.id = e.process_id
LEFT JOIN connections AS c ON c.id = (
    SELECT max(h.connection_id) FROM holders AS h
    WHERE h.process_id = e.process_id AND h.how = 'stdio')
WHERE e.at BETWEEN :since AND :until AND e.error IS NULL
  AND e.stdin LIKE 'socket:%' AND e.stdout LIKE 'socket:%'
  AND (regexp('^(sh|bash|dash|ash|zsh|ksh|mksh|csh|tcsh|fish|busybox)$', basename(e.exe))
       OR regexp('^(python|perl|ruby|php|lua|node)[0-9.]*$', basename(e.exe)))
ORDER BY e.id
