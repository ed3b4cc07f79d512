-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: init-script-written
-- title: Script that runs at the start written
-- severity: medium
-- techniques: T1037.004
-- tactics: persistence
-- description: A script that init, rc.local or the network's configuration runs was written.
-- benign: administrators.
SELECT f.process_id, f.id AS file_id, f.op || ' ' || f.path AS detail
FROM new_files AS f
WHERE f.place IN ('init') AND f.op IN ('write', 'rename', 'link')
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(f.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
