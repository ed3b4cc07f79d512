-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: left-container
-- title: Process of a container went into the host's namespaces
-- severity: critical
-- techniques: T1611
-- tactics: privilege-escalation
-- description: A process in a container entered the mount namespace of one of its ancestors outside.
-- benign: privileged agents in containers that are made to manage the host.
SELECT v.process_id, v.new AS detail, v.at AS at
FROM new_privileges AS v
JOIN processes AS p ON p.id = v.process_id
WHERE v.kind = 'setns'
  AND EXISTS (SELECT 1 FROM containers WHERE container_id = p.container_id AND runtime <> 'systemd')
  AND json_extract(v.new, '$.mnt_ns') IS NOT NULL
  AND EXISTS (SELECT 1
              FROM ancestors(v.process_id) AS a
              JOIN processes AS h ON h.id = a.process_id
              WHERE h.mnt_ns = json_extract(v.new, '$.mnt_ns')
                AND h.container_id IS NOT p.container_id)
