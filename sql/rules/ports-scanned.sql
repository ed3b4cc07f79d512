-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: ports-scanned
-- title: Many ports or hosts tried
-- severity: high
-- techniques: T1046
-- tactics: discovery
-- description: One process tried thirty or more different addresses or ports within ten seconds,
--   and most did not answer.
-- benign: monitoring of networks.
SELECT c.process_id, c.id AS connection_id, p.comm || ' tries ports and hosts' AS detail
FROM new_connections AS c
JOIN processes AS p ON p.id = c.process_id
WHERE c.direction = 'out' AND c.protocol = 'tcp' AND c.state IN ('refused', 'timeout',
    'unreachable', 'failed')
  AND 30 <= (SELECT count(*)
             FROM (SELECT DISTINCT d.remote_address, d.remote_port
                   FROM connections AS d
                   WHERE d.process_id = c.process_id AND d.direction = 'out'
                     AND d.state IN ('refused', 'timeout', 'unreachable', 'failed')
                     AND d.started_at BETWEEN c.started_at - 10000000000 AND c.started_at
                   LIMIT 30))
