-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: pam-changed
-- title: Authentication changed
-- severity: high
-- techniques: T1556.003
-- tactics: persistence credential-access defense-evasion
-- description: A configuration or a module of PAM was written, by nothing that belongs to a package
--   manager.
-- benign: administrators, and configuration management.
SELECT f.process_id, f.id AS file_id, f.op || ' ' || f.path AS detail
FROM new_files AS f
WHERE f.place IN ('pam') AND f.op IN ('write', 'rename', 'link')
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(f.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
