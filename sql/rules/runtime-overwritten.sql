-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: runtime-overwritten
-- title: Container runtime written over
-- severity: critical
-- techniques: T1611 T1554
-- tactics: privilege-escalation persistence
-- description: The program of a container runtime was written, by nothing that belongs to a package
--   manager (CVE-2019-5736).
-- benign: installations by hand.
SELECT f.process_id, f.id AS file_id, f.path AS detail
FROM new_files AS f
WHERE f.op IN ('write', 'rename') AND f.path REGEXP '^/(usr/)?(local/)?s?bin/(docker-)?(runc'
    || '|crun|containerd|dockerd|containerd-shim[a-z0-9-]*)$'
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(f.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
