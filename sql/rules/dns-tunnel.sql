-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: dns-tunnel
-- title: Data sent in the names of DNS questions
-- severity: high
-- techniques: T1071.004 T1048 T1572
-- tactics: command-and-control exfiltration
-- description: One process asked for ten or more different names below one domain within a minute,
--   whose first part is long enough to carry data.
-- benign: reputation services of mail filters and virus scanners.
SELECT q.process_id, substr(q.name, 1, 120) AS detail, q.at AS at
FROM new_dns_queries AS q
WHERE instr(q.name, '.') > 30
  AND 10 <= (SELECT count(DISTINCT d.name)
             FROM dns_queries AS d
             WHERE d.process_id = q.process_id AND d.at BETWEEN q.at - 60000000000 AND q.at
               AND instr(d.name, '.') > 30
               AND substr(d.name, instr(d.name, '.')) = substr(q.name, instr(q.name, '.')))
