-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: unusual-port
-- title: Connection out to a port that back doors use by default
-- severity: low
-- techniques: T1571
-- tactics: command-and-control
-- description: A shell, an interpreter, a downloader or a program of a temporary folder connected
--   to a port that is known for back doors.
-- benign: applications that happen to use the port.
SELECT c.process_id, c.id AS connection_id, p.comm || ' to ' || c.remote_address || ' port '
    || c.remote_port AS detail
FROM new_connections AS c
JOIN processes AS p ON p.id = c.process_id
WHERE c.direction = 'out' AND c.protocol = 'tcp'
  AND c.remote_port IN (4444, 4445, 1337, 31337, 6666, 6667, 6697, 9001, 5555, 12345, 54321)
  AND (rtrim(basename(p.exe), '.0123456789') IN (SELECT name FROM known_programs
                                                 WHERE kind IN ('shell', 'interpreter', 'downloader'))
       OR p.exe REGEXP '^(/tmp|/var/tmp|/dev/shm)/')
