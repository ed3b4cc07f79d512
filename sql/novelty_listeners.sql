-- Listeners of the batch above ?1. Ports that the kernel picks are all one.
SELECT p.exe,
       l.protocol || ':' || CASE WHEN l.port >= 32768 THEN 'high' ELSE l.port END,
       coalesce(l.started_at, p.started_at), l.process_id
FROM temp.batch_listeners AS l
CROSS JOIN main.processes AS p ON p.id = l.process_id
WHERE l.id > ?1 AND l.port IS NOT NULL AND coalesce(l.started_at, p.started_at) IS NOT NULL
