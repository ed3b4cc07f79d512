-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: running-program-deleted
-- title: Program deleted while it goes on running
-- severity: high
-- techniques: T1070.004
-- tactics: defense-evasion
-- description: The file of a running program was removed by the program itself, or by another
--   process of the same trace.
-- benign: installers that clean up after themselves.
SELECT p.id AS process_id, f.id AS file_id, f.path AS detail
FROM new_files AS f
JOIN processes AS r ON r.id = f.process_id
JOIN processes AS p ON p.exe = f.path AND p.trace_id = r.trace_id
WHERE f.op = 'unlink' AND p.started_at <= f.at AND p.ended_at IS NULL
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(f.process_id) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
