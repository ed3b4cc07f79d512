-- Connections of the batch above ?1 that processes here have made. On this host itself the port says
-- more than the address.
SELECT p.exe,
       CASE WHEN c.remote_address LIKE '127.%' OR c.remote_address = '::1'
            THEN 'localhost:' || c.remote_port
            ELSE coalesce(c.remote_name, c.remote_address) END,
       c.started_at, c.process_id
FROM temp.batch_connections AS c
CROSS JOIN main.processes AS p ON p.id = c.process_id
WHERE c.id > ?1 AND c.direction = 'out' AND c.remote_address IS NOT NULL
  AND c.started_at IS NOT NULL
