-- name: new-flags
-- description: what rules have found, unless it is suppressed
-- param: since TIME 24h from when on
-- param: until TIME now up to when
-- param: severity TEXT low the least severity: info, low, medium, high or critical
-- ids: flags
SELECT f.id, f.at, f.severity, f.rule, f.title, f.detail, p.pid, p.user, p.cmdline, f.trace_id,
       t.title AS trace, t.score, chain(f.process_id) AS chain
FROM flags AS f
LEFT JOIN processes AS p ON p.id = f.process_id
LEFT JOIN traces AS t ON t.id = f.trace_id
WHERE (f.at BETWEEN :since AND :until OR f.id > :after) AND f.suppressed_by IS NULL
  AND instr('info low medium high critical', f.severity)
      >= instr('info low medium high critical', :severity)
ORDER BY +f.id
