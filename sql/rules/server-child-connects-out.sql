-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: server-child-connects-out
-- title: Program started by a server connects out
-- severity: medium
-- techniques: T1190 T1071
-- tactics: initial-access command-and-control
-- description: A downloader, shell or interpreter below a network server opened a connection to
--   another address than the loopback.
-- benign: applications that run such tools by design.
SELECT c.process_id, c.id AS connection_id, p.comm || ' to ' || coalesce(c.remote_name,
    c.remote_address) || ' port ' || c.remote_port AS detail
FROM new_connections AS c
JOIN processes AS p ON p.id = c.process_id
WHERE c.direction = 'out' AND c.protocol = 'tcp'
  AND c.remote_address NOT LIKE '127.%' AND c.remote_address <> '::1'
  AND rtrim(basename(p.exe), '.0123456789') IN (SELECT name FROM known_programs
                                                WHERE kind IN ('shell', 'interpreter', 'downloader'))
  AND EXISTS (SELECT 1
              FROM ancestors(c.process_id) AS a
              JOIN processes AS s ON s.id = a.process_id
              WHERE a.depth > 0
                AND rtrim(basename(s.exe), '.0123456789') IN (SELECT name FROM known_programs
                                                              WHERE kind = 'server'))
