-- name: one-liners
-- description: interpreters that were given their program as an argument
-- param: since TIME 24h from when on
-- param: until TIME now up to when
SELECT e.id, e.at, e.process_id, e.exe, e.argv, p.user, chain(e.process_id) AS chain
FROM execs AS e
LEFT JOIN processes AS p ON p.id = e.process_id
WHERE e.at BETWEEN :since AND :until AND e.error IS NULL
  AND ((regexp('^(python|perl|ruby|php|lua|node)[0-9.]*$', basename(e.exe))
        AND regexp('^-([a-zA-Z]*[ceEr]|-eval)$', arg(e.argv, 1)))
       OR (regexp('^(sh|bash|dash|zsh|ksh|busybox)$', basename(e.exe))
           AND regexp('base64 +(-d|--decode)|/dev/tcp/|\| *(ba|da|z|k)?sh([^a-z]|$)|eval ', e.argv)))
ORDER BY e.id
