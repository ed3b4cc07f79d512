-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: web-root-program
-- title: Program run that a web server wrote
-- severity: critical
-- techniques: T1505.003 T1190
-- tactics: persistence initial-access
-- description: A network server wrote a file, and it was executed or run as a script afterwards.
-- benign: servers that compile their own templates into programs.
SELECT e.dst AS process_id, e.id AS edge_id, f.id AS file_id,
       w.comm || ' wrote ' || f.path AS detail
FROM new_edges AS e
JOIN files AS f ON f.id = e.file_id
JOIN processes AS w ON w.id = f.process_id
WHERE e.kind = 'file' AND e.detail IN ('exec', 'script')
  AND rtrim(basename(w.exe), '.0123456789') IN (SELECT name FROM known_programs WHERE kind = 'server')
