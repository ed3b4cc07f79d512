-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: cron-written
-- title: Job for cron written
-- severity: medium
-- techniques: T1053.003
-- tactics: persistence execution
-- description: A table of cron or a job of at was written, renamed or linked, by nothing that
--   belongs to a package manager.
-- benign: administrators, and configuration management.
SELECT f.process_id, f.id AS file_id, f.op || ' ' || f.path AS detail
FROM new_files AS f
WHERE f.place IN ('cron') AND f.op IN ('write', 'rename', 'link')
  AND f.path NOT LIKE '%/.placeholder'
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(f.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
