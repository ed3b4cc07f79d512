-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: ssh-to-many
-- title: One process tree logs in to many hosts
-- severity: high
-- techniques: T1021.004
-- tactics: lateral-movement
-- description: Processes of one trace opened connections to the ssh port of five or more other
--   hosts within a minute.
-- benign: configuration management (ansible, pssh), which can be suppressed by program.
SELECT c.process_id, c.id AS connection_id, c.remote_address AS detail
FROM new_connections AS c
JOIN processes AS p ON p.id = c.process_id
WHERE c.direction = 'out' AND c.protocol = 'tcp' AND c.remote_port = 22 AND basename(p.exe) = 'ssh'
  AND 5 <= (SELECT count(DISTINCT d.remote_address)
            FROM connections AS d
            JOIN processes AS q ON q.id = d.process_id
            WHERE q.parent_id = p.parent_id AND d.direction = 'out' AND d.remote_port = 22
              AND d.started_at BETWEEN c.started_at - 60000000000 AND c.started_at)
