-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: setuid-made
-- title: File given the setuid bit
-- severity: high
-- techniques: T1548.001
-- tactics: privilege-escalation persistence
-- description: A file was made setuid or setgid, by nothing that belongs to a package manager.
-- benign: builds and installations of such programs by hand.
SELECT f.process_id, f.id AS file_id, f.path AS detail
FROM new_files AS f
WHERE f.op IN ('chmod', 'write') AND f.mode & 3072 <> 0 AND f.mode & 73 <> 0 AND f.mode & 61440 <> 16384
  AND f.mode & 2048 <> 0
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(f.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
