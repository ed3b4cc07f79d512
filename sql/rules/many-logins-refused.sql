-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: many-logins-refused
-- title: Many connections to a login service from one address
-- severity: medium
-- techniques: T1110 T1110.001
-- tactics: credential-access
-- description: Twenty or more connections from one address came to a login service within a minute,
--   and each ended within ten seconds.
-- benign: monitoring; automation with broken credentials.
SELECT c.process_id, c.id AS connection_id, c.remote_address || ', port ' || c.local_port AS detail
FROM new_connections AS c
WHERE c.direction = 'in' AND c.protocol = 'tcp' AND c.local_port IN (22, 2222, 21, 23, 3389, 5900,
    3306, 5432)
  AND c.ended_at IS NOT NULL
  AND 20 <= (SELECT count(*)
             FROM (SELECT 1
                   FROM connections AS d
                   WHERE d.remote_address = c.remote_address AND d.direction = 'in'
                     AND d.local_port = c.local_port
                     AND d.started_at BETWEEN c.started_at - 60000000000 AND c.started_at
                     AND d.ended_at - d.started_at < 10000000000
                   LIMIT 20))
