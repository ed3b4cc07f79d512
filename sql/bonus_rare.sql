-- Of trace ?1: a flagged process that is the first of its program that its parent's program started.
SELECT f.id
FROM temp.current_flags AS f
JOIN main.pairs AS r ON r.process_id = f.process_id AND r.kind = 'parent-child' AND r.novel = 1
WHERE f.trace_id = ?1 AND f.suppressed_by IS NULL
ORDER BY f.id
LIMIT 1
