-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: root-without-cause
-- title: Became root without a program that may make it so
-- severity: critical
-- techniques: T1068
-- tactics: privilege-escalation
-- description: A process of another user has user id 0 from one moment to the next, and neither had it
--   executed a setuid program nor could it have kept the right to change back. An exploit of the
--   kernel looks like this.
-- benign: none known; a process whose earlier credentials were not recorded can look so.
SELECT v.process_id,
       'from user id ' || json_extract(v.old, '$.uid') || ' to ' || json_extract(v.new, '$.uid')
         AS detail,
       v.at AS at
FROM new_privileges AS v
JOIN processes AS p ON p.id = v.process_id
WHERE v.kind = 'setuid' AND v.exec_id IS NULL
  AND json_extract(v.old, '$.uid') <> 0 AND json_extract(v.old, '$.euid') <> 0
  AND json_extract(v.new, '$.euid') = 0
  AND NOT EXISTS (SELECT 1 FROM privileges AS earlier
                  WHERE earlier.process_id = v.process_id AND earlier.at <= v.at
                    AND earlier.id < v.id AND earlier.kind = 'setuid'
                    AND json_extract(earlier.new, '$.euid') = 0)
  AND NOT EXISTS (SELECT 1 FROM execs AS e
                  WHERE e.process_id = v.process_id AND e.at <= v.at
                    AND (e.setuid = 1 OR e.euid = 0))
