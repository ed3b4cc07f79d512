-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: account-created
-- title: Account created
-- severity: low
-- techniques: T1136.001
-- tactics: persistence
-- description: useradd or adduser was run, by nothing that belongs to a package manager.
-- benign: administration.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM new_execs AS e
WHERE e.error IS NULL AND basename(coalesce(e.script, e.exe)) IN ('useradd', 'adduser')
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(e.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
