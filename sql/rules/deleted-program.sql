-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: deleted-program
-- title: Program run after its file was deleted
-- severity: medium
-- techniques: T1070.004 T1027
-- tactics: defense-evasion
-- description: The file that was executed had no name any more, and it was no anonymous memory
--   file.
-- benign: upgrades of packages while programs restart themselves.
SELECT e.process_id, e.id AS exec_id, e.exe AS detail
FROM new_execs AS e
WHERE e.error IS NULL AND e.deleted = 1 AND coalesce(e.memfd, 0) = 0
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(e.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
