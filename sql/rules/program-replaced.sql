-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: program-replaced
-- title: Program of the system replaced
-- severity: high
-- techniques: T1554 T1574
-- tactics: persistence defense-evasion
-- description: A file in the folders for programs was written and then executed, and nothing that
--   belongs to a package manager wrote it.
-- benign: make install, and installers of other software.
SELECT e.src AS process_id, e.id AS edge_id, f.id AS file_id, f.path AS detail
FROM new_edges AS e
JOIN files AS f ON f.id = e.file_id
WHERE e.kind = 'file' AND e.detail IN ('exec', 'load')
  AND f.path REGEXP '^/(usr/)?(s?bin|lib|lib64)/' AND f.path NOT LIKE '/usr/lib/%/__pycache__/%'
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(f.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
  AND NOT EXISTS (SELECT 1 FROM processes AS w WHERE w.id = f.process_id
                  AND basename(w.exe) IN ('ldconfig', 'install', 'cp', 'make', 'pip', 'pip3', 'npm'))
