-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: dropped-program-connects
-- title: Program that was just downloaded connects out
-- severity: high
-- techniques: T1105 T1071
-- tactics: command-and-control execution
-- description: A process runs a file whose contents came over a connection less than an hour ago,
--   and opened a connection of its own.
-- benign: installers that download an installer.
SELECT c.process_id, c.id AS connection_id, f.id AS file_id,
       f.path || ' connects to ' || coalesce(c.remote_name, c.remote_address) || ' port '
           || c.remote_port AS detail
FROM new_connections AS c
JOIN edges AS e ON e.dst = c.process_id AND e.kind = 'file'
JOIN files AS f ON f.id = e.file_id
WHERE c.direction = 'out' AND c.remote_port <> 53
  AND f.connection_id IS NOT NULL AND e.detail IN ('exec', 'script')
  AND c.started_at - f.at BETWEEN 0 AND 3600000000000
  AND NOT EXISTS (SELECT 1
                  FROM ancestors(e.dst) AS a
                  JOIN processes AS m ON m.id = a.process_id
                  JOIN known_programs AS k ON k.kind = 'package manager' AND k.name = basename(m.exe)
                  WHERE m.exe LIKE '/usr/%' OR m.exe LIKE '/bin/%' OR m.exe LIKE '/sbin/%')
