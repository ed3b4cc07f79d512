-- Of trace ?1: a flagged process that went from another user to root with no program executed that
-- is made for it.
SELECT f.id
FROM temp.current_flags AS f
JOIN main.privileges AS v ON v.process_id = f.process_id AND v.kind = 'setuid'
WHERE f.trace_id = ?1 AND f.suppressed_by IS NULL AND v.exec_id IS NULL
  AND json_extract(v.new, '$.euid') = 0 AND json_extract(v.old, '$.euid') <> 0
  AND json_extract(v.old, '$.uid') <> 0
ORDER BY f.id
LIMIT 1
