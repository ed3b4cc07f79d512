-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: account-created
-- title: Account created
-- severity: low
-- techniques: T1136.001
-- tactics: persistence
-- description: useradd or adduser was run, by nothing that belongs to a package manager.
-- benign: administration.
SELECT e.process_id, e.id AS exec_id, e.argv AS detail
FROM (SELECT id, process_id, argv
      FROM new_execs
      WHERE error IS NULL AND script IS NULL AND basename(exe) IN ('useradd', 'adduser')
      UNION ALL
      SELECT id, process_id, argv
      FROM new_execs
      WHERE error IS NULL AND script IS NOT NULL AND basename(script) IN ('useradd', 'adduser')) AS e
WHERE NOT EXISTS (SELECT 1
                  FROM ancestors(e.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
