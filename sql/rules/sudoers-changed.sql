-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: sudoers-changed
-- title: Rules of sudo changed
-- severity: high
-- techniques: T1548.003
-- tactics: privilege-escalation persistence
-- description: Who may become whom was written, by nothing that belongs to a package manager nor by
--   visudo.
-- benign: configuration management.
SELECT f.process_id, f.id AS file_id, f.op || ' ' || f.path AS detail
FROM new_files AS f
WHERE f.place IN ('sudo') AND f.op IN ('write', 'rename', 'link')
  AND NOT EXISTS (SELECT 1 FROM processes AS s WHERE s.id = f.process_id
                  AND s.exe IN ('/usr/sbin/visudo', '/usr/bin/sudo'))
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(f.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
