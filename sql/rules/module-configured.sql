-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: module-configured
-- title: Kernel module configured to load
-- severity: medium
-- techniques: T1547.006
-- tactics: persistence privilege-escalation
-- description: A file was written that has kernel modules loaded at the start, or a command run
--   when one is loaded.
-- benign: administrators.
SELECT f.process_id, f.id AS file_id, f.op || ' ' || f.path AS detail
FROM new_files AS f
WHERE f.place IN ('modules') AND f.op IN ('write', 'rename', 'link')
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(f.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
