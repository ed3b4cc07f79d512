-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: beacon
-- title: One process asks one address at regular times
-- severity: medium
-- techniques: T1071 T1029
-- tactics: command-and-control
-- description: A shell, an interpreter or a program of a temporary folder has connected eight times
--   to one address and port, at intervals that hardly differ.
-- benign: monitoring scripts.
SELECT c.process_id, c.id AS connection_id, c.remote_address || ' port ' || c.remote_port AS detail
FROM new_connections AS c
JOIN processes AS p ON p.id = c.process_id
WHERE c.direction = 'out' AND c.protocol = 'tcp'
  AND (rtrim(basename(p.exe), '.0123456789') IN (SELECT name FROM known_programs
                                                 WHERE kind IN ('shell', 'interpreter'))
       OR p.exe REGEXP '^(/tmp|/var/tmp|/dev/shm)/')
  AND c.started_at - (SELECT started_at
                      FROM (SELECT process_id, direction, started_at
                            FROM connections
                            WHERE remote_address = c.remote_address
                              AND remote_port = c.remote_port AND id < c.id
                            ORDER BY id DESC LIMIT 400) AS recent
                      WHERE process_id = p.id AND direction = 'out' LIMIT 1) > 100000000
  AND (SELECT count(*) = 7 AND min(gap) > 100000000 AND max(gap) < 1.2 * min(gap)
       FROM (SELECT started_at - lag(started_at) OVER (ORDER BY started_at) AS gap
             FROM (SELECT started_at
                   FROM (SELECT id, process_id, direction, started_at
                         FROM connections
                         WHERE remote_address = c.remote_address AND remote_port = c.remote_port
                           AND id <= c.id
                         ORDER BY id DESC LIMIT 400) AS recent
                   WHERE process_id = p.id AND direction = 'out' AND started_at <= c.started_at
                   ORDER BY id DESC LIMIT 8) AS recent)
       WHERE gap IS NOT NULL)
