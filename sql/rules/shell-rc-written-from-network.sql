-- SPDX-License-Identifier: GPL-3.0-or-later
-- id: shell-rc-written-from-network
-- title: Start-up file of a shell written by a process with a connection
-- severity: high
-- techniques: T1546.004
-- tactics: persistence
-- description: A file that a shell reads when it starts was written by a process that was fed from
--   a connection or lies below a network server.
-- benign: installers that download and add themselves to the path.
SELECT f.process_id, f.id AS file_id, f.connection_id, f.path AS detail
FROM new_files AS f
WHERE f.place IN ('shell-rc', 'profile') AND f.op IN ('write', 'rename')
  AND (f.connection_id IS NOT NULL
       OR EXISTS (SELECT 1
                  FROM ancestors(f.process_id) AS a
                  JOIN processes AS s ON s.id = a.process_id
                  WHERE rtrim(basename(s.exe), '.0123456789') IN (SELECT name FROM known_programs
                                                                  WHERE kind = 'server')))
  AND NOT EXISTS (SELECT 1 FROM processes AS s WHERE s.id = f.process_id
      AND basename(s.exe) IN ('sshd', 'sftp-server', 'scp', 'rsync'))
