-- Listeners of the batch above ?1. Ports that the kernel picks are all one.
INSERT INTO temp.sights
SELECT 'program-listener', p.exe,
       l.protocol || ':' || CASE WHEN l.port >= 32768 THEN 'high' ELSE l.port END,
       coalesce(l.started_at, p.started_at), l.process_id
FROM temp.batch_listeners AS b
CROSS JOIN main.listeners AS l ON l.id = b.id
CROSS JOIN main.processes AS p ON p.id = l.process_id
WHERE b.id > ?1 AND p.exe IS NOT NULL AND l.port IS NOT NULL
  AND coalesce(l.started_at, p.started_at) IS NOT NULL
