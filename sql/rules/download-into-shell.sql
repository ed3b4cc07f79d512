-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: download-into-shell
-- title: What was downloaded went straight into a shell
-- severity: medium
-- techniques: T1059.004 T1105
-- tactics: execution command-and-control
-- description: A program that downloads wrote what it got into a pipe, and a shell or an
--   interpreter read it there, with nothing kept on disk.
-- benign: installers that tell people to do so (curl ... | sh).
SELECT e.dst AS process_id, e.id AS edge_id, c.id AS connection_id,
       w.comm || ' from ' || coalesce(c.remote_name, c.remote_address) || ' into ' || s.comm AS detail
FROM new_edges AS e
JOIN processes AS w ON w.id = e.src
JOIN processes AS s ON s.id = e.dst
JOIN connections AS c ON c.process_id = w.id AND c.direction = 'out' AND c.started_at <= e.last_at
WHERE e.kind = 'pipe'
  AND basename(w.exe) IN (SELECT name FROM known_programs WHERE kind = 'downloader')
  AND rtrim(basename(s.exe), '.0123456789') IN (SELECT name FROM known_programs
                                                WHERE kind IN ('shell', 'interpreter'))
  AND NOT (rtrim(basename(s.exe), '.0123456789') NOT IN (SELECT name FROM known_programs
                                                         WHERE kind = 'shell')
           AND (s.cmdline LIKE '% -c %' OR s.cmdline LIKE '% -m %' OR s.cmdline LIKE '% -e %'))
