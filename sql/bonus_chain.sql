-- Of trace ?1: a flagged process that executed, script-ran or loaded a file whose contents came over
-- a connection.
SELECT f.id
FROM temp.current_flags AS f
JOIN main.edges AS e ON e.dst = f.process_id AND e.kind = 'file'
JOIN main.files AS w ON w.id = e.file_id
WHERE f.trace_id = ?1 AND f.suppressed_by IS NULL AND w.connection_id IS NOT NULL
ORDER BY f.id
LIMIT 1
