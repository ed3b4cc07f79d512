-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: autostart-written
-- title: Program made to start with the desktop
-- severity: medium
-- techniques: T1547.013
-- tactics: persistence
-- description: An entry by which a desktop session starts a program was written.
-- benign: desktop programs that people tell to start with the session.
SELECT f.process_id, f.id AS file_id, f.op || ' ' || f.path AS detail
FROM new_files AS f
WHERE f.place IN ('autostart') AND f.op IN ('write', 'rename', 'link')
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(f.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
